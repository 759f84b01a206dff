"""Made-up tables: columns, people and hospitals put together, and written as a file."""

from __future__ import annotations

import csv
import gzip
import io
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from evidence.tables.columns import (
    CODES,
    DATES,
    DECORATIONS,
    KINDS,
    NAMES,
    STYLES,
    Column,
    Rng,
    Value,
    codes_column,
    date_column,
    numbers_column,
    several_numbers_column,
    text_column,
    tick_column,
    with_code,
    words_column,
    yes_no_column,
)
from risk_model.core.reading_rules import NOT_RECORDED

SEPARATORS = (",", ";", "\t", "|")
FILES = (
    "plain",
    "quoted",
    "CRLF",
    "BOM",
    "gz",
    "padded cells",
    "sep= above",
    "blank lines",
    "lines in cells",
    "Parquet",
    "Parquet",
)
BROKEN = (
    "NUL",
    "ragged",
    "unclosed quote",
    "not UTF-8",
    "empty file",
    "only a header",
    "duplicate names",
    "padded header",
    "cut off",
)
IDENTIFIERS = (
    "none",
    "once each",
    "several rows",
    "id, once each",
    "id, several rows",
    "unlisted name",
    "floating point",
    "per hospital",
    "placeholder",
    "two spellings",
)
SITES = ("none", "names", "codes", "several spellings")
AGES = ("none", "years", "years with a unit", "months")
# every trait that a table may have: the first seeds must show them all
TRAITS = {
    "kind": KINDS,
    "decoration": DECORATIONS,
    "style": tuple(STYLES),
    "separator": SEPARATORS,
    "file": FILES,
    "code": CODES,
    "date": tuple(DATES),
    "identifier": IDENTIFIERS,
    "site": SITES,
    "age": AGES,
    "broken": BROKEN,
    "settings": ("given", "none"),
}
OUTCOME = "died"
UNLISTED = ("fallnummer", "kodnr", "study code", "Laufende Nr")


@dataclass
class Table:
    """A table whose every cell is known, and how its file is written.

    `person` says whose row each is, None where nobody knows, and is empty where the table does not
    tell; `settings` are what the user says at first.
    """

    seed: int
    rows: int
    columns: list[Column]
    traits: dict[str, set[str]]
    person: list[str | None] = field(default_factory=list)
    people_in: str = ""  # the column that names them
    separator: str = ","
    file: str = "plain"
    broken: str = ""
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The file's name."""
        return "table.parquet" if self.file == "Parquet" else "table.csv"

    def column(self, name: str) -> Column:
        """The column of that name."""
        return next(column for column in self.columns if column.name == name)


def made(seed: int) -> Table:
    """The table of a seed."""
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(120, 301))
    style = str(rng.choice(list(STYLES))) if rng.random() < 0.5 else "point"
    identifier = str(rng.choice(IDENTIFIERS)) if rng.random() < 0.7 else "none"
    site = str(rng.choice(SITES)) if identifier != "per hospital" else "names"
    columns, person = _people(rng, rows, identifier, site)
    people_in = columns[0].name if person else ""
    age = str(rng.choice(AGES)) if identifier != "unlisted name" else "years"
    columns += _who(rng, rows, age, person)
    columns += _others(rng, rows, style)
    outcome = _outcome(rng, rows)
    columns = [columns[i] for i in rng.permutation(len(columns))]
    columns.insert(int(rng.integers(len(columns) + 1)), outcome)
    table = Table(seed, rows, columns, {}, person, people_in)
    table.file = str(rng.choice(FILES))
    table.separator = str(rng.choice(SEPARATORS))
    if rng.random() < 0.2:
        table.broken = str(rng.choice(BROKEN))
        if table.file == "Parquet" and table.broken not in ("cut off", "only a header"):
            table.file = "plain"
        if table.broken == "cut off" and table.file != "Parquet":
            table.file = "gz"  # nobody can know that a plain text file was longer once
    table.traits = _traits(table, style, identifier, site, age)
    if rng.random() < 0.6:
        table.settings = _known_settings(rng, table, style)
        table.traits["settings"] = {"given"}
    else:
        for column in columns:
            _take_words_for_groups(column)
    return table


def _traits(table: Table, style: str, identifier: str, site: str, age: str) -> dict[str, set[str]]:
    columns = table.columns
    return {
        "kind": {c.kind for c in columns} & set(KINDS),
        "decoration": {c.decoration for c in columns},
        "style": {style},
        "separator": {table.separator} if table.file != "Parquet" else set(),
        "file": {table.file},
        "code": {c.code for c in columns if "" in c.cells or c.code},
        "date": {c.form for c in columns if c.kind == "date"},
        "identifier": {identifier},
        "site": {site},
        "age": {age},
        "broken": {table.broken} - {""},
        "settings": {"none"},
    }


