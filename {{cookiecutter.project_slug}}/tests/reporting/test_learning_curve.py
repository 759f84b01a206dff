"""What a learning curve says of more patients, only where its interval says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from risk_model.core.errors import UserError
from risk_model.core.estimate import Estimate
from risk_model.core.files import write_json
from risk_model.evaluation.learning_curve import (
    FILE,
    LearningCurve,
    SharePerformance,
    TeachingSize,
)
from risk_model.evaluation.results import InternalExternalValidation, RunEvaluation
from risk_model.reporting.content import ReportContent, report_content
from risk_model.reporting.learning_curve import read_illustration, sentences
from risk_model.reporting.report import write_report
from risk_model.training.record import ChampionChoice

from tests.made_run import Run
from tests.reporting.test_card import TRAINED

HELP = "more patients would probably still help"
HARDLY = "a third more patients would hardly help"
LITTLE = "a third more by less than the margin of 0.0050"
UNTOLD = "cannot be told from no change"
ROSE = "no sign that more patients would help"
ALL = {HELP, HARDLY, LITTLE, UNTOLD, ROSE}


def curve(low: float, high: float, *, estimate: float | None = None) -> LearningCurve:
    """A curve of one model whose last quarter brought a log loss within these ends."""
    middle = (low + high) / 2 if estimate is None else estimate
    excess = Estimate(0.02, 0.01, 0.03), Estimate(0.01, 0.005, 0.015), Estimate(middle, low, high)
    return LearningCurve(
        seed=0,
        turns=5,
        rows=2_000,
        margin=0.005,
        sizes=[TeachingSize(k / 4, 300 * k, 360 * k, 90 * k) for k in (1, 2, 3, 4)],
        models={
            "xgboost": [
                SharePerformance(0.4 + (own.estimate or 0), 0.8, own)
                for own in (*excess, Estimate(0.0))
            ]
        },
        not_made_anew=["network"],
    )


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0003, 0.0080, {HELP}),
        (0.0003, 0.0040, {HELP, LITTLE}),
        (0.0003, 0.0050, {HELP}),
        (-0.0040, 0.0030, {HARDLY}),
        (-0.0049, 0.0049, {HARDLY}),
        (-0.0050, 0.0049, {UNTOLD}),
        (-0.0010, 0.0080, {UNTOLD}),
        (-0.0080, 0.0010, {UNTOLD}),
        (-0.0040, -0.0010, {ROSE}),
        (-0.0090, -0.0010, {ROSE}),
        # What is printed as 0 is not beyond it, what is printed as the margin not below it.
        (0.00004, 0.0080, {UNTOLD}),
        (-0.0080, -0.00004, {UNTOLD}),
        (0.0003, 0.00496, {HELP}),
        (-0.0010, 0.00496, {UNTOLD}),
    ],
)
def test_only_what_the_interval_supports_is_said(
    low: float, high: float, expected: set[str]
) -> None:
    said, _ = sentences(curve(low, high))
    assert {claim for claim in ALL if claim in said} == expected


def test_the_sentence_has_model_direction_and_numbers() -> None:
    said, _ = sentences(curve(0.0003, 0.0039, estimate=0.0021))
    start = "XGBoost: with the last quarter of the patients log loss"
    assert said.startswith(f"{start} fell by 0.0021 (0.0003 to 0.0039): ")
    said, _ = sentences(curve(-0.0090, 0.0010, estimate=-0.0040))
    assert (
        said == f"{start} rose by 0.0040 (−0.0010 to 0.0090), which cannot be told from no change."
    )


def test_without_an_interval_nothing_is_claimed() -> None:
    unknown = curve(0.001, 0.002)
    shares = [replace(own, excess=Estimate(0.01)) for own in unknown.models["xgboost"]]
    said, _ = sentences(replace(unknown, models={"xgboost": shares}))
    assert said == "XGBoost: what the last quarter of the patients brought cannot be estimated."


def test_nobody_is_called_a_patient_where_rows_are_not_known_to_be() -> None:
    own = curve(0.0003, 0.0080)
    rows = replace(own, sizes=[replace(size, subjects=None) for size in own.sizes])
    said = " ".join(sentences(rows))
    assert "the last quarter of the rows" in said
    assert "more rows would probably still help" in said
    assert "patients" not in said


def test_what_is_not_made_so_often_is_named_where_it_is_a_candidate() -> None:
    assert sentences(curve(0.1, 0.2))[-1].startswith("Network: not told")
    assert len(sentences(replace(curve(0.1, 0.2), not_made_anew=[]))) == 1


def test_the_report_shows_the_curve_of_a_run_that_has_one_and_no_word_else(
    run: Run, evaluation: RunEvaluation, tmp_path: Path
) -> None:
    assert "Would more patients help?" not in (run.directory / "report.html").read_text("utf-8")
    assert read_illustration(tmp_path) is None
    write_json(tmp_path / FILE, curve(0.0003, 0.0080).to_json())
    own = read_illustration(tmp_path)
    path = tmp_path / "report.html"
    content = ReportContent("T", ChampionChoice("network", "", []), evaluation)
    write_report(path, replace(content, learning_curve=own))
    page = path.read_text("utf-8")
    assert HELP in page
    assert "log loss fell by 0.0042 (0.0003 to 0.0080)" in page
    assert "0.0100 (0.0050 to 0.0150)" in page  # of the half
    assert "judged on the 2,000 rows held out" in page
    assert 'aria-label="Learning curve' in page


def test_the_curve_in_a_runs_directory_is_part_of_its_content(
    run: Run, evaluation: RunEvaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run.content.learning_curve is None
    assert run.content.provenance is not None
    explained = "risk_model.reporting.content.explain_globally"
    monkeypatch.setattr(explained, lambda *rest: None)
    write_json(tmp_path / FILE, curve(0.0003, 0.0080).to_json())
    settings, nowhere = run.content.provenance.settings, InternalExternalValidation()
    content = report_content(settings, tmp_path, run.prepared, TRAINED, evaluation, nowhere)
    assert content.learning_curve == read_illustration(tmp_path)


def test_a_file_of_another_version_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / FILE, {**curve(0.1, 0.2).to_json(), "round": 1})
    with pytest.raises(UserError, match="LearningCurve: round"):
        read_illustration(tmp_path)
