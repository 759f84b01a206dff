"""Anybody's events as a cohort: files and a page that says who it is, and nothing else.

Without a page the codes are described, and a page to edit is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np
import pandas as pd

from risk_model.config.events import Events
from risk_model.core import cohort
from risk_model.core.column_reading import ColumnReading
from risk_model.core.errors import UserError
from risk_model.core.findings import Finding
from risk_model.core.schema import Schema
from risk_model.data.sources.event_codes import (
    LATER_CALENDAR,
    code_lines,
    describe_codes,
    write_skeleton,
)
from risk_model.data.sources.event_features import CodeUse, check_units, code_uses, whole_rows
from risk_model.data.sources.event_flow import Cohort as Selected
from risk_model.data.sources.event_flow import Flow, cohort_of
from risk_model.data.sources.event_labels import labelled_cohort
from risk_model.data.sources.event_long_tables import Columns
from risk_model.data.sources.event_moments import Moments, connect
from risk_model.data.sources.event_tables import EventFiles, EventTable, read_events
from risk_model.signals.event_schema import Page, page_of, schema_of
from risk_model.signals.event_spec import BIRTH, YEAR, Spec
from risk_model.signals.event_spec_reading import read_spec
from risk_model.signals.recording_store import in_memory

NEW_PAGE = "events.yaml"  # where a page to edit is written
END_OF_TIME = "9998-12-31"  # of calendars that are made up
EXAMPLE = "a folder of MEDS or FHIR files, or a CSV file"


@dataclass(frozen=True)
class EventCohort(cohort.Cohort):
    """A cohort made of events; `flow` says who was left out of it and why."""

    flow: Flow | None = None


def load(settings: Events) -> EventCohort:
    """The cohort that the page describes in these files.

    Raises:
        UserError: a setting, the page or the files are wrong, or there is no page yet.
    """
    if not settings.path:
        raise UserError(f"data.path is not set; say data.path=… ({EXAMPLE}) and data.spec=…")
    path = Path(settings.path)
    page = page_for(settings)
    if page is None:
        raise _described(settings)
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", path.stem).strip("-.") or "events"
    return cohort_from(settings, page, name, f"{path.name}, supplied by the user")


def page_for(settings: Events) -> Page | None:
    """The page that the settings name, a package's before one's own; None for none."""
    if settings.schema:
        schema = Schema.from_json(Path(settings.schema).read_text(encoding="utf-8"))
        if not schema.spec:
            raise UserError(
                f"{settings.schema}: the package was not trained on events; use data=csv"
            )
        return page_of(schema.spec)
    if not settings.spec:
        return None
    return Page(read_spec(Path(settings.spec)), settings.timezone, tuple(settings.day_only))


def event_files(settings: Events, end_of_data: str) -> EventFiles:
    """What the settings say about the files; UserError for a column that no event has."""
    known, called = vars(Columns()), dict(text.partition("=")[::2] for text in settings.columns)
    for name, theirs in called.items():
        if name not in known or not theirs:
            raise UserError(
                f"data.columns: {name!r} names no column of events; write name=column, with one of "
                f"{', '.join(known)}"
            )
    end = END_OF_TIME if end_of_data == "none" else end_of_data
    return EventFiles(
        Path(settings.path),
        settings.timezone,
        end,
        tuple(settings.day_only),
        Columns(**called),
    )


def cohort_from(settings: Events, page: Page, name: str, source: str) -> EventCohort:
    """The cohort of that name that a page describes in the files of the settings."""
    spec = page.spec
    for key in ("recorded_after", "compare_with"):
        if getattr(settings, key):
            raise UserError(
                f"data.{key} is for tables; take what no model shall see out of the page instead"
            )
    with TemporaryDirectory(prefix="events-") as folder:
        table = read_events(event_files(settings, spec.end_of_data), Path(folder))
        now = round(datetime.now(UTC).timestamp()) * 1_000_000
        con = connect(table.path, spec.end(now))
        try:
            uses = code_uses(con, spec, elsewhere=bool(settings.schema))
            check_units(uses)
            made = cohort_at(con, spec, settings)
            if not len(made.outcome):
                raise UserError(f"{settings.path}: {made.flow.sentence()}; change the page")
            rows, index = whole_rows(con, spec, made.moments), _index(con, spec, made.moments)
        finally:
            con.close()
    schema = schema_of(name, page)
    return EventCohort(
        schema,
        pd.DataFrame(rows[:, : schema.simple].astype(np.float64), columns=schema.names),
        made.outcome.astype(np.int8),
        index,
        source,
        tuple(_notes(table, uses, made.flow)),
        signals=in_memory(rows[:, schema.simple :]) if schema.cells else None,
        columns=tuple(_readings(spec, uses)),
        flow=made.flow,
    )


def cohort_at(con: duckdb.DuckDBPyConnection, spec: Spec, settings: Events) -> Selected:
    """The moments and outcomes by the page's rules, or of the file of labels that it names."""
    if not spec.labels:
        return cohort_of(con, spec)
    if settings.schema and not settings.labels:
        raise UserError("data.labels is not set: the package learnt from labels; name a file here")
    return labelled_cohort(con, Path(settings.labels or spec.labels), settings.timezone)


