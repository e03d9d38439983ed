"""The subcommands, in the order in which --help lists them by name."""

import click

from similarity_client.cli.commands.add import add
from similarity_client.cli.commands.service import health, stats

COMMANDS: tuple[click.Command, ...] = (add, stats, health)

__all__ = ["COMMANDS"]
