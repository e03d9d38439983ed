"""Proves the containers, also on a machine that has no engine: `make check-deploy`."""
