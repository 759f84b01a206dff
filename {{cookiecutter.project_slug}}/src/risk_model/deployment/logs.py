"""What the server writes to stderr: one JSON object a line, of this package alone.

A library that reads a recording may warn of what it holds, and a traceback of what it was given, so
neither is heard. No line holds anything of a request.
"""

from __future__ import annotations

import json
import logging
import warnings
from datetime import UTC, datetime

PACKAGE = __name__.partition(".")[0]


class JsonFormatter(logging.Formatter):
    """A record as a line of JSON, without its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Time (UTC), level, module and message."""
        now = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        facts = {"time": now, "level": record.levelname.lower(), "module": record.name}
        return json.dumps({**facts, "message": record.getMessage()})


def silence_libraries() -> None:
    """Lets only this package's own log lines out, as JSON."""
    ours = logging.StreamHandler()
    ours.addFilter(logging.Filter(PACKAGE))
    ours.setFormatter(JsonFormatter())
    logging.basicConfig(handlers=[ours], level=logging.WARNING, force=True)
    warnings.simplefilter("ignore")
