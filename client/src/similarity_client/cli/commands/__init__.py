"""The subcommands, in the order in which --help lists them by name."""

import click

from similarity_client.cli.commands.add import add
from similarity_client.cli.commands.completion import completion
from similarity_client.cli.commands.duplicates import duplicates
from similarity_client.cli.commands.explaining import explain
from similarity_client.cli.commands.images import get, ls, thumbnail
from similarity_client.cli.commands.login import login
from similarity_client.cli.commands.removal import rm
from similarity_client.cli.commands.searching import search
from similarity_client.cli.commands.service import health, keywords, open_, stats
from similarity_client.cli.commands.tasks import cancel, task, tasks, train, update
from similarity_client.cli.commands.versions import models, retire, rollback, upgrade

COMMANDS: tuple[click.Command, ...] = (
    *(add, search, explain, get, ls, rm, thumbnail, keywords, duplicates),
    *(train, update, tasks, task, cancel),
    *(models, upgrade, rollback, retire),
    *(stats, health, open_, login, completion),
)

__all__ = ["COMMANDS"]
