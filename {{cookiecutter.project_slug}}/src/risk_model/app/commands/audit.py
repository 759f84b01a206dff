"""audit: whether anybody edited the audit log."""

from __future__ import annotations

import sys
from pathlib import Path

from risk_model.app.flags import FlagParser
from risk_model.core.files import user_path


def audit(arguments: list[str]) -> int:
    """Verifies the log; returns 1 when a record does not follow from the one before it."""
    parser = FlagParser("audit")
    parser.add_argument("log", type=user_path, nargs="?", default=Path("audit/audit.db"))
    head = "a head kept from an earlier verification, which must still be there"
    parser.add_argument("--head", default="", help=head)
    flags = parser.parse_args(arguments)
    from risk_model.deployment.audit_verification import verify

    verdict = verify(flags.log, flags.head)
    print(f"{flags.log}: {verdict.records:,} records follow from the first; head {verdict.head}")
    if verdict.problem:
        print(f"error: {flags.log}: {verdict.problem}; keep the file as evidence", file=sys.stderr)
    return 1 if verdict.problem else 0
