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
        """Time (UTC), level, module and message; of a library's record the type of its error."""
        now = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        facts = {"time": now, "level": record.levelname.lower(), "module": record.name}
        kind = record.exc_info[0] if record.exc_info else None
        of_library = f"an error of a library: {kind.__name__ if kind else 'not an exception'}"
        message = record.getMessage() if _own(record) else of_library
        return json.dumps({**facts, "message": message})


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
    told = LOGGED in getattr(record.exc_info and record.exc_info[1], "__notes__", ())
    return _own(record) or (record.levelno >= logging.ERROR and not told)


def _own(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] == PACKAGE
