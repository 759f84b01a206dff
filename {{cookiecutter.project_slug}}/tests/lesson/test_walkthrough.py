"""Is every sentence of a walkthrough true of its run, and does it fit the time it is told in?"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from risk_model.evaluation.results import RunEvaluation
from risk_model.lesson.walkthrough.page import (
    LEAD_WORDS,
    PARAGRAPH_WORDS,
    WalkthroughView,
    view,
)

from tests.lesson.made_walkthrough import Case, cases, made_run

CASES = list(cases())


def text_of(page: WalkthroughView) -> str:
    """All that a page tells, but for its code."""
    told = [own.led for own in page.concerns]
    told += [f"{t.paragraph} {t.further}" for own in page.concerns for t in own.topics]
    told += [item.evidence.striptags() for item in (*page.answer, *page.clinical)]
    return " ".join(told)


# Each of these stands on the page of a run if, and only if, what is behind it is so. Written down
# from what the words say; the conditions of the prose are not looked at.
Fact = Callable[[Case], bool]
ONLY: dict[str, Fact] = {
    # the loss
    "All models minimise plain cross-entropy": lambda case: case.loss == "bce",
    "nothing was weighted": lambda case: case.loss == "bce",
    "Events are weighted until they count as much": lambda case: case.loss == "pos_weight",
    "In all models an event weighs": lambda case: case.loss == "pos_weight",
    "learns by focal loss (gamma 2)": lambda case: case.loss == "focal",
    "to the power of gamma": lambda case: case.loss == "focal",
    "The champion's raw risks are served": lambda case: case.loss == "bce",
    "The champion's calibrator, of the kind": lambda case: case.loss != "bce",
    "loss pos_weight.": lambda case: case.loss == "pos_weight",
    "loss focal.": lambda case: case.loss == "focal",
    "Cross-entropy is lowest where": lambda case: case.loss == "bce",
    # the champion, and why it is
    "The champion is logistic regression": lambda case: (
        case.champion == "logistic_regression" and case.choice != "forced"
    ),
    "The champion is XGBoost": lambda case: case.champion == "xgboost" and case.choice != "forced",
    "The champion is the network": lambda case: (
        case.champion == "network" and case.choice != "forced"
    ),
    "The settings ask for": lambda case: case.choice == "forced",
    "The settings decided that, not the data": lambda case: case.choice == "forced",
    "surely less than the margin of 0.0050, and it is simpler": lambda case: (
        case.choice == "within the margin"
    ),
    "the simplest of those compared, and none had a lower log loss": lambda case: (
        case.champion == "logistic_regression" and case.choice == "lowest"
    ),
    "no simpler model is surely within 0.0050 of it": lambda case: (
        case.champion != "logistic_regression" and case.choice == "lowest"
    ),
    "By these data yes": lambda case: case.champion == "network" and case.choice == "lowest",
    "No: its log loss of": lambda case: case.champion != "network" and case.choice == "lowest",
    "Hardly: its log loss of": lambda case: case.choice == "within the margin",
    "the network's AUROC differs from its own": lambda case: case.champion == "logistic_regression",
    "its AUROC differs from that of logistic regression": lambda case: (
        case.champion != "logistic_regression"
    ),
    "Log loss of the champion and of the network": lambda case: case.champion != "network",
    "The network's log loss: 0.400": lambda case: case.champion == "network",
    "The simplest model that is surely within": lambda case: case.choice != "forced",
    "The settings asked for the champion": lambda case: case.choice == "forced",
    "Log loss minus that of logistic regression": lambda case: (
        case.champion != "logistic_regression"
    ),
    "The network's log loss minus the champion's": lambda case: (
        case.champion == "logistic_regression"
    ),
    "XGBoost's training and validation loss": lambda case: case.champion == "xgboost",
    "The network's training and validation loss": lambda case: case.champion != "xgboost",
    "The champion's weights carry a penalty": lambda case: case.champion == "logistic_regression",
    "The champion's trees have at most": lambda case: case.champion == "xgboost",
    "The champion, the network, is held back": lambda case: case.champion == "network",
    # how the rows were divided
    "that taught, calibrated and chose.": lambda case: case.cross_fitted,
    "beside others that stopped, calibrated and chose.": lambda case: not case.cross_fitted,
    "rows of the test split": lambda case: not case.out_of_fold,
    "None of their patients is among": lambda case: not case.out_of_fold,
    "too few events or non-events for a test split": lambda case: case.out_of_fold,
    "Subjects are dealt to the parts": lambda case: not case.out_of_fold,
    "of whichever model was chosen without the row": lambda case: case.out_of_fold,
    "For the out-of-fold rows, 1,500 rows": lambda case: case.out_of_fold,
    "For the test split, 1,500 rows": lambda case: not case.out_of_fold,
    "folds of the development rows": lambda case: case.cross_fitted,
    "The curves are the first fold's": lambda case: case.cross_fitted,
    "9 epochs for the network, 120 trees for XGBoost": lambda case: case.cross_fitted,
    "One part teaches, one stops the training": lambda case: not case.cross_fitted,
    "watched for 1 epochs, XGBoost for 2 trees": lambda case: not case.cross_fitted,
    "The weights of the best epoch are the ones kept": lambda case: not case.cross_fitted,
    # other sites and times
    "Whole sites and the last period stand apart": lambda case: case.site and case.period,
    "Whole sites stand apart; no period does": lambda case: case.site and not case.period,
    "The last period stands apart; no site does": lambda case: case.period and not case.site,
    "No site and no period was kept apart, so": lambda case: not case.site and not case.period,
    "external validation is not in this run": lambda case: not case.site and not case.period,
    "Parts kept apart are judged": lambda case: case.site or case.period,
    "says nothing about another hospital": lambda case: not case.site and not case.period,
    "Here AUROC is": lambda case: case.site or case.period,
    "AUROC and calibration-in-the-large, ": lambda case: case.site or case.period,
    "AUROC there ": lambda case: case.site or case.period,
    "the last period: fail.": lambda case: case.period and case.verdict == "fail",
    "North: cannot tell.": lambda case: (
        case.site and not case.period and case.verdict == "cannot tell"
    ),
    # the verdict
    "Every part judged keeps to the stated bounds": lambda case: case.verdict == "pass",
    "The gate passed": lambda case: case.verdict == "pass",
    "may be served without anybody's word": lambda case: case.verdict == "pass",
    "It fails for": lambda case: case.verdict == "fail",
    "slope 0.30 is not between": lambda case: case.verdict == "fail",
    "AUROC 0.65": lambda case: False,  # it is not why the gate failed
    "The gate failed": lambda case: case.verdict == "fail",
    "bounds cannot be told for": lambda case: case.verdict == "cannot tell",
    "The gate left it open": lambda case: case.verdict == "cannot tell",
    "There are too few to judge for": lambda case: case.verdict == "too few to judge",
    "The gate found too few to judge by": lambda case: case.verdict == "too few to judge",
    "Open for": lambda case: case.verdict in ("cannot tell", "too few to judge"),
}


def false_of(case: Case, text: str) -> list[str]:
    """Phrases that stand there and must not, or that must and do not."""
    return [phrase for phrase, holds in ONLY.items() if (phrase in text) != holds(case)]


@pytest.fixture(scope="module")
def pages(evaluation: RunEvaluation) -> dict[Case, WalkthroughView]:
    """The page of each case."""
    return {case: view(made_run(case, evaluation)) for case in CASES}


def test_no_sentence_is_false_of_any_run(pages: dict[Case, WalkthroughView]) -> None:
    """Each loss x champion x (site, time) x verdict, with and without a test split."""
    wrong = {case: false_of(case, text_of(page)) for case, page in pages.items()}
    assert {case: phrases for case, phrases in wrong.items() if phrases} == {}
    assert [case for case, page in pages.items() if "not estimable" in text_of(page)] == []


def test_every_page_keeps_to_its_minutes(pages: dict[Case, WalkthroughView]) -> None:
    assert max(page.lead_words for page in pages.values()) <= LEAD_WORDS
    assert max(page.paragraph_words for page in pages.values()) <= PARAGRAPH_WORDS


def test_each_topic_has_code_a_pitfall_and_an_answer_in_every_run(
    pages: dict[Case, WalkthroughView],
) -> None:
    topics = [topic for page in pages.values() for own in page.concerns for topic in own.topics]
    for topic in topics:
        assert topic.code
        assert topic.answer
        assert topic.pitfall
        assert topic.follow_up_answer


def test_the_cases_are_those_that_the_lesson_asks_for() -> None:
    """Each loss x champion x site and time x verdict, and each phrase is true of some alone."""
    seen = {(c.loss, c.champion, c.site, c.period, c.verdict, c.out_of_fold) for c in CASES}
    assert len(seen) == 3 * 3 * 2 * 2 * 4 * 2
    told = {phrase: {bool(fact(case)) for case in CASES} for phrase, fact in ONLY.items()}
    assert [phrase for phrase, values in told.items() if False not in values] == []
