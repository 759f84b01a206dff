"""Doubts about a table: what the reader will not decide alone, and the setting that answers it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import replace

from risk_model.core.errors import UserError
from risk_model.core.findings import Finding


def setting(key: str, value: str | Sequence[str]) -> str:
    """A setting as it can be pasted into a shell: `data.exclude=[age]`."""
    text = value if isinstance(value, str) else f"[{','.join(map(_shown, value))}]"
    return shlex.quote(f"{key}={text}")


def mapping(key: str, name: str, value: str | Sequence[str]) -> str:
    """A setting of one column as it can be pasted: `data.accept={age: "infants"}`.

    A name that Hydra would not take for a key stands in quotes, which makes it JSON.
    """
    if isinstance(value, str):
        return shlex.quote(f"{key}={{{_shown(name)}: {_quoted(value)}}}")
    return shlex.quote(f"{key}={{{_shown(name)}:[{','.join(map(_quoted, value))}]}}")


def _shown(text: str) -> str:
    """A text as it is where Hydra reads it so, else in quotes."""
    typed = text.casefold() in ("null", "true", "false", "nan", "inf", "infinity")
    plain = re.fullmatch(r"[A-Za-z_][\w-]*", text, re.ASCII) and not typed
    return text if plain else _quoted(text)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def accepted(name: str, reason: str = "why this is right") -> str:
    """The setting that answers a doubt about a column with a reason."""
    return mapping("data.accept", name, reason)


def missing_in(name: str, codes: Sequence[str]) -> str:
    """The setting by which these values of a column mean "not recorded"."""
    return mapping("data.missing_in", name, codes)


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
