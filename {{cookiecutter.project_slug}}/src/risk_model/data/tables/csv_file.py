"""CSV files: the header, the separator and the rows, or the line at which the file is broken.

All values are handed on as text, piece by piece; what they mean is said in `cells`.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from risk_model.core.errors import UserError

SEPARATORS = ",;\t|"
BLOCK = 1 << 24  # bytes; no row may be longer
FIRST_LINES = 64  # looked at to find the separator
EXAMPLES = 3  # lines named in an error
# the first bytes of a compressed file, whatever its name ends in
PACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2"}
csv.field_size_limit(BLOCK)  # an unclosed quote may swallow a whole file

Where = Callable[[Sequence[int]], str]


@dataclass(frozen=True)
class Header:
    """A CSV file's first row: its names, its separator and the number of lines it takes."""

    names: list[str]
    separator: str
    lines: int


def read_header(path: Path) -> Header:
    """A CSV file's names and separator.

    The separator is the sign that splits the first rows into equally many values, and most; a line
    "sep=;" above the header, which Excel writes, names it.

    Raises:
        UserError: there is no header row, or the text is not UTF-8.
    """
    try:
        with _text(path) as file:
            lines = list(islice(file, FIRST_LINES))
    except UnicodeDecodeError:
        raise _not_utf8(path) from None
    except (OSError, EOFError):
        raise UserError(f"{path}: cannot be unpacked; was it copied whole?") from None
    above = 1 if lines and re.fullmatch(r'"?sep=.?"?\s*', lines[0], re.IGNORECASE) else 0
    parsed = [_header(lines[above:], separator, above) for separator in SEPARATORS]
    header, _ = max(parsed, key=lambda found: (found[1], len(found[0].names)))
    if not header.names:
        raise UserError(f"{path}: there is no header row; the first row must name the columns")
    return Header(tidy(header.names), header.separator, header.lines)


def _header(lines: list[str], separator: str, above: int) -> tuple[Header, bool]:
    """The header with this separator, and whether it splits the first rows into equal parts."""
    reader = csv.reader(lines, delimiter=separator)
    names = next(filter(None, reader), [])
    taken = reader.line_num + above
    rows = [len(row) for row in reader if row]
    whole = rows if len(lines) + above < FIRST_LINES else rows[:-1]  # the last may be cut short
    return Header(names, separator, taken), len(names) > 1 and set(whole) <= {len(names)}


def tidy(names: Sequence[str]) -> list[str]:
    """Names without spaces around them or line ends within.

    An empty one is named for its position.
    """
    return [" ".join(str(name).split()) or f"column {i}" for i, name in enumerate(names, start=1)]


def numbered(word: str, numbers: Sequence[int], count: int) -> str:
    """Some of `count` numbers for a person: "lines 3, 17, 20 and 4 more"."""
    more = f" and {count - len(numbers):,} more" if count > len(numbers) else ""
    return f"{word}{'s' if count > 1 else ''} {', '.join(map(str, numbers))}{more}"


def lines_of(path: Path, header: Header) -> Where:
    """How to tell a person the lines of rows of this file."""

    def where(rows: Sequence[int]) -> str:
        first = sorted(rows)[:EXAMPLES]
        return numbered("line", _line_numbers(path, header, first), len(rows))

    return where


def _line_numbers(path: Path, header: Header, rows: Sequence[int]) -> list[int]:
    """The lines at which these rows start, 0 being the first row below the header.

    Blank lines count, quoted ones too.
    """
    numbers: list[int] = []
    with _text(path, errors="replace") as file:
        reader, row, start = csv.reader(file, delimiter=header.separator), 0, 1
        for record in reader:
            if record and start > header.lines:
                numbers += [start] * (row in rows)
                row += 1
            start = reader.line_num + 1
            if len(numbers) == len(rows):
                break
    return numbers


def open_bytes(path: Path) -> pa.NativeFile:
    """The bytes of a file, unpacked if it is compressed."""
    with path.open("rb") as file:
        start = file.read(4)
    packed = next((kind for sign, kind in PACKED.items() if start.startswith(sign)), None)
    return pa.input_stream(str(path), compression=packed)


def _text(path: Path, errors: str = "strict") -> io.TextIOWrapper:
    return io.TextIOWrapper(open_bytes(path), encoding="utf-8-sig", errors=errors, newline="")


