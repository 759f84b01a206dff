"""Is nobody on both sides, is every stratum shared out, and are bad settings refused?"""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk_model import config
from risk_model.core.age_bands import AGE_BANDS
from risk_model.core.cohort import Cohort, Splits
from risk_model.core.errors import UserError
from risk_model.core.parts import DEVELOPMENT, PARTS
from risk_model.data.split import split
from risk_model.data.split_report import shared_by_row_split, split_report
from risk_model.data.strata import strata

from tests.data.made_cohorts import cohort_of, hospital_cohort

NOTHING_HELD_OUT = config.Data(name="made", held_out_sites=[], held_out_period=0.0)
DEFAULT = config.Data(name="made")
FOUR_PARTS = config.Split(folds=1)


def parts_of(cohort: Cohort, splits: Splits) -> dict[str, set[str]]:
    return {name: set(cohort.subjects[rows]) for name, rows in splits.items()}


@given(seed=st.integers(0, 2**31), n=st.integers(400, 900))
@settings(max_examples=15, deadline=None)
def test_no_subject_stands_in_two_parts_and_every_row_in_one_or_aside(seed: int, n: int) -> None:
    cohort = hospital_cohort(n, seed=seed % 50)
    splits = split(cohort, FOUR_PARTS, DEFAULT, seed)
    people = list(parts_of(cohort, splits).values())
    assert sum(map(len, people)) == len(set().union(*people))
    rows = np.concatenate([rows for _, rows in splits.items()] + [splits.set_aside])
    assert sorted(rows) == list(range(n))