def _people(
    rng: Rng, rows: int, identifier: str, site: str
) -> tuple[list[Column], list[str | None]]:
    """The columns of patient and hospital, and whose row each is."""
    known = {"names": ["Nordspital", "St. Mary", "Charité", "Hôpital Sud"]}
    known["several spellings"] = known["names"]
    known["codes"] = ["01", "02", "07", "11"]
    site_of = [str(s) for s in rng.choice(known.get(site, ["-"]), rows)]
    columns = [] if site == "none" else [_site(rng, site_of, site)]
    if identifier == "none":
        return columns, []
    many = rows if identifier.endswith("once each") else max(rows * 2 // 5, 30)
    number = rng.permutation(9 * many)[:many] + 1000
    who = rng.permutation(rows) if many == rows else rng.integers(0, many, rows)
    shown = str(rng.choice(["P{:05d}", "{:d}", "{:06d}"]))
    cells = [shown.format(int(number[w])) for w in who]
    person: list[str | None] = list(cells)
    name = str(rng.choice(["patient_id", "PatientID", "mrn", "Patient"]))
    settings: dict[str, Any] = {}
    if identifier.startswith("id"):
        name = str(rng.choice(["id", "ID", "case_id"]))
    elif identifier == "unlisted name":
        name = str(rng.choice(UNLISTED))
        settings = {"subject": name}
    elif identifier == "floating point":
        cells = [f"{int(number[w]) * 10**9 + 7:.5E}" for w in who]
        person = [str(number[w]) for w in who]
    elif identifier == "per hospital":
        most = max(rows // 10, 12)
        cells = [str(v + 1) for v in rng.integers(0, most, rows)]
        person = [f"{s}/{c}" for s, c in zip(site_of, cells, strict=True)]
        settings = {"subject": f"hospital+{name}"}
    elif identifier == "placeholder":
        word = str(rng.choice(["unknown", "99999", "0", "n/a"]))
        nobody = rng.permutation(rows)[: rows // 5]
        for i in nobody:
            cells[i], person[i] = word, None
        settings = {"missing_in": {name: [word]}}
    elif identifier == "two spellings":
        cells = [f"P{int(number[w]):05d}" for w in who]
        person = list(cells)
        cells = [c.lower() if r else c for c, r in zip(cells, rng.random(rows) < 0.3, strict=True)]
        settings = {"folded": [name]}
    once = identifier == "id, once each"
    wanted = "left out" if once else "subject"
    column = Column(name, "identifier", wanted, cells, list(person), settings=settings)
    return [column, *columns], [] if once else person


def _site(rng: Rng, site_of: list[str], site: str) -> Column:
    cells = list(site_of)
    settings: dict[str, Any] = {}
    if site == "several spellings":
        other = rng.random(len(cells)) < 0.25
        cells = [c.upper().replace(".", "") if o else c for c, o in zip(cells, other, strict=True)]
        settings = {"folded": ["hospital"]}
    return Column("hospital", "site", "site", cells, list(site_of), settings=settings)


def _who(rng: Rng, rows: int, age: str, person: list[str | None]) -> list[Column]:
    """Age and sex, which do not change within a person."""
    distinct = {p: i for i, p in enumerate(dict.fromkeys(person))} if person else {}
    of = [distinct[p] if p is not None else None for p in person] if person else list(range(rows))
    years, woman = rng.integers(18, 95, rows + 1), rng.random(rows + 1) < 0.5
    ages = [int(years[i]) if i is not None else int(rng.integers(18, 95)) for i in of]
    women = [bool(woman[i]) if i is not None else bool(rng.random() < 0.5) for i in of]
    words = ("female", "male") if rng.random() < 0.5 else ("F", "M")
    sexes = [words[0] if w else words[1] for w in women]
    columns = [Column("sex", "sex", "sex", sexes, list(sexes))]
    if age == "none":
        return columns
    truth: list[Value] = [float(a) for a in ages]
    cells, raw = [str(a) for a in ages], [float(a) for a in ages]
    column = Column("age", "age", "age", cells, truth, list(raw), form=age)
    if age == "years with a unit":
        column.cells = [f"{a} years" for a in ages]
        column.decoration, column.settings = "unit", {"numbers": ["age"]}
    elif age == "months":
        column.cells = [str(a * 12 + 5) for a in ages]
        column.raw = [float(a * 12 + 5) for a in ages]
        column.truth = list(column.raw)
        column.wanted, column.settings = "months", {"age": "none"}
    elif rng.random() < 0.4:
        column = with_code(rng, column, ["999", "-9", "NA", ""])
    return [*columns, column]


def _others(rng: Rng, rows: int, style: str) -> list[Column]:
    names = [str(name) for name in rng.permutation(NAMES)]
    columns = [numbers_column(rng, names.pop(), rows, style) for _ in range(rng.integers(2, 5))]
    if rng.random() < 0.1:  # from another laboratory
        columns.append(numbers_column(rng, names.pop(), rows, str(rng.choice(list(STYLES)))))
    makers = (
        lambda: words_column(rng, names.pop(), rows),
        lambda: yes_no_column(rng, names.pop(), rows),
        lambda: tick_column(rng, names.pop(), rows),
        lambda: codes_column(rng, names.pop(), rows),
        lambda: date_column(rng, str(rng.choice(["test_date", "lab date"])), rows, False),
        lambda: date_column(rng, str(rng.choice(["admission_date", "date"])), rows, True),
        lambda: text_column(rng, names.pop(), rows),
        lambda: several_numbers_column(rng, names.pop(), rows),
    )
    chosen = [makers[int(i)]() for i in rng.permutation(len(makers))[: rng.integers(1, 5)]]
    return columns + chosen


def _outcome(rng: Rng, rows: int) -> Column:
    yes, no = [("1", "0"), ("yes", "no"), ("True", "False")][int(rng.integers(3))]
    truth = rng.random(rows) < 0.35
    values: list[Value] = [float(t) for t in truth]
    return Column(OUTCOME, "outcome", "outcome", [yes if t else no for t in truth], values)


def _take_words_for_groups(column: Column) -> None:
    """Without a setting "unknown" is a group as others are, for all that anybody can know.

    Beside a few whole numbers too, which are groups then.
    """
    if column.kind == "grade" and column.code in ("unknown", "n.d."):
        column.wanted = "category"
        column.truth = [None if cell in NOT_RECORDED else cell for cell in column.cells]
    elif column.wanted == "category" and column.code not in NOT_RECORDED:
        column.truth = list(column.cells)


def _known_settings(rng: Rng, table: Table, style: str) -> dict[str, Any]:
    """What a user says who knows the table; a word may mean "not recorded" in every column."""
    decimal, thousands = STYLES[style]
    settings: dict[str, Any] = {"decimal": decimal, "thousands": thousands}
    everywhere = bool(rng.random() < 0.4)
    words: list[str] = []
    for column in table.columns:
        for key, value in column.settings.items():
            codes = value.get(column.name, []) if key == "missing_in" else []
            if everywhere and codes and codes[0] in ("unknown", "n.d."):
                words += codes
            else:
                merge(settings, key, value)
    if words:
        settings["missing"] = [*NOT_RECORDED, *dict.fromkeys(words)]
        for column in table.columns:
            _forget(column, set(words))
    return settings


def _forget(column: Column, words: set[str]) -> None:
    """These words mean "not recorded" in every column."""
    for i, cell in enumerate(column.cells):
        if cell in words:
            column.truth[i] = None


def merge(settings: dict[str, Any], key: str, value: Any) -> None:
    """Adds a setting as a user would: to the list or the mapping that stands there."""
    if isinstance(value, list):
        known = settings.get(key, NOT_RECORDED if key == "missing" else [])
        settings[key] = [*known, *(v for v in value if v not in known)]
    elif isinstance(value, dict):
        settings[key] = {**settings.get(key, {}), **value}
    else:
        settings[key] = value


def write(table: Table, folder: Path) -> Path:
    """The table as a file; returns its path."""
    path = folder / table.path
    if table.file == "Parquet":
        _write_parquet(table, path)
        if table.broken == "cut off":
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        return path
    path.write_bytes(_csv_bytes(table))
    return path


def _csv_bytes(table: Table) -> bytes:
    rng = np.random.default_rng([table.seed, 1])
    names = [column.name for column in table.columns]
    rows = [list(row) for row in zip(*(c.cells for c in table.columns), strict=True)]
    if table.file == "padded cells":
        rows = [[f"  {cell} " for cell in row] for row in rows]
    i, j = int(rng.integers(len(rows))), int(rng.integers(len(names)))
    if table.file == "lines in cells":
        prose = [k for k, column in enumerate(table.columns) if column.kind == "free text"]
        rows = [
            [c.replace(" ", "\n", 1) if k in prose else c for k, c in enumerate(r)] for r in rows
        ]
    if table.broken == "padded header":
        names = [f"  {name} " for name in names]
    elif table.broken == "duplicate names":
        names[j] = names[j - 1]
    elif table.broken == "only a header":
        rows = []
    elif table.broken == "empty file":
        return b""
    elif table.broken == "NUL":
        rows[i][j] = rows[i][j][:1] + "\0" + rows[i][j][1:]
    elif table.broken == "ragged":
        rows[i] = rows[i][:-1] if rng.random() < 0.5 else [*rows[i], "7"]
    elif table.broken == "not UTF-8":
        rows[i][j] += "\ue000"
    end = "\r\n" if table.file == "CRLF" else "\n"
    quoting: Literal[0, 1] = csv.QUOTE_ALL if table.file == "quoted" else csv.QUOTE_MINIMAL
    file = io.StringIO()
    writer = csv.writer(file, delimiter=table.separator, quoting=quoting, lineterminator=end)
    file.write(f"sep={table.separator}{end}" if table.file == "sep= above" else "")
    writer.writerow(names)
    for k, row in enumerate(rows):
        file.write(end if table.file == "blank lines" and k % 50 == 7 else "")
        if table.broken == "unclosed quote" and k == i:
            line = io.StringIO()
            csv.writer(
                line, delimiter=table.separator, quoting=quoting, lineterminator=end
            ).writerow(row)
            file.write(_unclosed(line.getvalue(), table.separator, rng))
        else:
            writer.writerow(row)
    text = file.getvalue()
    content = text.encode().replace("\ue000".encode(), b"\xe9")
    if table.file == "BOM":
        content = b"\xef\xbb\xbf" + content
    if table.file == "gz":
        content = gzip.compress(content, mtime=0)
        if table.broken == "cut off":
            content = content[: len(content) * 2 // 3]
    return content


def _unclosed(line: str, separator: str, rng: Rng) -> str:
    """A line in which a quote opens and does not close, or closes and did not open."""
    at = [i for i, sign in enumerate(line) if sign == '"']
    if at:
        i = at[int(rng.integers(len(at)))]
        return line[:i] + line[i + 1 :]
    starts = [0, *(i + 1 for i, sign in enumerate(line) if sign == separator)]
    i = starts[int(rng.integers(len(starts)))]
    return line[:i] + '"' + line[i:]


def _write_parquet(table: Table, path: Path) -> None:
    rng = np.random.default_rng([table.seed, 2])
    arrays = [_array(column, rng) for column in table.columns]
    content = pa.Table.from_arrays(arrays, [column.name for column in table.columns])
    if table.broken == "only a header":
        content = content.slice(0, 0)
    pq.write_table(content, path)


def _array(column: Column, rng: Rng) -> pa.Array:
    """A column as a program would type it: numbers, decimals, durations, booleans, categories."""
    cells = [cell if cell.strip() not in ("", "NA") else None for cell in column.cells]
    texts = pa.array(cells, pa.string())
    kind = column.wanted
    if kind in ("number", "age", "months") and column.decoration == "plain" and column.raw:
        return _numbers(column, rng, texts)
    if kind in ("yes or no", "outcome") and {c.casefold() for c in cells if c} == {"true", "false"}:
        return pa.array([None if c is None else c.casefold() == "true" for c in cells])
    if kind in ("date", "time") and rng.random() < 0.5 and column.code != "9999-12-31":
        column.form = "iso"
        known = [None if v is None else date.fromisoformat(str(v)) for v in column.truth]
        days = pa.array(known, pa.date32())
        return days if rng.random() < 0.5 else days.cast(pa.timestamp("ms"))
    if kind == "subject" and all(c is not None and c.isdigit() and c[0] != "0" for c in cells):
        return pa.array([int(str(c)) for c in cells], pa.int64())
    way = int(rng.integers(3))
    return (texts, texts.dictionary_encode(), texts.cast(pa.large_string()))[way]


def _numbers(column: Column, rng: Rng, texts: pa.Array) -> pa.Array:
    """Numbers in one of the types that hold them all."""
    raw = [None if c is None else r for c, r in zip(texts.to_pylist(), column.raw, strict=True)]
    if any(c is not None and r is None for c, r in zip(texts.to_pylist(), raw, strict=True)):
        return texts  # words among them
    known = [r for r in raw if r is not None]
    whole = all(r == int(r) for r in known)
    way = int(rng.integers(4))
    if way == 0 and whole:
        return pa.array([None if r is None else int(r) for r in raw], pa.int32())
    if way == 1 and whole:
        seconds = pa.array([None if r is None else int(r) * 1000 for r in raw], pa.int64())
        return seconds.cast(pa.duration("ms"))
    if way == 2:
        return pa.array([None if r is None else Decimal(str(r)) for r in raw], pa.decimal128(12, 2))
    if way == 3:
        some = pa.array(raw, pa.float32())
        for i, value in enumerate(some.to_pylist()):  # the float32 nearest to what was meant
            column.raw[i] = value
            if column.truth[i] is not None:
                column.truth[i] = value
        return some
    return pa.array(raw, pa.float64())
