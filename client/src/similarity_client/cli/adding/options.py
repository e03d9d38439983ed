"""The options of `add`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from similarity_client.cli.adding.naming import FIELDS

SHOWN_FIELDS = "\n".join(f"  {{{name}}}".ljust(12) + text for name, text in FIELDS.items())
HELP = f"""Add images; run again, it sends only what is not stored yet.

\b
  similarity add cat.jpg dog.png
  similarity add photos/ --recursive --id-from path --errors failed.ndjson
  similarity add photos.zip more.tar.gz --metadata prices.csv --train --wait
  curl -s https://example.com/cat.jpg | similarity add -

A PATH is an image, a folder, a zip, or a tar (plain, gzip, bzip2 or xz); - is an image or an
archive from stdin, by its content. Of folders and archives those files are taken whose names end
as images do, or that fit an --include; never hidden ones. A file that is named is always tried.

\b
Fields of a template for --id-from, as in {{parent}}-{{stem}}:
{SHOWN_FIELDS}
"""
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
OPTIONS = (
    click.argument(
        "paths",
        nargs=-1,
        required=True,
        metavar="PATH...",
        type=click.Path(exists=True, allow_dash=True, path_type=Path),
    ),
    click.option(
        "--id-from",
        default="name",
        show_default=True,
        metavar="RULE",
        help="name, path, sha256, or a template. An image from stdin has its SHA-256 as its name.",
    ),
    click.option("--recursive", "-r", is_flag=True, help="Go into the folders of a folder."),
    click.option("--include", multiple=True, metavar="GLOB", help="Take only these; repeatable."),
    click.option("--exclude", multiple=True, metavar="GLOB", help="Leave these out; repeatable."),
    click.option(
        "--metadata",
        type=FILE,
        metavar="FILE",
        help="What is said of images, by id, path or name: JSON, .ndjson or .csv.",
    ),
    click.option("--overwrite", is_flag=True, help="Replace images that differ."),
    click.option(
        "--unique", is_flag=True, help="Leave out images that are stored under another id."
    ),
    click.option(
        "--parallel",
        type=click.IntRange(1, 256),
        default=16,
        show_default=True,
        help="How many are sent at once.",
        metavar="N",
    ),
    click.option("--dry-run", is_flag=True, help="List what would be sent, and send nothing."),
    click.option("--watch", is_flag=True, help="Look for new and changed files until Ctrl-C."),
    click.option("--train", "task", flag_value="train", default=None, help="Then train the index."),
    click.option("--update", "task", flag_value="update", help="Then bring the index up to date."),
    click.option("--wait", is_flag=True, help="Until that task has ended."),
    click.option(
        "--errors",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Write each failure there: path, id, word, detail.",
    ),
    click.option(
        "--on-error",
        type=click.Choice(["continue", "stop"]),
        default="continue",
        show_default=True,
        help="What is done after an image that failed.",
    ),
)


def with_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a command with these options."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command
