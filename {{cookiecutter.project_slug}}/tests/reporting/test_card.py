"""A model card tells what was computed and stated, and says so where nobody did."""

from __future__ import annotations

import re
from dataclasses import replace

from risk_model.core.decision import Decision
from risk_model.core.estimate import Estimate
from risk_model.core.findings import Finding
from risk_model.core.package import Acceptance
from risk_model.evaluation.results import RunEvaluation
from risk_model.reporting.model_card import model_card
from risk_model.reporting.wording import estimate_text
from risk_model.training.record import (
    CalibratorRecord,
    ChampionChoice,
    ModelComparison,
    PartSize,
    TrainingRecord,
)

from tests.made_record import POLICY

LATER = Finding(
    "warning", "leaking column", "dose", "AUROC 0.95 by itself; accepted: known at noon"
)
LOSSES = [ModelComparison("xgboost", 0.3, Estimate(0.0, 0.0, 0.0))]
TRAINED = TrainingRecord(
    cohort="demo",
    outcome="death",
    fingerprint="ab12",
    champion=ChampionChoice("xgboost", "lowest log loss", LOSSES),
    calibrators={
        name: CalibratorRecord("identity", {})
        for name in ("xgboost", "network", "logistic_regression")
    },
    threshold=0.2,
    threshold_reason="A missed patient is held to be as bad as 4 false alerts.",
    input_policy=POLICY,
    findings=None,
    sizes={},
    history={},
    mlflow_run="",
    git="cd34",
    versions={},
    protocol="p" * 64,
)


def part_of(card: str, heading: str) -> str:
    return card.split(f"## {heading}\n")[1].split("\n## ")[0]


def test_a_model_card_tells_figures_groups_verdicts_and_where_not_to_use_it(
    evaluation: RunEvaluation,
) -> None:
    card = model_card("xgboost", TRAINED, evaluation)
    own = evaluation.parts["test"].models["xgboost"]
    line = f"| AUROC | {estimate_text(own.metrics['auroc'])} |"
    assert line in part_of(card, "Performance").split("### North")[0]
    reasons = evaluation.gates["North"]["xgboost"].reasons
    assert f"| North | fail | {'; '.join(reasons)} |" in card
    scope = part_of(card, "Out of scope")
    assert "between −0.3 and 0.3" in part_of(card, "Gate")
    assert "Not to be used on: North" in scope
    assert re.search(r"Not shown to work on: .*Tiny", scope)
    groups = part_of(card, "Subgroups")
    single = [g for g in own.subgroups if not g.evaluated and " and " not in g.partition]
    assert all(group.group in groups for group in single)
    lines = re.findall(r"^\| .+", groups.split("### Groups of North")[0], re.M)
    assert len(lines) - 2 == sum(group.evaluated for group in own.subgroups) > 0
    assert (
        "Fewer than 10 events or non-events, so not judged" in groups.split("### Groups of Tiny")[1]
    )
    assert "lowest log loss" in part_of(card, "How it was chosen")
    assert "the champion" in card
    assert "not the champion, which is XGBoost" in model_card("network", TRAINED, evaluation)


def test_a_part_that_failed_on_few_rows_is_not_told_to_have_had_enough(
    evaluation: RunEvaluation,
) -> None:
    def scope(*parts: str) -> str:
        gates = {part: evaluation.gates[part] for part in parts}
        return part_of(
            model_card("xgboost", TRAINED, replace(evaluation, gates=gates)), "Out of scope"
        )

    few = "are too few for intervals as narrow as asked"
    assert few in " ".join(evaluation.gates["North"]["xgboost"].reasons)
    assert "Not shown to work on: no other part was judged and did not pass" in scope(
        "test", "North"
    )
    assert "Not shown to work on: no part was judged and did not pass" in scope("test")
    assert "too small" not in scope("test", "North")


def test_a_model_card_states_only_what_the_settings_state(evaluation: RunEvaluation) -> None:
    def use(decision: Decision) -> str:
        card = model_card("xgboost", TRAINED, replace(evaluation, decision=decision))
        return part_of(card, "Intended use")

    silent = use(Decision())
    assert silent.count("Not stated") == 4
    assert "Unknown" not in silent
    stated = use(Decision(4.0, 0.1, 0.5, reason="a talk costs little"))
    assert "Why act on it: a talk costs little" in stated
    assert "as much as: 4 false alerts" in stated
    assert "between: 10% and 50%" in stated
    assert "Patients, users and place in their care: Not stated" in stated


def test_a_model_card_tells_who_taught_it_and_what_was_found_where_recorded(
    evaluation: RunEvaluation,
) -> None:
    bare = model_card("xgboost", TRAINED, evaluation)
    assert "parts that taught it: Unknown" in bare
    assert "found in the data: Unknown" in part_of(bare, "Limits")
    record = replace(TRAINED, sizes={"train": PartSize(900, 800, 70)}, findings=[LATER])
    card = model_card("xgboost", record, evaluation)
    assert "| train | teach | 900 | 800 | 70 |" in card
    assert "accepted: known at noon" in part_of(card, "Limits")
    assert "Unknown" not in part_of(card, "Limits")


def test_a_model_accepted_in_spite_of_its_gate_says_by_whom_and_why(
    evaluation: RunEvaluation,
) -> None:
    assert "in spite of its gate" not in model_card("xgboost", TRAINED, evaluation)
    accepted = Acceptance("Dr <A>", "a trial\n# x", {"test": "fail"}, "2026-01-02T03:04:05")
    card = model_card("xgboost", TRAINED, replace(evaluation, accepted=accepted))
    section = part_of(card, "Accepted in spite of its gate")
    for line in (
        "By: Dr &lt;A>",
        "Why: a trial # x",
        "Verdict of the gate: test: fail",
        "When: 2026-01-02T03:04:05",
    ):
        assert line in section
