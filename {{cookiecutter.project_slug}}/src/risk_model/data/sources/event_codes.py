"""What is in an events table: each code, how often, of whom, in which units, and its usual range.

From the same description comes a specification to edit, so that nobody writes the ranges by hand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from risk_model.data.sources.event_tables import EventTable, database
from risk_model.signals.events_units import ucum_spelling

LISTED = 60  # codes printed
MEASURED = 40  # codes of a skeleton, the ones of most subjects
COMMON = 0.05  # of the subjects have a code of a skeleton
STARTS = ("ADMISSION", "HOSPITAL_ADMISSION", "ENCOUNTER_START")
ENDS = ("DISCHARGE", "HOSPITAL_DISCHARGE", "ENCOUNTER_END")
DEATH = "MEDS_DEATH"
LATER_CALENDAR = (
    "{:,} events are later than today: state end_of_data, none where the calendar is made up"
)


@dataclass(frozen=True)
class UnitCount:
    """A unit as the source writes it, "" for none, and the events in it."""

    unit: str
    events: int


@dataclass(frozen=True)
class CodeSummary:
    """A code of an events table.

    `share` is of all subjects; `units` are of the events with a number, the commonest first; `low`
    and `high` are nearly their 1st and 99th percentile, None without numbers; `smallest` the least.
    """

    code: str
    events: int
    subjects: int
    share: float
    units: tuple[UnitCount, ...]
    low: float | None
    high: float | None
    smallest: float | None

    @property
    def mixed(self) -> bool:
        """Whether its numbers are in several units, spellings of one apart."""
        return len({ucum_spelling(each.unit) for each in self.units}) > 1


def describe_codes(table: EventTable) -> list[CodeSummary]:
    """The codes of a table, those of most subjects first."""
    con = database(table.path.parent)
    source = "read_parquet('" + str(table.path).replace("'", "''") + "')"
    try:
        units: dict[str, list[UnitCount]] = {}
        counted = con.execute(
            f"""select code, unit, count(*) as n from {source} where numeric_value is not null
            group by all order by code, n desc, unit"""  # noqa: S608 the path is quoted
        ).fetchall()
        for code, unit, count in counted:
            units.setdefault(code, []).append(UnitCount(unit, count))
        rows = con.execute(
            # t-digest and grouping: neither keeps all values of a code in memory
            f"""with people as (select code, count(*) as s from
                (select distinct code, subject_id from {source}) group by code)
            select code, count(*), any_value(s) as s, approx_quantile(numeric_value, 0.01),
                approx_quantile(numeric_value, 0.99), min(numeric_value)
            from {source} join people using (code) group by code order by s desc, code"""  # noqa: S608
        ).fetchall()
    finally:
        con.close()
    return [
        CodeSummary(code, n, s, s / table.subjects, tuple(units.get(code, ())), low, high, least)
        for code, n, s, low, high, least in rows
    ]


def code_lines(codes: Sequence[CodeSummary]) -> list[str]:
    """The description for the console: a line a code, then each code in several units."""
    width = max((len(each.code) for each in codes[:LISTED]), default=4)
    lines = [f"{'code':<{width}}  {'events':>11}  subjects  1st to 99th percentile, unit"]
    for each in codes[:LISTED]:
        usual = "no numbers" if each.low is None else f"{each.low:.4g} to {each.high:.4g}"
        unit = each.units[0].unit if each.units else ""
        line = f"{each.code:<{width}}  {each.events:>11,}  {each.share:>8.1%}  {usual} {unit}"
        lines.append(line.rstrip())
    if len(codes) > LISTED:
        lines.append(f"and {len(codes) - LISTED:,} more codes")
    return lines + mixture_lines(codes)


def mixture_lines(codes: Sequence[CodeSummary]) -> list[str]:
    """A line for each code whose numbers are in several units, with the events in each."""
    lines = []
    for each in (code for code in codes if code.mixed):
        total = sum(unit.events for unit in each.units)
        parts = [
            f"{unit.events:,} in {unit.unit or 'no unit'} ({unit.events / total:.1%})"
            for unit in each.units
        ]
        lines.append(
            f"{each.code}: several units: {', '.join(parts)}; state the factors under from"
        )
    return lines


def skeleton(codes: Sequence[CodeSummary], made_up_calendar: bool = False) -> str:
    """A specification in YAML, to be edited: its gaps say what nobody can know from the files.

    Ranges are the 1st and 99th percentile and as much again on both sides. With a made-up calendar
    the data have no end.
    """
    start, end = (_first(codes, names) for names in (STARTS, ENDS))
    death = DEATH if any(each.code == DEATH for each in codes) else ""
    lines = [
        '# When is the risk asked for? "which" is first, last or all.',
        f"index: {{event: {_text(start)}, plus: 24h, which: first}}",
        "eligible:",
        '  any event before: {some_of: ["*"], within: 24h, at_least: 1}',
        "outcome:",
        f"  event: [{_text(death)}]",
        "  gap: 0h  # what happens in it is neither predicted nor learned from",
        f"  until: {_text(end)}" if end else "  horizon: 30d",
        '  not_followed:  # exclude, or "no event": say which',
        *(["end_of_data: none  # or a date: events are later than today"] * made_up_calendar),
        "features:",
        "  windows: [since start, 12h]",
        "  take: [last, min, max, mean, count, hours_since]",
        "  measured:",
    ]
    names: set[str] = set()
    measured = [each for each in codes if each.low is not None and each.share >= COMMON]
    return "\n".join(lines + [_measured(each, names) for each in measured[:MEASURED]]) + "\n"


def write_skeleton(
    codes: Sequence[CodeSummary], path: Path, made_up_calendar: bool = False
) -> bool:
    """Writes the skeleton where there is no file yet; whether it did."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(skeleton(codes, made_up_calendar))
    except FileExistsError:
        return False
    return True


def _first(codes: Sequence[CodeSummary], names: Sequence[str]) -> str:
    """The commonest code that is one of the names, or begins with one and a slash."""
    for each in codes:
        if each.code.split("/")[0] in names:
            return each.code
    return ""


def _measured(code: CodeSummary, names: set[str]) -> str:
    name = re.sub(r"[^a-z0-9]+", "_", code.code.lower()).strip("_") or "code"
    while name in names:
        name += "_2"
    names.add(name)
    unit = code.units[0].unit
    others = [each.unit for each in code.units[1:]]
    asked = f"  # also in {', '.join(o or 'no unit' for o in others)}" if code.mixed else ""
    low, high = _range(code)
    return (
        f"    {name}: {{code: {_text(code.code)}, unit: {_text(unit)}, "
        f"range: [{low:g}, {high:g}]}}{asked}"
    )


def _range(code: CodeSummary) -> tuple[float, float]:
    low, high = code.low or 0.0, code.high or 0.0
    spread = (high - low) or abs(high) or 1.0
    least = low - spread
    if code.smallest is not None and code.smallest >= 0:
        least = max(least, 0.0)
    return float(f"{least:.3g}"), float(f"{high + spread:.3g}")


def _text(text: str) -> str:
    """A text in the quotes of YAML, which takes those of JSON."""
    return json.dumps(text, ensure_ascii=False)
