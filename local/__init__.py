"""Runs the stack without containers: the real servers, started from pip's packages."""
