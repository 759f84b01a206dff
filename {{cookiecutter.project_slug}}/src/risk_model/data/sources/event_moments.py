"""The moments of prediction and what became of each patient, by SQL over a table of events.

`connect` opens the table. What a rule of the page means is written here once: an outcome counts
strictly later than gap and moment, and up to its end inclusive; who was not seen up to the end is
not followed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from risk_model.signals.event_spec import DEATH, Index, Outcome, Spec, micros
from risk_model.signals.events_windows import Integers

Flags = npt.NDArray[np.bool_]
# so that 10 million events to 560 columns of 100,000 moments stay below 800 MB
MEMORY = "350MB"
# what an event must be for a look at the moment `m.cutoff` not to be one into the future
HAPPENED = "(e.time is null or e.time <= m.cutoff)"
KNOWN = "(coalesce(e.known, e.time) is null or coalesce(e.known, e.time) <= m.cutoff)"
AFTER_GAP = "o.time > m.cutoff + {gap}"


@dataclass(frozen=True)
class Moments:
    """Moments in the order of subject and time: `at` and the index event's `start`, int64[n].

    In microseconds since 1970, UTC; without an index event `start` is the moment itself.
    """

    subject: npt.NDArray[np.object_]
    at: Integers
    start: Integers

    def take(self, chosen: Flags) -> Moments:
        """Some of the moments, in their order."""
        return Moments(self.subject[chosen], self.at[chosen], self.start[chosen])


@dataclass(frozen=True)
class Fates:
    """What became of each moment, bool[n]; `late_index` is no fate but a moment nobody saw."""

    late_index: Flags  # the index event was known only after the moment
    before: Flags  # outcome at or before the moment
    dead: Flags
    ended: Flags  # the stay was over
    gap: Flags
    outcome: Flags
    died: Flags  # without the outcome, before its end
    followed: Flags


def connect(
    events: Path, end: int | None = None, memory: str = MEMORY
) -> duckdb.DuckDBPyConnection:
    """A database with the view `events` over a Parquet file of `COLUMNS`.

    In it `time` and `known` are microseconds since 1970; events later than `end` are left out.
    """
    con = duckdb.connect()
    con.execute("set autoinstall_known_extensions=false")
    con.execute(f"set memory_limit='{memory}'")
    con.execute("set threads=1")
    con.execute(f"set temp_directory={quoted(str(events.parent / 'spilled'))}")
    source = f"read_parquet({quoted(str(events))})"
    # an upper bound in place of none keeps the query one and the same
    last = np.iinfo(np.int64).max if end is None else end
    con.execute(
        f"""create view events as select * from (
            select subject_id, epoch_us(time) as time, code, numeric_value, unit,
                   epoch_us(known) as known, row from {source})
        where time is null or time <= {last}"""  # noqa: S608 the path is quoted
    )
    return con


def quoted(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def codes_sql(patterns: tuple[str, ...], code: str = "code") -> str:
    """The condition that a code is one of the patterns; see `event_spec.matches`."""
    exact = [quoted(p) for p in patterns if not p.endswith("*")]
    starts = [f"starts_with({code}, {quoted(p[:-1])})" for p in patterns if p.endswith("*")]
    listed = [f"{code} in ({', '.join(exact)})"] if exact else []
    return f"({' or '.join([*listed, *starts])})"


def columns(con: duckdb.DuckDBPyConnection, query: str) -> dict[str, npt.NDArray[Any]]:
    """A query's result, an array for each column."""
    return dict(con.sql(query).fetchnumpy())


def possible_moments(con: duckdb.DuckDBPyConnection, index: Index) -> Moments:
    """Makes the table `moment` and gives its moments."""
    con.execute(
        f"""create or replace temp table moment as
        with trigger as (
            select subject_id, time as start, min(coalesce(known, time)) as known,
                   lead(time) over (partition by subject_id order by time) as next
            from events where {codes_sql(index.event)} and time is not null
            group by subject_id, time),
        moments as ({_series(index) if index.every else _single(index)})
        select row_number() over (order by subject_id, cutoff) - 1 as i,
               subject_id, cutoff, start,
               known > cutoff as late_index
        from moments order by i"""  # noqa: S608 codes are quoted
    )
    return _moments(con)


