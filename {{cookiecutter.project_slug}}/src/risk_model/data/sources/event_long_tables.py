"""Long tables of events, MEDS or CSV, as a query: typed columns, and a reason for a bad row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from risk_model.core.errors import UserError
from risk_model.data.tables.table_file import open_table
from risk_model.signals.events_reasons import Reason
from risk_model.signals.events_time import time_zone

NEEDED = ("subject_id", "time", "code")  # as MEDS has them
WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT")
IDS = (*WHOLE, "UINTEGER", "UBIGINT", "VARCHAR", "UUID")
PLACE = ("filename", "file_row_number")  # columns that the database adds
PIECE = 100_000  # rows of a CSV file together
DATE = r"\d{4}-\d{2}-\d{2}"
ZONED = r".*\d{2}:\d{2}.*(Z|[+-]\d{2}(:?\d{2})?)"


@dataclass(frozen=True)
class Columns:
    """The names of the columns of a table; those after `code` may be missing.

    Numbers may also stand in a column `value`, as in requests.
    """

    subject_id: str = "subject_id"
    time: str = "time"
    code: str = "code"
    numeric_value: str = "numeric_value"
    text_value: str = "text_value"
    unit: str = "unit"
    known: str = "known"


def names_of(columns: Columns, present: Sequence[str], name: str) -> dict[str, str]:
    """What the columns that a table has are called there, by our names.

    Raises:
        UserError: it has none of a needed or stated name.
    """
    usual = Columns()
    if columns.numeric_value == usual.numeric_value and usual.numeric_value not in present:
        columns = replace(columns, numeric_value="value")
    names = {ours: theirs for ours, theirs in vars(columns).items() if theirs in present}
    for ours, theirs in vars(columns).items():
        stated = theirs not in (getattr(usual, ours), "value")
        if ours not in names and (ours in NEEDED or stated):
            raise UserError(
                f"data.columns.{ours}: column {theirs!r} not found in {name}; "
                f"columns are {', '.join(present)}"
            )
    return names


def stage_csv(path: Path, columns: Columns, staged: Path) -> list[str]:
    """Writes the columns of a CSV file that are needed as Parquet, all of them as text.

    Returns:
        The columns that are not read.

    Raises:
        UserError: the file is broken, or has none of a needed or stated name.
    """
    table = open_table(path)
    names = names_of(columns, table.names, str(path))
    schema = pa.schema([(ours, pa.string()) for ours in names])
    with pq.ParquetWriter(staged, schema) as writer:
        for piece in table.pieces(PIECE):
            arrays = [piece.column(theirs).cast(pa.string()) for theirs in names.values()]
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
    return [name for name in table.names if name not in names.values()]


def staged_fhir_query(staged: Path) -> str:
    """The rows that were read of FHIR files, with the place of their resource as its version."""
    return f"""select * replace (make_timestamp(time) as time, make_timestamp(known) as known),
        null::varchar as reason from read_parquet('{_doubled(staged)}')"""  # noqa: S608


def table_query(
    con: duckdb.DuckDBPyConnection,
    paths: Sequence[Path],
    zone: str,
    day_only: Sequence[str],
    name: str,
    columns: Columns,
) -> tuple[str, list[str]]:
    """The rows of Parquet files in MEDS's columns; those that a file lacks are empty.

    Returns:
        The query, and the columns that are not read.

    Raises:
        UserError: a needed or stated column is missing, ids are no whole numbers or text, or there
            is no such time zone.
    """
    time_zone(zone)
    listed = ", ".join(f"'{_doubled(path)}'" for path in paths)
    source = f"read_parquet([{listed}], union_by_name=true, filename=true, file_row_number=true)"
    described = con.execute(f"describe select * from {source}").fetchall()  # noqa: S608
    kinds = {row[0]: str(row[1]) for row in described}
    present = [column for column in kinds if column not in PLACE]
    names = names_of(columns, present, name)
    own = {name: name for name in ("row", "day_only", *PLACE) if name in kinds}
    taken = {**own, **names}
    types = {ours: kinds[theirs] for ours, theirs in taken.items()}
    called = ", ".join(f"{_identifier(theirs)} as {ours}" for ours, theirs in taken.items())
    source = f"(select {called} from {source})"  # noqa: S608 identifiers are quoted
    if types["subject_id"] not in IDS:
        raise UserError(f"{name}: column 'subject_id' must hold whole numbers or text")
    unread = [column for column in present if column not in taken.values()]
    return _typed(source, types, zone, day_only, _row(paths, types)), unread


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _row(paths: Sequence[Path], types: dict[str, str]) -> str:
    """The place of a row in the source: stated, or counted over the files."""
    if types.get("row") in WHOLE:
        return "row"
    offsets, start = [], 0
    for path in paths:
        offsets.append(f"when '{_doubled(path)}' then {start}")
        start += pq.ParquetFile(path).metadata.num_rows
    return f"file_row_number + case filename {' '.join(offsets)} end"


def _typed(source: str, types: dict[str, str], zone: str, day_only: Sequence[str], row: str) -> str:
    days = ", ".join("'" + code.replace("'", "''") + "'" for code in day_only)
    listed = f"code in ({days})" if days else "false"
    stated = "coalesce(day_only, false)" if types.get("day_only") == "BOOLEAN" else "false"
    dated = f"coalesce({listed} or {stated} or {_is_date('time', types['time'])}, false)"
    no_time = "time is null or trim(time::varchar) = ''"
    utc, number = _utc("time", types["time"], zone), _number(types)
    texts = {n: f"{n}::varchar" if n in types else "null::varchar" for n in ("text_value", "unit")}
    return f"""select subject_id, time, code, nullif(numeric_value, 'nan'::double) as numeric_value,
            text_value, unit, case when time is not null then coalesce(known, time) end as known,
            day_only, row, reason
        from (select coalesce(trim(subject_id::varchar), '') as subject_id,
            case when {dated} then {_day_end("time", types["time"], zone)} else {utc} end as time,
            coalesce(trim(code::varchar), '') as code, {number} as numeric_value,
            nullif(trim({texts["text_value"]}), '') as text_value,
            coalesce(trim({texts["unit"]}), '') as unit, {_known(types, zone)} as known,
            {dated} and not ({no_time}) as day_only, {row} as row,
            case when coalesce(trim(subject_id::varchar), '') = '' then '{Reason.NO_SUBJECT.value}'
            when coalesce(trim(code::varchar), '') = '' then '{Reason.NO_CODE.value}'
            when {utc} is null and not ({no_time}) then '{Reason.BAD_TIME.value}'
            when {_is_bad(types, number)} then '{Reason.BAD_VALUE.value}' end as reason
        from {source})"""  # noqa: S608 names and constants, and texts whose quotes are doubled


def _number(types: dict[str, str]) -> str:
    return "try_cast(numeric_value as double)" if "numeric_value" in types else "null::double"


def _is_bad(types: dict[str, str], number: str) -> str:
    """The condition that a cell holds something, and no finite number; NaN is nothing."""
    if "numeric_value" not in types:
        return "false"
    blank = "coalesce(trim(numeric_value::varchar), '') = ''"
    return f"not ({blank}) and ({number} is null or isinf({number}))"


def _utc(name: str, kind: str, zone: str) -> str:
    """A time as a timestamp in UTC; null where it is none."""
    if kind == "VARCHAR":
        return f"""case when regexp_full_match(trim({name}), '{ZONED}')
            then timezone('UTC', try_cast(trim({name}) as timestamptz))
            else {_from_zone(f"try_cast(trim({name}) as timestamp)", zone)} end"""
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"timezone('UTC', {name})"
    if kind.startswith(("TIMESTAMP", "DATE")):
        return _from_zone(f"{name}::timestamp", zone)
    return "null::timestamp"


def _from_zone(local: str, zone: str) -> str:
    """A time of the zone's clocks in UTC."""
    return local if zone == "UTC" else f"timezone('UTC', timezone('{zone}', {local}))"


def _day_end(name: str, kind: str, zone: str) -> str:
    """The last microsecond of the day of a time in the zone, in UTC."""
    utc = _utc(name, kind, zone)
    local = utc if zone == "UTC" else f"timezone('{zone}', timezone('UTC', {utc}))"
    after = f"date_trunc('day', {local}) + interval 1 day"
    return f"({_from_zone(f'({after})', zone)} - interval 1 microsecond)"


def _is_date(name: str, kind: str) -> str:
    if kind == "VARCHAR":
        return f"regexp_full_match(trim({name}), '{DATE}')"
    return "true" if kind == "DATE" else "false"


def _known(types: dict[str, str], zone: str) -> str:
    """When it was known, in UTC; null where the source does not say."""
    return time_sql("known", types["known"], zone) if "known" in types else "null::timestamp"


def time_sql(name: str, kind: str, zone: str) -> str:
    """A column of times or dates of that type in UTC; a date counts from its last microsecond."""
    ends = _day_end(name, kind, zone)
    return f"case when {_is_date(name, kind)} then {ends} else {_utc(name, kind, zone)} end"


def _doubled(path: Path) -> str:
    return str(path).replace("'", "''")
