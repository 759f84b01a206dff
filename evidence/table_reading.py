"""Fuzz of the reader: made-up tables, read without and with settings, against what they mean.

Does a number, a group, a patient or a date ever change its meaning without a word about that
column? Does the reader ever crash, repeat a patient's value, ask a question that its own remedy
does not answer, or does scoring read a file differently from training? Each seed is one table.
"""

from __future__ import annotations

import json
import re
import shlex
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from hydra.core.override_parser.overrides_parser import OverridesParser

from evidence.tables.columns import Column
from evidence.tables.table import OUTCOME, Table, made, merge, write
from risk_model import config
from risk_model.app.setting_words import ADDED, accepted, hydra_words
from risk_model.core.cohort import Cohort
from risk_model.core.errors import UserError
from risk_model.core.reading_rules import NOT_RECORDED
from risk_model.core.schema import Features, Field
from risk_model.data import load
from risk_model.data.tables.table_file import open_table
from risk_model.deployment.batch import column_encoder
from risk_model.deployment.requests import RefusedError, field_units, request_reader
from risk_model.deployment.table_stream import PIECE

SEEDS, SAMPLE = 2000, 200
NEAR = 0.0
# a share of the seeds each; a table is read several times, as its questions are answered
COLUMNS = (
    "right",
    "told",
    "asked",
    "right_or_asked_or_told",
    "silent",
    "crash",
    "unclear",
    "value_quoted",
    "differs",
    "remedy_failed",
)
NEVER = ("silent", "crash", "unclear", "value_quoted", "differs", "remedy_failed")
BOUNDS = dict.fromkeys(NEVER, (0.0, 0.0)) | {"right_or_asked_or_told": (1.0, 1.0)}
COMMON = 10  # rows: a rarer text might be a patient's own
# settings that, once given, must bring out what a column means; others go on without it
TRUE = {"numbers", "decimal", "thousands", "censored", "missing_in", "folded", "ticked", "subject"}
PLACE = r"\b(lines?|rows?|byte) \d|\.(csv|parquet): |^\d+ questions|^data\."
ROUNDS = 12  # questions that a table may ask one after the other

PARSER = OverridesParser.create()
Answer = list[str]  # settings that stand together


@dataclass
class Verdict:
    """What became of a table: the class of its first reading, and every fault."""

    first: str = ""
    faults: dict[str, list[str]] = field(default_factory=dict)

    def fault(self, kind: str, what: str) -> None:
        """Notes a fault."""
        self.faults.setdefault(kind, []).append(what)


def study(seeds: Sequence[int]) -> dict[str, list[float]]:
    """For every column, whether it holds for each seed (1 or 0)."""
    found: dict[str, list[float]] = {name: [] for name in COLUMNS}
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            verdict = judged(made(seed), Path(folder))
            for name in COLUMNS:
                found[name].append(float(verdict.first == name or name in verdict.faults))
            found["right_or_asked_or_told"][-1] = float(verdict.first in ("right", "told", "asked"))
    return found


def judged(table: Table, folder: Path) -> Verdict:
    """Reads a table, answers its questions as they are printed, and compares what was read."""
    path, verdict = write(table, folder), Verdict()
    settings, answered, seen = dict(table.settings), set[str](), list[str]()
    for _ in range(ROUNDS):
        try:
            cohort = load(table_settings(path, settings))
        except UserError as error:
            verdict.first = verdict.first or "asked"
            questions = str(error).split("\n  ")
            _check_questions(table, str(error), questions, verdict)
            again = [q for q in questions if q in seen]
            if again:
                verdict.fault("remedy_failed", f"asked again: {again[0]}")
                return verdict
            seen += questions
            if not _answer(table, questions, settings, answered, verdict):
                return verdict
            continue
        except Exception as error:  # whatever it is, it is a fault
            verdict.first = verdict.first or "crash"
            verdict.fault("crash", f"{type(error).__name__}: {error}")
            return verdict
        verdict.first = verdict.first or "right"
        _forget(table, settings.get("missing_in", {}))
        _check_cohort(table, cohort, answered, verdict)
        if len(kept_rows(table, cohort)) == len(cohort):
            _check_scoring(table, path, cohort, verdict)
        if table.seed % 4 == 0:
            _follow_warnings(path, cohort, settings, verdict)
        return verdict
    verdict.fault("remedy_failed", f"still asking: {seen[-1]}")
    return verdict


