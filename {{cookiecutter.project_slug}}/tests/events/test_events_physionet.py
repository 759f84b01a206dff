"""Stays of PhysioNet 2012: training, files to score and requests give the same bits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from risk_model.config.events import Events
from risk_model.data.sources.event_moments import connect, possible_moments
from risk_model.data.sources.event_tables import EventFiles, read_events
from risk_model.data.sources.events import END_OF_TIME, load
from risk_model.deployment.event_batch import moment_encoder
from risk_model.deployment.event_requests import event_reader
from risk_model.signals.event_schema import page_of

from tests.events.made_events import read
from tests.events.made_run import body, instant
from tests.events.physionet import physionet_spec, view


@pytest.mark.slow
def test_4000_stays_give_the_same_bits_in_training_in_files_and_in_requests(
    tmp_path: Path, downloaded: Any
) -> None:
    events = view(downloaded("physionet2012") / "set-a.parquet", tmp_path / "a.parquet")
    (tmp_path / "page.yaml").write_text(json.dumps(physionet_spec().to_json()))
    cohort = load(Events(path=str(events), spec=str(tmp_path / "page.yaml")))
    rows, page = cohort.encoded(), page_of(cohort.schema.spec)
    assert page.spec.index is not None
    table = pq.read_table(events)
    mixed = np.random.default_rng(0).permutation(table.num_rows)
    pq.write_table(table.take(mixed), tmp_path / "mixed.parquet")
    files = EventFiles(tmp_path / "mixed.parquet", end=END_OF_TIME)
    con = connect(read_events(files, tmp_path / "read").path)
    every = possible_moments(con, page.spec.index)
    positions = pa.RecordBatch.from_arrays([pa.array(np.arange(len(every.at)))], ["position"])
    scored, _ = moment_encoder(con, page.spec, every)(positions)
    place = {subject: i for i, subject in enumerate(every.subject)}
    ask, known = event_reader(cohort.schema), read(events)
    assert len(rows) == 3_919
    for row, subject in zip(rows, cohort.index["subject_id"], strict=True):
        at = instant(int(every.at[place[subject]]))
        sent = [
            {
                "time": None if event.time is None else instant(event.time),
                "code": event.code,
                "value": event.numeric_value,
            }
            for event in sorted(known[subject], key=lambda event: event.row)
        ]
        assert scored[place[subject]].tobytes() == row.tobytes()
        assert ask(body(at, events=sent)).row.tobytes() == row.tobytes()
