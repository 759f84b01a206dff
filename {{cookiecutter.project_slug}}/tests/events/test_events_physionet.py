"""Stays of PhysioNet 2012: training, files to score and requests give the same bits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from risk_model.config import LogisticRegression
from risk_model.config.events import Events
from risk_model.data.sources.event_moments import connect, possible_moments
from risk_model.data.sources.event_tables import EventFiles, read_events
from risk_model.data.sources.events import END_OF_TIME, load
from risk_model.deployment import batch
from risk_model.deployment.event_batch import moment_encoder
from risk_model.signals.event_schema import page_of
from risk_model.signals.events import Event

from tests.events.made_events import read
from tests.events.made_run import instant
from tests.events.physionet import physionet_spec, view
from tests.made_package import baseline, package_of
from tests.made_service import running

# writes each row that the server makes of a request to a file of the subject's name
ROWS_KEPT = """
import os
from risk_model.deployment import event_input
made = event_input.event_reader
def keeping(schema):
    read = made(schema)
    def reader(body):
        request = read(body)
        if request.subject:
            with open(os.path.join(os.path.dirname(sys.argv[3]), request.subject), "wb") as file:
                file.write(request.row.tobytes())
        return request
    return reader
event_input.event_reader = keeping
"""


def listed(events: list[Event], rng: np.random.Generator) -> list[dict[str, Any]]:
    """Shuffled events, as a request lists them; what happened at one time keeps its order."""
    in_order = iter(sorted(events, key=lambda event: (event.time or 0, event.row)))
    places: dict[int | None, list[int]] = {}
    mixed = [events[place] for place in rng.permutation(len(events))]
    for place, event in enumerate(mixed):
        places.setdefault(event.time, []).append(place)
    for event in in_order:
        mixed[places[event.time].pop(0)] = event
    return [
        {
            "time": None if event.time is None else instant(event.time),
            "code": event.code,
            "value": event.numeric_value,
        }
        for event in mixed
    ]


@pytest.mark.slow
def test_4000_stays_give_the_same_bits_in_training_in_files_and_over_http(
    tmp_path: Path, downloaded: Any
) -> None:
    events = view(downloaded("physionet2012") / "set-a.parquet", tmp_path / "a.parquet")
    (tmp_path / "page.yaml").write_text(json.dumps(physionet_spec().to_json()))
    cohort = load(Events(path=str(events), spec=str(tmp_path / "page.yaml")))
    rows, page = cohort.encoded(), page_of(cohort.schema.spec)
    assert page.spec.index is not None
    rng = np.random.default_rng(0)
    table = pq.read_table(events)
    pq.write_table(table.take(rng.permutation(table.num_rows)), tmp_path / "mixed.parquet")
    files = EventFiles(tmp_path / "mixed.parquet", end=END_OF_TIME)
    con = connect(read_events(files, tmp_path / "read").path)
    every = possible_moments(con, page.spec.index)
    positions = pa.RecordBatch.from_arrays([pa.array(np.arange(len(every.at)))], ["position"])
    scored, _ = moment_encoder(con, page.spec, every)(positions)
    place = {subject: i for i, subject in enumerate(every.subject)}
    model = baseline(cohort, LogisticRegression(c=0.1))
    package = package_of(tmp_path / "package", cohort, model)
    known, at = read(events), every.at.tolist()
    batch.score(package, tmp_path / "mixed.parquet", tmp_path / "risks.parquet")
    table = pq.read_table(tmp_path / "risks.parquet", columns=["subject_id", "risk"])
    risks = dict(zip(*table.to_pydict().values(), strict=True))
    assert len(rows) == 3_919
    assert 0 < sum(risk is None for risk in risks.values()) < 100  # too little was measured
    kept = tmp_path / "kept"
    kept.mkdir()
    with running(package.directory, kept / "audit.db", before=ROWS_KEPT) as server:
        for row, subject in zip(rows, cohort.index["subject_id"], strict=True):
            sent = listed(known[subject], rng)
            asked = {"at": instant(at[place[subject]]), "events": sent}
            answer = server.client.post(
                "/v1/predict", json={"inputs": {"events": asked}, "subject": subject}
            )
            assert answer.json().get("risk") == risks[subject]
            assert scored[place[subject]].tobytes() == row.tobytes()
            assert (kept / subject).read_bytes() == row.tobytes()