def _check_questions(table: Table, text: str, questions: list[str], verdict: Verdict) -> None:
    _check_quotes(table, text, verdict)
    for question in questions:
        named = any(c.name in question for c in table.columns)
        place = re.search(PLACE, question)
        remedy = ";" in question or "data." in question or question.endswith(":")
        if not ((named or place) and remedy) or "\n" in question:
            verdict.fault("unclear", question)


def _check_quotes(table: Table, text: str, verdict: Verdict) -> None:
    """Whether a text repeats what stands in few rows."""
    for column in table.columns:
        cells = [cell.strip() for cell in column.cells]
        codes = {column.code, *table.settings.get("missing_in", {}).get(column.name, [])}
        for cell in {c for c in cells if len(c) >= 5 and cells.count(c) < COMMON} - codes:
            if cell in text and re.search(rf"(?<![\w.,]){re.escape(cell)}(?![\w])", text):
                verdict.fault("value_quoted", f"{column.name}: {cell!r} in {text[:300]!r}")
                return


def _answer(
    table: Table,
    questions: list[str],
    settings: dict[str, Any],
    answered: set[str],
    verdict: Verdict,
) -> bool:
    """Answers the questions with their first or last settings; whether any had some."""
    some = False
    for question in questions:
        offered = answers(question)
        if not offered:
            continue
        some = True
        chosen = offered[0 if table.seed % 2 else -1]
        try:
            said = parsed(chosen)
            for key, value in said.items():
                merge(settings, key, value)
            if not said.keys() <= TRUE or said.get("subject") == "none":
                answered |= {c.name for c in table.columns if c.name in question}
        except Exception as error:  # a setting that its own command line cannot read
            verdict.fault("remedy_failed", f"{chosen}: {type(error).__name__}")
            return False
    return some


def _follow_warnings(
    path: Path, cohort: Cohort, settings: dict[str, Any], verdict: Verdict
) -> None:
    """Does what the warnings advise first, after which they must be silent."""
    advised = [(n, answers(n.remedy)) for n in cohort.notes if n.severity == "warning"]
    advised = [(note, offered) for note, offered in advised if offered]
    if not advised:
        return
    try:
        for _, offered in advised:
            for key, value in parsed(offered[0]).items():
                merge(settings, key, value)
        again = load(table_settings(path, settings))
    except Exception as error:
        verdict.fault("remedy_failed", f"{[n.line() for n, _ in advised]}: {error}")
        return
    left = {(note.kind, note.where) for note in again.notes if note.severity == "warning"}
    for note, _ in advised:
        if (note.kind, note.where) in left:
            verdict.fault("remedy_failed", f"warned again: {note.line()}")


ONE = r"""'data\.\w+=(?:[^']|'"'"')*'|data\.\w+=(?:,|[\w@%+=:/,.-]+?(?=[,;.)]*(?:\s|$)))"""


def answers(question: str) -> list[Answer]:
    """The settings that a question offers, each an answer; those that stand together are one."""
    found = []
    for match in re.finditer(rf"(?:{ONE})(?: (?:{ONE}))*", question):
        answer = shlex.split(match[0])
        # a placeholder is for the user to fill in
        if not any(re.search(r"\bTEXT\b|\bSITE\b|data\.(schema|path|outcome)=", s) for s in answer):
            found.append(answer)
    return found


def parsed(answer: Answer) -> dict[str, Any]:
    """Settings as the command line reads them."""
    overrides = PARSER.parse_overrides(hydra_words(answer))
    values = {o.key_or_group.removeprefix("data."): _text(o.value()) for o in overrides}
    if "missing_in" in values:
        pairs = [entry.rpartition("=") for entry in values["missing_in"]]
        names = dict.fromkeys(name for name, _, _ in pairs)
        values["missing_in"] = {n: [text for name, _, text in pairs if name == n] for n in names}
    reasons = accepted(answer)
    return {**values, "accept": reasons} if reasons else values


