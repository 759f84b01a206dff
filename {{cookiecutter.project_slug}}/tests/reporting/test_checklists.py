"""Each item of a checklist is answered by a fact of the run, and by nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from risk_model.core.findings import Finding
from risk_model.reporting.checklists import CONDITIONS, VERDICTS, probast, read, tripod

Facts = dict[str, Any]
LATER = Finding(
    "warning", "leaking column", "dose", "AUROC 0.95 by itself; accepted: known at noon"
).to_json()


def test_every_condition_and_every_verdict_belongs_to_an_item() -> None:
    used = {
        name
        for item in read("tripod_ai")["items"]
        for answer in item["answers"]
        for name in answer["when"]
    }
    assert used == set(CONDITIONS)
    assert {item["verdict"] for item in read("probast_ai")["items"]} - {""} == set(VERDICTS)


def settings_without(path: str) -> Callable[[Facts], object]:
    """Empties one of the settings."""

    def change(facts: Facts) -> object:
        *above, last = path.split(".")
        found = facts["provenance"]["settings"]
        for key in above:
            found = found[key]
        return found.update({last: type(found[last])()})

    return change


def strata_without(*names: str) -> Callable[[Facts], object]:
    """Takes groupings out of the split's table: all of them where none is named."""

    def change(facts: Facts) -> None:
        gone = names or ("site", "period", "age band", "sex", "ethnicity")
        kept = [
            {k: v for k, v in row.items() if k.split(": ")[0] not in gone} for row in facts["split"]
        ]
        facts["split"] = kept

    return change


def nobody_judged(facts: Facts) -> None:
    for part in facts["evaluation"]["parts"].values():
        for judged in part["models"].values():
            judged["subgroups"] = [{**row, "judged": False} for row in judged["subgroups"]]


def one_place(facts: Facts) -> None:
    nobody_judged(facts)
    facts["evaluation"]["parts"] = {
        k: v for k, v in facts["evaluation"]["parts"].items() if k == "test"
    }


def no_interval(facts: Facts) -> None:
    for part in facts["evaluation"]["parts"].values():
        for judged in part["models"].values():
            judged["metrics"]["slope"] |= {"low": None, "high": None}


def no_benefit(facts: Facts) -> None:
    for part in facts["evaluation"]["parts"].values():
        for judged in part["models"].values():
            judged["metrics"].pop("net_benefit")


def nothing_found(facts: Facts) -> None:
    facts["findings"] = []
    facts["evaluation"]["findings"] = []


