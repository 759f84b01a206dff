"""Are later times and states, and the outcome's definition, told from a good measurement?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.datasets import load_breast_cancer, load_wine

from risk_model.core.findings import Finding
from risk_model.data.leak_signs import column_leaks

from tests.data.made_cohorts import cohort_of

Columns = dict[str, Any]


def expit(logit: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-logit)))


def intensive_care(n: int = 3000, seed: int = 0) -> tuple[np.random.Generator, np.ndarray, Columns]:
    """Patients of whom about a tenth die, with measurements of the first day."""
    rng = np.random.default_rng(seed)
    age, apache = rng.normal(62, 15, n).round(), rng.normal(18, 7, n).round()
    died = rng.random(n) < expit(-3.2 + 0.03 * (age - 62) + 0.12 * (apache - 18))
    return rng, died, {"age": age, "apache": apache, "lactate": rng.lognormal(0.6, 0.6, n).round(1)}


def errors(columns: Columns, outcome: Any, **kinds: Any) -> dict[str, Finding]:
    findings = column_leaks(cohort_of(columns, outcome, **kinds))
    return {f.where: f for f in findings if f.severity == "error"}


def days_in_hospital(rng: np.random.Generator, died: np.ndarray) -> np.ndarray:
    """Of a trial that ends on day 28: the dead die early, all but two, the others leave later."""
    stay = np.where(died, rng.gamma(0.7, 9, len(died)), rng.lognormal(2.2, 0.8, len(died)))
    days = np.minimum(np.floor(stay), np.where(died, 27.0, 28.0))
    days[np.flatnonzero(died)[:2]] = 28
    return days


@pytest.mark.parametrize(
    "name",
    [
        "time_from_admission_to_death_or_discharge",
        "days",
        "hospDays",
        "T_end",
        "temps",
        "Verweildauer (Tage)",
        "days_in_hospital",
        "los",
        "duree_sejour",
        "estancia_dias",
        "tempo_internacao",
    ],
)
def test_the_time_to_death_or_discharge_of_a_trauma_trial_is_asked_about(name: str) -> None:
    rng, died, columns = intensive_care(6000)
    found = errors({**columns, name: days_in_hospital(rng, died)}, died)
    assert set(found) == {name}


def test_a_time_that_piles_up_where_the_follow_up_ends_is_found_whatever_its_name() -> None:
    rng, died, columns = intensive_care(8000)
    found = errors({**columns, "x12": days_in_hospital(rng, died)}, died)
    assert "ends as a follow-up does" in found["x12"].message


def test_a_scale_that_piles_up_at_its_ceiling_is_no_follow_up() -> None:
    rng, died, columns = intensive_care(8000)
    barthel = np.clip((85 + 25 * rng.normal(size=8000) - 25 * died).round(), 0, 100)
    mmse = np.clip(27 + 3 * rng.normal(size=8000) - 3 * died, 0, 30).round()
    assert errors({**columns, "barthel": barthel, "mmse": mmse}, died) == {}


@pytest.mark.parametrize(
    "name",
    (
        "status vital_status StatusAtDischarge dead_90d alive deces exitus obito verstorben "
        "outcome_6m discharge_disposition readmitted survival overleden"
    ).split(),
)
def test_a_later_status_is_asked_about_in_several_spellings(name: str) -> None:
    rng, died, columns = intensive_care()
    status = (died | (rng.random(3000) < 0.25)) & (rng.random(3000) < 0.8)
    assert set(errors({**columns, name: status.astype(float)}, died)) == {name}
    assert errors({**columns, "x": status.astype(float)}, died) == {}


@pytest.mark.parametrize("words", [("died", "home"), ("Expired", "SNF"), ("décédé", "domicile")])
def test_a_category_that_tells_of_death_is_asked_about(words: tuple[str, str]) -> None:
    rng, died, columns = intensive_care()
    dead = (died | (rng.random(3000) < 0.1)) & (rng.random(3000) < 0.7)
    to = np.where(dead, *words).astype(object)
    assert set(errors({**columns, "x": to}, died)) == {"x"}


@pytest.mark.parametrize("name", ["icu_los_days", "length_of_stay", "slos", "Liegedauer"])
def test_a_stay_is_asked_about_although_its_auroc_is_near_a_half(name: str) -> None:
    rng, died, columns = intensive_care(6000)
    stay = np.where(died, rng.gamma(0.7, 20, 6000), rng.gamma(3, 4, 6000)).round(1)
    assert set(errors({**columns, name: stay}, died)) == {name}


def test_a_stay_that_is_over_before_the_outcome_is_an_honest_input() -> None:
    rng, readmitted, columns = intensive_care(6000)
    stay = (rng.gamma(2, 3, 6000) * (1 + readmitted)).round(1)
    honest = {"length_of_stay": stay, "discharge_to": np.where(stay > 9, "home", "nursing home")}
    cohort = cohort_of({**columns, **honest}, readmitted)
    for outcome, expected in (("readmitted within 30 days", set()), ("died", set(honest))):
        named = type(cohort.schema)("made", outcome, cohort.schema.fields)
        cohort = type(cohort)(named, cohort.inputs, cohort.outcome, cohort.index)
        assert {f.where for f in column_leaks(cohort)} == expected


@pytest.mark.parametrize(
    "name",
    [
        "time_from_onset_h",
        "time_to_antibiotics",
        "days_since_last_discharge",
        "preop_los",
        "prior_readmissions",
        "family_history_of_death",
        "mother_died",
        "dead_space_fraction",
        "predicted_mortality",
        "marital_status",
        "smokingStatus",
        "vaginal_discharge",
        "HR",
        "dias",
        "IOP_OS",
        "last_known_well_min",
        "operative_time",
        "hday",
    ],
)
def test_times_and_states_of_before_are_no_later_ones(name: str) -> None:
    rng, died, columns = intensive_care()
    for direction in (-1, 1):
        value = (10 + 3 * rng.normal(size=3000) + direction * 3 * died).clip(0).round(1)
        assert errors({**columns, name: value}, died) == {}


@pytest.mark.parametrize("name", ["fup_months", "OS.time", "time", "z5"])
def test_a_staggered_follow_up_is_asked_about(name: str) -> None:
    rng = np.random.default_rng(0)
    marker = rng.normal(size=1500)
    relapse, censored = rng.exponential(60 * np.exp(-0.5 * marker)), rng.uniform(24, 84, 1500)
    columns = {"marker": marker, name: np.minimum(relapse, censored).round(1)}
    assert set(errors(columns, relapse <= censored)) == {name}


def test_a_table_too_small_to_show_that_its_follow_up_tells_something_is_asked_as_well() -> None:
    rng, died, columns = intensive_care(150)
    for name in ("followup_days", "Survival_in_days", "censored"):
        assert set(errors({**columns, name: rng.exponential(90, 150).round()}, died)) == {name}


def test_a_value_that_defines_the_outcome_is_an_error_and_one_that_predicts_it_none() -> None:
    rng = np.random.default_rng(0)
    creatinine = rng.lognormal(0, 0.45, 3000).round(2)
    anuria = rng.random(3000) < 0.12
    injured = (creatinine >= 1.5) | anuria
    (found,) = errors({"creatinine": creatinine, "bp": rng.normal(size=3000)}, injured).values()
    assert "always have the outcome" in found.message
    likely = rng.random(3000) < expit(8 * (np.log(creatinine) - 0.4))
    assert errors({"creatinine": creatinine, "bp": rng.normal(size=3000)}, likely) == {}


def test_a_time_past_which_nobody_can_have_the_outcome_is_an_error() -> None:
    rng, died, columns = intensive_care(6000)
    observed = np.where(died, rng.uniform(0, 30, 6000), rng.uniform(0, 200, 6000)).round()
    assert "never have the outcome" in errors({**columns, "v9": observed}, died)["v9"].message


@pytest.mark.parametrize("slips", [0, 3])
def test_what_is_recorded_for_events_alone_is_an_error_however_many_its_values(slips: int) -> None:
    rng, died, columns = intensive_care(8000)
    codes = rng.choice(np.array([f"I{i}" for i in range(60)], dtype=object), 8000)
    recorded = died & (rng.random(8000) < 0.6)
    recorded[np.flatnonzero(~died)[:slips]] = True
    columns["code7"] = pd.Series(codes).where(recorded, None)
    columns["day7"] = np.where(recorded, rng.normal(size=8000), np.nan)
    assert set(errors(columns, died)) == {"code7", "day7"}


def test_a_superset_and_a_subset_of_the_outcome_are_errors() -> None:
    rng, died, columns = intensive_care()
    within = {"x": died | (rng.random(3000) < 0.3), "y": died & (rng.random(3000) < 0.5)}
    assert set(errors({**columns, **{k: v * 1.0 for k, v in within.items()}}, died)) == {"x", "y"}


def test_the_diagnostic_measurements_of_a_tumour_are_no_leaks() -> None:
    data = load_breast_cancer(as_frame=True)
    columns = {str(name): data.data[name].to_numpy() for name in data.data}
    (finding,) = column_leaks(cohort_of(columns, data.target == 0))
    assert (finding.severity, finding.kind) == ("warning", "strong predictor")
    assert {"mean radius", "worst concave points"} <= set(finding.where.split(", "))
    assert "before the prediction moment?" in finding.message


@pytest.mark.parametrize("grape", [0, 1, 2])
def test_small_tables_of_strong_measurements_are_no_leaks(grape: int) -> None:
    data = load_wine(as_frame=True)
    columns = {str(name): data.data[name].to_numpy() for name in data.data}
    assert errors(columns, data.target == grape) == {}


def scored(rng: np.random.Generator, malignant: np.ndarray) -> Columns:
    """Cells scored from 1 to 10: nine scores, as of the first Wisconsin set."""
    shape = np.where(malignant, rng.normal(7, 2.4, len(malignant)), rng.normal(1.4, 1, 683))
    return {f"v{i}": (shape + rng.normal(0, 1.4, 683)).round().clip(1, 10) for i in range(9)}


@pytest.mark.parametrize("seed", range(5))
def test_scores_whose_highest_value_is_always_malignant_are_no_leaks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    malignant = rng.random(683) < 0.35
    assert errors(scored(rng, malignant), malignant) == {}


@pytest.mark.parametrize(
    ("auroc", "prevalence", "n"), [(0.85, 0.2, 2000), (0.93, 0.15, 3000), (0.93, 0.3, 300)]
)
@pytest.mark.parametrize("lowest_detected", [0.0, 0.3])
def test_a_good_marker_is_a_warning_and_no_error(
    auroc: float, prevalence: float, n: int, lowest_detected: float
) -> None:
    rng = np.random.default_rng(1)
    infarction = rng.random(n) < prevalence
    troponin = np.exp(rng.normal(size=n) + np.sqrt(2) * norm.ppf(auroc) * infarction)
    troponin = np.maximum(troponin, np.quantile(troponin, lowest_detected)).round(2)
    columns = {"age": rng.normal(60, 13, n).round() + 4 * infarction, "troponin": troponin}
    (finding,) = column_leaks(cohort_of(columns, infarction))
    assert (finding.severity, finding.where) == ("warning", "troponin")


@pytest.mark.parametrize("kind", ["years", "codes", "bands", "words"])
def test_the_age_of_a_survey_in_which_no_young_person_is_ill_is_no_leak(kind: str) -> None:
    rng = np.random.default_rng(1)
    age = rng.integers(18, 92, 12_000).clip(18, 80)
    ill = rng.random(12_000) < expit(-4.4 + 0.15 * (age - 50))
    band = np.digitize(age, np.arange(25, 85, 5))
    bands = np.array([f"{a}-{a + 4}" for a in range(20, 85, 5)], dtype=object)[band]
    words = np.array(
        ["under 25", *(f"Age {a} to {a + 4}" for a in range(25, 80, 5)), "80 or over"], dtype=object
    )[band]
    values = {"years": age * 1.0, "codes": band + 1.0, "bands": bands, "words": words}[kind]
    assert ill[age < 25].sum() <= 2
    assert errors({"Age": values, "bmi": rng.normal(27, 5, 12_000).round(1)}, ill) == {}


def test_a_column_that_alone_knows_nearly_everything_is_an_error() -> None:
    rng, died, columns = intensive_care()
    contacts = rng.poisson(0.2 + 3.3 * died).astype(float)
    found = errors({**columns, "contacts": contacts}, died)
    assert "no other column passes" in found["contacts"].message
    beside = {"pupils": rng.normal(size=3000) + 2 * died}
    assert errors({**columns, "contacts": contacts, **beside}, died) == {}


@pytest.mark.parametrize(("events", "n"), [(3, 120), (4, 40), (5, 60)])
def test_a_handful_of_events_told_apart_without_exception_are_no_chance(
    events: int, n: int
) -> None:
    died = np.arange(n) < events
    order = np.random.default_rng(0).permutation(n)
    value = np.where(died, n + order, order) + 0.0
    assert set(errors({"x": value}, died)) == {"x"}


@pytest.mark.parametrize(("of_ten", "asked"), [(9, True), (8, True), (7, False)])
def test_an_auroc_of_exactly_a_bound_is_asked_about(of_ten: int, asked: bool) -> None:
    """A flag that is right in so many of ten, of either class, has that AUROC and no other."""
    died = np.arange(8000) % 2 == 0
    right = np.arange(8000) // 2 % 10 < of_ten
    found = column_leaks(cohort_of({"flag": np.where(right, died, ~died).astype(float)}, died))
    assert [(f.severity, f.where) for f in found] == [("warning", "flag")] * asked


def test_a_column_that_begins_sharply_is_honest_where_it_climbs_over_many_rows() -> None:
    draw = np.random.default_rng(0)
    ill = draw.random(6000) < 0.27
    value = np.where(ill, draw.normal(-1.2, 1.3, 6000), 0.5 * np.exp(0.6 * draw.normal(size=6000)))
    assert errors({"albumin": value, "x": draw.normal(size=6000)}, ill) == {}
