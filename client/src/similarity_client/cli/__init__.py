"""The command `similarity`: what the client can do, for a terminal and for scripts.

    line ──► root ──► one of commands ──► session (client, talk) ──► an exit code

Data goes to stdout, talk to stderr.
"""

import sys


def run() -> None:
    """Runs the command, as the console script does."""
    try:
        from similarity_client.cli.root import root
    except ImportError as error:
        needed = "pip install 'similarity-client[cli]'"
        package = str(error.name).partition(".")[0]
        sys.exit(f"{package} is missing; the command needs: {needed}")
    root.main()


__all__ = ["run"]
