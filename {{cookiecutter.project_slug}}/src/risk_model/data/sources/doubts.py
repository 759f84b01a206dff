"""Doubts about a table: what the reader will not decide alone, and the setting that answers it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from risk_model.core.errors import UserError
from risk_model.core.findings import Finding
from risk_model.core.setting_syntax import setting


def accepted(name: str, reason: str = "why this is right") -> str:
    """The setting that answers a doubt about a column with a reason."""
    return setting("data.accept", {name: reason})


def missing_in(name: str, codes: Sequence[str]) -> str:
    """The setting by which these values of a column mean "not recorded"."""
    return setting("data.missing_in", [f"{name}={code}" for code in codes])


def answered(doubts: Sequence[Finding], accept: dict[str, str]) -> list[Finding]:
    """The doubts, those that data.accept answers as warnings that quote the reason.

    Raises:
        UserError: doubts that would change the split or the audit are not answered; all are named.
    """
    open_doubts = [d for d in doubts if d.severity == "error" and d.where not in accept]
    if open_doubts:
        lines = [f"{d.where}: {d.message}; {d.remedy}" for d in open_doubts]
        many = f"{len(lines)} questions before anything is learned:\n  " if len(lines) > 1 else ""
        raise UserError(many + "\n  ".join(lines))
    return [_lowered(doubt, accept) for doubt in doubts]


def _lowered(doubt: Finding, accept: dict[str, str]) -> Finding:
    if doubt.where not in accept:
        return doubt
    message = f"{doubt.message}; accepted: {accept[doubt.where]}"
    return replace(doubt, severity="warning", message=message, remedy="")