def csv_pieces(path: Path, header: Header) -> Iterator[pa.RecordBatch]:
    """The rows below the header, a piece a block, every value as text and an empty one as null.

    Raises:
        UserError: the file is broken; names the line, and never a value.
    """
    ragged: list[int] = []

    def note_ragged(row: pyarrow.csv.InvalidRow) -> str:
        ragged.append(row.number - header.lines - 1)
        return "skip"

    reading = pa.csv.ReadOptions(
        use_threads=False, column_names=header.names, skip_rows=header.lines, block_size=BLOCK
    )
    parsing = pa.csv.ParseOptions(
        delimiter=header.separator, newlines_in_values=True, invalid_row_handler=note_ragged
    )
    types = pa.csv.ConvertOptions(
        null_values=[""],
        strings_can_be_null=True,
        column_types={name: pa.string() for name in header.names},
    )
    last: pa.RecordBatch | None = None
    rows, well_formed = 0, False
    try:
        for piece in pa.csv.open_csv(open_bytes(path), reading, parsing, types):
            if ragged:
                break
            if piece.num_rows:
                row = None if well_formed else _swallowing(piece, header)
                if row is not None and not _well_formed(path, header):
                    raise _unclosed(path, header, rows + row)
                well_formed = well_formed or row is not None
                last, rows = piece, rows + piece.num_rows
                yield piece
    except (pa.ArrowInvalid, OSError) as error:
        if "Empty CSV" not in str(error):
            raise _unreadable(path, header, error) from None  # pyarrow's own words repeat the row
    if ragged:
        raise _ragged(path, header, ragged)
    if last is not None and _ends_in_quotes(path, last):
        raise _unclosed(path, header, rows - 1)


def _unclosed(path: Path, header: Header, row: int) -> UserError:
    return UserError(
        f"{path}: a quote that opens in {lines_of(path, header)([row])} is never closed; close it, "
        "or double it within a value"
    )


def _swallowing(piece: pa.RecordBatch, header: Header) -> int | None:
    """A row with a value that may hold whole rows, because a quote closed where the next one opens.

    It holds a row's separators for every line end, as a text might by chance.
    """
    for column in piece.columns:
        lines = np.asarray(pc.match_substring(column, "\n").fill_null(False))
        for row in np.flatnonzero(lines).tolist():
            text = column[row].as_py()
            separators = text.count(header.separator)
            if separators and separators == text.count("\n") * (len(header.names) - 1):
                return int(row)
    return None


def _well_formed(path: Path, header: Header) -> bool:
    with _text(path, errors="replace") as file:
        try:
            for _ in csv.reader(file, delimiter=header.separator, strict=True):
                pass
        except csv.Error:
            return False
    return True


def _ragged(path: Path, header: Header, rows: list[int]) -> UserError:
    return UserError(
        f"{path}: {len(rows):,} rows do not have the header's {len(header.names)} values "
        f"({lines_of(path, header)(rows)}); quote values that contain {header.separator!r} or line "
        "ends"
    )


def _ends_in_quotes(path: Path, piece: pa.RecordBatch) -> bool:
    """Whether the last value swallowed the lines after it."""
    last = piece.column(piece.num_columns - 1)[-1].as_py()
    if not isinstance(last, str) or "\n" not in last:
        return False
    with open_bytes(path) as file:
        while chunk := file.read(BLOCK):
            end = chunk
    return not end.rstrip().endswith(b'"')


def _unreadable(path: Path, header: Header, error: Exception) -> UserError:
    if "UTF8" in str(error):
        return _not_utf8(path)
    return UserError(
        f"{path}: cannot be read as CSV with separator {header.separator!r}; is a quote never "
        "closed?"
    )


def _not_utf8(path: Path) -> UserError:
    """Names the first byte that is not UTF-8 and its line."""
    with open_bytes(path) as file:
        wide = file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    if wide:
        command = f"iconv -f UTF-16 -t UTF-8 {shlex.quote(path.name)} > utf8.csv"
        return UserError(f"{path}: is UTF-16; convert the file, for example with {command}")
    decoder, line, read = codecs.getincrementaldecoder("utf-8")(), 1, 0
    with open_bytes(path) as file:
        while chunk := file.read(1 << 20):
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                at = error.start - pending
                line += chunk[: max(at, 0)].count(b"\n")
                return UserError(
                    f"{path}: byte {read + at + 1:,} (line {line:,}) is not UTF-8; convert the "
                    "file, for example with "
                    f"iconv -f WINDOWS-1252 -t UTF-8 {path.name} > utf8.csv"
                )
            line, read = line + chunk.count(b"\n"), read + len(chunk)
    return UserError(
        f"{path}: is not UTF-8; convert the file, for example with iconv -f WINDOWS-1252 -t UTF-8"
    )
