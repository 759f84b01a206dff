"""Is a note that is sent answered as the note that was trained on, explained, and kept to
itself?
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from risk_model import config
from risk_model.config.text import SyntheticNotes, Transformer
from risk_model.core.cohort import Cohort
from risk_model.core.package import ModelPackage
from risk_model.core.scores import logit
from risk_model.data.sources import synthetic_notes
from risk_model.deployment import recording_explanations
from risk_model.deployment.application import create_app
from risk_model.deployment.batch import score
from risk_model.deployment.recording_requests import recording_reader
from risk_model.deployment.requests import RefusedError
from risk_model.deployment.table_stream import ADDED
from risk_model.signals import text

from tests.made_package import (
    baseline,
    package_of,
    risks_of_run_and_score,
    training_libraries_that_serve,
    untrained,
)
from tests.made_service import GUARD
from tests.made_signal import texts_of

SOME = 20
SECRET = "Mustermann"  # noqa: S105


@pytest.fixture(autouse=True)
def no_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer of a test depends on how fast the machine is."""
    monkeypatch.setattr(recording_explanations, "SECONDS", GUARD)


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory for the made-up notes."""
    with pytest.MonkeyPatch.context() as patch:
        path = tmp_path_factory.mktemp("served")
        patch.chdir(path)
        yield path


@pytest.fixture(scope="module")
def cohort(where: Path) -> Cohort:
    return synthetic_notes.load(SyntheticNotes(subjects=100))


@pytest.fixture(scope="module")
def notes(where: Path, cohort: Cohort) -> list[str]:
    """The note behind each row of the cohort, as it was written."""
    lines = (
        (where / "generated/synthetic_notes-100-0/notes.jsonl")
        .read_text(encoding="utf-8")
        .splitlines()
    )
    assert len(lines) == len(cohort)
    return [json.loads(line)["text"] for line in lines]


@pytest.fixture(scope="module")
def names(where: Path, notes: list[str]) -> list[list[str]]:
    """The persons named in each note."""
    lines = (
        (where / "generated/synthetic_notes-100-0/truth.jsonl")
        .read_text(encoding="utf-8")
        .splitlines()
    )
    marked = [json.loads(line)["phi"] for line in lines]
    return [
        [note[start:end] for mark, start, end in phi if mark == "NAME"]
        for note, phi in zip(notes, marked, strict=True)
    ]


@pytest.fixture(scope="module", params=["transformer", "baseline"])
def package(request: pytest.FixtureRequest, where: Path, cohort: Cohort) -> ModelPackage:
    tiny = Transformer(width=16, heads=2, layers=1)
    model = untrained(cohort, tiny) if request.param == "transformer" else None
    return package_of(
        where / request.param, cohort, model or baseline(cohort, config.LogisticRegression())
    )


def body(value: Any, cohort: Cohort, **more: Any) -> bytes:
    assert cohort.schema.signal is not None
    return json.dumps({"inputs": {cohort.schema.signal.name: value}, **more}).encode()


def ask(client: TestClient, content: bytes) -> Any:
    return client.post("/v1/predict", content=content, headers={"content-type": "application/json"})


def test_the_row_that_is_served_is_the_row_that_was_trained_on(
    cohort: Cohort, notes: list[str]
) -> None:
    read, trained = recording_reader(cohort.schema), cohort.encoded()
    for place, note in enumerate(notes[:SOME]):
        assert read(body(note, cohort)).row.tobytes() == trained[place].tobytes()


def test_a_note_is_answered_explained_and_kept_to_itself(
    package: ModelPackage,
    cohort: Cohort,
    notes: list[str],
    names: list[list[str]],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    place = next(i for i, named in enumerate(names) if named)
    with TestClient(create_app(package, tmp_path / "audit.db")) as client:
        assert client.get("/readyz").status_code == 200
        answered = ask(client, body(notes[place], cohort, explain=True))
        refused = ask(client, body([SECRET], cohort)), ask(client, body(f"{SECRET}\x00", cohort))
    answer = answered.json()
    exact = float(package.scorer(cohort.encoded()[place : place + 1])[0][0])
    assert answer["risk"] == package.shown(exact)
    told = answer["explanation"]
    assert (told["available"], told["method"]) == (True, "occlusion")
    assert told["text"] == texts_of(cohort)[place], "places are counted in what the model read"
    for part in told["parts"]:
        start, end = part["characters"]
        assert 0 <= start < end <= len(told["text"])
        assert part["contribution"] == pytest.approx(round(part["contribution"], 2), abs=1e-12)
    assert [answer.status_code for answer in refused] == [422, 422]
    kept = caplog.text + str(
        sqlite3.connect(tmp_path / "audit.db").execute("SELECT body FROM record").fetchall()
    )
    found = [name for name in names[place] if name not in texts_of(cohort)[place]]
    assert found, "of the names in this note none was scrubbed"
    for name in found:
        assert name not in kept + answered.text
    for name in names[place]:
        assert name not in kept
    assert SECRET not in kept + refused[0].text + refused[1].text
    assert "deterior" not in kept


def test_the_contribution_of_a_word_is_what_the_logit_loses_without_it(
    package: ModelPackage, cohort: Cohort, tmp_path: Path
) -> None:
    note = "Short of breath since the morning, no fever"
    with TestClient(create_app(package, tmp_path / "audit.db")) as client:
        whole = ask(client, body(note, cohort, explain=True)).json()
        assert "text" not in whole["explanation"], "it was read as it was sent"
        part = whole["explanation"]["parts"][2]
        start, end = part["characters"]
        assert note[start:end] == "breath"
    read = recording_reader(cohort.schema)
    both = [read(body(text, cohort)).row for text in (note, note[:start] + note[end:])]
    whole_logit, rest = logit(package.scorer(np.vstack(both))[0])
    assert part["contribution"] == pytest.approx(whole_logit - rest, abs=0.00501)


def test_a_very_long_note_is_answered_whether_or_not_there_is_time_to_explain_it(
    package: ModelPackage,
    cohort: Cohort,
    notes: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recording_explanations, "SECONDS", 1.0)
    long = " ".join(notes)[:100_000]
    with TestClient(create_app(package, tmp_path / "audit.db")) as client:
        answer = ask(client, body(long, cohort, explain=True))
        larger = ask(client, body(" " * text.REQUEST_BYTES, cohort))
    assert answer.status_code == 200
    assert 0 <= answer.json()["risk"] <= 1
    assert larger.status_code == 413


def test_an_answer_needs_no_training_library(
    package: ModelPackage, cohort: Cohort, notes: list[str], tmp_path: Path
) -> None:
    assert (
        training_libraries_that_serve(package, body(notes[0], cohort, explain=True), tmp_path)
        == set()
    )


def test_a_listing_of_notes_gets_the_risks_of_training_and_keeps_no_note(
    package: ModelPackage, cohort: Cohort, notes: list[str], tmp_path: Path
) -> None:
    pq.write_table(
        pa.table({"visit": list(range(SOME + 1)), "text": [*notes[:SOME], ""]}),
        tmp_path / "notes.parquet",
    )
    assert score(package, tmp_path / "notes.parquet", tmp_path / "out.parquet").refused == 1
    scored = pq.read_table(tmp_path / "out.parquet")
    assert scored.column_names == ["visit", *ADDED]
    risks = scored["risk"].to_pylist()
    exact = package.scorer(cohort.encoded()[:SOME])[0]
    np.testing.assert_allclose(risks[:SOME], [package.shown(risk) for risk in exact])
    assert risks[SOME] is None
    assert "is empty" in scored["reason"].to_pylist()[SOME]


@pytest.mark.parametrize("step", [1, 8, 64])
def test_a_listing_is_scored_as_in_the_run_to_the_bit(
    cohort: Cohort, notes: list[str], step: int, tmp_path: Path
) -> None:
    tiny, listing = Transformer(width=16, heads=2, layers=1), pa.table({"text": notes})
    of_run, scored = risks_of_run_and_score(tmp_path, cohort, tiny, listing, step)
    np.testing.assert_array_equal(scored, of_run, strict=True)


@settings(max_examples=100)
@given(
    value=st.one_of(
        st.none(),
        st.integers(),
        st.lists(st.just(SECRET)),
        st.text(),
        st.text(alphabet="\x00\n\t ab\ud800\u0301\u202e1"),
    )
)
def test_whatever_is_sent_is_a_row_or_a_refusal_that_repeats_nothing(
    cohort: Cohort, value: Any
) -> None:
    told = outcome(cohort, body(value, cohort))
    if isinstance(told, str):
        assert SECRET not in told
    else:
        assert np.isfinite(told[:, cohort.schema.simple :]).all()


def outcome(cohort: Cohort, content: bytes) -> Any:
    """The row, or the words of the refusal."""
    try:
        return recording_reader(cohort.schema)(content).row
    except RefusedError as refused:
        return json.dumps([refused.status, refused.detail, refused.errors])
