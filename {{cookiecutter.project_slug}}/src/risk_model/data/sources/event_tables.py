"""Tables of events, from MEDS, a long CSV or FHIR R4, as one Parquet file of `COLUMNS`.

`time` and `known` are timestamps in UTC without a zone, in microseconds. What is no event, is later
than the end of the data or is there again is left out, and counted by reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from risk_model.core.errors import UserError
from risk_model.data.sources.event_fhir_files import FhirFiles, fhir_files
from risk_model.data.sources.event_long_tables import (
    Columns,
    stage_csv,
    staged_fhir_query,
    table_query,
)
from risk_model.signals.events_reasons import LeftOut, Reason
from risk_model.signals.events_time import moment_of, time_zone

MEMORY = "500MB"  # of the database, which writes to the working folder what needs more
LATE_SHARE = 0.01  # more events than these after the end mean that the end is not stated


@dataclass(frozen=True)
class EventFiles:
    """What a person says about the files.

    `timezone` is that of dates and of times without one; "" is UTC for tables, and refuses such
    times of FHIR. `end` is the last moment of the data, today for "". `day_only` are codes whose
    events have a date and no hour.
    """

    path: Path
    timezone: str = ""
    end: str = ""
    day_only: tuple[str, ...] = ()
    columns: Columns = field(default_factory=Columns)


@dataclass(frozen=True)
class EventTable:
    """One events table: its file, its size, and what is not in it.

    `comparators` counts values that are limits, such as "< 5"; `unread` are columns of a table.
    """

    path: Path
    events: int
    subjects: int
    left_out: Mapping[Reason, int]
    comparators: int = 0
    unread: tuple[str, ...] = ()


def read_events(files: EventFiles, folder: Path) -> EventTable:
    """Writes `events.parquet` into a working folder, and says what was left out.

    Raises:
        UserError: there is no such file, a column is missing, nothing is left, or many events are
            later than the end of the data.
    """
    if not files.path.exists():
        raise UserError(
            f"data.path: there is no file or folder {files.path} (looked in {Path.cwd()}); give a "
            "folder of MEDS or FHIR files, or a CSV file"
        )
    folder.mkdir(parents=True, exist_ok=True)
    con = database(folder)
    staged = folder / "staged.parquet"
    left_out: Counter[Reason] = Counter()
    comparators, unread = 0, list[str]()
    try:
        meds = meds_files(files.path)
        if meds:
            query, unread = _table(con, meds, files, files.columns)
        elif is_fhir(files.path):
            if files.columns != Columns():
                raise UserError("data.columns: is for tables; FHIR names its own elements")
            zone = time_zone(files.timezone) if files.timezone else None
            fhir = FhirFiles(fhir_files(files.path), zone)
            fhir.write(staged)
            left_out, comparators, query = (
                fhir.left_out,
                fhir.comparators,
                staged_fhir_query(staged),
            )
        else:
            unread = stage_csv(files.path, files.columns, staged)
            query, _ = _table(con, [staged], files, Columns())
        made = _written(con, query, files, folder / "events.parquet", left_out, comparators)
        return replace(made, unread=tuple(unread))
    except duckdb.Error as error:
        raise UserError(f"{files.path}: cannot be read: {str(error).splitlines()[0]}") from None
    finally:
        con.close()
        staged.unlink(missing_ok=True)


def _table(
    con: duckdb.DuckDBPyConnection, paths: list[Path], files: EventFiles, columns: Columns
) -> tuple[str, list[str]]:
    zone = files.timezone or "UTC"
    return table_query(con, paths, zone, files.day_only, str(files.path), columns)


def database(folder: Path, memory: str = MEMORY) -> duckdb.DuckDBPyConnection:
    """A database that loads nothing from elsewhere, on one thread, with its excess in a folder."""
    con = duckdb.connect()
    con.execute("set autoinstall_known_extensions=false")
    con.execute(f"set memory_limit='{memory}'")
    con.execute("set threads=1")
    con.execute("set enable_progress_bar=false")
    con.execute("set TimeZone='UTC'")
    con.execute("set temp_directory=" + _quoted(str(folder / "spilled")))
    return con


def meds_files(path: Path) -> list[Path]:
    """The Parquet files of a MEDS data set, a folder of shards or one file, in order."""
    if path.is_file():
        with path.open("rb") as file:
            return [path] if file.read(4) == b"PAR1" else []
    data = path / "data" if (path / "data").is_dir() else path  # beside it stands metadata
    return sorted(data.rglob("*.parquet"))


def is_fhir(path: Path) -> bool:
    """Whether a folder, or a file, holds JSON.

    Raises:
        UserError: a folder holds none.
    """
    if path.is_file():
        return bool(fhir_files(path)) and path.suffix.lower() not in (".csv", ".tsv", ".txt")
    if not fhir_files(path):
        raise UserError(
            f"data.path: {path} holds no Parquet, NDJSON or JSON files; give the folder with them"
        )
    return True


def end_of_data(files: EventFiles) -> int:
    """The last moment of the data in microseconds since 1970.

    Raises:
        UserError: the setting is no date or time.
    """
    zone = time_zone(files.timezone or "UTC")
    try:
        return moment_of(files.end or datetime.now(UTC).date().isoformat(), zone).time
    except LeftOut:
        raise UserError(
            f"data.end={files.end}: write a date such as 2026-11-25, or a time such as "
            "2026-11-25T08:00:00+01:00"
        ) from None


def _written(
    con: duckdb.DuckDBPyConnection,
    query: str,
    files: EventFiles,
    path: Path,
    left_out: Counter[Reason],
    comparators: int,
) -> EventTable:
    """Writes the table and counts what is not in it."""
    last = end_of_data(files)
    con.execute(f"create view read as {query}")
    con.execute(
        f"""create view marked as select *, case
        when reason is not null then reason
        when time > make_timestamp({last}) or known > make_timestamp({last})
        then '{Reason.LATER.value}' end as why from read"""  # noqa: S608 constants
    )
    counts = con.execute("select why, count(*) from marked group by why").fetchall()
    usable = sum(count for why, count in counts if why is None)
    total = Counter(left_out) + Counter({Reason(why): n for why, n in counts if why is not None})
    _check_counts(files, usable, total)
    kept = _write_once(con, path, total)
    subjects = con.execute(
        f"select count(distinct subject_id) from read_parquet({_quoted(str(path))})"  # noqa: S608
    ).fetchall()[0][0]
    return EventTable(path, kept, subjects, dict(total), comparators)


def _names(con: duckdb.DuckDBPyConnection) -> list[str]:
    return [row[0] for row in con.execute("describe marked").fetchall()]


def _check_counts(files: EventFiles, usable: int, left_out: Counter[Reason]) -> None:
    late = left_out[Reason.LATER]
    if late > LATE_SHARE * (usable + late):
        raise UserError(
            f"{files.path}: {late:,} of {usable + late:,} events are later than the end of the "
            f"data ({files.end or 'today'}); say when it ends by data.end=…, a date"
        )
    if not usable:
        why = "; ".join(f"{n:,} lines or resources: {reason}" for reason, n in left_out.items())
        raise UserError(f"{files.path}: holds no events ({why or 'no rows'}); give another file")


def _write_once(con: duckdb.DuckDBPyConnection, path: Path, left_out: Counter[Reason]) -> int:
    """Writes each event once; the number written."""
    usable = "(select * from marked where why is null)"
    if "source" in _names(con):
        con.execute(
            f"""create temp table newest as select source, max(version) as version
            from {usable} where source is not null group by source having
            max(version) > min(version)"""  # noqa: S608
        )
        usable = f"""(select j.* from {usable} j left join newest n using (source)
            where n.version is null or j.version = n.version)"""  # noqa: S608
    before = con.execute(f"select count(*) from {usable}").fetchall()[0][0]  # noqa: S608
    all_usable = con.execute("select count(*) from marked where why is null").fetchall()[0][0]
    partial = path.with_name(f".{path.name}")
    con.execute(
        f"""copy (select subject_id, time, code, numeric_value, text_value, unit,
            min(known) as known, day_only, min(row) as row from {usable}
            group by subject_id, time, code, numeric_value, text_value, unit, day_only)
        to {_quoted(str(partial))} (format parquet, compression zstd)"""  # noqa: S608
    )
    partial.replace(path)
    kept = con.execute(
        f"select count(*) from read_parquet({_quoted(str(path))})"  # noqa: S608
    ).fetchall()[0][0]
    left_out.update({Reason.AGAIN: all_usable - before, Reason.SAME: before - kept})
    for reason in [reason for reason, count in left_out.items() if not count]:
        del left_out[reason]
    return int(kept)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
