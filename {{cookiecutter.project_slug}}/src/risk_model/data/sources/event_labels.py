"""Moments and outcomes from a file of labels, in MEDS's columns, in place of rules for them.

Registries, challenges and other programs' cohorts come in this way: subject_id, prediction_time and
boolean_value. A moment without a label or without a subject in the events is left out and counted.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from risk_model.core.errors import UserError
from risk_model.data.sources.event_flow import Cohort, Flow, Step
from risk_model.data.sources.event_long_tables import PIECE, time_sql
from risk_model.data.sources.event_moments import Flags, Moments, columns
from risk_model.data.tables.table_file import open_table

COLUMNS = ("subject_id", "prediction_time", "boolean_value")
YES, NO = ("true", "t", "1", "1.0"), ("false", "f", "0", "0.0")
NO_LABEL, NO_EVENTS = "no label", "no events of the subject"


def labelled_cohort(con: duckdb.DuckDBPyConnection, path: Path, zone: str) -> Cohort:
    """The moments of a file of labels, a CSV or Parquet file, with their outcomes.

    Args:
        con: a database with the view `events`.
        path: of the file.
        zone: of times without one, UTC for "".

    Raises:
        UserError: a column is missing, a time cannot be read or a label is neither true nor false.
    """
    con.register("given_labels", _texts(path))
    time = time_sql("prediction_time", "VARCHAR", zone or "UTC")
    found = columns(
        con,
        f"""select subject_id, epoch_us({time}) as cutoff,
            lower(trim(coalesce(boolean_value, ''))) as label,
            subject_id in (select subject_id from events) as has_events
        from given_labels order by subject_id, cutoff, label""",  # noqa: S608 names
    )
    con.unregister("given_labels")
    label = np.asarray(np.ma.filled(found["label"], ""), dtype=object)
    outcome = np.isin(label, YES)
    _check(path, found["cutoff"], label)
    at = np.asarray(found["cutoff"], dtype=np.int64)
    moments = Moments(np.asarray(found["subject_id"], dtype=object), at, at)
    has_events = np.asarray(found["has_events"], dtype=bool)
    return _cohort(moments, outcome, label == "", ~has_events)


def _texts(path: Path) -> pa.Table:
    """The needed columns as text."""
    table = open_table(path, "data.labels")
    for name in COLUMNS:
        if name not in table.names:
            raise UserError(
                f"{path}: column {name!r} not found; a file of labels has {', '.join(COLUMNS)}"
            )
    pieces = [
        pa.RecordBatch.from_arrays([piece.column(n).cast(pa.string()) for n in COLUMNS], COLUMNS)
        for piece in table.pieces(PIECE)
    ]
    schema = pa.schema([(name, pa.string()) for name in COLUMNS])
    return pa.Table.from_batches(pieces, schema)


def _check(path: Path, at: np.ndarray[tuple[int, ...], np.dtype[np.int64]], label: object) -> None:
    wrong = int((~np.isin(np.asarray(label), (*YES, *NO, ""))).sum())
    unread = int(np.ma.getmaskarray(at).sum())
    if wrong or unread:
        what = f"{wrong:,} labels are neither true nor false" if wrong else ""
        when = f"{unread:,} times cannot be read" if unread else ""
        raise UserError(f"{path}: {' and '.join(filter(None, (what, when)))}; correct the file")


def _cohort(moments: Moments, outcome: Flags, unlabelled: Flags, unseen: Flags) -> Cohort:
    """The labelled moments of subjects with events, and the flow to them."""
    kept = ~unlabelled & ~unseen
    staying = set(moments.subject[kept])

    def step(reason: str, chosen: Flags) -> Step:
        subjects = set(moments.subject[chosen])
        away = subjects - staying if reason in (NO_LABEL, NO_EVENTS) else subjects
        return Step(reason, int(chosen.sum()), len(away), int((chosen & outcome).sum()))

    steps = (step(NO_EVENTS, unseen), step(NO_LABEL, unlabelled & ~unseen))
    flow = Flow(
        step("labelled moments", np.ones(len(kept), dtype=bool)),
        tuple(each for each in steps if each.moments),
        step("cohort", kept),
        lost=0,
        died=0,
    )
    flow.check()
    return Cohort(moments.take(kept), outcome[kept], flow)
