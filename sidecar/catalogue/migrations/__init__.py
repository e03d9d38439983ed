"""The migrations of the catalogue's tables, run by Alembic."""
