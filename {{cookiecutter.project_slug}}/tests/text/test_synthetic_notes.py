"""Is the truth of the made-up notes what their docstring says?"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict

from risk_model.config.text import SyntheticNotes
from risk_model.core.errors import UserError
from risk_model.data.sources import synthetic_notes
from risk_model.data.sources.synthetic_notes import AFFIRMING, ALARMING, write


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "notes"
    write(path, subjects=1_400, seed=0)
    return path


def test_the_decisive_words_are_the_alarming_symptom_and_the_verb_that_affirms_it(
    folder: Path,
) -> None:
    for note, truth in zip(
        lines(folder / "notes.jsonl"), lines(folder / "truth.jsonl"), strict=True
    ):
        words = [note["text"][start:end] for start, end in truth["decisive"]]
        assert bool(words) == truth["affirmed"]
        if words:
            assert words[0] in AFFIRMING
            assert set(words[1:]) <= set(ALARMING)
            assert len(words) > 1


def test_the_outcome_follows_from_what_is_affirmed_but_for_four_in_a_hundred(folder: Path) -> None:
    outcome = np.array([note["deteriorated"] for note in lines(folder / "notes.jsonl")])
    affirmed = np.array([truth["affirmed"] for truth in lines(folder / "truth.jsonl")])
    assert outcome[affirmed].mean() == pytest.approx(0.96, abs=0.03)
    assert outcome[~affirmed].mean() == pytest.approx(0.04, abs=0.02)
    assert roc_auc_score(outcome, affirmed) < 0.97


def test_no_measured_field_and_no_single_word_tells_the_outcome_and_pairs_tell_some_of_it(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(folder, tmp_path / "generated" / "synthetic_notes-1400-0")
    cohort = synthetic_notes.load(SyntheticNotes())
    for name in cohort.inputs:
        assert abs(roc_auc_score(cohort.labels, cohort.inputs[name]) - 0.5) < 0.1, name
    described = cohort.encoded()[:, cohort.inputs.shape[1] : cohort.schema.simple]
    used = described[:, (described > 0).mean(axis=0) > 0.02]
    alone = [roc_auc_score(cohort.labels, column) for column in used.T]
    assert max(abs(a - 0.5) for a in alone) < 0.2
    model = LogisticRegression(C=10, max_iter=500)
    together = cross_val_predict(model, described, cohort.labels, cv=4, method="decision_function")
    assert 0.65 < roc_auc_score(cohort.labels, together) < 0.85


def test_files_are_written_once_and_the_same_every_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first = synthetic_notes.load(SyntheticNotes(subjects=100))
    (made,) = Path("generated").iterdir()
    before = (made / "notes.jsonl").stat().st_mtime_ns
    assert synthetic_notes.load(SyntheticNotes(subjects=100)).fingerprint() == first.fingerprint()
    assert (made / "notes.jsonl").stat().st_mtime_ns == before
    write(tmp_path / "again", 100, 0)
    assert (tmp_path / "again" / "notes.jsonl").read_bytes() == (made / "notes.jsonl").read_bytes()
    assert first.recorded("subject_id")
    assert len(set(first.subjects)) == 100 < len(first)


def test_too_few_patients_are_refused() -> None:
    with pytest.raises(UserError, match=r"data\.subjects=5"):
        synthetic_notes.load(SyntheticNotes(subjects=5))
