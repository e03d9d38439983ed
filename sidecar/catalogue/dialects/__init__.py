"""What SQLite and PostgreSQL do differently: `dialect` names it, each does it in its own way.

`reserve` keeps room for SQLite's file on a volume that is full.
"""