@given(seed=st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_the_same_seed_gives_the_same_split_whatever_the_order_of_the_rows(seed: int) -> None:
    cohort = hospital_cohort(600)
    order = np.random.default_rng(seed).permutation(600)
    labels = split(cohort, FOUR_PARTS, DEFAULT, seed).labels(600)
    shuffled = split(cohort.take(order), FOUR_PARTS, DEFAULT, seed).labels(600)
    assert (labels[order] == shuffled).all()


def test_another_seed_gives_another_split() -> None:
    cohort = hospital_cohort(600)
    labels = [split(cohort, FOUR_PARTS, NOTHING_HELD_OUT, seed).labels(600) for seed in (0, 1)]
    assert 0.3 < (labels[0] != labels[1]).mean() < 0.8


def test_every_stratum_gets_its_shares() -> None:
    rng = np.random.default_rng(0)
    n = 4000
    index = {
        "site": rng.choice(list("ABC"), n),
        "sex": rng.choice(["F", "M"], n),
        "age": rng.uniform(20, 95, n),
    }
    cohort = cohort_of({"x": rng.normal(size=n)}, rng.random(n) < 0.1, index)
    splits = split(cohort, FOUR_PARTS, NOTHING_HELD_OUT, 3)
    groups = strata(cohort).assign(outcome=cohort.labels, part=splits.labels(n))
    counts = groups.groupby(["outcome", "site", "part"], observed=True).size().unstack()
    expected = counts.sum(axis=1).to_numpy()[:, None] * np.array([0.1, 0.2, 0.6, 0.1])
    assert (
        np.abs(counts[["calibration", "test", "train", "validation"]].to_numpy() - expected).max()
        <= 3
    )


def test_rare_cells_are_merged_so_that_the_outcome_stays_balanced() -> None:
    n = 300
    index = {"site": [f"clinic {i % 150}" for i in range(n)], "sex": ["F", "M"] * (n // 2)}
    cohort = cohort_of({"x": np.arange(n, dtype=float)}, np.arange(n) % 5 == 0, index)
    splits = split(cohort, FOUR_PARTS, NOTHING_HELD_OUT, 0)
    events = [int(cohort.labels[rows].sum()) for _, rows in splits.items()]
    assert np.abs(np.array(events) - 60 * np.array([0.6, 0.1, 0.1, 0.2])).max() <= 2


def test_with_folds_the_same_test_split_stands_beside_one_part_that_teaches() -> None:
    cohort = hospital_cohort(1500)
    four = split(cohort, FOUR_PARTS, DEFAULT, 7)
    two = split(cohort, config.Split(test_events=10), DEFAULT, 7)
    assert (two.test == four.test).all()
    assert (two.train == four.learning).all()
    assert (two.learning == four.learning).all()
    assert [name for name, _ in two.items()] == [DEVELOPMENT, "test", *four.external]
    assert two.external.keys() == four.external.keys()
    assert set(two.labels(1500)) == {DEVELOPMENT, "test", *two.external, "set aside"}


def test_too_few_events_to_test_on_are_not_cut_off() -> None:
    cohort = hospital_cohort(1500)
    cut = split(cohort, config.Split(test_events=0), DEFAULT, 7)
    events = int(cohort.labels[cut.test].sum())
    assert events < len(cut.test) / 2
    kept = split(cohort, config.Split(test_events=events), DEFAULT, 7)
    assert len(kept.test) == len(cut.test)
    whole = split(cohort, config.Split(test_events=events + 1), DEFAULT, 7)
    assert len(whole.test) == 0
    assert sorted(whole.train) == sorted([*cut.train, *cut.test])
    # Where nearly everybody has the event, those without it are the few.
    flipped = dataclasses.replace(cohort, outcome=1 - cohort.labels)
    cut = split(flipped, config.Split(test_events=0), DEFAULT, 7)
    few = int((1 - flipped.labels[cut.test]).sum())
    assert len(split(flipped, config.Split(test_events=few + 1), DEFAULT, 7).test) == 0
    assert len(split(flipped, config.Split(test_events=few), DEFAULT, 7).test) == len(cut.test)


def test_folds_that_would_hold_one_class_are_refused_with_a_remedy() -> None:
    rare = cohort_of({"x": np.arange(200.0)}, np.arange(200) < 9)
    with pytest.raises(UserError, match=r"hold 9 of the rarer class, .* needs 10; make"):
        split(rare, config.Split(), NOTHING_HELD_OUT, 0)


def test_held_out_sites_stand_apart_and_what_else_their_patients_did_is_set_aside() -> None:
    cohort = hospital_cohort(1000)
    splits = split(
        cohort, FOUR_PARTS, dataclasses.replace(NOTHING_HELD_OUT, held_out_sites=["D"]), 0
    )
    site = cohort.index["site"].to_numpy()
    assert list(splits.external) == ["site: D"]
    assert (site[splits.external["site: D"]] == "D").all()
    assert len(splits.external["site: D"]) == (site == "D").sum()
    assert set(cohort.subjects[splits.set_aside]) <= set(
        cohort.subjects[splits.external["site: D"]]
    )
    assert len(splits.set_aside) > 0


def test_the_last_period_holds_only_patients_never_seen_before() -> None:
    cohort = hospital_cohort(2000)
    splits = split(cohort, FOUR_PARTS, dataclasses.replace(DEFAULT, held_out_sites=[]), 0)
    time = cohort.index["prediction_time"]
    last = splits.external["last period"]
    seen = np.setdiff1d(np.arange(2000), np.append(last, splits.set_aside))
    assert time.iloc[last].min() > time.iloc[seen].max()
    assert set(cohort.subjects[splits.set_aside]) <= set(cohort.subjects[seen])
    assert abs((time >= time.iloc[last].min()).mean() - 0.1) < 0.01


def test_dates_as_coarse_as_years_give_a_last_year() -> None:
    n = 600
    year = 2000 + np.arange(n) % 9
    index = {"prediction_time": pd.to_datetime(year.astype(str), format="%Y")}
    cohort = cohort_of({"x": np.arange(n, dtype=float)}, np.arange(n) % 4 == 0, index)
    splits = split(cohort, FOUR_PARTS, DEFAULT, 0)
    assert set(year[splits.external["last period"]]) == {2008}


def test_auto_holds_out_the_site_with_most_events_of_those_that_are_not_too_large() -> None:
    n = 8000
    site = np.repeat(["A", "B", "C", "D"], [4000, 1800, 1600, 600])
    cohort = cohort_of({"x": np.arange(n, dtype=float)}, np.arange(n) % 5 == 0, {"site": site})
    assert list(split(cohort, FOUR_PARTS, DEFAULT, 0).external) == ["site: B"]
    few = cohort.take(np.arange(0, n, 19))
    assert split(few, FOUR_PARTS, DEFAULT, 0).external == {}


def test_identical_rows_are_one_subject_when_none_is_recorded() -> None:
    values = np.repeat(np.arange(300.0), 2)
    cohort = cohort_of(
        {"x": values, "y": values**2, "z": np.sin(values)}, np.repeat(np.arange(300) % 3 == 0, 2)
    )
    labels = split(cohort, FOUR_PARTS, NOTHING_HELD_OUT, 0).labels(600)
    assert (labels[::2] == labels[1::2]).all()


def test_an_unknown_site_is_named_with_those_there_are() -> None:
    data = dataclasses.replace(DEFAULT, held_out_sites=["Hospital X"])
    with pytest.raises(UserError, match=r"Hospital X; the sites are A, B, C, D"):
        split(hospital_cohort(500), FOUR_PARTS, data, 0)
    with pytest.raises(UserError, match="records no site"):
        split(cohort_of({"x": [1.0, 2.0]}, [0, 1]), FOUR_PARTS, data, 0)


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        (config.Split(train=0.8), "must leave a share for the test split"),
        (config.Split(validation=0.0), "split.validation=0"),
        (config.Split(folds=0), "split.folds=0"),
    ],
)
def test_shares_that_make_no_sense_are_refused(shares: config.Split, message: str) -> None:
    with pytest.raises(UserError, match=message):
        split(hospital_cohort(500), shares, DEFAULT, 0)


def test_a_part_without_rows_or_with_one_class_is_refused_with_a_remedy() -> None:
    few = cohort_of({"x": np.arange(2.0)}, [0, 1])
    with pytest.raises(UserError, match=r"no row falls in \w+; make split.\w+ \w+, hold out less"):
        split(few, config.Split(train=0.01, validation=0.01, folds=1), NOTHING_HELD_OUT, 0)
    rare = cohort_of({"x": np.arange(200.0)}, np.arange(200) < 2)
    with pytest.raises(UserError, match=r"holds no event among \d+ rows; .*bring more data"):
        split(rare, FOUR_PARTS, NOTHING_HELD_OUT, 0)


def test_an_external_cohort_may_hold_one_class() -> None:
    site = np.repeat(["A", "B"], [400, 50])
    cohort = cohort_of(
        {"x": np.arange(450.0)}, (np.arange(450) % 3 == 0) & (site == "A"), {"site": site}
    )
    splits = split(cohort, FOUR_PARTS, dataclasses.replace(DEFAULT, held_out_sites=["B"]), 0)
    assert cohort.labels[splits.external["site: B"]].sum() == 0


def test_the_report_counts_each_part_and_its_strata() -> None:
    cohort = hospital_cohort(2000)
    splits = split(cohort, FOUR_PARTS, dataclasses.replace(DEFAULT, held_out_sites=["D"]), 0)
    report = {part.part: part for part in split_report(cohort, splits)}
    assert list(report) == [*PARTS, "site: D", "last period", "set aside"]
    assert sum(part.rows for part in report.values()) == 2000
    assert report["train"].events == cohort.labels[splits.train].sum()
    women = (cohort.index["sex"].iloc[splits.train] == "F").mean()
    assert report["train"].shares["sex: F"] == pytest.approx(women)
    assert all((report[name].largest_imbalance or 0) < 0.1 for name in PARTS)
    assert report["site: D"].largest_imbalance is None
    for part in report.values():
        bands = [share for name, share in part.shares.items() if name.startswith("age band: ")]
        assert sum(bands) == pytest.approx(1)


def test_the_report_shows_the_age_bands_of_every_other_table() -> None:
    cohort = hospital_cohort(2000)
    (train, *_) = split_report(cohort, split(cohort, FOUR_PARTS, DEFAULT, 0))
    bands = {name.removeprefix("age band: ") for name in train.shares if "age band" in name}
    assert bands == set(AGE_BANDS) - {"under 18"}  # nobody is


def test_a_split_by_row_would_have_shared_about_as_many_subjects_as_counted_by_hand() -> None:
    subject = np.repeat(np.arange(5000), 2)
    cohort = cohort_of({"x": np.arange(10_000.0)}, subject % 2, {"subject_id": subject.astype(str)})
    overlap = shared_by_row_split(cohort, 0.2, 0)
    assert overlap.subjects == pytest.approx(5000 * 2 * 0.2 * 0.8, rel=0.1)
    assert overlap.test_rows == overlap.subjects
