"""Do the made-up images have the truth that they say, and do the published ones keep their
parts?
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from risk_model.config import SOURCES
from risk_model.config.imaging import SyntheticImages
from risk_model.core.cohort import Cohort
from risk_model.core.errors import UserError
from risk_model.core.scores import auroc
from risk_model.data import load
from risk_model.data.sources.synthetic_images import SITES, draw
from risk_model.signals import image_dicom, image_text


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Cohort]:
    """200 patients, in a folder of their own."""
    with pytest.MonkeyPatch.context() as patch:
        where = tmp_path_factory.mktemp("images")
        patch.chdir(where)
        return where / "generated" / "synthetic_images-200-0", load(SyntheticImages(subjects=200))


def test_labels_truth_and_files_belong_together(made: tuple[Path, Cohort]) -> None:
    folder, cohort = made
    truth, labels = pd.read_csv(folder / "truth.csv"), pd.read_csv(folder / "labels.csv")
    assert list(truth["file"]) == list(labels["file"])
    assert len(cohort) == len(labels) > 200
    agree = (truth["left"].notna() == (labels["lesion"] == 1)).mean()
    assert 0.93 < agree < 1
    assert cohort.index["sex"].tolist() == labels["sex"].tolist()


def test_no_measurement_gives_the_outcome_away(made: tuple[Path, Cohort]) -> None:
    cohort = made[1]
    for name in cohort.inputs:
        area = auroc(cohort.labels, cohort.inputs[name].to_numpy(np.float64))
        assert 0.3 < area < 0.7, name


def test_burned_in_names_are_masked_and_no_other_image_is_touched(
    made: tuple[Path, Cohort],
) -> None:
    folder = made[0]
    truth = pd.read_csv(folder / "truth.csv")
    found = []
    for file in truth["file"]:
        pixels = image_dicom.parse((folder / file).read_bytes(), "").pixel_array
        found.append(image_text.mask_text(pixels[None])[1] > 0)
    assert (np.array(found) == (truth["text"] == 1)).all()


def test_a_lesion_is_brighter_than_its_surroundings_and_in_its_box() -> None:
    plain = draw(SITES["Alder Hospital"], False, False, np.random.default_rng(5))
    assert plain.box is None
    gains = []
    for seed in range(30):
        drawn = draw(SITES["Alder Hospital"], True, False, np.random.default_rng(seed))
        assert drawn.box is not None
        left, top, right, bottom = drawn.box
        inside = drawn.pixels[top + 3 : bottom - 3, left + 3 : right - 3].mean()
        around = drawn.pixels[max(top - 6, 0) : bottom + 6, max(left - 6, 0) : right + 6].mean()
        gains.append(inside - around)
    assert np.mean(gains) > 0.05


def test_the_same_seed_writes_the_same_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prints = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        prints.append(load(SyntheticImages(subjects=100)).fingerprint())
    assert prints[0] == prints[1]


def test_too_few_patients_are_refused_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="at least 100"):
        load(SyntheticImages(subjects=50))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "rows", "tested", "prevalence"),
    [("breastmnist", 780, 156, 0.269), ("retinamnist", 1_600, 400, 0.4375)],
)
def test_published_sets_keep_their_official_test_images_apart(
    name: str, rows: int, tested: int, prevalence: float, downloaded: Callable[[str], Path]
) -> None:
    downloaded(f"{name}/{name}.npz")
    cohort = load(SOURCES[name]())
    assert len(cohort) == rows
    assert (cohort.index["part"] == "published test").sum() == tested
    assert cohort.labels.mean() == pytest.approx(prevalence, abs=1e-3)


def test_a_file_that_is_not_the_published_one_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "breastmnist" / "breastmnist.npz"
    path.parent.mkdir()
    path.write_bytes(b"something else")
    settings = SOURCES["breastmnist"]()
    settings.cache = str(tmp_path)
    with pytest.raises(UserError, match="was changed"):
        load(settings)
