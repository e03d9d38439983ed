"""Writes the tables of all pages anew: `python -m docs.tables`."""

from docs.tables.pages import write_all

write_all()
