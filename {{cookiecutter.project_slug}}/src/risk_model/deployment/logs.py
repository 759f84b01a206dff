"""What the server writes to stderr: one JSON object a line, and nothing of a request.

A library may tell in a warning what a recording holds, and an exception in its message what a
function was given. So this package's own lines are written as they are, and of everything else that
goes wrong, wherever it does, only where and the type of the exception: no message, no traceback.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import warnings
from datetime import UTC, datetime

PACKAGE = __name__.partition(".")[0]

logger = logging.getLogger(__name__)


class JsonFormatter(logging.Formatter):
    """A record as a line of JSON, without its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Time (UTC), level, module and message; of a library's record the type of its error."""
        now = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        facts = {"time": now, "level": record.levelname.lower(), "module": record.name}
        kind = record.exc_info[0] if record.exc_info else None
        message = record.getMessage() if _own(record) else f"an error of a library: {_name(kind)}"
        return json.dumps({**facts, "message": message})


def silence_libraries() -> None:
    """Lets out this package's own log lines, as JSON, and of other errors their type alone."""
    heard = logging.StreamHandler()
    heard.addFilter(lambda record: _own(record) or record.levelno >= logging.ERROR)
    heard.setFormatter(JsonFormatter())
    logging.basicConfig(handlers=[heard], level=logging.WARNING, force=True)
    warnings.simplefilter("ignore")
    # what Python itself would print, with a traceback, where nobody catches an exception
    sys.excepthook = lambda kind, *_: _note("the process ends", kind)
    sys.unraisablehook = lambda unraisable: _note("something was thrown away", unraisable.exc_type)
    threading.excepthook = lambda ended: _note("a thread ended", ended.exc_type)


def _own(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] == PACKAGE


def _note(what: str, kind: type[BaseException] | None) -> None:
    logger.error("%s: %s", what, _name(kind))


def _name(kind: type[BaseException] | None) -> str:
    return kind.__name__ if kind else "not an exception"
