"""audit: whether anybody edited the audit log, its keys, and what else is done with it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from risk_model.app.flags import FlagParser
from risk_model.core.files import user_path
from risk_model.core.optional import optional_module

LOG = Path("audit/audit.db")


def audit(arguments: list[str]) -> int:
    """Verifies logs, or does what the first word says; returns 1 when a log does not verify."""
    more = optional_module("app.audit_actions")
    actions: dict[str, Callable[[list[str]], int]] = {"verify": verify, "keys": keys}
    actions |= more.ACTIONS if more else {}
    if arguments and arguments[0] in actions:
        return actions[arguments[0]](arguments[1:])
    return verify(arguments, f"audit {{{','.join(actions)}}} --help: what else it does")


def verify(arguments: list[str], others: str = "") -> int:
    """Reads logs from their first record; returns 1 when one is not what was written."""
    parser = FlagParser("audit")
    parser.epilog = others
    parser.add_argument("logs", type=user_path, nargs="*", default=[LOG], metavar="LOG")
    vkey = "file of the verifier keys (default: beside the log's folder)"
    parser.add_argument("--vkey", type=user_path, metavar="FILE", help=vkey)
    kept = "files of checkpoints kept elsewhere: only they show that a log was cut or restored"
    parser.add_argument("--checkpoints", type=user_path, nargs="+", default=[], help=kept)
    flags = parser.parse_args(arguments)
    from risk_model.deployment.audit.verify import verify as verified

    status, verdict = 0, None
    for log in reversed(flags.logs):  # a segment says where the one before it ended
        verdict = verified(log, flags.vkey, flags.checkpoints, later=verdict)
        compared = f"; {verdict.kept:,} kept checkpoints hold" if flags.checkpoints else ""
        print(f"{log}: holds up to record {verdict.records:,}, root {verdict.root}{compared}")
        if verdict.set_back:
            told = f"record {verdict.set_back:,} is dated before the one before it"
            print(f"{log}: {told}: a clock was set back; the numbers give the order")
        problem = str(verdict.problem or "")
        if flags.checkpoints and not verdict.kept:
            problem = problem or "none of the kept checkpoints is of this log"
        if problem:
            print(f"error: {log}: {problem}; keep the file as evidence", file=sys.stderr)
            status = 1
    return status


def keys(arguments: list[str]) -> int:
    """Makes the keys of a log."""
    parser = FlagParser("audit")
    help = "a new folder, on another disk than the log's (default: where serve looks for them)"
    parser.add_argument("directory", type=user_path, nargs="?", help=help)
    origin = "the log's name in its checkpoints (default: a random one)"
    parser.add_argument("--origin", default="", help=origin)
    flags = parser.parse_args(arguments)
    from risk_model.deployment.audit.checkpoint import make_keys
    from risk_model.deployment.audit.store import default_keys

    directory = flags.directory or default_keys(LOG)
    verifier = make_keys(directory, flags.origin)
    print(f"{directory}: keep a copy where the server is not; publish {verifier.vkey}")
    return 0
