"""Sets up the log: one line for each event, as text or as JSON. The one door to python-json-logger.

No line ever has the bytes of an image, a query string, or a key.
"""

import logging
import sys
import threading
import warnings
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from sidecar.settings import Settings
from sidecar.telemetry import request_ids

TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s%(request)s"
FIELDS = "%(asctime)s %(levelname)s %(name)s %(message)s"
NAMES = {"asctime": "time", "levelname": "level", "name": "logger"}
TIME = "%Y-%m-%dT%H:%M:%S%z"
QUIET = ("faiss.loader", "alembic")  # at INFO they list what they looked for


def set_up(settings: Settings) -> None:
    """Sends everything that any library logs to standard error, in one format."""
    handler = logging.StreamHandler(sys.stderr)
    if settings.log_format == "json":
        handler.setFormatter(
            JsonFormatter(FIELDS, TIME, rename_fields=NAMES, reserved_attrs=_reserved())
        )
    else:
        handler.setFormatter(logging.Formatter(TEXT))
    handler.addFilter(_with_request_id)
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel("WARNING")
    _take_in_what_python_prints()


def _take_in_what_python_prints() -> None:
    """Makes lines of the log out of what Python itself would print: warnings, and what nobody
    catches."""
    logging.captureWarnings(True)
    warnings.formatwarning = _warning
    sys.excepthook = lambda *error: _uncaught("an error that nobody caught", error)
    sys.unraisablehook = lambda raised: _uncaught(
        f"ignored in {raised.object!r}", (raised.exc_type, raised.exc_value, raised.exc_traceback)
    )
    threading.excepthook = lambda raised: _uncaught(
        f"a thread ended: {raised.thread}",
        (raised.exc_type, raised.exc_value, raised.exc_traceback),
    )


def _warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    line: str | None = None,
) -> str:
    """Returns a warning as one line."""
    text = " ".join(str(message).split())
    return f"{category.__name__}: {text} ({filename}:{lineno})"


def _uncaught(what: str, error: Any) -> None:
    if issubclass(error[0], KeyboardInterrupt):
        return
    logging.getLogger("python").error("%s", what, exc_info=error)


def _with_request_id(record: logging.LogRecord) -> bool:
    request_id = request_ids.current()
    record.request = f" {request_id}" if request_id else ""
    if request_id:
        record.request_id = request_id
    return True


def _reserved() -> list[str]:
    """Returns the fields that every record has: none of them belongs into a line."""
    bare = logging.makeLogRecord({})
    return [*vars(bare), "message", "asctime", "request", "color_message", "taskName"]