def _moments(con: duckdb.DuckDBPyConnection) -> Moments:
    found = columns(con, "select subject_id, cutoff, start from moment order by i")
    return Moments(
        np.asarray(found["subject_id"], dtype=object),
        np.asarray(found["cutoff"], dtype=np.int64),
        np.asarray(found["start"], dtype=np.int64),
    )


def _single(index: Index) -> str:
    order = {"first": "start", "last": "start desc", "all": ""}[index.which]
    pick = f"qualify row_number() over (partition by subject_id order by {order}) = 1"
    at = f"start + {micros(index.plus)} as cutoff"
    return f"select *, {at} from trigger {pick if order else ''}"  # noqa: S608


def _series(index: Index) -> str:
    """Moments of a series, up to its end or the beginning of the next one's."""
    plus, every = micros(index.plus), micros(index.every)
    until = codes_sql(index.until, "u.code") if index.until else "false"
    return f"""select t.subject_id, t.start, t.known, t.start + {plus} + k * {every} as cutoff
        from (select t.subject_id, t.start, any_value(t.known) as known, any_value(t.next) as next,
                     min(u.time) as stop
              from trigger t left join (select subject_id, time from events u where {until}) u
              on u.subject_id = t.subject_id and u.time > t.start group by t.subject_id, t.start) t,
             range({index.at_most}) r(k)
        where (stop is null or cutoff < stop) and (next is null or cutoff < next + {plus})
        """  # noqa: S608 codes are quoted


def fates(con: duckdb.DuckDBPyConnection, spec: Spec) -> Fates:
    """What became of each moment of the table `moment`."""
    if spec.index is None or spec.outcome is None:
        raise ValueError("labels have no fates to look up")
    found = columns(con, _fates_sql(spec.index, spec.outcome))
    return Fates(**{name: np.asarray(found[name], dtype=bool) for name in Fates.__annotations__})


def _fates_sql(index: Index, outcome: Outcome) -> str:
    gap = micros(outcome.gap)
    horizon = f"m.cutoff + {micros(outcome.horizon)}" if outcome.horizon else "null"
    until = codes_sql(outcome.until) if outcome.until else "false"
    # the index event itself is no outcome: readmission begins with an admission
    itself = f"o.time = m.start and {codes_sql(index.event, 'o.code')}"
    after_gap = AFTER_GAP.format(gap=gap)
    return f"""
    with o as (select subject_id, time, code from events
               where {codes_sql(outcome.event)} and time is not null),
    died as (select subject_id, min(time) as time from events
             where code = '{DEATH}' and time is not null group by 1),
    seen as (select subject_id, max(time) as time from events
             where {codes_sql(outcome.seen_by)} and time is not null group by 1),
    stop as (select m.i, min(u.time) filter (u.time > m.cutoff) as stop,
                    bool_or(u.time > m.start and u.time <= m.cutoff) as ended
             from moment m join events u using (subject_id)
             where u.time is not null and {until.replace("code", "u.code")} group by 1),
    m as (select m.i, m.subject_id, m.cutoff, m.start, m.late_index, stop.stop,
                 coalesce(stop.ended, false) as ended, least({horizon}, stop.stop) as until
          from moment m left join stop using (i)),
    events_of as (
        select m.i,
            bool_or(o.time <= m.cutoff and o.time >= m.start and not ({itself})) as before,
            bool_or(o.time > m.cutoff and not ({after_gap})) as gap,
            bool_or({after_gap} and coalesce(o.time <= m.until, true)) as outcome
        from m join o using (subject_id) group by 1)
    select m.late_index, coalesce(x.before, false) as before,
           coalesce(died.time <= m.cutoff, false) as dead, m.ended,
           coalesce(x.gap, false) as gap,
           coalesce(x.outcome, false) as outcome,
           coalesce(not outcome and died.time > m.cutoff and died.time <= m.until, false)
               as died,
           coalesce(outcome, false) or coalesce(died.time > m.cutoff, false)
               or (m.stop is not null and m.stop = m.until)
               or coalesce(seen.time >= {horizon}, false) as followed
    from m left join events_of x using (i) left join died using (subject_id)
           left join seen using (subject_id)
    order by m.i"""  # noqa: S608 codes are quoted
