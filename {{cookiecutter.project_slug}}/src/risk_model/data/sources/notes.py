"""Anybody's notes: JSON Lines, CSV or Parquet with a row a note.

A note stands in the column data.text, or in a text file of its own that the column data.file names.
A note that cannot be used is named by file and line; data.set_aside lets a run go on without so
many.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from risk_model.config.text import Notes, Words
from risk_model.core.cohort import Cohort
from risk_model.core.errors import UserError
from risk_model.core.schema import Signal
from risk_model.data.sources.coerce import require_column
from risk_model.data.sources.column_roles import TEXT_ROLES, column_roles
from risk_model.data.sources.files import read as read_table
from risk_model.data.sources.recording_readings import read_all
from risk_model.data.sources.recordings import cohort_of, listing, listing_of, schema_of
from risk_model.data.sources.table import rules_of
from risk_model.data.tables.table_file import open_table
from risk_model.signals import Reading, text
from risk_model.signals.text_encoder import tokenizer_json

SUFFIXES = (".jsonl", ".ndjson")
EXAMPLES = 3  # lines named in an error


def load(settings: Notes) -> Cohort:
    """The notes that have an outcome; UserError, naming file and line, for what is unfit."""
    for key in ("path", "outcome"):
        if getattr(settings, key) in ("", "???"):
            example = (
                "JSON Lines, CSV or Parquet, a row a note, its text in the column "
                f"{settings.text!r}"
            )
            raise UserError(
                f"data.{key} is not set; say data.path=… ({example}) and data.outcome=… (a column)"
            )
    path = Path(settings.path)
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", path.stem).strip("-.") or "notes"
    return of_file(settings, name, f"{path.name}, supplied by the user")


def of_file(settings: Notes, name: str, source: str) -> Cohort:
    """The cohort of that name of the notes in `settings.path`."""
    path, signal = Path(settings.path), signal_of(settings)
    schema = schema_of(name, settings.outcome, signal)
    if settings.file:
        entries = listing(settings, settings.file, "text file")
        one: Callable[[str], Reading] = lambda file: text.read(path.parent / file, signal)  # noqa: E731
        readings = read_all(entries.recordings, one, signal, settings.set_aside)
        return cohort_of(entries, readings, schema, source, readings.notes())
    file = _json_lines(path) if _is_json_lines(path) else _table(path, settings)
    readings = read_all(
        list(map(str, range(file.rows))),
        lambda i: _reading(file, int(i), settings.text, path, signal),
        signal,
        settings.set_aside,
    )
    positions = readings.positions
    frame = file.frame(positions.tolist()).assign(
        **{settings.text: np.arange(len(positions)).astype(str)}
    )
    entries = listing_of(
        frame,
        settings,
        settings.text,
        lambda rows: file.where([int(positions[row]) for row in rows]),
    )
    order = np.array([int(number) for number in entries.recordings], dtype=np.int64)
    listed = replace(readings.take(order), positions=np.arange(len(order)))
    return cohort_of(entries, listed, schema, source, readings.notes())


def signal_of(settings: Words) -> Signal:
    """The signal that the settings ask for.

    Raises:
        UserError: there is no such encoder, or nothing would be read.
    """
    for key, least in (("windows", 1), ("tokens", 8), ("columns", 64)):
        if getattr(settings, key) < least:
            raise UserError(f"data.{key}={getattr(settings, key)}: too few; use at least {least}")
    tokenizer = tokenizer_json(settings.encoder) if settings.encoder else ""
    shape = (settings.windows, settings.tokens)
    return Signal(
        "note",
        "text",
        shape,
        settings.columns,
        (),
        (),
        0.0,
        False,
        settings.encoder,
        tokenizer,
        settings.scrub,
    )


class NotesFile(NamedTuple):
    """The rows of a file before anything is refused.

    It gives the note of a row, the frame of some rows, and where rows stand.

    `note` raises UserError without a place when the row itself cannot be read.
    """

    rows: int
    note: Callable[[int, str], Any]
    frame: Callable[[list[int]], pd.DataFrame]
    where: Callable[[Sequence[int]], str]


def _reading(file: NotesFile, row: int, column: str, path: Path, signal: Signal) -> Reading:
    try:
        return text.reading(file.note(row, column), signal)
    except UserError as error:
        raise UserError(f"{path}, {file.where([row])}: {error}") from None


def _is_json_lines(path: Path) -> bool:
    if not path.is_file():
        raise UserError(
            f"data.path: there is no file {path} (looked in {Path.cwd()}); give the path of the "
            "notes"
        )
    with path.open("rb") as file:
        start = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"["):
        raise UserError(f"{path}: is one JSON array; write JSON Lines, an object a line")
    return path.suffix.lower() in SUFFIXES or start.startswith(b"{")


def _json_lines(path: Path) -> NotesFile:
    lines = path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")
    numbers = [number for number, line in enumerate(lines, start=1) if line.strip()]
    if not numbers:
        raise UserError(f"{path}: the file is empty; export the notes again")
    objects: dict[int, dict[str, Any]] = {}

    def note(row: int, column: str) -> Any:
        content = _object(lines[numbers[row] - 1])
        if column not in content:
            raise UserError(
                f"has no member {column!r}; name the member with the note by data.text=…"
            )
        objects[row] = {key: _plain(value) for key, value in content.items() if key != column}
        return "" if content[column] is None else content[column]

    def where(rows: Sequence[int]) -> str:
        numbers_text = ", ".join(str(numbers[row]) for row in rows[:EXAMPLES])
        more = f" and {len(rows) - EXAMPLES:,} more" if len(rows) > EXAMPLES else ""
        return f"line{'s' if len(rows) > 1 else ''} {numbers_text}{more}"

    return NotesFile(
        len(numbers), note, lambda rows: pd.DataFrame([objects[row] for row in rows]), where
    )


def _object(line: bytes) -> dict[str, Any]:
    try:
        content = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise UserError(
            f"byte {error.start + 1:,} of the line is not UTF-8; convert it to UTF-8"
        ) from None
    except (ValueError, RecursionError):
        raise UserError("is not JSON; write one object a line") from None
    if not isinstance(content, dict):
        raise UserError("is JSON but no object; write one object a line")
    return content


def _plain(value: Any) -> str | None:
    """A JSON value as a table would have it, None for null."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)


def _table(path: Path, settings: Notes) -> NotesFile:
    opened = open_table(path)
    names = opened.names
    require_column(settings.text, names, "data.text", str(path))
    require_column(settings.outcome, names, "data.outcome", str(path))
    roles = column_roles([name for name in names if name != settings.text], settings).column
    texts = [name for role, name in roles.items() if role in (*TEXT_ROLES, "time")]
    rules = rules_of(settings)
    file = read_table(opened, rules, [settings.outcome, settings.text, *texts])
    column = file.frame[settings.text]

    def note(row: int, name: str) -> Any:
        return "" if pd.isna(column.iloc[row]) else str(column.iloc[row])

    return NotesFile(
        len(column), note, lambda rows: file.frame.iloc[rows].reset_index(drop=True), file.where
    )
