"""Makes databases of both kinds: tests ask the same of both."""

import uuid

import psycopg

KINDS = ("sqlite", "postgresql")


def new_database(server: str, template: str = "template1") -> str:
    """Makes a database in a PostgreSQL, like the template or empty; returns its SQLAlchemy URL."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    return f"{server.rpartition('/')[0]}/{name}"