WITHOUT: dict[str, Callable[[Facts], object]] = {
    "outcome": lambda f: f["cohort"].pop("outcome"),
    "source": lambda f: f["cohort"].update(source=""),
    "dates": strata_without("period"),
    "sites": strata_without("site"),
    "strata": strata_without(),
    "quality": lambda f: f["quality"].update(answers={}),
    "fields": lambda f: f.pop("fields"),
    "sample_size": lambda f: f["quality"]["tables"].pop("development sample size"),
    "missingness": lambda f: f["quality"]["tables"].pop("missing"),
    "split": lambda f: f.pop("split"),
    "compared": lambda f: f["champion"].update(table=[]),
    "clusters": one_place,
    "intervals": no_interval,
    "net_benefit": no_benefit,
    "subgroups": nobody_judged,
    "calibrated": lambda f: f.pop("calibrators"),
    "unweighted": lambda f: f["provenance"]["settings"]["training"].update(loss="focal"),
    "harm_ratio": settings_without("data.decision.harm_ratio"),
    "reason": settings_without("data.decision.reason"),
    "commit": lambda f: f["provenance"].update(git="not under git"),
    "limits": nothing_found,
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_an_item_is_not_answered_without_the_fact_it_rests_on(name: str, complete: Facts) -> None:
    items = [item for item in read("tripod_ai")["items"] if item["answers"]]
    resting = {
        item["number"]
        for item in items
        if all(name in answer["when"] for answer in item["answers"])
    }
    before = {row["number"]: row["state"] for row in tripod(complete)}
    assert CONDITIONS[name].holds(complete)
    WITHOUT[name](complete)
    assert not CONDITIONS[name].holds(complete)
    after = {row["number"]: row["state"] for row in tripod(complete)}
    worse = ("Answered", "In part", "Not answered")
    assert after != before
    assert all(worse.index(after[number]) >= worse.index(state) for number, state in before.items())
    assert {after[number] for number in resting} <= {"Not answered"}


def test_figures_with_no_group_judged_are_answered_in_part(complete: Facts) -> None:
    nobody_judged(complete)
    (item,) = [row for row in tripod(complete) if row["number"] == "23a"]
    assert item["state"] == "In part"
    assert item["left"] == "figures of the groups that matter"


def test_what_only_the_authors_know_is_never_answered(complete: Facts) -> None:
    states = {row["number"]: row["state"] for row in tripod(complete)}
    for number in (
        "2",
        "3a",
        "8b",
        "8c",
        "9c",
        "17",
        "18a",
        "18b",
        "18c",
        "18d",
        "19",
        "25",
        "27b",
        "27c",
    ):
        assert states[number] == "Not answered"
    judged = [row for row in probast(complete) if row["domain"] != "Analysis"]
    assert len(judged) == 22
    assert {row["answer"] for row in judged} == {"Unknown"}


def weighted(facts: Facts) -> None:
    facts["provenance"]["settings"]["training"]["loss"] = "pos_weight"
    for chosen in facts["calibrators"].values():
        chosen["kind"] = "platt"


def raw(facts: Facts) -> None:
    weighted(facts)
    facts["calibrators"] = {
        name: {**c, "kind": "identity"} for name, c in facts["calibrators"].items()
    }


def resampled(facts: Facts) -> None:
    weighted(facts)
    facts["evaluation"]["parts"]["test"]["events"] += 100


def accepted(kind: str, where: str) -> Callable[[Facts], None]:
    """A finding that stopped the run, had nobody accepted it."""

    def change(facts: Facts) -> None:
        facts["findings"].append({**LATER, "kind": kind, "where": where})
        facts["provenance"]["settings"]["data"]["accept"][where] = "known at noon"

    return change


def champion(name: str) -> Callable[[Facts], None]:
    """Another model is served, and more than enough rows taught it."""

    def change(facts: Facts) -> None:
        facts["champion"]["name"] = name
        facts["quality"]["tables"]["development sample size"] = [
            {"criterion": "optimism", "rows needed": 10}
        ]

    return change


def enough(*parts: bool) -> Callable[[Facts], None]:
    """Whether the first parts have the rows that they need; those after them were not asked."""

    def change(facts: Facts) -> None:
        for i, content in enumerate(facts["evaluation"]["parts"].values()):
            told = (
                [{"figure": "slope", "width": 0.4, "needed": 900, "enough": parts[i]}]
                if i < len(parts)
                else []
            )
            for judged in content["models"].values():
                judged["precision"] = told

    return change


def needing(rows: int) -> Callable[[Facts], None]:
    """The criteria ask for so many rows of a logistic regression."""

    def change(facts: Facts) -> None:
        champion("logistic_regression")(facts)
        facts["quality"]["tables"]["development sample size"][0]["rows needed"] = rows

    return change


def same(facts: Facts) -> None:
    """Changes nothing."""


ANSWERS: list[tuple[str, str, Callable[[Facts], object], str]] = [
    ("development", "4.1", needing(10**9), "No"),
    ("development", "4.1", needing(10), "Yes"),
    ("development", "4.1", champion("network"), "Unknown"),
    ("development", "4.4", same, "Not applicable"),
    ("development", "4.4", weighted, "Yes"),
    ("development", "4.4", raw, "No"),
    ("development", "4.5", champion("logistic_regression"), "Yes"),
    ("development", "4.5", champion("xgboost"), "Yes"),
    ("development", "4.5", champion("network"), "Yes"),
    ("development", "4.5", champion("another"), "Unknown"),
    ("evaluation", "4.1", same, "Yes"),
    ("evaluation", "4.2", enough(True, False), "No"),
    ("evaluation", "4.2", enough(True, True, True), "Yes"),
    ("evaluation", "4.2", enough(True), "Unknown"),
    ("evaluation", "4.4", same, "Not applicable"),
    ("evaluation", "4.4", weighted, "Yes"),
    ("evaluation", "4.4", resampled, "No"),
    ("evaluation", "4.5", same, "Yes"),
    ("evaluation", "4.5", accepted("leaking column", "dose"), "Unknown"),
    ("evaluation", "4.5", accepted("duplicated patient", "identical records"), "No"),
    ("evaluation", "4.5", accepted("shared subjects", "subjects"), "No"),
    ("evaluation", "4.6", same, "Not applicable"),
    ("evaluation", "4.6", lambda f: f["provenance"]["settings"]["split"].update(folds=5), "No"),
    ("evaluation", "4.7", same, "Yes"),
    ("evaluation", "4.7", no_interval, "No"),
    ("evaluation", "4.7", no_benefit, "Unknown"),
]


@pytest.mark.parametrize(("part", "number", "change", "answer"), ANSWERS)
def test_what_a_program_can_tell_is_told_from_the_facts(
    part: str, number: str, change: Callable[[Facts], object], answer: str, complete: Facts
) -> None:
    change(complete)
    (row,) = [r for r in probast(complete) if (r["part"], r["number"]) == (part, number)]
    assert row["answer"] == answer, row["why"]
    assert row["why"]
