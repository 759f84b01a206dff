"""Is an image that is sent answered as the file that was trained on, explained, and kept to
itself?
"""

from __future__ import annotations

import base64
import io
import json
import logging
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from starlette.testclient import TestClient

from risk_model import config
from risk_model.config.imaging import Cnn, Images
from risk_model.core.cohort import Cohort
from risk_model.core.package import ModelPackage
from risk_model.data.sources import images
from risk_model.deployment import recording_explanations
from risk_model.deployment.application import create_app
from risk_model.deployment.batch import score
from risk_model.deployment.recording_requests import recording_reader
from risk_model.deployment.requests import RefusedError
from risk_model.signals import image

from tests.made_package import (
    baseline,
    package_of,
    risks_of_run_and_score,
    training_libraries_that_serve,
    untrained,
)
from tests.made_service import GUARD, peak_memory, running

SECRET = "Mustermann"  # noqa: S105
N = 24


def dicom(pixels: Any) -> bytes:
    """A DICOM file of a patient with a name, and an address where nobody looks for one."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made = Dataset()
    made.file_meta = meta
    made.SOPClassUID, made.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    made.PatientName, made.PatientID, made.PatientAge = f"{SECRET}^Erika", "MRN-901.25", "054Y"
    made.add_new(0x00091010, "LO", f"{SECRET} in a private tag")
    made.PatientBirthDate = f"{SECRET[:4]}"  # not a date: libraries warn of it, with the value
    made.Rows, made.Columns = pixels.shape
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 16, 12, 11, 0
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.WindowCenter, made.WindowWidth = 2048, 4096
    made.PixelData = pixels.astype("<u2").tobytes()
    written = io.BytesIO()
    made.save_as(written, enforce_file_format=True)
    return written.getvalue()


@pytest.fixture(autouse=True)
def no_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer of a test depends on how fast the machine is."""
    monkeypatch.setattr(recording_explanations, "SECONDS", GUARD)


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table, and the files it lists: DICOM, and some PNG."""
    path, rng = tmp_path_factory.mktemp("served"), np.random.default_rng(0)
    names = [f"{i}.dcm" if i % 4 else f"{i}.png" for i in range(N)]
    for i, name in enumerate(names):
        pixels = rng.integers(0, 1_000, (40, 48)) + 2_000 * (
            np.hypot(*np.mgrid[-20:20, -24:24]) < 8 + i % 2 * 6
        )
        if i % 4:
            (path / name).write_bytes(dicom(pixels))
        else:
            Image.fromarray((pixels // 16).astype(np.uint8)).save(path / name)
    table = {"file": names, "large": np.arange(N) % 2, "patient_id": [f"p{i}" for i in range(N)]}
    pd.DataFrame(table).to_csv(path / "labels.csv", index=False)
    return path


@pytest.fixture(scope="module")
def cohort(where: Path) -> Cohort:
    return images.load(Images(path=str(where / "labels.csv"), outcome="large", size=32))


@pytest.fixture(scope="module")
def files(where: Path) -> list[Path]:
    return [where / name for name in pd.read_csv(where / "labels.csv")["file"]]


@pytest.fixture(scope="module", params=["cnn", "baseline"])
def package(request: pytest.FixtureRequest, where: Path, cohort: Cohort) -> ModelPackage:
    model = (
        untrained(cohort, Cnn())
        if request.param == "cnn"
        else baseline(cohort, config.LogisticRegression())
    )
    return package_of(where / request.param, cohort, model)


def body(content: bytes | Any, cohort: Cohort, **more: Any) -> bytes:
    assert cohort.schema.signal is not None
    value = base64.b64encode(content).decode() if isinstance(content, bytes) else content
    return json.dumps({"inputs": {cohort.schema.signal.name: value}, **more}).encode()


def ask(client: TestClient, content: bytes) -> Any:
    return client.post("/v1/predict", content=content, headers={"content-type": "application/json"})


def test_the_row_that_is_served_is_the_row_that_was_trained_on(
    cohort: Cohort, files: list[Path]
) -> None:
    read, trained = recording_reader(cohort.schema), cohort.encoded()
    for place, path in enumerate(files):
        assert read(body(path.read_bytes(), cohort)).row.tobytes() == trained[place].tobytes(), (
            path.name
        )


def test_an_image_is_answered_explained_and_kept_to_itself(
    package: ModelPackage,
    cohort: Cohort,
    files: list[Path],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    recwarn: pytest.WarningsRecorder,
) -> None:
    caplog.set_level(logging.WARNING)
    content = files[1].read_bytes()
    broken = [
        content[: len(content) // 2],
        content[:200],
        content.replace(b"1.2.840.10008.1.2.1", b"Mustermann.10008.1."),
    ]
    with TestClient(create_app(package, tmp_path / "audit.db")) as client:
        assert client.get("/readyz").status_code == 200
        answered = ask(client, body(content, cohort, explain=True))
        refused = [
            ask(client, body(sent, cohort)) for sent in (*broken, SECRET, [SECRET], SECRET.encode())
        ]
    exact = float(package.scorer(cohort.encoded()[1:2])[0][0])
    assert answered.json()["risk"] == package.shown(exact)
    assert [answer.status_code for answer in refused] == [422] * 6
    _check(answered.json()["explanation"], exact)
    kept = str(sqlite3.connect(tmp_path / "audit.db").execute("SELECT body FROM record").fetchall())
    for secret in (SECRET, "Erika", "901.25"):
        assert secret not in answered.text + kept
        for answer in refused:
            assert secret not in answer.text


def _check(explanation: dict[str, Any], risk: float) -> None:
    assert explanation["available"]
    if explanation["method"] == "occlusion":
        assert all(0 <= x <= 32 for part in explanation["parts"] for x in part["box"])
        assert all(in_steps(part["contribution"], 0.01) for part in explanation["parts"])
    else:
        values = np.array(explanation["map"]["values"])
        assert list(values.shape) == explanation["map"]["shape"]
        assert all(in_steps(value, 0.001) for value in values.flatten())
        total = explanation["base"] + values.sum()
        assert in_steps(total, 0.01)
        assert total == pytest.approx(np.log(risk / (1 - risk)), abs=0.0051)


def in_steps(number: float, step: float) -> bool:
    return abs(number / step - round(number / step)) < 1e-6


def test_a_body_larger_than_the_limit_is_refused(package: ModelPackage, tmp_path: Path) -> None:
    with TestClient(create_app(package, tmp_path / "audit.db")) as client:
        assert ask(client, b" " * (image.REQUEST_BYTES + 1)).status_code == 413


def test_a_server_refuses_a_picture_of_36_megapixels_before_it_takes_the_memory(
    package: ModelPackage, cohort: Cohort, files: list[Path], tmp_path: Path
) -> None:
    picture = io.BytesIO()
    Image.new("L", (6_000, 6_000)).save(picture, "PNG")
    headers = {"content-type": "application/json"}
    with running(package.directory, tmp_path / "audit.db") as server:

        def ask(content: bytes) -> int:
            sent = body(content, cohort)
            answer = server.client.post("/v1/predict", content=sent, headers=headers)
            return answer.status_code

        assert ask(files[1].read_bytes()) == 200
        before = peak_memory(server.process.pid)
        assert ask(picture.getvalue()) == 422
        assert peak_memory(server.process.pid) - before < 20_000, "kB, of which one copy has 36,000"
        assert ask(files[1].read_bytes()) == 200


def test_an_answer_needs_no_training_library(
    package: ModelPackage, cohort: Cohort, files: list[Path], tmp_path: Path
) -> None:
    asked = body(files[1].read_bytes(), cohort, explain=True)
    assert training_libraries_that_serve(package, asked, tmp_path) == set()


def test_a_listing_of_images_gets_the_risks_of_training(
    package: ModelPackage, cohort: Cohort, files: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "broken.dcm").write_bytes(files[1].read_bytes()[:900])
    pq.write_table(
        pa.table({"file": [*map(str, files), "broken.dcm", "absent.png"]}),
        tmp_path / "list.parquet",
    )
    assert score(package, tmp_path / "list.parquet", tmp_path / "out.parquet").refused == 2
    scored = pq.read_table(tmp_path / "out.parquet").to_pylist()
    np.testing.assert_allclose(
        [row["risk"] for row in scored[:N]],
        [package.shown(risk) for risk in package.scorer(cohort.encoded())[0]],
    )
    assert "broken.dcm" in scored[N]["reason"]
    assert SECRET not in str(scored)


@pytest.mark.parametrize("step", [1, 8, 64])
def test_a_listing_is_scored_as_in_the_run_to_the_bit(
    cohort: Cohort, files: list[Path], step: int, tmp_path: Path
) -> None:
    listing = pa.table({"file": list(map(str, files))})
    of_run, scored = risks_of_run_and_score(tmp_path, cohort, Cnn(), listing, step)
    np.testing.assert_array_equal(scored, of_run, strict=True)


@settings(max_examples=150)
@given(data=st.data())
def test_a_damaged_file_is_a_row_or_a_refusal_that_repeats_nothing(
    cohort: Cohort, files: list[Path], data: st.DataObject
) -> None:
    content = bytearray(data.draw(st.sampled_from(files[:3])).read_bytes())
    for _ in range(data.draw(st.integers(0, 8))):
        content[data.draw(st.integers(0, 700)) % len(content)] = data.draw(st.integers(0, 255))
    told = outcome(cohort, body(bytes(content[: data.draw(st.integers(1, len(content)))]), cohort))
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
