"""`python -m similarity_client.cli` is `similarity`."""

from similarity_client.cli import run

run()
