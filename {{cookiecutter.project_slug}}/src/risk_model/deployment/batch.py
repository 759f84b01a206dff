"""Batch scoring: a file in, a file out, with the schema, model and threshold of the service.

The table is read, scored and written in pieces, so memory does not grow with its rows. A row that
the API would refuse (an implausible number, an unknown category, a required value missing, no value
at all, too few fields) gets no risk but a reason that names the fields and their rules: a risk
computed from an impossible value looks like any other. Cells are read by the reader and the rules
of training, so what a model was trained on it can score.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from tqdm import tqdm

from risk_model.core.errors import UserError
from risk_model.core.package import ModelPackage
from risk_model.core.reading_rules import ReadingRules
from risk_model.core.risk_step import rounded_rows
from risk_model.core.schema import Features, Field, Schema
from risk_model.data.tables.cells import category_codes, to_numbers, to_texts, to_truth
from risk_model.data.tables.table_file import open_table
from risk_model.deployment import table_stream
from risk_model.deployment.batch_units import UnitStatement, read_units
from risk_model.deployment.package_input import recording_module
from risk_model.deployment.record_encoder import FieldColumns, field_columns
from risk_model.deployment.table_stream import ADDED, OpenTable

CHUNK = 1_024  # rows scored together: more outgrow the cache and are slower

Mask = npt.NDArray[np.bool_]
BrokenRules = dict[str, Mask]  # by rule, the rows that break it


@dataclass(frozen=True)
class BatchCounts:
    """How many rows were read, and how many of them got a reason instead of a risk.

    `assumed` are the fields whose unit nobody stated, so that the package's was taken.
    """

    rows: int
    refused: int
    assumed: list[str]


def score(
    package: ModelPackage, input: Path, output: Path, units: Mapping[str, str] | None = None
) -> BatchCounts:
    """Writes the risk of every row of a file, or why it gets none.

    The columns of the input that are no input of the model are kept. Beside them `risk` is the
    calibrated probability, a multiple of the package's step, `flagged` whether it reached the
    operating threshold before it was rounded, `reason` why there is no risk, `input_warnings` what
    hardly any training row was like, `input_units` whether all units were stated, and
    `model_version` the package.

    Args:
        package: what scores.
        input: a CSV or Parquet file; for recordings a listing, see `batch_recordings`.
        output: the .parquet or .csv file to write.
        units: UCUM codes by field, of which the headers say nothing.

    Raises:
        UserError: `output` exists, columns of `input` are missing (all are named), or the file is
            broken; nothing is then left.
    """
    table_stream.check_output(output)
    if package.schema.signal:
        recordings = recording_module("batch_recordings", package)
        counts: BatchCounts = recordings.score_recordings(package, input, output)
        return counts
    if package.schema.spec:
        events = recording_module("event_batch", package)
        scored: BatchCounts = events.score_events(package, input, output)
        return scored
    read = open_table(input, "input")
    stated = read_units(input, read.names, package.schema, units or {})
    table = table_stream.renamed(table_stream.of(read), stated.columns)
    needed = [field.name for field in package.schema.inputs]
    table_stream.check_columns(input, table.names, needed)
    keys = [name for name in table.names if name not in package.schema.names]
    return write_risks(package, table, output, keys, column_encoder(package.schema), stated)


def write_risks(
    package: ModelPackage,
    table: OpenTable,
    output: Path,
    keys: list[str],
    encode_piece: Callable[[pa.RecordBatch], tuple[Features, BrokenRules]],
    units: UnitStatement,
) -> BatchCounts:
    """Scores an open table, piece by piece, into `output`, beside the columns `keys`."""
    rows = refused = 0
    with (
        table_stream.writer(output) as write,
        tqdm(total=table.rows, unit=" rows", disable=None, desc="score") as bar,
    ):
        encoded = ((piece, *encode_piece(piece)) for piece in table.pieces if piece.num_rows)
        for piece, features, broken in table_stream.ahead(encoded):
            scored = _score_piece(package, features, broken, piece.select(keys), units.word)
            write(scored)
            rows += piece.num_rows
            refused += piece.num_rows - scored.column("reason").null_count
            bar.update(piece.num_rows)
        if not rows:
            raise UserError(f"{table.path}: has no rows; there is nothing to score")
    return BatchCounts(rows, refused, units.assumed)


def column_encoder(schema: Schema) -> Callable[[pa.RecordBatch], tuple[Features, BrokenRules]]:
    """`schema.encode` for columns of a file, at most PIECE rows: float32[n, d], and broken rules.

    Equal to `encode` where no rule is broken; tested to be. The rows stand until the call after the
    next, so that one piece can be encoded while another is scored: new memory for each piece would
    take longer than the copying.
    """
    fields, shape = field_columns(schema), (len(schema.features), table_stream.PIECE)
    buffer = np.empty(shape, dtype=np.float32)
    turns = cycle([np.empty(shape[::-1], dtype=np.float32) for _ in range(2)])
    rules = schema.reading

    def encode_columns(piece: pa.RecordBatch) -> tuple[Features, BrokenRules]:
        columns, rows = buffer[:, : piece.num_rows], next(turns)[: piece.num_rows]
        broken: BrokenRules = {}
        empty = np.ones(piece.num_rows, dtype=bool)  # rows without any value so far
        for field in schema.inputs:
            column, at = piece.column(field.name), fields[field.name]
            fill = _fill_category if at.kind is str else _fill_number
            absent, wrong = fill(column, rules, field, at, columns)
            if wrong is not None:
                broken[_rule(field)] = wrong
                absent = absent & ~wrong
            if at.flag is not None:
                columns[at.flag] = absent
            if not field.missing_allowed and absent.any():
                broken[f"{field.name} is required"] = absent
            empty &= absent
        if empty.any():
            broken["at least one field must have a value"] = empty
        rows[...] = columns.T
        return rows, broken

    return encode_columns


def _fill_number(
    column: pa.Array, rules: ReadingRules, field: Field, at: FieldColumns, columns: Features
) -> tuple[Mask, Mask | None]:
    """Copies numbers or truth values; which rows have none, and which break the rule."""
    read = to_truth if at.kind is bool else to_numbers
    values, wrong = read(column, rules, field.name)
    absent = np.isnan(values)
    low, high = (0.0, 1.0) if at.kind is bool else (at.low, at.high)
    if wrong is None and low <= np.fmin.reduce(values) and np.fmax.reduce(values) <= high:
        columns[at.at] = values
        return absent, None
    outside = (values < low) | (values > high)
    wrong = outside if wrong is None else wrong | outside
    columns[at.at] = np.where(wrong, 0.0, values)  # such a row gets no risk
    return absent, wrong if wrong.any() else None


def _fill_category(
    column: pa.Array, rules: ReadingRules, field: Field, at: FieldColumns, columns: Features
) -> tuple[Mask, Mask | None]:
    """Puts a one for each category; which rows have none, and which hold an unknown one."""
    texts = to_texts(column, rules, field.name)
    code = category_codes(texts, field.categories, field.name in rules.folded)
    given = np.flatnonzero(code >= 0)
    columns[at.at : at.at + len(field.categories)] = 0.0
    columns[at.at + code[given], given] = 1.0
    absent = np.asarray(texts.is_null())
    unknown = (code < 0) & ~absent
    return absent, unknown if unknown.any() else None


def _rule(field: Field) -> str:
    if field.kind == "number":
        return f"{field.name} must be {field.range_text()}"
    wanted = "true or false" if field.kind == "boolean" else "a category of the schema"
    return f"{field.name} must be {wanted}"


def _score_piece(
    package: ModelPackage,
    features: Features,
    broken: BrokenRules,
    keys: pa.RecordBatch,
    units: str,
) -> pa.RecordBatch:
    risk, _ = package.scorer(features, CHUNK)
    invalid = {"the model gives no valid risk": ~((risk >= 0) & (risk <= 1))}
    few, remarks = _by_the_policy(package, features, broken)
    reason = _texts(broken | few | invalid, len(risk))
    refused = ~np.asarray(reason.is_null())
    shown = rounded_rows(risk, package.manifest.risk_step, package.threshold)
    added = {
        "risk": pa.array(shown, mask=refused),
        "flagged": pa.array(risk >= package.threshold, mask=refused),
        "reason": reason,
        "input_warnings": _texts(
            {text: rows & ~refused for text, rows in remarks.items()}, len(risk)
        ),
        "input_units": pa.repeat(units, len(risk)),
        "model_version": pa.repeat(package.sha256, len(risk)),
    }
    columns = [*keys.columns, *(added[name] for name in ADDED)]
    return pa.RecordBatch.from_arrays(columns, [*keys.schema.names, *ADDED])


def _by_the_policy(
    package: ModelPackage, features: Features, broken: BrokenRules
) -> tuple[BrokenRules, BrokenRules]:
    """What the input policy refuses in rows that break no other rule, and what it remarks on."""
    check = package.input_check
    few, remarks = check.of_rows(features)
    others = ~np.logical_or.reduce([np.zeros(len(few), dtype=bool), *broken.values()])
    refused = {check.too_few: few & others}
    if check.policy.unusual == "refuse":
        refused |= {text: rows & others & ~few for text, rows in remarks.items()}
    return refused, remarks


def _texts(rules: BrokenRules, rows: int) -> pa.Array:
    """Per row the texts that hold of it, or null."""
    texts = _reasons(rules, rows)
    return pa.array(texts) if texts else pa.nulls(rows, pa.string())


def _reasons(broken: BrokenRules, rows: int) -> list[str | None]:
    """Per row the rules it breaks; nothing at all when no row breaks one."""
    reasons: list[str | None] = []
    for rule, mask in broken.items():
        breaking = np.flatnonzero(mask).tolist()
        reasons = reasons or [None] * (rows if breaking else 0)
        for row in breaking:
            reasons[row] = f"{reasons[row]}; {rule}" if reasons[row] else rule
    return reasons
