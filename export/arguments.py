"""Types of command-line arguments, and a parser whose errors take one line."""

import argparse
from pathlib import Path
from typing import NoReturn

from export.errors import ExportRefused


class Parser(argparse.ArgumentParser):
    """Reports a wrong argument as `ExportRefused`, on one line."""

    def error(self, message: str) -> NoReturn:
        raise ExportRefused(message)


def positive(text: str) -> int:
    """Reads an integer from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no positive integer")
    return int(text)


def natural(text: str) -> int:
    """Reads an integer from 0 on."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is no integer from 0 on")
    return int(text)


def file(text: str) -> Path:
    """Reads the path of an existing file."""
    if not Path(text).is_file():
        raise argparse.ArgumentTypeError(f"there is no file '{text}'")
    return Path(text)


def folder(text: str) -> Path:
    """Reads the path of an existing folder."""
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder '{text}'")
    return Path(text)
