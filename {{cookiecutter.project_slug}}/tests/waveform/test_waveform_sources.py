"""Do made-up electrocardiograms hold what they say and nothing that gives it away, and is PTB-XL
the published one?
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wfdb
from sklearn.metrics import roc_auc_score

from risk_model import config
from risk_model.config.waveform import PtbXl, SyntheticEcgs
from risk_model.core.cohort import Cohort
from risk_model.core.errors import UserError
from risk_model.data.prepare import Prepared, prepare
from risk_model.data.quality_answer import SIMPLE_MODELS
from risk_model.data.sources import ptbxl, synthetic_ecgs

from tests.made_signal import recordings_of

SUBJECTS = 300
CUES = 0.8  # AUROC that no single number may reach


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory in which records are made."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path := tmp_path_factory.mktemp("made"))
        yield path


@pytest.fixture(scope="module")
def cohort(where: Path) -> Cohort:
    return synthetic_ecgs.load(SyntheticEcgs(subjects=SUBJECTS))


@pytest.fixture(scope="module")
def folder(where: Path, cohort: Cohort) -> Path:
    return where / "generated" / f"synthetic_ecgs-{SUBJECTS}-0"


def test_no_single_number_gives_the_outcome_away(cohort: Cohort) -> None:
    assert cohort.schema.signal is not None
    fields = cohort.inputs.fillna(cohort.inputs.median())
    described = pd.DataFrame(recordings_of(cohort).described)
    for frame in (fields, described):
        areas = np.array([roc_auc_score(cohort.labels, frame[name]) for name in frame])
        assert np.maximum(areas, 1 - areas).max() < CUES


def test_the_truth_says_where_each_ventricular_beat_lies_and_nearly_what_was_written_down(
    folder: Path,
) -> None:
    labels, truth = pd.read_csv(folder / "labels.csv"), pd.read_csv(folder / "truth.csv")
    present = labels["file"].isin(truth["file"])
    assert (present == labels["ventricular_beats"].astype(bool)).mean() > 0.9
    assert ((truth["start"] >= 0) & (truth["end"] <= 10) & (truth["start"] < truth["end"])).all()
    assert truth.groupby("file").size().between(1, 3).all()


def test_patients_sites_and_dates_are_recorded_and_some_have_two_records(cohort: Cohort) -> None:
    assert set(cohort.index) == {"subject_id", "prediction_time", "site", "age", "sex"}
    assert len(set(cohort.subjects)) == SUBJECTS < len(cohort)
    assert set(cohort.index["site"]) == set(synthetic_ecgs.SITES)


def test_recorders_differ_and_their_records_are_real_ones(folder: Path) -> None:
    labels = pd.read_csv(folder / "labels.csv").drop_duplicates("site")
    for file, site in zip(labels["file"], labels["site"], strict=True):
        found, recorder = wfdb.rdrecord(str(folder / file)), synthetic_ecgs.SITES[site]
        assert (found.fs, found.units[0], found.sig_len) == (
            recorder.rate,
            recorder.unit,
            10 * recorder.rate,
        )
        in_mv = found.p_signal * (1e-3 if recorder.unit == "uV" else 1)
        assert 0.3 < np.abs(in_mv).max() < 6


def test_the_same_seed_makes_the_same_files_and_another_seed_others(tmp_path: Path) -> None:
    contents = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        synthetic_ecgs.write(tmp_path / name, 5, seed)
        contents.append(
            {p.name: p.read_bytes() for p in (tmp_path / name).rglob("*") if p.is_file()}
        )
    assert contents[0] == contents[1] != contents[2]


def test_the_folder_appears_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(synthetic_ecgs, "_write", full)
    with pytest.raises(OSError, match="no space"):
        synthetic_ecgs.write(tmp_path / "made", 5, 0)
    assert not (tmp_path / "made").exists()


def test_too_few_patients_are_refused() -> None:
    with pytest.raises(UserError, match=r"data\.subjects=20"):
        synthetic_ecgs.load(SyntheticEcgs(subjects=20))


def test_a_clean_cohort_is_accused_of_nothing_but_its_size(where: Path, cohort: Cohort) -> None:
    prepared = prepare(config.Config(data=SyntheticEcgs(subjects=SUBJECTS)))
    errors = [f for f in prepared.findings if f.severity == "error" or "leak" in f.kind]
    assert not errors


# --- PTB-XL


@pytest.fixture(scope="module")
def prepared(downloaded: Callable[[str], Path]) -> Prepared:
    downloaded("ptbxl500/ptbxl_database.csv")
    return prepare(config.Config(data=PtbXl()))


@pytest.fixture(scope="module")
def patients(prepared: Prepared) -> Cohort:
    return prepared.cohort


def test_ptbxl_holds_the_published_patients(patients: Cohort) -> None:
    assert (len(patients), len(set(patients.subjects))) == (500, 466)
    assert patients.labels.mean() == pytest.approx(0.42)
    assert set(patients.index["site"].dropna()) == {"site 0", "site 1", "site 2", "site 3"}
    assert patients.index["age"].between(2, 95).mean() > 0.98
    assert set(patients.index["sex"]) == {"F", "M"}
    assert patients.schema.signal is not None
    assert patients.schema.signal.shape == (12, 1000)


def test_ptbxl_is_warned_of_because_its_sites_tell_the_outcome(prepared: Prepared) -> None:
    warned = [f.kind for f in prepared.findings if f.severity == "warning"]
    assert "site predicts the outcome" in warned
    rows = prepared.quality.to_json()["tables"][SIMPLE_MODELS]
    alone = {row["predictors"]: row["AUROC"]["estimate"] for row in rows}
    assert alone["age and sex"] == pytest.approx(0.77, abs=0.03)
    assert alone["site"] > 0.62


def test_fewer_records_of_ptbxl_are_its_first_and_more_cannot_be_verified(patients: Cohort) -> None:
    some = ptbxl.load(PtbXl(records=120))
    np.testing.assert_array_equal(some.labels, patients.labels[:120])
    for records in (99, 501):
        with pytest.raises(UserError, match=f"data.records={records}"):
            ptbxl.load(PtbXl(records=records))


@pytest.mark.parametrize(
    "name", ["ptbxl_database.csv", "scp_statements.csv", "records100/00000/00077_lr.dat"]
)
def test_a_changed_file_of_ptbxl_is_not_used(
    downloaded: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    shutil.copytree(downloaded("ptbxl500"), tmp_path / "ptbxl500")
    changed = tmp_path / "ptbxl500" / name
    changed.chmod(0o644)
    content = changed.read_bytes()
    for old, new in ((b"NORM", b"MORN"), (content[:2], b"\x07\x07")):
        if old in content:
            changed.write_bytes(content.replace(old, new, 1))
            break
    with pytest.raises(UserError, match="is not the one published"):
        ptbxl.load(PtbXl(cache=str(tmp_path)))


def test_ptbxl_is_downloaded_file_by_file_and_only_what_is_not_there(
    downloaded: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published, asked = downloaded("ptbxl500"), []
    shutil.copytree(published, tmp_path / "ptbxl500")
    gone = ["scp_statements.csv", "records100/00000/00003_lr.hea", "records100/00000/00400_lr.dat"]
    for name in gone:
        (tmp_path / "ptbxl500").chmod(0o755)
        (tmp_path / "ptbxl500" / name).parent.chmod(0o755)
        (tmp_path / "ptbxl500" / name).unlink()

    def serve(url: str, path: Path) -> None:
        name = url.removeprefix(f"{ptbxl.URL}/")
        asked.append(name)
        shutil.copy(published / name, path)

    monkeypatch.setattr(ptbxl, "download", serve)
    assert len(ptbxl.load(PtbXl(records=100, cache=str(tmp_path)))) == 100
    assert sorted(asked) == sorted(gone)
