"""Events for tests: written as the Parquet file that readers write, and a page to go with them."""

# ruff: noqa: S608 queries over files that tests wrote

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from risk_model.core.schema import Features
from risk_model.data.sources.event_features import grids, rule_values, window_rows
from risk_model.data.sources.event_moments import Moments, connect, possible_moments
from risk_model.signals.event_spec import TAKES, Spec
from risk_model.signals.event_spec_reading import spec_from_json
from risk_model.signals.events import COLUMNS, Event

DAY = 86_400_000_000
HOUR = DAY // 24
START = 19_723 * DAY  # 1 January 2024
STAMP = pa.timestamp("us")
TYPES = (
    pa.string(),
    STAMP,
    pa.string(),
    pa.float32(),
    pa.string(),
    pa.string(),
    STAMP,
    pa.bool_(),
    pa.int64(),
)


def event(
    subject: str,
    hours: float | None,
    code: str,
    value: float | None = None,
    *,
    unit: str = "",
    known: float | None = None,
    row: int = 0,
) -> Event:
    """An event so many hours after START, known then or at another hour."""
    time = None if hours is None else START + round(hours * HOUR)
    late = time if known is None else START + round(known * HOUR)
    return Event(subject, time, code, value, None, unit, late, False, row)


def write(events: Iterable[Event], path: Path) -> Path:
    """The events as a Parquet file."""
    listed = list(zip(*events, strict=True)) or [()] * len(COLUMNS)
    arrays = [pa.array(values, kind) for values, kind in zip(listed, TYPES, strict=True)]
    pq.write_table(pa.table(arrays, list(COLUMNS)), path)
    return path


def read(path: Path, where: str = "true") -> dict[str, list[Event]]:
    """The events of each subject in a Parquet file."""
    found: dict[str, list[Event]] = {}
    rows = (
        duckdb.connect()
        .execute(
            "select subject_id, epoch_us(time), code, numeric_value::double, text_value, unit, "
            f"epoch_us(known), day_only, row from '{path}' where {where}"
        )
        .fetchall()
    )
    for row in rows:
        found.setdefault(row[0], []).append(Event(*row))
    return found


def page(**changes: Any) -> dict[str, Any]:
    """A page: 24 hours after the first admission, death within 30 days after a gap of a day."""
    return {
        "index": {"event": "ADMISSION", "plus": "24h", "which": "first"},
        "outcome": {
            "event": "MEDS_DEATH",
            "gap": "24h",
            "horizon": "30d",
            "not_followed": "exclude",
        },
        "end_of_data": "2025-12-31",
        "features": {
            "windows": ["since start", "12h"],
            "take": list(TAKES),
            "measured": {
                "heart rate": {"code": "HR", "unit": "/min", "range": [10, 300]},
                "glucose": {"code": ["GLU", "GLU2"], "unit": "mmol/L", "from": {"mg/dL": 0.0555}},
                "sex": {"code": "SEX", "take": ["last"]},
                "diabetes": {"code": "E11*", "take": ["count", "hours_since"], "windows": ["5y"]},
            },
        },
        "sequence": {"every": "1h", "length": "24h", "take": "mean"},
        **changes,
    }


def spec(**changes: Any) -> Spec:
    """The page as a specification."""
    return spec_from_json(page(**changes))


ELIGIBLE = {
    "five events": {"some_of": ["*"], "within": "24h", "at_least": 5},
    "no cancer": {"none_of": "C*"},
    "adults": {"age": [16, 120]},
}


def made_up(subjects: int = 60, seed: int = 0) -> list[Event]:
    """Stays with ties, late results, planned events, two units, statics and old diagnoses."""
    rng, events = np.random.default_rng(seed), []
    for i in range(subjects):
        name, begin = f"p{i}", round(float(rng.uniform(0, 200)), 2)
        events += [
            event(name, -rng.uniform(10, 90) * 8766, "MEDS_BIRTH"),
            event(name, None, "SEX", float(i % 2)),
            event(name, begin, "ADMISSION"),
            event(name, begin - rng.uniform(-20, 9e4), f"E11.{i % 9}"),
        ]
        for row in range(80):
            # quarters of an hour, so that many share a time, some exactly at the moment
            hours = begin + int(rng.integers(-8, 200)) / 4
            late = float(rng.choice([0, 0, 0, 2, 6, -5]))
            if row % 2:
                value, unit, code = float(rng.normal(80, 40)), "/min", "HR"
            else:
                unit = str(rng.choice(["mmol/L", "mg/dL", "g"]))
                value, code = float(rng.normal(6, 2)), str(rng.choice(["GLU", "GLU2"]))
            known = hours + late
            events.append(event(name, hours, code, value, unit=unit, known=known, row=row))
        events.append(event(name, begin + 2000, "HR", 80.0, unit="/min"))
    return events


@dataclass(frozen=True)
class Seen:
    """What a model sees of n moments, and whether their rules of eligibility hold."""

    rows: Features
    grid: Features
    rules: Features

    def same(self, other: Seen) -> bool:
        """Whether all of it is equal, bit by bit."""
        pairs = ((self.rows, other.rows), (self.grid, other.grid), (self.rules, other.rules))
        return all(one.tobytes() == two.tobytes() for one, two in pairs)


def seen(path: Path, page: Spec, moments: Moments) -> Seen:
    """What the tables' way gives for these moments."""
    con = connect(path)
    return Seen(
        window_rows(con, page, moments), grids(con, page, moments), rule_values(con, page, moments)
    )


def moments_of(path: Path, page: Spec) -> Moments:
    """All possible moments."""
    assert page.index
    return possible_moments(connect(path), page.index)


FUTURE = "(coalesce(e.known, e.time) > m.at or e.time > m.at)"


def futures(path: Path, moments: Moments, codes: dict[str, str]) -> list[Path]:
    """Copies of a file in which all that was known after the moment differs.

    Deleted, replaced, and joined by late results, planned events and later ones of each code with
    its unit.
    """
    con = duckdb.connect()
    con.register("m", pa.table({"subject_id": moments.subject.tolist(), "at": moments.at}))
    con.register("c", pa.table({"code": list(codes), "unit": list(codes.values())}))
    con.execute(
        f"create view e as select * replace (epoch_us(time) as time, epoch_us(known) as known) "
        f"from '{path}'"
    )
    past = f"select e.* from e join m using (subject_id) where not coalesce({FUTURE}, false)"
    later = f"select e.* from e join m using (subject_id) where {FUTURE}"
    other = f"{past} union all select * replace (50 + row % 7 as numeric_value) from ({later})"
    times = ((-HOUR, 1), (HOUR, -HOUR), (1, 1), (-3 * HOUR, HOUR))
    both = " union all ".join(
        f"select m.subject_id, m.at + ({time}), c.code, 55, null, c.unit, m.at + ({known}), "
        "false, 5 from m, c"
        for time, known in times
    )
    made = []
    for name, query in (
        ("deleted", past),
        ("replaced", other),
        ("added", f"select * from e union all {both}"),
    ):
        out = path.with_name(f"{path.stem}-{name}.parquet")
        con.execute(
            "copy (select * replace (make_timestamp(time) as time, make_timestamp(known) as known, "
            f"numeric_value::float as numeric_value) from ({query})) to '{out}' (format parquet)"
        )
        made.append(out)
    return made
