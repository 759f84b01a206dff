"""A learning curve teaches with nested shares of whole subjects, and is judged on others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from risk_model.app.commands.learning_curve import learning_curve as command
from risk_model.config import Config, Synthetic
from risk_model.config.serialisation import settings_to_dict
from risk_model.core.cohort import Outcome, Rows
from risk_model.core.errors import UserError
from risk_model.core.estimate import Estimate
from risk_model.core.files import read_json, write_json
from risk_model.core.scores import Floats, auroc, log_loss, row_log_loss, sigmoid
from risk_model.data.prepare import Prepared, prepare
from risk_model.evaluation.learning_curve import FILE, LearningCurve, share_performances
from risk_model.model import RiskModel
from risk_model.model.table import refitted
from risk_model.training.fit import fit_models
from risk_model.training.folds import paired_interval, turns
from risk_model.training.record import ChampionChoice, ModelComparison
from risk_model.validation import learning_curve as validation
from risk_model.validation.learning_curve import learning_curve, nested_shares

from tests.reporting.test_card import TRAINED


@pytest.fixture(scope="module")
def cohort() -> tuple[Config, Prepared]:
    """Settings and a made-up cohort with several rows a subject and a test split."""
    settings = Config(data=Synthetic(subjects=1_500))
    settings.model.xgboost.trees, settings.model.logistic_regression.c = 15, 0.1
    settings.split.folds, settings.split.test_events = 2, 0
    return settings, prepare(settings)


def write_run(directory: Path, prepared: Prepared) -> None:
    """What `learning_curve` reads of a trained run of this cohort."""
    names = (*refitted(), "network")
    table = [ModelComparison(name, 0.3, Estimate(0.0)) for name in names]
    record = replace(
        TRAINED,
        fingerprint=prepared.cohort.fingerprint(),
        champion=ChampionChoice("network", "", table),
    )
    write_json(directory / "training.json", record.to_json())


def test_shares_are_nested_whole_subjects_with_their_part_of_the_events() -> None:
    rng = np.random.default_rng(0)
    people = rng.integers(0, 300, 1_000).astype(str).astype(object)
    outcome = (rng.random(1_000) < 0.2).astype(np.int8)
    train = np.sort(rng.permutation(1_000)[:700])
    quarters, halves, most, (everybody,) = nested_shares(train, people, outcome, seed=3)
    assert everybody.tolist() == train.tolist()
    who, events = len(set(people[train])), set(people[train][outcome[train] == 1])
    for leads in range(4):
        smaller, larger, largest = (set(share[leads]) for share in (quarters, halves, most))
        assert smaller < larger < largest < set(train)
    for count, share in enumerate((quarters, halves, most), start=1):
        assert len(share) == 4
        for rows in share:
            inside, outside = set(people[rows]), set(people[np.setdiff1d(train, rows)])
            assert not inside & outside
            assert len(inside) == pytest.approx(who * count / 4, abs=3)
            assert len(inside & events) == pytest.approx(len(events) * count / 4, abs=3)
    # each quarter is left out once
    left_out = [np.setdiff1d(train, rows) for rows in most]
    assert sorted(np.concatenate(left_out)) == train.tolist()
    again = nested_shares(train, people, outcome, seed=3)
    assert [r.tolist() for r in again[0]] == [r.tolist() for r in quarters]


def test_no_row_held_out_stops_or_teaches_and_no_test_row_is_looked_at(
    cohort: tuple[Config, Prepared], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, prepared = cohort
    own, splits = prepared.cohort, prepared.splits
    assert len(splits.test)
    taught: list[tuple[Rows, Rows]] = []
    asked: list[int] = []

    def fit(*inputs: object) -> Mapping[str, RiskModel]:
        taught.append((inputs[3], inputs[4]))  # type: ignore[arg-type]
        return fit_models(*inputs)  # type: ignore[arg-type]

    monkeypatch.setattr(validation, "fit_models", fit)
    write_run(tmp_path, prepared)
    record = learning_curve(settings, tmp_path, prepared)
    each = turns(splits, own.subjects, own.labels, settings.seed, 2)
    assert len(taught) == 2 * 13
    for number, (rows, stops) in enumerate(taught):
        turn = each[number % 2]
        assert set(rows) <= set(turn.train)
        assert stops.tolist() == turn.validation.tolist()
        asked += turn.held_out.tolist()
        beside = set(own.subjects[rows]) | set(own.subjects[stops])
        assert not beside & set(own.subjects[turn.held_out])
        assert not beside & set(own.subjects[splits.test])
    assert not set(asked) & set(splits.test)

    # other outcomes of the test rows change nothing
    labels = own.labels.copy()
    labels[splits.test] = 1 - labels[splits.test]
    turned = replace(prepared, cohort=replace(own, outcome=labels))
    write_run(tmp_path, turned)
    assert learning_curve(settings, tmp_path, turned) == record
    with pytest.raises(UserError, match="trained on other data"):
        learning_curve(settings, tmp_path, prepared)


def test_the_record_says_who_taught_and_who_was_judged(
    cohort: tuple[Config, Prepared], tmp_path: Path
) -> None:
    settings, prepared = cohort
    own, rows = prepared.cohort, prepared.splits.learning
    write_run(tmp_path, prepared)
    record = learning_curve(settings, tmp_path, prepared)
    assert LearningCurve.from_json(read_json(tmp_path / FILE)) == record
    assert (record.turns, record.rows, record.not_made_anew) == (2, len(rows), ["network"])
    prevalence = np.full(len(rows), own.labels[rows].mean())
    assert record.margin == pytest.approx(0.01 * log_loss(own.labels[rows], prevalence))
    assert [size.share for size in record.sizes] == [0.25, 0.5, 0.75, 1.0]
    each = turns(prepared.splits, own.subjects, own.labels, settings.seed, 2)
    teaching = np.mean([len(turn.train) for turn in each])
    assert record.sizes[-1].rows == pytest.approx(teaching, abs=1)
    assert record.sizes[1].rows == pytest.approx(teaching / 2, abs=1)
    assert record.sizes[1].subjects == pytest.approx((record.sizes[-1].subjects or 0) / 2, abs=2)
    assert list(record.models) == refitted()
    for shares in record.models.values():
        # made-up outcomes depend on the columns: a quarter of the patients tells less than all
        assert shares[0].log_loss > shares[-1].log_loss
        assert shares[0].excess.estimate == pytest.approx(shares[0].log_loss - shares[-1].log_loss)
        assert shares[-1].excess == Estimate(0.0)


def test_too_few_events_in_a_quarter_are_refused(
    cohort: tuple[Config, Prepared], tmp_path: Path
) -> None:
    settings, prepared = cohort
    write_run(tmp_path, prepared)
    many = replace(settings, evaluation=replace(settings.evaluation, minimum_events=100))
    with pytest.raises(UserError, match="a quarter of the patients has fewer than 100 events"):
        learning_curve(many, tmp_path, prepared)
    assert not (tmp_path / FILE).exists()


def perfect(n: int, seed: int) -> tuple[Floats, Outcome]:
    """Calibrated logits and the outcomes drawn from them."""
    logits = np.random.default_rng(seed).normal(-1, 1.5, n)
    return logits, (np.random.default_rng(seed + 1).random(n) < sigmoid(logits)).astype(np.int8)


def test_that_small_samples_make_risks_too_extreme_is_no_part_of_the_curve() -> None:
    logits, outcome = perfect(3_000, 0)
    people = np.arange(3_000).astype(str).astype(object)
    extreme = 3 * logits + 1
    first, last = share_performances([extreme[None], logits[None]], outcome, people, seed=0)
    assert log_loss(outcome, sigmoid(extreme)) > 1.3 * log_loss(outcome, sigmoid(logits))
    assert first.log_loss == pytest.approx(last.log_loss, abs=1e-6)
    assert first.excess.estimate == pytest.approx(0, abs=1e-6)
    assert last.log_loss == pytest.approx(log_loss(outcome, sigmoid(logits)), abs=0.003)
    assert last.auroc == pytest.approx(auroc(outcome, logits), abs=0.003)


def test_the_interval_is_paired_and_counts_a_subjects_rows_once() -> None:
    logits, outcome = perfect(2_000, 5)
    noise = np.random.default_rng(9).normal(0, 1, (4, 2_000))
    people = np.repeat(np.arange(500), 4).astype(str).astype(object)
    worse, _ = share_performances([logits + noise, logits[None]], outcome, people, seed=0)
    rows, _ = share_performances([logits + noise, logits[None]], outcome, np.arange(2_000), seed=0)
    spread = [own.excess.high - own.excess.low for own in (worse, rows)]  # type: ignore[operator]
    own = [row_log_loss(outcome, sigmoid(logit)) for logit in logits + noise]
    raw = np.mean(own, axis=0) - row_log_loss(outcome, sigmoid(logits))
    # behind Platt lines, hence not equal, but paired: unpaired intervals are several times as wide
    paired = paired_interval(raw, people)
    assert spread[0] < 1.2 * (paired.high - paired.low)
    assert spread[0] != pytest.approx(spread[1], rel=1e-3)
    assert (worse.excess.low or 0) > 0


def test_the_command_prints_the_sentences_and_writes_no_report_before_an_evaluation(
    cohort: tuple[Config, Prepared],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings, prepared = cohort
    write_run(tmp_path, prepared)
    write_json(tmp_path / "config.json", settings_to_dict(settings))
    reported: list[Path] = []
    name = "risk_model.app.commands.learning_curve"
    monkeypatch.setattr(f"{name}.prepare", lambda settings: prepared)
    monkeypatch.setattr(
        f"{name}.pipeline.report_run",
        lambda settings, directory, prepared: reported.append(directory),
    )
    command(replace(settings, run=str(tmp_path)))
    printed = capsys.readouterr().out
    assert "Logistic regression: with the last quarter of the patients log loss" in printed
    assert "Network: not told" in printed
    assert reported == []
    (tmp_path / "evaluation.json").write_text("{}")
    command(replace(settings, run=str(tmp_path)))
    assert reported == [tmp_path]
