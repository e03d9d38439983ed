"""The database's clock: all processes, on whatever host, measure a lease by the same one.

Sources: https://sqlite.org/lang_datefunc.html (julianday) and
https://www.postgresql.org/docs/current/functions-datetime.html (clock_timestamp, which goes on
within a transaction that has waited for its lock).
"""

from typing import Any

from sqlalchemy import Float
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

UNIX_EPOCH = 2440587.5  # as a Julian day


class DatabaseTime(FunctionElement[float]):
    """The seconds since 1970 by the clock of the database, when the statement runs."""

    type = Float()
    inherit_cache = True


@compiles(DatabaseTime, "sqlite")
def _sqlite(_element: DatabaseTime, _compiler: Any, **_: Any) -> str:
    return f"((julianday('now') - {UNIX_EPOCH}) * 86400.0)"


@compiles(DatabaseTime, "postgresql")
def _postgresql(_element: DatabaseTime, _compiler: Any, **_: Any) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) AS double precision)"
