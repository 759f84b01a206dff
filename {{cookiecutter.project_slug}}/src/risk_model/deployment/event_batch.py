"""Batch scoring of events: a file or folder in, the risk of every moment of the package's page out.

A moment that the service would refuse gets no risk but the reason; what happened after it is not
looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np
import pyarrow as pa

from risk_model.core.errors import UserError
from risk_model.core.package import ModelPackage
from risk_model.core.schema import Features
from risk_model.data.sources.event_features import rule_values, whole_rows
from risk_model.data.sources.event_flow import known_reasons
from risk_model.data.sources.event_moments import Moments, connect, fates, possible_moments
from risk_model.data.sources.event_tables import EventFiles, read_events
from risk_model.deployment.batch import BatchCounts, BrokenRules, write_risks
from risk_model.deployment.batch_units import UnitStatement
from risk_model.deployment.table_stream import OpenTable
from risk_model.signals.event_schema import page_of
from risk_model.signals.event_spec import Spec

KEYS = ["subject_id", "prediction_time"]
AT_ONCE = 1 << 15  # moments whose events are looked up together
END_OF_TIME = "9998-12-31"


def score_events(package: ModelPackage, input: Path, output: Path) -> BatchCounts:
    """Writes the subject, the moment and the risk of every possible moment, or why it has none.

    Raises:
        UserError: the page has labels in place of moments, or the files cannot be read; nothing is
            then left.
    """
    page = page_of(package.schema.spec)
    if page.spec.index is None:
        raise UserError(
            f"{package.directory}: learnt from labels, so nothing says at which moments to score; "
            "ask the service"
        )
    end = END_OF_TIME if page.spec.end_of_data == "none" else page.spec.end_of_data
    with TemporaryDirectory(prefix="events-") as folder:
        table = read_events(EventFiles(input, page.timezone, end, page.day_only), Path(folder))
        con = connect(table.path, page.spec.end(round(datetime.now(UTC).timestamp()) * 1_000_000))
        try:
            moments = possible_moments(con, page.spec.index)
            encode = moment_encoder(con, page.spec, moments)
            opened = OpenTable(input, KEYS, len(moments.at), _pieces(moments))
            return write_risks(package, opened, output, KEYS, encode, UnitStatement(KEYS, []))
        finally:
            con.close()


def _pieces(moments: Moments) -> Iterator[pa.RecordBatch]:
    for start in range(0, len(moments.at), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        arrays = [
            pa.array(moments.subject[part], pa.string()),
            pa.array(moments.at[part], pa.int64()).cast(pa.timestamp("us", "UTC")),
            pa.array(np.arange(len(moments.at))[part]),
        ]
        yield pa.RecordBatch.from_arrays(arrays, [*KEYS, "position"])


def moment_encoder(
    con: duckdb.DuckDBPyConnection, spec: Spec, moments: Moments
) -> Callable[[pa.RecordBatch], tuple[Features, BrokenRules]]:
    """The rows of a piece's moments, float32[n, d], and the reasons of those that get no risk."""
    fate = fates(con, spec)

    def encode(piece: pa.RecordBatch) -> tuple[Features, BrokenRules]:
        chosen = np.zeros(len(moments.at), dtype=bool)
        chosen[piece.column("position").to_numpy()] = True
        part = moments.take(chosen)
        reasons = known_reasons(spec, fate, chosen, rule_values(con, spec, part))
        return whole_rows(con, spec, part), {why: rows for why, rows in reasons if rows.any()}

    return encode
