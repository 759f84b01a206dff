"""Is the champion the simplest model that is surely within the margin of the best?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_model import config
from risk_model.core.cohort import Outcome
from risk_model.core.errors import UserError
from risk_model.core.subject_folds import subject_folds
from risk_model.model import Logits
from risk_model.model.table import MODELS
from risk_model.training.champion import choose_champion
from risk_model.training.folds import paired_interval, simplest_as_good

SUBJECTS = np.arange(2000)


def logits(**noise: float) -> tuple[dict[str, Logits], Outcome]:
    """What each model says: the truth, blurred by so much noise."""
    rng = np.random.default_rng(0)
    truth = rng.normal(-1, 2, 2000)
    labels = (rng.random(2000) < 1 / (1 + np.exp(-truth))).astype(np.int8)
    return {name: truth + rng.normal(0, 1, 2000) * size for name, size in noise.items()}, labels


def test_among_equals_the_simplest_is_chosen() -> None:
    said, labels = logits(network=0.1, xgboost=0.1, logistic_regression=0.1)
    champion = choose_champion(said, labels, SUBJECTS, 0, config.Config())
    assert champion.name == "logistic_regression"
    assert [row.model for row in champion.table] == [row.name for row in MODELS if row.name in said]


def test_a_clearly_better_model_wins_although_it_is_not_the_simplest() -> None:
    said, labels = logits(logistic_regression=3.0, xgboost=0.1, network=0.1)
    champion = choose_champion(said, labels, SUBJECTS, 0, config.Config())
    assert champion.name in ("xgboost", "network")
    interval = champion.table[0].difference.interval
    assert interval
    assert interval[0] > 0
    assert "simplest" in champion.reason or "lowest" in champion.reason


def test_only_calibration_matters_not_the_scale_of_the_raw_logits() -> None:
    said, labels = logits(logistic_regression=0.1, xgboost=0.1, network=0.1)
    said["logistic_regression"] = said["logistic_regression"] * 4 + 2
    assert choose_champion(said, labels, SUBJECTS, 0, config.Config()).name == "logistic_regression"


def test_a_champion_asked_for_is_given_with_what_the_data_would_have_chosen() -> None:
    said, labels = logits(logistic_regression=0.1, xgboost=0.1, network=3.0)
    settings = config.Config(model=config.Model(champion="network"))
    champion = choose_champion(said, labels, SUBJECTS, 0, settings)
    assert champion.name == "network"
    assert "would have chosen logistic_regression" in champion.reason


def test_an_unknown_champion_is_refused_with_the_choices() -> None:
    said, labels = logits(logistic_regression=0.1)
    settings = config.Config(model=config.Model(champion="forest"))
    with pytest.raises(
        UserError, match=r"model\.champion: no model 'forest'; choose auto, logistic_regression"
    ):
        choose_champion(said, labels, SUBJECTS, 0, settings)


def test_the_interval_of_rows_with_subjects_of_their_own_is_the_textbooks() -> None:
    differences = np.random.default_rng(0).normal(0.1, 1, 400)
    error = differences.std(ddof=1) / 20
    expected = (
        differences.mean(),
        differences.mean() - 1.96 * error,
        differences.mean() + 1.96 * error,
    )
    assert paired_interval(differences, np.arange(400)) == pytest.approx(expected)


@given(st.integers(2, 6))
def test_repeating_every_row_of_a_subject_makes_nothing_more_certain(times: int) -> None:
    differences = np.random.default_rng(0).normal(0.1, 1, 50)
    once = paired_interval(differences, np.arange(50))
    repeated = paired_interval(np.repeat(differences, times), np.repeat(np.arange(50), times))
    assert repeated == pytest.approx(once)


def test_a_difference_seen_in_one_subject_alone_decides_nothing() -> None:
    rows = np.arange(100)
    losses = {"simple": np.where(rows < 30, 1.0, 0.0), "best": np.zeros(100)}
    one_subject, many = np.where(rows < 30, 0, rows), rows
    wide, narrow = (paired_interval(losses["simple"], s).high for s in (one_subject, many))
    assert wide > narrow > 0.3
    margin = (wide + narrow) / 2
    assert simplest_as_good(losses, one_subject, margin)[0] == "best"
    assert simplest_as_good(losses, many, margin)[0] == "simple"
    assert simplest_as_good(losses, many, 0.3)[0] == "best"


def test_few_rows_that_tell_nothing_apart_do_not_make_the_simplest_as_good() -> None:
    rng = np.random.default_rng(0)
    losses = {"simple": rng.normal(0.43, 0.3, 59), "best": rng.normal(0.40, 0.3, 59)}
    best = min(losses, key=lambda name: losses[name].mean())
    chosen, intervals = simplest_as_good(losses, np.arange(59), 0.003)
    assert intervals["simple"].low < 0 or intervals["best"].low < 0  # cannot be told apart
    assert chosen == best


@given(
    st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=80),
    st.integers(0, 3),
)
def test_folds_keep_subjects_whole_in_any_order_of_the_rows(
    rows: list[tuple[int, bool]], seed: int
) -> None:
    subjects = np.array([f"s{who}" for who, _ in rows], dtype=object)
    labels = np.array([event for _, event in rows], dtype=np.int8)
    fold = subject_folds(subjects, labels, seed)
    assert all(len(set(fold[subjects == s])) == 1 for s in subjects)
    np.testing.assert_array_equal(subject_folds(subjects[::-1], labels[::-1], seed), fold[::-1])


def test_every_fold_gets_its_share_of_the_subjects_with_events() -> None:
    labels = (np.arange(500) % 10 == 0).astype(np.int8)
    fold = subject_folds(np.arange(500), labels, seed=0)
    assert np.bincount(fold).tolist() == [100] * 5
    assert np.bincount(fold, weights=labels).tolist() == [10] * 5
