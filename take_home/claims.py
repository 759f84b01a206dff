"""The reader of findings.toml: what a candidate claims about the cohort.

Standard library only, so that the take-home's own `make check` can read with it. A file of any
content gives claims and sentences, never an exception.
"""

from __future__ import annotations

import math
import os
import stat
import tomllib
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

TEXTS = Path(__file__).parent / "texts"
MOST_CLAIMS = 10
LARGEST_FILE = 64_000  # bytes
LONGEST_TEXT = 2_000  # characters of a reason
DEEPEST_KEY = 200  # dots; no reason has as many in a line
FIELDS = ("kind", "column", "site", "since", "until", "number", "decision", "why", "patients")
PLACES = ("column", "site", "since", "until")
SITES = ("Abbey", "Bridge", "Castle", "Dale", "Elm", "Ferry")


@dataclass(frozen=True)
class Kind:
    """A kind of problem, as the assignment describes it.

    Attributes:
        number: the definition of the number that a claim carries.
        tolerance: how far the number may be off: a share of it, or with `absolute` its own unit.
    """

    name: str
    title: str
    what: str
    number: str
    tolerance: float
    absolute: bool = False
    column: bool = False
    site: bool = False
    since: bool = False
    until: bool = False

    @property
    def places(self) -> tuple[str, ...]:
        """Which of column, site, since and until a claim of this kind names."""
        return tuple(name for name in PLACES if getattr(self, name))


@dataclass(frozen=True)
class Claim:
    """One [[finding]], checked; what was left out or could not be read is "" or None.

    `position` counts the findings of the file from 1.
    """

    position: int
    kind: str
    column: str = ""
    site: str = ""
    since: date | None = None
    until: date | None = None
    number: float | None = None
    decision: str = ""
    why: str = ""
    patients: str = ""


@dataclass(frozen=True)
class Claims:
    """The claims of a file, and one sentence for every mistake in it."""

    claims: tuple[Claim, ...]
    mistakes: tuple[str, ...] = ()


def _table(name: str) -> dict[str, Any]:
    return tomllib.loads((TEXTS / name).read_text(encoding="utf-8"))


KINDS = {name: Kind(name, **facts) for name, facts in _table("kinds.toml")["kinds"].items()}
DECISIONS: dict[str, str] = _table("kinds.toml")["decisions"]
COLUMNS = tuple(_table("columns.toml")["columns"])
CHOICES = {"kind": tuple(KINDS), "column": COLUMNS, "site": SITES, "decision": tuple(DECISIONS)}


def read(path: Path) -> Claims:
    """Reads findings.toml.

    Args:
        path: The file; a link, a folder, a pipe or a file of more than 64 kB is not read.

    Returns:
        At most ten claims whose kind, column and site are on the lists; mistakes in words that
        repeat nothing of the file but its names of fields.
    """
    try:
        content = _content(path)
        findings = _findings(content)
    except (OSError, ValueError) as error:
        return Claims((), (f"findings.toml: {_reason(error)}",))
    claims, mistakes = [], list[str]()
    if len(findings) > MOST_CLAIMS:
        mistakes.append(
            f"findings.toml: it has more than {MOST_CLAIMS} findings; the later are not read"
        )
    for position, finding in enumerate(findings[:MOST_CLAIMS], start=1):
        claim, faults = _claim(position, finding)
        claims += [claim] if claim else []
        mistakes += [f"finding {position}: {fault}" for fault in faults]
    return Claims(tuple(claims), tuple(mistakes))