def table_settings(path: Path, settings: dict[str, Any]) -> config.Table:
    """The settings of a table; codes by column are written as the command line has them."""
    by_column = settings.get("missing_in", {})
    entries = [f"{name}={code}" for name, codes in by_column.items() for code in codes]
    given = {**settings, "missing_in": entries}
    return config.Table(path=str(path), outcome=OUTCOME, **given)


def _text(value: Any) -> Any:
    """Texts, as the settings' types make them."""
    if isinstance(value, list):
        return [text for text in map(str, value) if text != ADDED]
    return str(value)


def _check_cohort(table: Table, cohort: Cohort, answered: set[str], verdict: Verdict) -> None:
    told = {note.where for note in cohort.notes}
    told |= {reading.column for reading in cohort.columns if reading.why or reading.change}
    words = [note.line() for note in cohort.notes]
    words += [f"{r.column} {r.read_as} {r.why} {r.change}" for r in cohort.columns]
    _check_quotes(table, "\n".join(words), verdict)
    rows = kept_rows(table, cohort)
    if len(rows) != len(cohort):
        verdict.fault("silent", f"{len(cohort)} rows of {len(rows)}")
        return
    for column in table.columns:
        problem = difference(table, column, cohort, rows)
        left_out = column.name in table.settings.get("exclude", [])
        if not problem or left_out or column.name in answered:
            continue
        if column.name in told:
            verdict.first = "told" if verdict.first == "right" else verdict.first
        else:
            what = f"{column.name} ({column.kind}, {column.decoration}): {problem}"
            verdict.fault("silent", what)


def _forget(table: Table, codes: dict[str, list[str]]) -> None:
    """What the user called not recorded is not recorded."""
    for column in table.columns:
        texts = codes.get(column.name, [])
        for i, cell in enumerate(column.cells):
            if cell in texts:
                column.truth[i] = None


def kept_rows(table: Table, cohort: Cohort) -> npt.NDArray[np.int64]:
    """The rows with an outcome and, where patients are known, with a patient."""
    if "subject_id" in cohort.index and table.person:
        known = [i for i, person in enumerate(table.person) if person is not None]
        if len(known) == len(cohort):
            return np.array(known)
    return np.arange(table.rows)


def difference(table: Table, column: Column, cohort: Cohort, rows: npt.NDArray[np.int64]) -> str:
    """How a column differs from what it means, or ""."""
    name, wanted = column.name, column.wanted
    truth = [column.truth[i] for i in rows]
    inputs = cohort.inputs[name].tolist() if name in cohort.inputs else None
    kind = cohort.schema.field(name).kind if name in cohort.schema.names else ""
    if wanted == "outcome":
        return "" if cohort.labels.tolist() == truth else "other outcomes"
    if wanted == "subject":
        people = cohort.index.get("subject_id")
        if people is None:
            return "patients are not told apart"
        return (
            "" if one_to_one(people.tolist(), [table.person[i] for i in rows]) else "other patients"
        )
    if wanted in ("site", "sex"):
        groups = cohort.index.get(wanted)
        return (
            "" if groups is not None and one_to_one(groups.tolist(), truth) else f"other {wanted}"
        )
    if wanted == "time":
        days = cohort.index.get("prediction_time")
        shown = None if days is None else days.dt.strftime("%Y-%m-%d").tolist()
        return "" if shown is not None and equal_texts(shown, truth) else "other dates"
    if wanted in ("date", "left out"):
        return "" if inputs is None else f"an input ({kind})"
    if wanted == "unreadable":
        return "numbers" if kind == "number" else ""
    if inputs is None:
        return "left out"
    if wanted == "category" or kind == "category":
        plain = wanted in ("category", "yes or no") and kind == "category"
        same = plain and equal_texts(inputs, _as_texts(column, truth, rows))
        return "" if same else f"read as {kind}"
    if wanted == "age" and "age" in cohort.index:
        ages = cohort.index["age"].to_numpy(dtype=float)
        if not np.array_equal(ages, _floats(truth), equal_nan=True):
            return "other ages"
    same = np.array_equal(np.array(inputs, dtype=float), _floats(truth), equal_nan=True)
    return "" if same else "other numbers"


