"""Is the downloaded cohort what was published, and is nothing read without the download?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold
from xgboost import XGBClassifier

from risk_model import config
from risk_model.config.downloaded import Diabetes130
from risk_model.core.cohort import Cohort
from risk_model.core.errors import UserError
from risk_model.data import load
from risk_model.data.leakage import check
from risk_model.data.sources import diabetes130
from risk_model.data.split import split
from risk_model.data.split_report import shared_by_row_split

from tests.data.made_cohorts import in_the_agreed_form, serious

DOWNLOAD = "diabetes130/dataset_diabetes.zip"


@pytest.fixture(scope="module")
def diabetics(downloaded: Callable[[str], Path]) -> Cohort:
    return load(Diabetes130(cache=str(downloaded(DOWNLOAD).parent.parent)))


def test_every_field_says_what_it_is() -> None:
    for field in diabetes130.FIELDS:
        assert field.description, field.name
        bounded = field.minimum is not None and field.maximum is not None
        assert field.kind != "number" or bounded, field.name
        assert field.kind != "category" or field.categories, field.name


def boosted_trees() -> XGBClassifier:
    return XGBClassifier(
        n_estimators=250,
        max_depth=4,
        learning_rate=0.05,
        subsample=0.8,
        colsample_bytree=0.5,
        min_child_weight=5,
        n_jobs=1,
        random_state=0,
    )


def test_diabetes130_leaves_out_who_cannot_come_back(diabetics: Cohort) -> None:
    assert len(diabetics) == 101_766 - 2_423
    assert diabetics.notes[0].message.startswith("2,423 stays that ended in death or hospice")
    assert diabetics.labels.mean() == pytest.approx(0.1139, abs=1e-4)
    assert in_the_agreed_form(diabetics)


def test_diabetes130_knows_that_patients_repeat(diabetics: Cohort) -> None:
    assert len(set(diabetics.subjects)) == 69_990
    assert all(isinstance(subject, str) for subject in diabetics.index["subject_id"])


def test_diabetes130_takes_a_question_mark_as_missing_and_none_as_a_value(
    diabetics: Cohort,
) -> None:
    assert diabetics.inputs["A1Cresult"].eq("None").mean() > 0.8
    assert diabetics.inputs["A1Cresult"].notna().all()
    assert not (diabetics.inputs.to_numpy(dtype=object) == "?").any()
    assert diabetics.inputs["medical_specialty"].isna().mean() == pytest.approx(0.49, abs=0.01)


def test_diabetes130_reads_an_age_band_as_its_middle(diabetics: Cohort) -> None:
    assert sorted(diabetics.index["age"].unique()) == [5.0 + 10 * i for i in range(10)]


def test_icd9_codes_fall_into_their_chapters() -> None:
    codes = {
        "250.83": "diabetes",
        "251": "other",
        "410": "circulatory",
        "785.59": "circulatory",
        "486": "respiratory",
        "715": "musculoskeletal",
        "999": "injury",
        "V57": "other",
        "E888": "other",
        "140": "neoplasms",
        "788.2": "genitourinary",
        "530": "digestive",
    }
    assert diabetes130.chapters(pd.Series(codes.keys())).tolist() == list(codes.values())


def test_without_a_download_nothing_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diabetes130, "URL", "http://127.0.0.1:9/dataset_diabetes.zip")
    with pytest.raises(UserError, match="could not be downloaded"):
        load(Diabetes130(cache=str(tmp_path)))
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


@pytest.mark.slow
def test_diabetes130_grouped_by_patient_is_as_hard_as_published(diabetics: Cohort) -> None:
    folds = GroupKFold(5, shuffle=True, random_state=0)
    rows, held = next(folds.split(diabetics.encoded(), groups=diabetics.subjects))
    features, labels = diabetics.encoded(), diabetics.labels
    model = boosted_trees().fit(features[rows], labels[rows])
    assert 0.66 <= roc_auc_score(labels[held], model.predict_proba(features[held])[:, 1]) <= 0.69


@pytest.mark.slow
def test_a_hundred_thousand_real_stays_accuse_nobody(diabetics: Cohort) -> None:
    cohort, settings = diabetics, Diabetes130()
    findings = check(cohort, split(cohort, config.Split(), settings, 0))
    assert serious(findings) == []
    overlap = shared_by_row_split(cohort, 0.2, 0)
    assert overlap.test_rows / (0.2 * len(cohort)) == pytest.approx(0.42, abs=0.01)
