"""Batch scoring: a file in, a file out, with the schema, model and threshold of the service.

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
from risk_model.deployment.package_input import recording_module
from risk_model.deployment.record_encoder import FieldColumns, field_columns
from risk_model.deployment.table_stream import ADDED, OpenTable

CHUNK = 1_024  # rows scored together: more outgrow the cache and are slower

Mask = npt.NDArray[np.bool_]
BrokenRules = dict[str, Mask]  # by rule, the rows that break it


@dataclass(frozen=True)
class BatchCounts:
    """How many rows were read, and how many of them got a reason instead of a risk."""

    rows: int
    refused: int


def score(package: ModelPackage, input: Path, output: Path) -> BatchCounts:
    """Writes the risk of every row of a file, or why it gets none.

    The columns of the input that are no input of the model are kept. Beside them `risk` is the
    calibrated probability, `flagged` whether it reaches the operating threshold, `reason` why there
    is no risk, `model_version` the package.

    Args:
        package: what scores.
        input: a .csv or .parquet file; for recordings a listing, see `batch_recordings`.
        output: the .parquet or .csv file to write.

    Raises:
        UserError: `output` exists, or columns of `input` are missing (all are named) or hold
            something else than the schema says; nothing is then left.
    """
    table_stream.check_output(output)
    if package.schema.signal:
        recordings = recording_module("batch_recordings", package)
        counts: BatchCounts = recordings.score_recordings(package, input, output)
        return counts
    table = _open(input, package.schema)
    keys = [name for name in table.names if name not in package.schema.names]
    return write_risks(package, input, output, table, keys, column_encoder(package.schema))


def write_risks(
    package: ModelPackage,
    input: Path,
    output: Path,
    table: OpenTable,
    keys: list[str],
    encode_piece: Callable[[pa.RecordBatch], tuple[Features, BrokenRules]],
) -> BatchCounts:
    """Scores an open table, piece by piece, into `output`, beside the columns `keys`."""
    rows = refused = 0
    with (
        table_stream.writer(output) as write,
        tqdm(total=table.rows, unit=" rows", disable=None, desc="score") as bar,
    ):
        for piece in table_stream.nonempty_pieces(table.pieces, input, table.names):
            scored = _score_piece(package, *encode_piece(piece), piece.select(keys))
            write(scored)
            rows += piece.num_rows
            refused += piece.num_rows - scored.column("reason").null_count
            bar.update(piece.num_rows)
        if not rows:
            raise UserError(f"{input}: has no rows; there is nothing to score")
    return BatchCounts(rows, refused)


def column_encoder(schema: Schema) -> Callable[[pa.RecordBatch], tuple[Features, BrokenRules]]:
    """`schema.encode` for columns of a file, at most PIECE rows: float32[n, d], and broken rules.

    Equal to `encode` where no rule is broken; tested to be. The rows stand until the next call: new
    memory for each piece would take longer than the copying.
    """
    fields, shape = field_columns(schema), (len(schema.features), table_stream.PIECE)
    buffers = np.empty(shape, dtype=np.float32), np.empty(shape[::-1], dtype=np.float32)

    def encode_columns(piece: pa.RecordBatch) -> tuple[Features, BrokenRules]:
        columns, rows = buffers[0][:, : piece.num_rows], buffers[1][: piece.num_rows]
        broken: BrokenRules = {}
        for field in schema.inputs:
            column, at = piece.column(field.name), fields[field.name]
            fill = _fill_category if at.kind is str else _fill_number
            if (wrong := fill(column, at, columns)) is not None:
                broken[_rule(field)] = wrong
            if at.flag is not None:
                columns[at.flag] = _absent(column, at, columns)
            if not field.missing_allowed:
                broken[f"{field.name} is required"] = _absent(column, at, columns)
        rows[...] = columns.T
        return rows, broken

    return encode_columns


def _absent(column: pa.Array, field: FieldColumns, columns: Features) -> Mask:
    is_text = field.kind is str
    return np.asarray(column.is_null()) if is_text else np.isnan(columns[field.at])


def _fill_number(column: pa.Array, field: FieldColumns, columns: Features) -> Mask | None:
    """Copies numbers or truth values; which rows are implausible, None when none is."""
    values = np.asarray(column.to_numpy(zero_copy_only=False))
    if values.dtype.kind not in "fiu":
        values = np.asarray(values, dtype=np.float64)
    low, high = (0.0, 1.0) if field.kind is bool else (field.low, field.high)
    plausible = low <= np.fmin.reduce(values) and np.fmax.reduce(values) <= high
    if plausible and field.kind is float:
        columns[field.at] = values
        return None
    wrong = (values < low) | (values > high)
    if field.kind is bool:
        wrong |= (values > 0) & (values < 1)
    columns[field.at] = np.where(wrong, 0.0, values)  # such a row gets no risk
    return np.asarray(wrong)


def _fill_category(column: pa.Array, field: FieldColumns, columns: Features) -> Mask | None:
    """Puts a one for each category; which rows hold an unknown one, None when none does."""
    categories = pa.array(list(field.codes), pa.string())
    code = pc.index_in(column.cast(pa.string()), value_set=categories)
    code = code.fill_null(-1).to_numpy(zero_copy_only=False)
    given = np.flatnonzero(code >= 0)
    columns[field.at : field.at + len(field.codes)] = 0.0
    columns[field.at + code[given], given] = 1.0
    return None if len(given) == len(code) else (code < 0) & ~np.asarray(column.is_null())


def _rule(field: Field) -> str:
    if field.kind == "number":
        return f"{field.name} must be {field.range_text()}"
    wanted = "true or false" if field.kind == "boolean" else "a category of the schema"
    return f"{field.name} must be {wanted}"


def _score_piece(
    package: ModelPackage, features: Features, broken: BrokenRules, keys: pa.RecordBatch
) -> pa.RecordBatch:
    risk, _ = package.scorer(features, CHUNK)
    invalid = {"the model gives no valid risk": ~((risk >= 0) & (risk <= 1))}
    reasons = _reasons(broken | invalid, len(risk))
    reason = pa.array(reasons) if reasons else pa.nulls(len(risk), pa.string())
    refused = ~np.asarray(reason.is_null())
    flagged = pa.array(risk >= package.threshold, mask=refused)
    added = [pa.array(risk, mask=refused), flagged, reason, pa.repeat(package.sha256, len(risk))]
    return pa.RecordBatch.from_arrays([*keys.columns, *added], [*keys.schema.names, *ADDED])


def _reasons(broken: BrokenRules, rows: int) -> list[str | None]:
    """Per row the rules it breaks; nothing at all when no row breaks one."""
    reasons: list[str | None] = []
    for rule, mask in broken.items():
        breaking = np.flatnonzero(mask).tolist()
        reasons = reasons or [None] * (rows if breaking else 0)
        for row in breaking:
            reasons[row] = f"{reasons[row]}; {rule}" if reasons[row] else rule
    return reasons


def _open(path: Path, schema: Schema) -> OpenTable:
    """A file's columns and pieces; UserError when it does not fit."""
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    if path.suffix not in (".csv", ".parquet"):
        raise UserError(f"{path}: is neither .csv nor .parquet; convert it first")
    return _open_csv(path, schema) if path.suffix == ".csv" else _open_parquet(path, schema)


