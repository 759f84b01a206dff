"""What is the risk of every recording in a listing? The same as for a table; what cannot be read
gets a reason.

A listing is a CSV, Parquet or JSON Lines file. Its column `file` names a file a row, from where the
listing lies, or, where the model reads texts, its column `text` holds them. All other columns are
kept; the texts are not.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from risk_model.core.errors import UserError
from risk_model.core.package import ModelPackage
from risk_model.core.schema import Features, Schema, Signal
from risk_model.deployment import table_stream
from risk_model.deployment.batch import Broken, Scored, write_risks
from risk_model.deployment.table_stream import Opened
from risk_model.signals import Recording, reader, rows

FEW = 64  # recordings read and scored together: each may be a megabyte as numbers
LONGEST = 1 << 24  # bytes of one row of a CSV file


def score(package: ModelPackage, input: Path, output: Path) -> Scored:
    """Writes `output` (.parquet or .csv): the listing's columns except the texts, and those of
    ADDED.

    A recording that the API would refuse, or a file that cannot be read, gets no risk but a reason.
    UserError when `output` exists, when the listing is none or lacks its column; nothing is then
    left.
    """
    table_stream.check_output(output)
    column = "file" if reader(_signal(package.schema)).FROM_FILE else "text"
    names, count, read = _open(input, column)
    keys = [name for name in names if name != "text" or column == "file"]
    encode = recording_encoder(package, input.parent, column)
    return write_risks(package, input, output, (names, count, _few(read)), keys, encode)


def recording_encoder(
    package: ModelPackage, folder: Path, column: str
) -> Callable[[pa.RecordBatch], tuple[Features, Broken]]:
    """The rows of a piece's recordings: float32[n, d], and for each reason which rows have no
    recording because of it.

    Those hold the package's golden case, whose risk nobody gets to see.
    """
    blank = np.load(package.directory / "explain/background.npy", allow_pickle=False)[:1]
    read = _read_one(package.schema, folder, column)

    def encode(piece: pa.RecordBatch) -> tuple[Features, Broken]:
        found, broken = np.repeat(blank, piece.num_rows, axis=0), Broken()
        for place, value in enumerate(piece.column(column).to_pylist()):
            try:
                found[place] = rows([read(value)], package.schema)[0]
            except (UserError, OSError) as error:
                reason = str(error) if isinstance(error, UserError) else f"{value}: cannot be read"
                broken.setdefault(reason, np.zeros(piece.num_rows, dtype=bool))[place] = True
        return found, broken

    return encode


def _read_one(schema: Schema, folder: Path, column: str) -> Callable[[str | None], Recording]:
    signal = _signal(schema)
    kind = reader(signal)

    def read(value: str | None) -> Recording:
        if value is None:
            raise UserError(f"{column} is required")
        return (
            kind.read(folder / value, signal).recording
            if kind.FROM_FILE
            else kind.received(value, signal)
        )

    return read


def _signal(schema: Schema) -> Signal:
    if schema.signal is None:
        raise ValueError("this package scores tables")
    return schema.signal


def _open(path: Path, column: str) -> Opened:
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    if path.suffix not in _OPENERS:
        raise UserError(f"{path}: is none of {', '.join(_OPENERS)}; convert it first")
    return _OPENERS[path.suffix](path, column)


def _open_csv(path: Path, column: str) -> Opened:
    names = table_stream.csv_names(path)
    table_stream.check_columns(path, names, [column])
    return names, None, table_stream.csv_pieces(path, dict.fromkeys(names, pa.string()), LONGEST)


def _open_parquet(path: Path, column: str) -> Opened:
    file = table_stream.parquet_file(path)
    names = file.schema_arrow.names
    table_stream.check_columns(path, names, [column])
    kind = file.schema_arrow.field(column).type
    if kind not in (
        pa.string(),
        pa.large_string(),
        pa.dictionary(pa.int32(), pa.string()),
        pa.null(),
    ):
        raise UserError(f"{path}: column '{column}' holds {kind}, not texts; convert it first")
    return names, file.metadata.num_rows, file.iter_batches(FEW, use_threads=False)


def _open_json_lines(path: Path, column: str) -> Opened:
    """The members of the first line are the columns; every value but a text is kept as it is
    written in JSON.
    """
    lines = _json_lines(path)
    first = next(lines, {})
    table_stream.check_columns(path, list(first), [column])
    return list(first), None, _batches(path, first, lines)


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
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


def _batches(
    path: Path, first: dict[str, Any], lines: Iterator[dict[str, Any]]
) -> Iterator[pa.RecordBatch]:
    schema, piece = (
        pa.schema([(name, pa.string()) for name in first]),
        [first, *islice(lines, FEW - 1)],
    )
    while piece:
        if any(line.keys() - first.keys() for line in piece):
            raise UserError(
                f"{path}: a line has members that the first has not; give the first all of them"
            )
        yield pa.RecordBatch.from_pylist(
            [{name: _as_text(line[name]) for name in line} for line in piece], schema
        )
        piece = list(islice(lines, FEW))


def _as_text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()


def _few(read: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for piece in read:
        for start in range(0, piece.num_rows, FEW):
            yield piece.slice(start, FEW)


_OPENERS = {".csv": _open_csv, ".parquet": _open_parquet, ".jsonl": _open_json_lines}
