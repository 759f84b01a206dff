"""Two runs are set side by side fairly: subtracted on the same rows alone, every change named."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from risk_model.config import Config, Evaluation, Synthetic
from risk_model.config.serialisation import settings_to_dict
from risk_model.core.decision import Decision
from risk_model.core.errors import UserError
from risk_model.core.estimate import Estimate
from risk_model.core.files import read_json, write_json
from risk_model.core.scores import logit
from risk_model.evaluation import evaluate, metrics
from risk_model.evaluation.bootstrap import draw_counts
from risk_model.evaluation.paired_differences import paired_differences, why_not
from risk_model.reporting.comparison import conclusion
from risk_model.reporting.comparison_run import PairedDifferences
from risk_model.reporting.wording import estimate_text
from risk_model.training.record import CalibratorRecord, ChampionChoice, TrainingRecord
from risk_model.validation.comparison import compare

from tests.made_record import POLICY

Part = Callable[..., pd.DataFrame]
STATED = Decision(
    harm_ratio=4.0,
    threshold_low=0.1,
    threshold_high=0.5,
    reason="a miss costs more than a false alert",
)
DRAWS, THRESHOLD = 40, 0.2


def of(model: str, table: pd.DataFrame) -> pd.DataFrame:
    return table[table["model"] == model].reset_index(drop=True)


@pytest.fixture(scope="module")
def table(part: Part) -> pd.DataFrame:
    """A test split of two rows a subject and one external part; logistic regression is clearly
    worse on the first.
    """
    rng = np.random.default_rng(0)
    table = pd.concat(
        [part(rng, "test", 600, rows_each=2), part(rng, "North", 300)], ignore_index=True
    )
    worse = ((table["model"] == "logistic_regression") & (table["split"] == "test")).to_numpy()
    risk = table["predicted_boolean_probability"].to_numpy()
    risk = np.where(worse, 1 / (1 + np.exp(-logit(risk) - rng.normal(0, 1, len(table)))), risk)
    return table.assign(predicted_boolean_probability=risk)


@pytest.fixture(scope="module")
def pair(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The same test rows as two models see them."""
    test = table[table["split"] == "test"]
    return of("logistic_regression", test), of("xgboost", test)


