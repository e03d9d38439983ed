"""Runs a line of `similarity`, where Ctrl-C is one even if a shell ignores it.

python -m tests.client.interruptible WORDS
"""

import signal

from similarity_client.cli import run
from similarity_client.cli.sources import watching

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    watching.LOOK_S = 0.2
    run()