def regular_file(path: Path, largest: int) -> bytes:
    """The bytes of a plain file.

    Raises:
        OSError: it is not there, or a link.
        ValueError: it is no plain file, or larger than `largest` bytes.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is no plain file; hand in a plain file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(largest + 1)
    finally:
        os.close(descriptor)
    if len(content) > largest:
        raise ValueError(f"it is larger than {largest // 1000:,} kB; shorten it")
    return content


def _content(path: Path) -> str:
    try:
        return regular_file(path, LARGEST_FILE).decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("it is no UTF-8 text; save it as UTF-8") from None


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file; write your findings into it"
    if isinstance(error, OSError):
        return "it cannot be opened as a plain file; hand in a plain file, no link"
    return str(error)


def _findings(content: str) -> list[Any]:
    too_deep = "it is nested too deeply; write [[finding]] tables"
    # The time that tomllib takes grows with the square of a key's depth.
    if max(piece.count(".") for piece in content.replace("\n", "=").split("=")) > DEEPEST_KEY:
        raise ValueError(too_deep)
    try:
        whole = tomllib.loads(content)
    except RecursionError:
        raise ValueError(too_deep) from None
    except ValueError as error:  # long numbers raise a plain ValueError
        place = str(error).partition("(at ")[2].rstrip(")")
        at = place if place.startswith(("line", "end")) else "some line"
        raise ValueError(f"it is no TOML at {at}; compare with the example") from None
    findings = whole.get("finding", [])
    if not isinstance(findings, list) or set(whole) - {"finding"}:
        raise ValueError("it may hold [[finding]] tables only; compare with the example")
    return findings


def _claim(position: int, finding: Any) -> tuple[Claim | None, list[str]]:
    """A claim, or None where its kind or place cannot be told; and what is wrong with it."""
    if not isinstance(finding, dict):
        return None, ["it is no table; write [[finding]] above it"]
    faults = []
    if set(finding) - set(FIELDS):
        faults.append(f"it has a field that is none of {', '.join(FIELDS)}; take it out")
    chosen: dict[str, str] = {}
    for name, choices in CHOICES.items():
        value = finding.get(name, "")
        chosen[name] = value if isinstance(value, str) and value in choices else ""
        if value != "" and not chosen[name]:
            faults.append(f"its {name} is not on the list; use {_listed(name)}")
    if not chosen["kind"]:
        return None, [*faults, *([] if "kind" in finding else ["it has no kind; name one"])]
    places = KINDS[chosen["kind"]].places
    faults += _misplaced(finding, chosen["kind"])
    if any(name in places and not chosen[name] for name in ("column", "site")):
        return None, faults
    since, until, wrong_dates = _dates(finding, places)
    number, wrong_number = _number(finding.get("number"))
    why, patients, wrong_texts = _texts(finding)
    named = {name: chosen[name] if name in places else "" for name in ("column", "site")}
    claim = Claim(
        position=position,
        kind=chosen["kind"],
        **named,
        since=since,
        until=until,
        number=number,
        decision=chosen["decision"],
        why=why,
        patients=patients,
    )
    return claim, [*faults, *wrong_dates, *wrong_number, *wrong_texts]


def _listed(name: str) -> str:
    if name == "column":
        return "a column of dictionary.csv"
    return ", ".join(CHOICES[name])


def _misplaced(finding: dict[str, Any], kind: str) -> list[str]:
    """Places that the kind needs and the claim lacks, or the other way round."""
    places = KINDS[kind].places
    lacks = [name for name in places if finding.get(name, "") == ""]
    extra = [name for name in PLACES if name not in places and finding.get(name, "") != ""]
    faults = [f"a {kind} needs {name}; name it" for name in lacks]
    return faults + [f"a {kind} has no {name}; take it out" for name in extra]


def _dates(
    finding: dict[str, Any], places: tuple[str, ...]
) -> tuple[date | None, date | None, list[str]]:
    days: dict[str, date | None] = {}
    faults = []
    for name in ("since", "until"):
        value = finding.get(name, "") if name in places else ""
        days[name] = _day(value)
        if value != "" and days[name] is None:
            faults.append(f"its {name} is no date; write {name} = 2021-03-01")
    since, until = days["since"], days["until"]
    if since and until and since > until:
        faults.append("its since is later than its until; exchange them")
    return since, until, faults


def _day(value: Any) -> date | None:
    """A TOML date, or a text that is one."""
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, date) and not isinstance(value, datetime) else None


def _number(value: Any) -> tuple[float | None, list[str]]:
    if value is None:
        return None, ["it has no number; give the one that its kind asks for"]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None, ["its number is no number; write number = 12.5"]
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        return None, ["its number is not finite; write number = 12.5"]
    return number, []


def _texts(finding: dict[str, Any]) -> tuple[str, str, list[str]]:
    texts, faults = [], []
    for name in ("why", "patients"):
        value = finding.get(name, "")
        if not isinstance(value, str) or len(value) > LONGEST_TEXT:
            faults.append(f"its {name} is no text of at most {LONGEST_TEXT:,} characters")
            value = ""
        elif any(not (mark.isprintable() or mark in "\n\t") for mark in value):
            faults.append(f"its {name} holds characters that cannot be printed; take them out")
            value = ""
        texts.append(value.strip())
    if finding.get("decision", "") == "":
        faults.append("it has no decision; name one")
    return texts[0], texts[1], faults
