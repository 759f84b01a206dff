"""Is an image refused that had to be read as none was that the model learnt from?

A table's images say by their remarks how they were read; their kinds go into the schema, and with
it into the package that serves.
"""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from PIL import Image

from risk_model import config
from risk_model.config.imaging import Images
from risk_model.core.cohort import Cohort
from risk_model.core.schema import Schema
from risk_model.data.sources import images
from risk_model.deployment.batch import score
from risk_model.deployment.recording_requests import recording_reader
from risk_model.deployment.requests import RefusedError

from tests.imaging.made_dicom import RAMP, made, saved
from tests.made_package import baseline, package_of

SHADES = np.random.default_rng(0).integers(0, 255, (40, 48)).astype(np.uint8)
DEEP = np.tile(RAMP // 2, (5, 6))
WINDOW = {"WindowCenter": "3150", "WindowWidth": "6301"}


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def film(frames: int) -> bytes:
    return saved(made(DEEP, NumberOfFrames=frames, PixelData=DEEP.tobytes() * frames, **WINDOW))


PLAIN = png(SHADES)
# how an image has to be read, one of that kind, and what is said where training had none
KINDS = {
    "colour": (png(np.stack([SHADES, SHADES // 2, SHADES], -1)), "in colour"),
    "depth": (png(DEEP), "16 bits of which a quarter at most is used"),
    "frames": (film(3), "several frames"),
    "size": (png(SHADES[:20, :20]), "smaller than what is read"),
    "window": (saved(made(DEEP)), "no window"),
}


def cohort_of(folder: Path, *contents: bytes) -> Cohort:
    """Twenty grey pictures of 40 by 48 pixels, and these files."""
    files = {f"{n}.img": PLAIN for n in range(20)}
    files |= {f"more{n}.img": content for n, content in enumerate(contents)}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    numbers = np.arange(len(files))
    table = pd.DataFrame({"file": list(files), "patient_id": numbers, "event": numbers % 2})
    table.to_csv(folder / "labels.csv", index=False)
    return images.load(Images(path=str(folder / "labels.csv"), outcome="event", size=32))


def answered(schema: Schema, content: bytes) -> str:
    """What a request with this file is told; "" where it is read."""
    body = json.dumps({"inputs": {"image": base64.b64encode(content).decode()}}).encode()
    try:
        recording_reader(schema)(body)
    except RefusedError as refused:
        return str(refused.errors)
    return ""


@pytest.mark.parametrize("kind", KINDS)
def test_a_request_is_refused_that_is_read_as_no_image_of_the_training(
    kind: str, tmp_path: Path
) -> None:
    content, said = KINDS[kind]
    schema = Schema.from_json(cohort_of(tmp_path).schema.to_json())
    assert answered(schema, PLAIN) == ""
    told = answered(schema, content)
    assert said in told
    assert "the model learnt from no image that was read so" in told


@pytest.mark.parametrize("kind", KINDS)
def test_a_request_is_read_that_is_as_an_image_of_the_training(kind: str, tmp_path: Path) -> None:
    schema = Schema.from_json(cohort_of(tmp_path, KINDS[kind][0]).schema.to_json())
    assert schema.signal is not None
    assert schema.signal.remark_kinds == (kind,)
    assert [other for other in KINDS if answered(schema, KINDS[other][0]) == ""] == [kind]


def test_a_listing_to_score_is_held_to_the_same(tmp_path: Path) -> None:
    cohort = cohort_of(tmp_path)
    package = package_of(tmp_path / "p", cohort, baseline(cohort, config.LogisticRegression()))
    (tmp_path / "colour.png").write_bytes(KINDS["colour"][0])
    pd.DataFrame({"file": ["0.img", "colour.png"]}).to_parquet(tmp_path / "list.parquet")
    assert score(package, tmp_path / "list.parquet", tmp_path / "out.parquet").refused == 1
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert "in colour" in rows[1]["reason"]
    assert rows[0]["reason"] in ("", None)


def test_images_of_another_hospital_that_are_read_otherwise_are_the_same_signal(
    tmp_path: Path,
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    here, there = cohort_of(tmp_path / "a"), cohort_of(tmp_path / "b", KINDS["depth"][0])
    assert here.schema.signal == there.schema.signal


def test_a_package_that_does_not_say_how_its_images_were_read_refuses_none(tmp_path: Path) -> None:
    content = json.loads(cohort_of(tmp_path).schema.to_json())
    del content["signal"]["remark_kinds"]
    schema = Schema.from_json(json.dumps(content))
    assert [kind for kind in KINDS if answered(schema, KINDS[kind][0])] == []


def test_the_device_of_the_header_goes_into_the_index_and_is_missing_where_there_is_none(
    tmp_path: Path,
) -> None:
    device = {"Manufacturer": "Agfa", "ManufacturerModelName": "DX-D 600"}
    cohort = cohort_of(tmp_path, saved(made(DEEP, **WINDOW, **device)))
    assert cohort.index["device"].isna().tolist() == [True] * 20 + [False]
    assert cohort.index["device"].iloc[-1] == "AGFA DX-D 600"
