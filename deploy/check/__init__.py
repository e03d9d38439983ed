"""The containers, proved on a machine that has none: `make check-deploy`."""
