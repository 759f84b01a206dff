"""What is the risk of every patient in a table? A file in, a file out, with the same schema, model and threshold.

The table is read, scored and written in pieces, so memory does not grow with its rows. A row that the API would refuse
(an implausible number, an unknown category, a required value missing) gets no risk but a reason that names the fields
and their rules: a risk computed from an impossible value looks like any other.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from csv import reader
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv
from tqdm import tqdm

from risk_model.errors import UserError
from risk_model.package import ModelPackage
from risk_model.schema import Features, Field, Schema

ADDED = ("risk", "flagged", "reason", "model_version")
PIECE = 8_192  # rows scored together; larger pieces outgrow the cache and were slower
GROUP = 16  # pieces written together, as one row group of a Parquet file
NOT_RECORDED = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", ".", "?"]

WRITERS = {".csv": csv.CSVWriter, ".parquet": pq.ParquetWriter}

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Scored:
    """How many rows were read, and how many of them got a reason instead of a risk."""

    rows: int
    refused: int


def score(package: ModelPackage, input: Path, output: Path) -> Scored:
    """Writes `output` (.parquet or .csv): the columns of `input` that are no input of the model, and those of ADDED.

    `risk` is the calibrated probability, `flagged` whether it reaches the operating threshold. UserError when `output`
    exists, when columns are missing (all are named) or hold something else than the schema says; nothing is then left.
    """
    if output.exists():
        raise UserError(f"{output}: exists already; choose another name or move it away")
    if output.suffix not in WRITERS:
        raise UserError(f"{output}: is neither .csv nor .parquet; name one of them")
    names, rows, pieces = _open(input, package.schema)
    keys = [name for name in names if name not in package.schema.names]
    done = refused = 0
    with _written(output) as write, tqdm(total=rows, unit=" rows", disable=None, desc="score") as bar:
        for piece in _readable(pieces, input, names):
            scored = _score_piece(package, piece, keys)
            write(scored)
            done, refused = done + piece.num_rows, refused + piece.num_rows - scored.column("reason").null_count
            bar.update(piece.num_rows)
    return Scored(done, refused)


def encode_columns(piece: pa.RecordBatch, schema: Schema) -> tuple[Features, dict[str, tuple[Mask, str]]]:
    """`schema.encode` for columns of a file: float32[n, d], and per broken rule the rows that break it.

    Equal to `encode` where no rule is broken; tested to be.
    """
    features = np.zeros((piece.num_rows, len(schema.features)), dtype=np.float32)
    broken: dict[str, tuple[Mask, str]] = {}
    at = 0
    for field in schema.inputs:
        fill = _fill_category if field.kind == "category" else _fill_number
        width = len(field.features)
        absent, wrong = fill(piece.column(field.name), field, features[:, at : at + width])
        if wrong.any():
            broken[field.name] = (wrong, _rule(field))
        if not field.missing_allowed and absent.any():
            broken[f"{field.name} missing"] = (absent, f"{field.name} is required")
        if field.missing_flag:
            features[:, at + width - 1] = absent
        at += width
    return features, broken


def _fill_number(column: pa.Array, field: Field, into: Features) -> tuple[Mask, Mask]:
    values = np.asarray(column.to_numpy(zero_copy_only=False))
    if values.dtype.kind not in "fiu":
        values = np.asarray(values, dtype=np.float64)
    low, high = field.bounds if field.kind == "number" else (0.0, 1.0)
    wrong = (values < low) | (values > high)
    if field.kind == "boolean":
        wrong |= (values > 0.0) & (values < 1.0)
    with np.errstate(over="ignore"):
        into[:, 0] = values
    return np.isnan(into[:, 0]), wrong


def _fill_category(column: pa.Array, field: Field, into: Features) -> tuple[Mask, Mask]:
    absent = np.asarray(column.is_null())
    place = pc.index_in(column.cast(pa.string()), value_set=pa.array(field.categories, pa.string()))
    place = place.fill_null(-1).to_numpy(zero_copy_only=False)
    known = np.flatnonzero(place >= 0)
    into[known, place[known]] = 1.0
    return absent, (place < 0) & ~absent


def _rule(field: Field) -> str:
    if field.kind == "number":
        return f"{field.name} must be {field.range_text()}"
    return f"{field.name} must be {'true or false' if field.kind == 'boolean' else 'a category of the schema'}"


def _score_piece(package: ModelPackage, piece: pa.RecordBatch, keys: list[str]) -> pa.RecordBatch:
    features, broken = encode_columns(piece, package.schema)
    risk, _ = package.scorer(features, chunk=PIECE)
    reason = _reasons(broken | {"": (~((risk >= 0) & (risk <= 1)), "the model gives no valid risk")}, len(risk))
    refused = np.array([text is not None for text in reason]) if reason else np.zeros(len(risk), dtype=bool)
    added = [
        pa.array(risk, mask=refused),
        pa.array(risk >= package.threshold, mask=refused),
        pa.array(reason or [None] * len(risk), pa.string()),
        pa.repeat(package.sha256, len(risk)),
    ]
    return pa.RecordBatch.from_arrays([*(piece.column(key) for key in keys), *added], [*keys, *ADDED])


def _reasons(broken: dict[str, tuple[Mask, str]], rows: int) -> list[str | None]:
    """Per row the rules it breaks; nothing at all when no row breaks one."""
    reasons: list[str | None] = []
    for mask, rule in broken.values():
        places = np.flatnonzero(mask)
        reasons = reasons or [None] * (rows if len(places) else 0)
        for row in places:
            reasons[row] = f"{reasons[row]}; {rule}" if reasons[row] else rule
    return reasons


def _open(path: Path, schema: Schema) -> tuple[list[str], int | None, Iterable[pa.RecordBatch]]:
    """Column names, number of rows where it is known, and the pieces of a file; UserError when it does not fit."""
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    if path.suffix not in (".csv", ".parquet"):
        raise UserError(f"{path}: is neither .csv nor .parquet; convert it first")
    return _open_csv(path, schema) if path.suffix == ".csv" else _open_parquet(path, schema)


def _open_parquet(path: Path, schema: Schema) -> tuple[list[str], int, Iterator[pa.RecordBatch]]:
    # Without the buffer a whole row group of every column would be held at once.
    try:
        file = pq.ParquetFile(path, buffer_size=1 << 18, pre_buffer=False)
    except (pa.ArrowInvalid, OSError) as error:
        raise _unreadable(path, [], error) from error
    names = file.schema_arrow.names
    _check_columns(path, names, schema)
    for field in schema.inputs:
        kind = file.schema_arrow.field(field.name).type
        if field.kind != "category" and not _numeric(kind):
            raise UserError(f"{path}: column '{field.name}' holds {kind}, not numbers; convert it first")
    return names, file.metadata.num_rows, file.iter_batches(PIECE, use_threads=False)


def _numeric(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind) or kind in (pa.bool_(), pa.null()))


def _open_csv(path: Path, schema: Schema) -> tuple[list[str], None, Iterator[pa.RecordBatch]]:
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
        names = next(reader(file), [])
    _check_columns(path, names, schema)
    kinds = {f.name: {"number": pa.float64(), "boolean": pa.bool_()}.get(f.kind, pa.string()) for f in schema.inputs}
    types = {name: kinds.get(name, pa.string()) for name in names}  # keys stay text: 007 is not 7
    convert = csv.ConvertOptions(column_types=types, null_values=NOT_RECORDED, strings_can_be_null=True)
    try:
        return names, None, _small(csv.open_csv(path, convert_options=convert))
    except pa.ArrowInvalid as error:
        raise _unreadable(path, names, error) from error


def _small(pieces: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for piece in pieces:
        for start in range(0, piece.num_rows, PIECE):
            yield piece.slice(start, PIECE)


def _check_columns(path: Path, names: list[str], schema: Schema) -> None:
    if missing := [f.name for f in schema.inputs if f.name not in names]:
        raise UserError(
            f"{path}: columns missing that the model needs: {', '.join(missing)}; add them, empty if unknown"
        )
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(f"{path}: column names given twice: {', '.join(twice)}; rename them")
    if taken := [name for name in ADDED if name in names]:
        raise UserError(f"{path}: columns named like results: {', '.join(taken)}; rename them")


def _readable(pieces: Iterable[pa.RecordBatch], path: Path, names: list[str]) -> Iterator[pa.RecordBatch]:
    try:
        yield from pieces
    except (pa.ArrowInvalid, OSError) as error:
        raise _unreadable(path, names, error) from error


def _unreadable(path: Path, names: list[str], error: Exception) -> UserError:
    """What is wrong with a file, without the value that Arrow's own message repeats."""
    column = re.search(r"column #(\d+)", str(error))
    where = f"column '{names[int(column[1])]}' holds something else than the schema says" if column else "not readable"
    return UserError(f"{path}: {where}; correct the file and write it again in UTF-8")


@contextmanager
def _written(output: Path) -> Iterator[Callable[[pa.RecordBatch], None]]:
    """A function that writes pieces to a partial file, which gets its name when all of them are on disk."""
    partial = output.with_name(f".{output.name}.partial")
    waiting: list[pa.RecordBatch] = []
    try:
        with partial.open("wb") as file, ExitStack() as stack:
            writer: Any = None

            def flush() -> None:
                nonlocal writer
                if waiting:
                    writer = writer or stack.enter_context(WRITERS[output.suffix](file, waiting[0].schema))
                    writer.write_table(pa.Table.from_batches(waiting))
                    waiting.clear()

            def write(piece: pa.RecordBatch) -> None:
                waiting.append(piece)
                if len(waiting) >= GROUP:
                    flush()

            yield write
            flush()
            stack.close()
            os.fsync(file.fileno())
        partial.rename(output)
    finally:
        partial.unlink(missing_ok=True)
