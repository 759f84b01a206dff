"""What the server writes to stderr: one JSON object a line, and nothing of a request.

A library may tell in a warning what a recording holds, and an exception what a function was given.
So of what goes wrong outside this package's own lines only the exception's type is written.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import warnings
from datetime import UTC, datetime

PACKAGE = __name__.partition(".")[0]
LOGGED = "logged"  # a note on an exception that this package told of, which uvicorn would repeat

logger = logging.getLogger(__name__)


class JsonFormatter(logging.Formatter):
    """A record as a line of JSON, without its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Time (UTC), level, module and message."""
        now = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        facts = {"time": now, "level": record.levelname.lower(), "module": record.name}
        return json.dumps({**facts, "message": record.getMessage()})


def silence_libraries() -> None:
    """Lets out this package's own log lines, as JSON, and of other errors their type alone."""
    heard = logging.StreamHandler()
    heard.addFilter(_heard)
    heard.setFormatter(JsonFormatter())
    logging.basicConfig(handlers=[heard], level=logging.WARNING, force=True)
    warnings.simplefilter("ignore")
    # what Python itself would print, with a traceback, where nobody catches an exception
    sys.excepthook = lambda kind, *_: logger.error("the process ends: %s", kind.__name__)
    sys.unraisablehook = lambda it: logger.error("a destructor failed: %s", it.exc_type.__name__)
    threading.excepthook = lambda it: logger.error("a thread ended: %s", it.exc_type.__name__)


def _heard(record: logging.LogRecord) -> bool:
    """Whether a record is written; of a library's the words are replaced by its error's type."""
    if record.name.partition(".")[0] == PACKAGE:
        return True
    error = record.exc_info[1] if record.exc_info else None
    kind = type(error).__name__ if error else "not an exception"
    record.msg, record.args = f"an error of a library: {kind}", ()
    return record.levelno >= logging.ERROR and LOGGED not in getattr(error, "__notes__", ())