def _as_texts(column: Column, truth: list[Any], rows: npt.NDArray[np.int64]) -> list[Any]:
    if column.wanted == "category":
        return truth
    return [None if t is None else column.cells[i] for t, i in zip(truth, rows, strict=True)]


def _floats(values: list[Any]) -> npt.NDArray[np.float64]:
    return np.array([np.nan if v is None else float(v) for v in values])


def equal_texts(one: Sequence[Any], other: Sequence[Any]) -> bool:
    """Whether texts are equal, missing ones too."""
    return all((not is_known(a) and b is None) or a == b for a, b in zip(one, other, strict=True))


def is_known(value: Any) -> bool:
    """Whether something was recorded."""
    return value is not None and value == value


def one_to_one(groups: Sequence[Any], truth: Sequence[Any]) -> bool:
    """Whether two groupings are the same, whatever the groups are called."""
    pairs = {(a if is_known(a) else None, b) for a, b in zip(groups, truth, strict=True)}
    return len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


def _check_scoring(table: Table, path: Path, cohort: Cohort, verdict: Verdict) -> None:
    """Whether file and requests are scored as training read them, and refused alike."""
    schema, rows = cohort.schema.served(), kept_rows(table, cohort)
    features, refused = batch_scored(path, cohort)
    features, refused = features[rows], refused[rows]
    expected = cohort.encoded()
    unlike = ~((features == expected) | (np.isnan(features) & np.isnan(expected))).all(axis=1)
    if (unlike & ~refused).any():
        columns = np.flatnonzero((features != expected)[unlike & ~refused].any(axis=0))
        names = [schema.features[i] for i in columns[:3]]
        verdict.fault("differs", f"batch and training: {names}")
    read, units = request_reader(schema), field_units(schema)
    typed = {f.name: as_json(table.column(f.name), f, cohort) for f in schema.inputs}
    for i, row in enumerate(rows):
        body = {name: values[row] for name, values in typed.items()}
        try:
            answer = read(json.dumps({"inputs": body, "units": units}).encode()).row[0]
        except RefusedError as error:
            if not refused[i]:
                verdict.fault("differs", f"refused by the service alone: {error.errors}")
                return
            continue
        if refused[i]:
            verdict.fault("differs", f"refused by the batch alone: {body}")
            return
        if not np.array_equal(answer, expected[i], equal_nan=True):
            verdict.fault("differs", f"service and training: {body}")
            return


def batch_scored(path: Path, cohort: Cohort) -> tuple[Features, npt.NDArray[np.bool_]]:
    """What a file becomes when it is scored, and which rows are refused."""
    encode = column_encoder(cohort.schema.served())
    features, refused = [], []
    for piece in open_table(path).pieces(PIECE):
        values, broken = encode(piece)
        features.append(values.copy())
        none = np.zeros(piece.num_rows, dtype=bool)
        refused.append(np.logical_or.reduce([none, *broken.values()]))
    return np.concatenate(features), np.concatenate(refused)


def as_number(text: str) -> float | None:
    """The number that a plain text holds, or None."""
    try:
        return float(text)
    except ValueError:
        return None


def as_json(column: Column, field: Field, cohort: Cohort) -> list[Any]:
    """A column's cells as somebody types them into a request, by the kind that the schema says."""
    if field.kind == "category":
        cells = [cell.strip() for cell in column.cells]
        return [None if cell in NOT_RECORDED else cell for cell in cells]
    raw = column.raw or [as_number(cell) for cell in column.cells]
    ticked = field.name in cohort.schema.reading.ticked
    if field.kind == "boolean":
        values = [0.0 if ticked and v is None else v for v in raw]
        return [bool(v) if v in (0, 1) else v for v in values]
    return list(raw)