def _open_parquet(path: Path, schema: Schema) -> OpenTable:
    file = table_stream.parquet_file(path)
    names = file.schema_arrow.names
    table_stream.check_columns(path, names, [f.name for f in schema.inputs])
    for field in schema.inputs:
        kind = file.schema_arrow.field(field.name).type
        if field.kind != "category" and not _numeric(kind):
            raise UserError(
                f"{path}: column '{field.name}' holds {kind}, not numbers; convert it first"
            )
    pieces = file.iter_batches(table_stream.PIECE, use_threads=False)
    return OpenTable(names, file.metadata.num_rows, pieces)


def _numeric(kind: pa.DataType) -> bool:
    number = pa.types.is_floating(kind) or pa.types.is_integer(kind)
    return bool(number or kind in (pa.bool_(), pa.null()))


def _open_csv(path: Path, schema: Schema) -> OpenTable:
    names = table_stream.csv_names(path)
    table_stream.check_columns(path, names, [f.name for f in schema.inputs])
    kinds = {
        f.name: {"number": pa.float64(), "boolean": pa.bool_()}.get(f.kind, pa.string())
        for f in schema.inputs
    }
    types = {name: kinds.get(name, pa.string()) for name in names}  # keys stay text: 007 is not 7
    return OpenTable(names, None, table_stream.csv_pieces(path, types))
