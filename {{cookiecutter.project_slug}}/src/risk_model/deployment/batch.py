"""What is the risk of every patient in a table? A file in, a file out, with the same schema, model
and threshold.

The table is read, scored and written in pieces, so memory does not grow with its rows. A row that
the API would refuse (an implausible number, an unknown category, a required value missing) gets no
risk but a reason that names the fields and their rules: a risk computed from an impossible value
looks like any other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from tqdm import tqdm

from risk_model.core.errors import UserError
from risk_model.core.package import ModelPackage
from risk_model.core.schema import Features, Field, Schema
from risk_model.deployment import table_stream
from risk_model.deployment.requests import Place, places
from risk_model.deployment.table_stream import ADDED, Opened

CHUNK = 1_024  # rows scored together: more outgrow the cache and are slower

Mask = npt.NDArray[np.bool_]
Broken = dict[str, Mask]


@dataclass(frozen=True)
class Scored:
    """How many rows were read, and how many of them got a reason instead of a risk."""

    rows: int
    refused: int


def score(package: ModelPackage, input: Path, output: Path) -> Scored:
    """Writes `output` (.parquet or .csv): the columns of `input` that are no input of the model,
    and those of ADDED.

    `risk` is the calibrated probability, `flagged` whether it reaches the operating threshold.
    UserError when `output` exists, when columns are missing (all are named) or hold something else
    than the schema says; nothing is then left.
    """
    table_stream.check_output(output)
    opened = _open(input, package.schema)
    keys = [name for name in opened[0] if name not in package.schema.names]
    return write_risks(package, input, output, opened, keys, column_encoder(package.schema))


def write_risks(
    package: ModelPackage,
    input: Path,
    output: Path,
    opened: Opened,
    keys: list[str],
    encode_piece: Callable[[pa.RecordBatch], tuple[Features, Broken]],
) -> Scored:
    """Scores what was opened, piece by piece, into `output`, beside the columns `keys`."""
    names, rows, parts = opened
    done = refused = 0
    with (
        table_stream.written(output) as write,
        tqdm(total=rows, unit=" rows", disable=None, desc="score") as bar,
    ):
        for piece in table_stream.readable(parts, input, names):
            scored = _score_piece(package, *encode_piece(piece), piece.select(keys))
            write(scored)
            done, refused = (
                done + piece.num_rows,
                refused + piece.num_rows - scored.column("reason").null_count,
            )
            bar.update(piece.num_rows)
        if not done:
            raise UserError(f"{input}: has no rows; there is nothing to score")
    return Scored(done, refused)


def column_encoder(schema: Schema) -> Callable[[pa.RecordBatch], tuple[Features, Broken]]:
    """`schema.encode` for columns of a file, at most PIECE rows: float32[n, d], and which rows
    break which rule.

    Equal to `encode` where no rule is broken; tested to be. The rows stand until the next call: new
    memory for each piece would take longer than the copying.
    """
    known, width = places(schema), len(schema.features)
    buffers = (
        np.empty((width, table_stream.PIECE), dtype=np.float32),
        np.empty((table_stream.PIECE, width), dtype=np.float32),
    )

    def encode_columns(piece: pa.RecordBatch) -> tuple[Features, Broken]:
        columns, rows = buffers[0][:, : piece.num_rows], buffers[1][: piece.num_rows]
        broken: Broken = {}
        for field in schema.inputs:
            column, place = piece.column(field.name), known[field.name]
            fill = _fill_category if place.kind is str else _fill_number
            if (wrong := fill(column, place, columns)) is not None:
                broken[_rule(field)] = wrong
            if place.flag is not None:
                columns[place.flag] = _absent(column, place, columns)
            if not field.missing_allowed:
                broken[f"{field.name} is required"] = _absent(column, place, columns)
        rows[...] = columns.T
        return rows, broken

    return encode_columns


def _absent(column: pa.Array, place: Place, columns: Features) -> Mask:
    return np.asarray(column.is_null()) if place.kind is str else np.isnan(columns[place.at])


def _fill_number(column: pa.Array, place: Place, columns: Features) -> Mask | None:
    """Puts a column of numbers or truth values into its place; which rows are implausible, None
    when none is.
    """
    values = np.asarray(column.to_numpy(zero_copy_only=False))
    if values.dtype.kind not in "fiu":
        values = np.asarray(values, dtype=np.float64)
    low, high = (0.0, 1.0) if place.kind is bool else (place.low, place.high)
    if low <= np.fmin.reduce(values) and np.fmax.reduce(values) <= high and place.kind is float:
        columns[place.at] = values
        return None
    wrong = (values < low) | (values > high)
    if place.kind is bool:
        wrong |= (values > 0) & (values < 1)
    columns[place.at] = np.where(wrong, 0.0, values)  # such a row gets no risk
    return np.asarray(wrong)


def _fill_category(column: pa.Array, place: Place, columns: Features) -> Mask | None:
    """Puts a one for each known category; which rows hold an unknown one, None when none does."""
    code = pc.index_in(column.cast(pa.string()), value_set=pa.array(list(place.codes), pa.string()))
    code = code.fill_null(-1).to_numpy(zero_copy_only=False)
    given = np.flatnonzero(code >= 0)
    columns[place.at : place.at + len(place.codes)] = 0.0
    columns[place.at + code[given], given] = 1.0
    return None if len(given) == len(code) else (code < 0) & ~np.asarray(column.is_null())


def _rule(field: Field) -> str:
    if field.kind == "number":
        return f"{field.name} must be {field.range_text()}"
    return (
        f"{field.name} must be "
        f"{'true or false' if field.kind == 'boolean' else 'a category of the schema'}"
    )


def _score_piece(
    package: ModelPackage, features: Features, broken: Broken, keys: pa.RecordBatch
) -> pa.RecordBatch:
    risk, _ = package.scorer(features, CHUNK)
    reasons = _reasons(
        broken | {"the model gives no valid risk": ~((risk >= 0) & (risk <= 1))}, len(risk)
    )
    reason = pa.array(reasons) if reasons else pa.nulls(len(risk), pa.string())
    refused = ~np.asarray(reason.is_null())
    flagged = pa.array(risk >= package.threshold, mask=refused)
    added = [pa.array(risk, mask=refused), flagged, reason, pa.repeat(package.sha256, len(risk))]
    return pa.RecordBatch.from_arrays([*keys.columns, *added], [*keys.schema.names, *ADDED])


def _reasons(broken: Broken, rows: int) -> list[str | None]:
    """Per row the rules it breaks; nothing at all when no row breaks one."""
    reasons: list[str | None] = []
    for rule, mask in broken.items():
        places = np.flatnonzero(mask).tolist()
        reasons = reasons or [None] * (rows if places else 0)
        for row in places:
            reasons[row] = f"{reasons[row]}; {rule}" if reasons[row] else rule
    return reasons


def _open(path: Path, schema: Schema) -> Opened:
    """A file's columns and pieces; UserError when it does not fit."""
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    if path.suffix not in (".csv", ".parquet"):
        raise UserError(f"{path}: is neither .csv nor .parquet; convert it first")
    return _open_csv(path, schema) if path.suffix == ".csv" else _open_parquet(path, schema)


def _open_parquet(path: Path, schema: Schema) -> Opened:
    file = table_stream.parquet_file(path)
    names = file.schema_arrow.names
    table_stream.check_columns(path, names, [f.name for f in schema.inputs])
    for field in schema.inputs:
        kind = file.schema_arrow.field(field.name).type
        if field.kind != "category" and not _numeric(kind):
            raise UserError(
                f"{path}: column '{field.name}' holds {kind}, not numbers; convert it first"
            )
    return names, file.metadata.num_rows, file.iter_batches(table_stream.PIECE, use_threads=False)


def _numeric(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_floating(kind) or pa.types.is_integer(kind) or kind in (pa.bool_(), pa.null())
    )


def _open_csv(path: Path, schema: Schema) -> Opened:
    names = table_stream.csv_names(path)
    table_stream.check_columns(path, names, [f.name for f in schema.inputs])
    kinds = {
        f.name: {"number": pa.float64(), "boolean": pa.bool_()}.get(f.kind, pa.string())
        for f in schema.inputs
    }
    types = {name: kinds.get(name, pa.string()) for name in names}  # keys stay text: 007 is not 7
    return names, None, table_stream.csv_pieces(path, types)
