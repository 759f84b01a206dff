"""Is an electrocardiogram that is sent answered as the record that was trained on, explained, and
kept to itself?
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import wfdb
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from risk_model import config
from risk_model.config.waveform import Lstm, ResNet1d, SyntheticEcgs
from risk_model.core.cohort import Cohort
from risk_model.core.package import ModelPackage
from risk_model.data.sources import synthetic_ecgs
from risk_model.deployment import recording_explanations
from risk_model.deployment.application import create_app
from risk_model.deployment.batch import score
from risk_model.deployment.recording_requests import recording_reader
from risk_model.deployment.requests import RefusedError
from risk_model.signals import waveform

from tests.made_package import (
    baseline,
    package_of,
    risks_of_run_and_score,
    training_libraries_that_serve,
    untrained,
)
from tests.made_service import GUARD

SOME = 12
SECRET = "Mustermann"  # noqa: S105


@pytest.fixture(autouse=True)
def no_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer of a test depends on how fast the machine is."""
    monkeypatch.setattr(recording_explanations, "SECONDS", GUARD)


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory for the made-up records."""
    with pytest.MonkeyPatch.context() as patch:
        path = tmp_path_factory.mktemp("served")
        patch.chdir(path)
        yield path


@pytest.fixture(scope="module")
def cohort(where: Path) -> Cohort:
    return synthetic_ecgs.load(SyntheticEcgs(subjects=100))


@pytest.fixture(scope="module")
def files(where: Path, cohort: Cohort) -> list[Path]:
    """The record behind each row of the cohort, without ending."""
    folder = where / "generated" / "synthetic_ecgs-100-0"
    listed = pd.read_csv(folder / "labels.csv")["file"]
    assert len(listed) == len(cohort)
    return [folder / name for name in listed]


@pytest.fixture(scope="module", params=["lstm", "resnet1d", "baseline"])
def package(request: pytest.FixtureRequest, where: Path, cohort: Cohort) -> ModelPackage:
    settings: dict[str, Any] = {"lstm": Lstm(width=8), "resnet1d": ResNet1d(width=8)}
    chosen = settings.get(request.param)
    model = untrained(cohort, chosen) if chosen else baseline(cohort, config.LogisticRegression())
    return package_of(where / f"package-{request.param}", cohort, model)


def sent(path: Path) -> dict[str, Any]:
    """What a client would send of a record: as wfdb reads it, in mV."""
    record = wfdb.rdrecord(str(path))
    count = round(10 * record.fs)
    millivolts = [1e-3 if unit.lower() == "uv" else 1.0 for unit in record.units]
    leads = {
        name: [
            None if np.isnan(v) else v
            for v in (record.p_signal[:count, i] * millivolts[i]).tolist()
        ]
        for i, name in enumerate(record.sig_name)
    }
    return {"rate": record.fs, "unit": "mV", "leads": leads}


def body(value: Any, name: str = "ecg", **more: Any) -> bytes:
    return json.dumps({"inputs": {name: value}, **more}).encode()


def name_of(package: ModelPackage) -> str:
    assert package.schema.signal is not None
    return package.schema.signal.name


def test_the_row_that_is_served_is_the_row_that_was_trained_on(
    cohort: Cohort, files: list[Path]
) -> None:
    assert cohort.schema.signal is not None
    read, trained = recording_reader(cohort.schema), cohort.encoded()
    for place, path in list(enumerate(files))[:SOME]:
        assert (
            read(body(sent(path), cohort.schema.signal.name)).row.tobytes()
            == trained[place].tobytes()
        ), path.name


def test_an_electrocardiogram_is_answered_explained_and_kept_to_itself(
    package: ModelPackage,
    cohort: Cohort,
    files: list[Path],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    with TestClient(create_app(package, tmp_path / "audit.db")) as client:
        assert client.get("/readyz").status_code == 200
        answer = client.post(
            "/v1/predict",
            content=body(sent(files[0]), name_of(package), explain=True),
            headers={"content-type": "application/json"},
        ).json()
        refused = client.post("/v1/predict", json={"inputs": {name_of(package): {"rate": SECRET}}})
        wrong = {**sent(files[0]), "leads": {SECRET: [901.25]}}
        unknown = client.post("/v1/predict", json={"inputs": {name_of(package): wrong}})
    exact = float(package.scorer(cohort.encoded()[:1])[0][0])
    assert answer["risk"] == package.shown(exact)
    explanation = answer["explanation"]
    assert explanation["available"]
    if explanation["method"] == "occlusion":
        assert all(
            0 <= part["seconds"][0] < part["seconds"][1] <= 10 for part in explanation["parts"]
        )
        told_of = [part["contribution"] for part in explanation["parts"]]
        assert told_of == pytest.approx(np.round(told_of, 2), abs=1e-12)
    else:
        total = explanation["base"] + np.sum(explanation["map"]["values"])
        assert total == pytest.approx(np.log(exact / (1 - exact)), abs=0.0051)
        assert total == pytest.approx(np.round(total, 2), abs=1e-9)
    assert (refused.status_code, unknown.status_code) == (422, 422)
    told = refused.text + unknown.text + caplog.text + _records(tmp_path / "audit.db")
    for secret in (SECRET, "901.25"):
        assert secret not in told


def _records(log: Path) -> str:
    return str(sqlite3.connect(log).execute("SELECT body FROM record").fetchall())


def test_an_answer_needs_no_training_library_but_scipy(
    package: ModelPackage, files: list[Path], tmp_path: Path
) -> None:
    """But for scipy, which resamples what is sent and is installed for serving."""
    asked = body(sent(files[0]), name_of(package), explain=True)
    assert training_libraries_that_serve(package, asked, tmp_path) == {"scipy"}


def test_a_body_larger_than_the_limit_is_refused(package: ModelPackage, tmp_path: Path) -> None:
    with TestClient(create_app(package, tmp_path / "audit.db")) as client:
        headers = {"content-type": "application/json"}
        large = client.post(
            "/v1/predict", content=b" " * (waveform.REQUEST_BYTES + 1), headers=headers
        )
    assert large.status_code == 413


def test_a_listing_of_records_gets_the_risks_of_training(
    package: ModelPackage, cohort: Cohort, files: list[Path], where: Path, tmp_path: Path
) -> None:
    names = [str(path) for path in files[:SOME]] + [str(where / "absent")]
    pq.write_table(pa.table({"file": names}), tmp_path / "list.parquet")
    assert score(package, tmp_path / "list.parquet", tmp_path / "out.parquet").refused == 1
    risks = pq.read_table(tmp_path / "out.parquet")["risk"].to_pylist()
    exact = package.scorer(cohort.encoded()[:SOME])[0]
    np.testing.assert_allclose(risks[:SOME], [package.shown(risk) for risk in exact])
    assert risks[SOME] is None


@pytest.mark.parametrize("step", [1, 8, 64])
@pytest.mark.parametrize("network", [Lstm(width=8), ResNet1d(width=8)], ids=lambda n: n.name)
def test_a_listing_is_scored_as_in_the_run_to_the_bit(
    cohort: Cohort, files: list[Path], network: Any, step: int, tmp_path: Path
) -> None:
    listing = pa.table({"file": list(map(str, files))})
    of_run, scored = risks_of_run_and_score(tmp_path, cohort, network, listing, step)
    np.testing.assert_array_equal(scored, of_run, strict=True)


values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False),
        st.just(SECRET),
        st.just("mV"),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(["rate", "unit", "leads", "I", "II", "V2", SECRET]), inner, max_size=4
        ),
    ),
    max_leaves=20,
)
almost = st.fixed_dictionaries(
    {
        "rate": st.one_of(st.sampled_from([100, 250, 500]), values),
        "unit": st.sampled_from(["mV", "uV", SECRET]),
        "leads": st.fixed_dictionaries(
            {
                lead: st.one_of(
                    values, st.builds(lambda v, n: [v] * n, values, st.sampled_from([1, 1000]))
                )
                for lead in ("I", "II", "V2")
            }
        ),
    }
)


@settings(max_examples=150)
@given(value=st.one_of(values, almost))
def test_whatever_is_sent_is_a_row_or_a_refusal_that_repeats_nothing(
    cohort: Cohort, value: Any
) -> None:
    assert cohort.schema.signal is not None
    told = outcome(cohort, body(value, cohort.schema.signal.name))
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
