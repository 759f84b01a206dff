"""Batch scoring of recordings: a listing in, a file out; what cannot be read gets a reason.

A listing is a CSV, Parquet or JSON Lines file. Its column `file` names a file a row, from where the
listing lies, or, where the model reads texts, its column `text` holds them. All other columns are
kept; the texts are not.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from risk_model.core.errors import UserError
from risk_model.core.package import ModelPackage
from risk_model.core.reading_rules import ReadingRules
from risk_model.core.schema import Features, Schema
from risk_model.data.tables.cells import to_texts
from risk_model.data.tables.table_file import open_table
from risk_model.deployment import table_stream
from risk_model.deployment.batch import BatchCounts, BrokenRules, write_risks
from risk_model.deployment.batch_units import UnitStatement
from risk_model.deployment.recording_requests import signal_of
from risk_model.deployment.table_stream import OpenTable
from risk_model.signals import Recording, reader, rows

FEW = 64  # recordings read and scored together: each may be a megabyte as numbers
JSON_LINES = (".jsonl", ".ndjson")

Json = dict[str, Any]  # a line of a JSON Lines file


def score_recordings(package: ModelPackage, input: Path, output: Path) -> BatchCounts:
    """Writes a listing's columns except the texts, and each recording's risk or why it has none.

    A recording that the API would refuse, or a file that cannot be read, gets no risk but a reason.

    Raises:
        UserError: the listing is none or lacks its column; nothing is then left.
    """
    column = "file" if reader(signal_of(package.schema)).FROM_FILE else "text"
    listing = _open(input, column)
    keys = [name for name in listing.names if name != "text" or column == "file"]
    encode = recording_encoder(package, input.parent, column)
    # a recording states its own units
    return write_risks(package, listing, output, keys, encode, UnitStatement(listing.names, []))


def recording_encoder(
    package: ModelPackage, folder: Path, column: str
) -> Callable[[pa.RecordBatch], tuple[Features, BrokenRules]]:
    """The rows of a piece's recordings: float32[n, d], and the reason of each that cannot be read.

    Those hold the package's golden case, whose risk nobody gets to see.
    """
    blank = package.background[:1]
    read, rules = _value_reader(package.schema, folder, column), package.schema.reading

    def encode(piece: pa.RecordBatch) -> tuple[Features, BrokenRules]:
        features, broken = np.repeat(blank, piece.num_rows, axis=0), BrokenRules()
        for row, value in enumerate(_values(piece.column(column), rules, column)):
            try:
                features[row] = rows([read(value)], package.schema)[0]
            except (UserError, OSError) as error:
                reason = str(error) if isinstance(error, UserError) else f"{value}: cannot be read"
                broken.setdefault(reason, np.zeros(piece.num_rows, dtype=bool))[row] = True
        return features, broken

    return encode


def _values(column: pa.Array, rules: ReadingRules, name: str) -> list[str | None]:
    """Names of files as a table's texts are read; a text itself as it is written."""
    values: list[str | None] = (
        column.cast(pa.string()) if name == "text" else to_texts(column, rules, name)
    ).to_pylist()
    return values


def _value_reader(schema: Schema, folder: Path, column: str) -> Callable[[str | None], Recording]:
    signal = signal_of(schema)
    kind = reader(signal)

    def read(value: str | None) -> Recording:
        if value is None:
            raise UserError(f"{column} is required")
        if kind.FROM_FILE:
            return kind.read(folder / value, signal).recording
        return kind.received(value, signal)

    return read


def _open(path: Path, column: str) -> OpenTable:
    if path.suffix in JSON_LINES:
        return _open_json_lines(path, column)
    table = open_table(path, "input")
    table_stream.check_columns(path, table.names, [column])
    return table_stream.of(table, FEW)


def _open_json_lines(path: Path, column: str) -> OpenTable:
    """The members of the first line are the columns; values that are no text stay JSON."""
    if not path.is_file():
        raise UserError(f"input: {path}: there is no such file (looked in {Path.cwd()})")
    lines = _json_lines(path)
    first = next(lines, {})
    table_stream.check_columns(path, list(first), [column])
    return OpenTable(path, list(first), None, _batches(path, first, lines))


def _json_lines(path: Path) -> Iterator[Json]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                content = orjson.loads(line.removeprefix(BOM_UTF8)) if line.strip() else {}
            except ValueError:
                content = None
            if not isinstance(content, dict):
                raise UserError(
                    f"{path}: line {number} is no JSON object in UTF-8; write one a line"
                )
            if content:
                yield content


def _batches(path: Path, first: Json, lines: Iterator[Json]) -> Iterator[pa.RecordBatch]:
    schema = pa.schema([(name, pa.string()) for name in first])
    piece = [first, *islice(lines, FEW - 1)]
    while piece:
        if any(line.keys() - first.keys() for line in piece):
            raise UserError(
                f"{path}: a line has members that the first has not; give the first all of them"
            )
        texts = [{name: _as_text(line[name]) for name in line} for line in piece]
        yield pa.RecordBatch.from_pylist(texts, schema)
        piece = list(islice(lines, FEW))


def _as_text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()
