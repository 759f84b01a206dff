"""A model card tells what was computed and stated, and says so where nobody did."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

from risk_model.core.decision import Decision
from risk_model.core.findings import Finding
from risk_model.reporting.model_card import model_card

Facts = dict[str, Any]
LATER = Finding(
    "warning", "leaking column", "dose", "AUROC 0.95 by itself; accepted: known at noon"
).to_json()
TRAINED: Facts = {
    "cohort": "demo",
    "outcome": "death",
    "fingerprint": "ab12",
    "git": "cd34",
    "champion": {
        "name": "xgboost",
        "reason": "lowest log loss",
        "table": [{"model": "xgboost", "log_loss": 0.3}],
    },
    "calibrators": {
        n: {"kind": "identity", "parameters": {}}
        for n in ("xgboost", "network", "logistic_regression")
    },
    "threshold": 0.2,
    "threshold_reason": "A missed patient is held to be as bad as 4 false alerts.",
}


def part_of(card: str, heading: str) -> str:
    return card.split(f"## {heading}\n")[1].split("\n## ")[0]


def test_a_model_card_tells_figures_groups_verdicts_and_where_not_to_use_it(
    evaluation: Facts,
) -> None:
    card = model_card("xgboost", TRAINED, evaluation)
    figure = evaluation["parts"]["test"]["models"]["xgboost"]["metrics"]["auroc"]
    told = "{estimate:.3f} ({low:.3f} to {high:.3f})".format(**figure)
    assert f"| AUROC | {told} |" in part_of(card, "Performance").split("### North")[0]
    gate = evaluation["gates"]["North"]["xgboost"]
    assert f"| North | fail | {'; '.join(gate['reasons'])} |" in card
    scope = part_of(card, "Out of scope")
    assert "Not to be used on: North" in scope
    assert re.search(r"Not shown to work on: .*Tiny", scope)
    groups = part_of(card, "Subgroups")
    rows = evaluation["parts"]["test"]["models"]["xgboost"]["subgroups"]
    single = [row for row in rows if not row["judged"] and " and " not in row["partition"]]
    assert all(row["group"] in groups for row in single)
    lines = re.findall(r"^\| .+", groups.split("### Groups of North")[0], re.M)
    assert len(lines) - 2 == sum(row["judged"] for row in rows) > 0
    assert (
        "Fewer than 10 events or non-events, so not judged" in groups.split("### Groups of Tiny")[1]
    )
    assert "lowest log loss" in part_of(card, "How it was chosen")
    assert "the champion" in card
    assert "not the champion, which is XGBoost" in model_card("network", TRAINED, evaluation)


def test_a_model_card_states_only_what_the_settings_state(evaluation: Facts) -> None:
    def use(judged: Facts) -> str:
        return part_of(model_card("xgboost", TRAINED, judged), "Intended use")

    assert use({k: v for k, v in evaluation.items() if k != "decision"}).count("Unknown") == 3
    silent = use({**evaluation, "decision": asdict(Decision())})
    assert silent.count("Not stated") == 4
    assert "Unknown" not in silent
    decision = Decision(
        harm_ratio=4.0, threshold_low=0.1, threshold_high=0.5, reason="a talk costs little"
    )
    told = use({**evaluation, "decision": asdict(decision)})
    assert "Why act on it: a talk costs little" in told
    assert "as much as: 4 false alerts" in told
    assert "between: 10% and 50%" in told
    assert "Patients, users and place in their care: Not stated" in told


def test_a_model_card_tells_who_taught_it_and_what_was_found_where_recorded(
    evaluation: Facts,
) -> None:
    bare = model_card("xgboost", TRAINED, evaluation)
    assert "parts that taught it: Unknown" in bare
    assert "found in the data: Unknown" in part_of(bare, "Limits")
    sizes = {"train": {"rows": 900, "subjects": 800, "events": 70}}
    card = model_card("xgboost", {**TRAINED, "sizes": sizes, "findings": [LATER]}, evaluation)
    assert "| train | teach | 900 | 800 | 70 |" in card
    assert "accepted: known at noon" in part_of(card, "Limits")
    assert "Unknown" not in part_of(card, "Limits")


def test_a_model_accepted_in_spite_of_its_gate_says_by_whom_and_why(evaluation: Facts) -> None:
    assert "in spite of its gate" not in model_card("xgboost", TRAINED, evaluation)
    accepted = {
        "by": "Dr <A>",
        "reason": "a trial\n# x",
        "verdict": "fail",
        "when": "2026-01-02T03:04:05",
    }
    card = model_card("xgboost", TRAINED, {**evaluation, "accepted": accepted})
    section = part_of(card, "Accepted in spite of its gate")
    for told in (
        "By: Dr &lt;A>",
        "Why: a trial # x",
        "Verdict of the gate: fail",
        "When: 2026-01-02T03:04:05",
    ):
        assert told in section