def _described(settings: Events) -> UserError:
    """Prints the codes and writes a page to edit; the line that says so."""
    with TemporaryDirectory(prefix="events-") as folder:
        table = read_events(event_files(settings, "none"), Path(folder))
        codes, later = describe_codes(table), _later(table)
    print("\n".join([*_unused(table), *code_lines(codes)]), flush=True)
    if later:
        print(LATER_CALENDAR.format(later), flush=True)
    written = write_skeleton(codes, Path(NEW_PAGE), made_up_calendar=bool(later))
    state = "was written: edit it" if written else "is there already: edit it, or remove it"
    return UserError(
        f"data.spec is not set: {NEW_PAGE} {state}, say at outcome who is not followed, and add "
        f"data.spec={NEW_PAGE}"
    )


def _unused(table: EventTable) -> list[str]:
    """What of the files is not used: columns, and lines or resources by reason."""
    lines = [f"columns that are not read: {', '.join(table.unread)}"] if table.unread else []
    return lines + [f"left out, {reason}: {count:,}" for reason, count in table.left_out.items()]


def _later(table: EventTable) -> int:
    """How many events are later than today."""
    con = connect(table.path)
    now = round(datetime.now(UTC).timestamp()) * 1_000_000
    query = f"select count(*) filter (time > {now}) from events"  # noqa: S608 a number
    later = int(con.execute(query).fetchall()[0][0])
    con.close()
    return later


def _index(con: duckdb.DuckDBPyConnection, spec: Spec, moments: Moments) -> pd.DataFrame:
    """Whose moment it is and when, and age and sex where the events tell them.

    Without a real calendar the moment has no date.
    """
    index = pd.DataFrame({"subject_id": moments.subject.astype(str)})
    if spec.end_of_data != "none":
        index["prediction_time"] = pd.to_datetime(moments.at, unit="us")
    people = con.sql(
        f"""select subject_id, min(time) filter (code = '{BIRTH}') as birth,
        case when count(distinct code) filter (starts_with(code, 'GENDER/')) = 1
        then ltrim(any_value(code) filter (starts_with(code, 'GENDER/'))[7:], '/') end as sex
        from events group by subject_id"""  # noqa: S608 a constant
    ).df()
    people = people.set_index(people.pop("subject_id").astype(str)).reindex(index["subject_id"])
    birth = pd.to_numeric(people["birth"]).to_numpy(dtype=np.float64)
    if not np.isnan(birth).all():
        index["age"] = (moments.at - birth) / YEAR
    if people["sex"].notna().any():
        index["sex"] = people["sex"].to_numpy()
    return index


def _notes(table: EventTable, uses: Sequence[CodeUse], flow: Flow) -> Iterator[Finding]:
    """Who was left out, and what of the files and measurements was not used."""
    yield from flow.findings()
    for reason, count in table.left_out.items():
        yield Finding("note", "left out", "events", f"{count:,}: {reason}")
    if table.unread:
        text = f"{', '.join(table.unread)}; name a column by data.columns where it holds events"
        yield Finding("note", "columns not read", "events", text)
    if table.comparators:
        text = f"{table.comparators:,} values are limits, such as < 5, and are used as they stand"
        yield Finding("note", "limits", "events", text)
    for use in uses:
        parts = {
            f"in {use.unit or 'no unit'}, which is not the stated one": use.not_converted,
            "without a number": use.no_number,
            "out of its range": use.out_of_range,
        }
        for why, count in parts.items():
            if count:
                text = f"{count:,} of {use.events:,} events {why}: left out"
                yield Finding("note", "measurement", f"{use.name}, {use.code}", text)


def _readings(spec: Spec, uses: Sequence[CodeUse]) -> Iterator[ColumnReading]:
    """What each measurement is made of."""
    for each in spec.measured:
        own = [use for use in uses if use.name == each.name]
        used = sum(u.events - u.not_converted - u.no_number - u.out_of_range for u in own)
        read_as = f"numbers, {each.unit or 'no unit'}" if each.number else "occurrences"
        codes = " or ".join(each.code)
        yield ColumnReading(each.name, read_as, f"{codes}: {used:,} events", "data.spec")
