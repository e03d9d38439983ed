"""The history of the catalogue's tables, one file a step, run by Alembic."""
