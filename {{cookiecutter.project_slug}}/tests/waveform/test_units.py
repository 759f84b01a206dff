"""Is a lead's unit part of what a model is trained on, told to who asks it, and held to?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import wfdb
from starlette.testclient import TestClient

from risk_model import config
from risk_model.config.waveform import Waveforms
from risk_model.core.cohort import Cohort
from risk_model.core.errors import UserError
from risk_model.core.package import ModelPackage
from risk_model.core.schema import Schema
from risk_model.data.sources import waveforms
from risk_model.deployment.application import create_app
from risk_model.deployment.batch import score

from tests.made_package import baseline, package_of
from tests.waveform.made_records import beating, in_header

LEADS = ["II", "ABP"]
MANY = 24


def ward(path: Path, unit: str, seed: int) -> Path:
    """A record of a monitor: an electrocardiogram at 500 Hz, a blood pressure at 125 Hz."""
    rng = np.random.default_rng(seed)
    time = np.arange(1250) / 125
    level, swing = rng.uniform(70, 110), rng.uniform(15, 30)
    made = [beating(500, every=rng.uniform(0.6, 1))[1], level + swing * np.sin(8 * time)]
    wfdb.wrsamp(
        path.name,
        fs=125,
        e_p_signal=made,
        samps_per_frame=[4, 1],
        units=["mV", unit],
        sig_name=LEADS,
        fmt=["16"] * 2,
        adc_gain=[5000.0, 100.0],
        baseline=[0] * 2,
        write_dir=str(path.parent),
    )
    return path


def settings(folder: Path, **changed: Any) -> Waveforms:
    names = sorted(path.stem for path in folder.glob("*.hea"))
    people = {"file": names, "patient_id": names, "died": [i % 2 for i in range(len(names))]}
    pd.DataFrame(people).to_csv(folder / "labels.csv", index=False)
    return Waveforms(path=str(folder / "labels.csv"), outcome="died", leads=LEADS, **changed)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ward")
    for number in range(MANY):
        ward(path / f"w{number:02}", "mmHg", number)
    return path


@pytest.fixture(scope="module")
def cohort(folder: Path) -> Cohort:
    return waveforms.load(settings(folder))


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory, cohort: Cohort) -> ModelPackage:
    model = baseline(cohort, config.LogisticRegression())
    return package_of(tmp_path_factory.mktemp("package") / "made", cohort, model)


def sent(path: Path, **changed: Any) -> bytes:
    """What a client would send of a record, each lead at its rate."""
    record = wfdb.rdrecord(str(path), smooth_frames=False)
    value = {
        "rate": {"II": 500, "ABP": 125},
        "unit": dict(zip(LEADS, record.units, strict=True)),
        "leads": {n: v.tolist() for n, v in zip(LEADS, record.e_p_signal, strict=True)},
    }
    return json.dumps({"inputs": {"ecg": {**value, **changed}}}).encode()


def test_the_units_of_the_records_stand_in_the_schema_and_in_a_note(cohort: Cohort) -> None:
    assert cohort.schema.signal is not None
    assert cohort.schema.signal.units == ("mV", "mmHg")
    assert Schema.from_json(cohort.schema.to_json()) == cohort.schema
    [told] = [note.message for note in cohort.notes if note.kind == "unit"]
    assert told == "ABP in mmHg: read as they are; beats are looked for in leads in mV only"


def test_a_record_in_another_unit_than_the_first_is_refused_and_not_converted(
    folder: Path, tmp_path: Path
) -> None:
    for number, unit in enumerate(["mmHg", "kPa", "mmHg"]):
        ward(tmp_path / f"w{number}", unit, number)
    with pytest.raises(UserError, match="w1: lead ABP is in another unit than mmHg; convert it"):
        waveforms.load(settings(tmp_path))


def test_the_first_record_that_can_be_read_gives_the_units(tmp_path: Path) -> None:
    for number in range(4):
        ward(tmp_path / f"w{number}", "mmHg", number)
    (tmp_path / "w0.dat").write_bytes(b"")
    cohort = waveforms.load(settings(tmp_path, set_aside=1))
    assert cohort.schema.signal is not None
    assert cohort.schema.signal.units == ("mV", "mmHg")
    assert len(cohort) == 3


def test_the_service_tells_what_a_recording_must_have_and_refuses_another(
    package: ModelPackage, folder: Path, tmp_path: Path
) -> None:
    path = folder / "w03"
    changes: list[tuple[dict[str, Any], str]] = [
        ({}, ""),
        ({"unit": "mV"}, "unit of lead ABP must be mmHg"),
        ({"unit": {"II": "mV", "ABP": "kPa"}}, "unit of lead ABP must be mmHg"),
        ({"rate": {"II": 250, "ABP": 125}}, "lead II must hold 2,500 samples"),
        ({"rate": {"II": 500, "ABP": 60}}, "rate must be a number of Hz from 100"),
        ({"leads": {"II": [0.1] * 5000, "ABP": [90.0] * 1249}}, "lead ABP must hold 1,250 samples"),
        ({"leads": {"II": [0.1] * 5000}}, "lead ABP is missing"),
    ]
    with TestClient(create_app(package, tmp_path / "audit.db")) as client:
        told = client.get("/v1/model").json()["recording"]
        headers = {"content-type": "application/json"}
        answers = [
            client.post("/v1/predict", content=sent(path, **changed), headers=headers)
            for changed, _ in changes
        ]
    assert told == {
        "name": "ecg",
        "kind": "waveform",
        "channels": LEADS,
        "units": ["mV", "mmHg"],
        "rate": 100.0,
        "seconds": 10.0,
    }
    assert [answer.status_code for answer in answers] == [200, *[422] * (len(changes) - 1)]
    for answer, (_, reason) in zip(answers, changes, strict=True):
        assert reason in answer.text


def test_a_request_gets_the_risk_of_the_record_to_the_bit(
    package: ModelPackage, cohort: Cohort, folder: Path, tmp_path: Path
) -> None:
    with TestClient(create_app(package, tmp_path / "audit.db")) as client:
        for place in range(6):
            answer = client.post(
                "/v1/predict",
                content=sent(folder / f"w{place:02}"),
                headers={"content-type": "application/json"},
            ).json()
            exact = float(package.scorer(cohort.encoded()[[place]])[0][0])
            assert answer["risk"] == package.shown(exact)


def test_a_file_in_another_unit_gets_no_risk_but_a_reason(
    package: ModelPackage, folder: Path, tmp_path: Path
) -> None:
    ward(tmp_path / "other", "kPa", 1)
    volts = in_header(ward(tmp_path / "volts", "mmHg", 1), "5000.0(0)/mV", "5.0(0)/uV")
    names = [str(folder / "w00"), str(tmp_path / "other"), str(volts)]
    pq.write_table(pa.table({"file": names}), tmp_path / "list.parquet")
    assert score(package, tmp_path / "list.parquet", tmp_path / "out.parquet").refused == 1
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert [row["risk"] is None for row in rows] == [False, True, False]
    assert "lead ABP is in another unit than mmHg" in str(rows[1])