def test_differences_are_those_of_a_plain_loop_over_the_drawn_rows(
    pair: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    found = paired_differences(*pair, THRESHOLD, DRAWS, seed=3)
    codes, names = pd.factorize(pair[0]["subject_id"])
    outcome = pair[0]["boolean_value"].to_numpy().astype(int)
    risk = [rows["predicted_boolean_probability"].to_numpy() for rows in pair]
    drawn: dict[str, list[float]] = {"auroc": [], "log_loss": [], "net_benefit": [], "slope": []}
    for counts in np.concatenate(list(draw_counts(len(names), DRAWS, seed=3))):
        rows = np.repeat(np.arange(len(outcome)), counts[codes])
        y, (first, second) = outcome[rows], (r[rows] for r in risk)
        drawn["auroc"].append(float(roc_auc_score(y, second) - roc_auc_score(y, first)))
        drawn["log_loss"].append(float(log_loss(y, second) - log_loss(y, first)))
        gained = [
            float(np.mean((r >= THRESHOLD) * np.where(y == 1, 1, -THRESHOLD / (1 - THRESHOLD))))
            for r in (first, second)
        ]
        drawn["net_benefit"].append(gained[1] - gained[0])
        drawn["slope"].append(
            metrics.calibration_slope(y, second) - metrics.calibration_slope(y, first)
        )
    for name, values in drawn.items():
        low, high = np.quantile(values, [0.025, 0.975])
        close = (
            0.01 if name == "slope" else 1e-9
        )  # the bootstrap's calibration line is fitted to bins
        assert found[name].interval == pytest.approx((low, high), abs=close), name
    assert found["auroc"].estimate == pytest.approx(
        roc_auc_score(outcome, risk[1]) - roc_auc_score(outcome, risk[0])
    )


def test_exchanging_the_runs_turns_every_sign_and_reordering_rows_changes_nothing(
    pair: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    found, turned = (
        paired_differences(*pair, THRESHOLD, DRAWS, seed=0),
        paired_differences(*pair[::-1], THRESHOLD, DRAWS, seed=0),
    )
    shuffled = paired_differences(
        pair[0], pair[1].sample(frac=1, random_state=0), THRESHOLD, DRAWS, seed=0
    )
    for name, difference in found.items():
        estimate, low, high = astuple(difference)
        assert astuple(turned[name]) == pytest.approx((-estimate, -high, -low), abs=1e-9)
        assert astuple(shuffled[name]) == pytest.approx((estimate, low, high), abs=1e-9)
    same = paired_differences(pair[0], pair[0], THRESHOLD, DRAWS, seed=0)
    assert {value for difference in same.values() for value in astuple(difference)} == {0.0}


def test_only_the_same_subjects_with_the_same_outcomes_can_be_paired(
    pair: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    first, second = pair
    assert why_not(first, second.sample(frac=1, random_state=1)) == ""
    others = second.assign(subject_id=second["subject_id"].replace("test-0", "test-x"))
    assert "299 of 300 and 300 subjects stand in both" in why_not(first, others)
    flipped = second.assign(boolean_value=second["boolean_value"] ^ (second.index == 5))
    assert "rows or outcomes are not" in why_not(first, flipped)
    assert "rows or outcomes are not" in why_not(first, second.drop(index=1))


def write_run(
    directory: Path,
    table: pd.DataFrame,
    champion: str = "xgboost",
    *,
    seed: int = 0,
    threshold: float = THRESHOLD,
    outcome: str = "death",
    fingerprint: str = "a" * 64,
) -> Path:
    """The files of an evaluated run."""
    evaluation = evaluate(table, threshold, Evaluation(resamples=DRAWS), STATED, 0)
    record = TrainingRecord(
        cohort="made",
        outcome=outcome,
        fingerprint=fingerprint,
        champion=ChampionChoice(champion, "", []),
        calibrators={champion: CalibratorRecord("platt", {})},
        threshold=threshold,
        threshold_reason="",
        input_policy=POLICY,
        findings=[],
        sizes={},
        history={},
        mlflow_run="",
        git="abc",
        versions={"numpy": "2"},
        protocol="p" * 64,
    )
    directory.mkdir(parents=True)
    write_json(directory / "config.json", settings_to_dict(Config(data=Synthetic(), seed=seed)))
    write_json(directory / "training.json", record.to_json())
    write_json(directory / "evaluation.json", evaluation.to_json())
    table.to_parquet(directory / "predictions.parquet")
    return directory


@pytest.fixture(scope="module")
def runs(table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs: `one`, `two` with another champion and seed, `far` with another test split, `strict`
    with a threshold.
    """
    home = tmp_path_factory.mktemp("runs")
    write_run(home / "one", table)
    write_run(home / "two", table, champion="logistic_regression", seed=7)
    other = table.assign(subject_id=table["subject_id"].str.replace("test-", "else-"))
    write_run(home / "far", other, fingerprint="b" * 64)
    write_run(home / "strict", table, threshold=0.3)
    return home


def test_two_runs_on_the_same_rows_are_told_apart(runs: Path, table: pd.DataFrame) -> None:
    path, text = compare(runs / "one", runs / "two")
    assert path == (runs / "compare-one-two.html").resolve()
    test = table[table["split"] == "test"]
    champions = of("xgboost", test), of("logistic_regression", test)
    difference = paired_differences(*champions, THRESHOLD, DRAWS, 0)["auroc"]
    estimate, _, high = astuple(difference)
    assert high < 0
    assert estimate_text(difference) in text
    assert f"AUROC is lower in the second, by {-estimate:.3f} ({-high:.3f}" in text
    assert re.search(r"^setting +seed: 0 \| 7$", text, flags=re.M)
    assert "Both runs read the same data." in text
    assert "model.xgboost" not in text


def test_the_page_needs_no_network_and_names_its_tables(runs: Path) -> None:
    page = compare(runs / "one", runs / "two")[0].read_text(encoding="utf-8")
    assert set(re.findall(r'href="([^"]+)"', page)) == {"one/report.html", "two/report.html"}
    assert not re.search(r"<script|@import|https?:|src=", page)
    assert 'name="viewport"' in page
    assert '<html lang="en">' in page
    assert page.count("<table>") == page.count('role="region"') == 5
    assert all("scope=" in tag for tag in re.findall(r"<th\b[^>]*>", page))
    assert "model.network" not in page
    assert ">seed</th>" in page
    assert "None" not in re.sub(r"<p>None.</p>", "", page)


def test_other_test_rows_are_not_subtracted_and_the_external_part_still_is(runs: Path) -> None:
    _, text = compare(runs / "one", runs / "far")
    assert (
        "test: No difference is computed: the rows are not the same, 0 of 300 and 300 subjects "
        "stand in both." in text
    )
    assert "North: No interval of a difference excludes 0" in text
    assert "The two runs read different data" in text
    lines = [line.split() for line in text.splitlines() if "AUROC" in line and "test" in line]
    assert lines[0][-1] == "–"


def test_net_benefits_at_different_thresholds_are_not_subtracted(runs: Path) -> None:
    _, text = compare(runs / "one", runs / "strict")
    assert "Net benefits at different thresholds are not subtracted." in text
    row = next(line for line in text.splitlines() if "net benefit" in line and "test" in line)
    assert row.endswith("–")
    assert "flags at 30%" in text


def test_runs_of_different_outcomes_or_parts_are_shown_and_not_subtracted(
    runs: Path, table: pd.DataFrame, tmp_path: Path
) -> None:
    readmitted = write_run(tmp_path / "readmitted", table, outcome="readmission")
    assert compare(runs / "one", readmitted)[1].count("the runs predict different outcomes") == 2
    alone = write_run(tmp_path / "alone", table[table["split"] == "test"])
    path, text = compare(alone, runs / "one")
    assert "North: No difference is computed: only one of the runs has this part." in text
    assert path.parent == tmp_path.resolve()
    assert "no such part" in path.read_text(encoding="utf-8")


def test_a_group_whose_verdict_differs_is_named(
    table: pd.DataFrame, runs: Path, tmp_path: Path
) -> None:
    worse = table.copy()
    wrong = (worse["sex"] == "male") & (worse["split"] == "test")
    worse.loc[wrong, "predicted_boolean_probability"] **= 3
    _, text = compare(runs / "one", write_run(tmp_path / "unfair", worse))
    assert "test, sex: male: nothing found | risks too low" in text


def test_an_interval_that_cannot_be_told_is_no_difference() -> None:
    assert "cannot tell" in conclusion(PairedDifferences("", {"slope": Estimate(None)}))


def test_runs_that_cannot_be_compared_are_refused_and_nothing_is_written(
    runs: Path, table: pd.DataFrame, tmp_path: Path
) -> None:
    whole = write_run(tmp_path / "whole", table)
    with pytest.raises(UserError, match="stands there twice"):
        compare(whole, tmp_path / "." / "whole")
    with pytest.raises(UserError, match="holds no trained run"):
        compare(whole, tmp_path / "absent")
    broken = write_run(tmp_path / "broken", table)
    (broken / "predictions.parquet").write_bytes(b"no table")
    with pytest.raises(
        UserError, match=r"predictions\.parquet: cannot be read; evaluate the run again"
    ):
        compare(whole, broken)
    (broken / "config.json").write_text("{")
    with pytest.raises(UserError, match=r"config\.json: cannot be read"):
        compare(whole, broken)
    (broken / "evaluation.json").unlink()
    with pytest.raises(UserError, match="is not evaluated; write evaluate run="):
        compare(whole, broken)
    assert not list(tmp_path.glob("compare-*"))
    assert read_json(whole / "training.json")["outcome"] == "death"
