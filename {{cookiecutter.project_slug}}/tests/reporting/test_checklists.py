"""Each item of a checklist is answered by a fact of the run, and by nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from risk_model.core.estimate import Estimate
from risk_model.core.findings import Finding
from risk_model.core.table import Row
from risk_model.data.quality_answer import MISSING, SAMPLE_SIZE
from risk_model.evaluation.results import (
    ModelEvaluation,
    PartEvaluation,
    PooledPerformance,
    RequiredRows,
)
from risk_model.reporting.checklist_conditions import CONDITIONS
from risk_model.reporting.checklist_verdicts import VERDICTS
from risk_model.reporting.checklists import probast, probast_text, tripod, tripod_text
from risk_model.reporting.content import ReportContent

Change = Callable[[ReportContent], ReportContent]


def test_every_condition_and_every_verdict_belongs_to_an_item() -> None:
    answers = [answer for item in tripod_text().items for answer in item.answers]
    assert {name for answer in answers for name in answer.when} == set(CONDITIONS)
    assert {item.verdict for item in probast_text().items} - {""} == set(VERDICTS)


def setting(path: str, value: Any) -> Change:
    """One of the settings has this value."""

    def change(content: ReportContent) -> ReportContent:
        assert content.provenance is not None
        *above, last = path.split(".")
        section: Any = content.provenance.settings
        for name in above:
            section = getattr(section, name)
        setattr(section, last, value)
        return content

    return change


def field(**changes: Any) -> Change:
    """One of the content's fields has this value."""
    return lambda content: replace(content, **changes)


def cohort(**changes: Any) -> Change:
    """Something else is known of the cohort."""

    def change(content: ReportContent) -> ReportContent:
        assert content.cohort is not None
        return replace(content, cohort=replace(content.cohort, **changes))

    return change


def table(name: str, rows: list[Row] | None) -> Change:
    """A table of the quality report holds these rows; None takes it away."""

    def change(content: ReportContent) -> ReportContent:
        assert content.quality is not None
        tables = {key: value for key, value in content.quality.tables.items() if key != name}
        tables |= {} if rows is None else {name: rows}
        return replace(content, quality=replace(content.quality, tables=tables))

    return change


def strata_without(*names: str) -> Change:
    """Takes groupings out of the split's table: all of them where none is named."""
    gone = names or ("site", "period", "age band", "sex", "ethnicity")

    def change(content: ReportContent) -> ReportContent:
        split = [
            replace(
                part, shares={k: v for k, v in part.shares.items() if k.split(": ")[0] not in gone}
            )
            for part in content.split
        ]
        return replace(content, split=split)

    return change


def models(change_model: Callable[[ModelEvaluation], ModelEvaluation]) -> Change:
    """Every model of every part is changed."""

    def changed(part: PartEvaluation) -> PartEvaluation:
        own = {name: change_model(model) for name, model in part.models.items()}
        return replace(part, models=own)

    def change(content: ReportContent) -> ReportContent:
        return parts(content, {name: changed(p) for name, p in content.evaluation.parts.items()})

    return change


def parts(content: ReportContent, new: dict[str, PartEvaluation]) -> ReportContent:
    return replace(content, evaluation=replace(content.evaluation, parts=new))


no_group = models(
    lambda model: replace(
        model, subgroups=[replace(group, evaluated=False) for group in model.subgroups]
    )
)
no_interval = models(
    lambda model: replace(model, metrics={**model.metrics, "slope": Estimate(1.0)})
)
no_benefit = models(
    lambda model: replace(
        model, metrics={k: v for k, v in model.metrics.items() if k != "net_benefit"}
    )
)


def one_site(content: ReportContent) -> ReportContent:
    content = no_group(content)
    return parts(content, {"test": content.evaluation.parts["test"]})


def no_findings(content: ReportContent) -> ReportContent:
    return replace(content, findings=[], evaluation=replace(content.evaluation, findings=[]))


def no_answers(content: ReportContent) -> ReportContent:
    assert content.quality is not None
    return replace(content, quality=replace(content.quality, answers={}))


def no_comparison(content: ReportContent) -> ReportContent:
    return replace(content, champion=replace(content.champion, table=[]))


def no_commit(content: ReportContent) -> ReportContent:
    assert content.provenance is not None
    return replace(content, provenance=replace(content.provenance, git="not under git"))


WITHOUT: dict[str, Change] = {
    "outcome": cohort(outcome=""),
    "source": cohort(source=""),
    "dates": strata_without("period"),
    "sites": strata_without("site"),
    "strata": strata_without(),
    "quality": no_answers,
    "fields": field(fields=()),
    "sample_size": table(SAMPLE_SIZE, None),
    "missingness": table(MISSING, None),
    "split": field(split=[]),
    "compared": no_comparison,
    "clusters": one_site,
    "evaluation_size": lambda content: enough(True)(content),
    "heterogeneity": field(heterogeneity=[]),
    "intervals": no_interval,
    "subgroups": no_group,
    "calibrated": field(calibrators={}),
    "unweighted": setting("training.loss", "focal"),
    "harm_ratio": setting("data.decision.harm_ratio", 0.0),
    "reason": setting("data.decision.reason", ""),
    "commit": no_commit,
    "limits": no_findings,
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_an_item_is_not_answered_without_the_fact_it_rests_on(
    name: str, complete: ReportContent
) -> None:
    items = [item for item in tripod_text().items if item.answers]
    resting = {item.number for item in items if all(name in a.when for a in item.answers)}
    before = {row.item.number: row.state for row in tripod(complete)}
    assert CONDITIONS[name].holds(complete)
    without = WITHOUT[name](complete)
    assert not CONDITIONS[name].holds(without)
    after = {row.item.number: row.state for row in tripod(without)}
    worse = ("Answered", "In part", "Not answered")
    assert after != before
    assert all(worse.index(after[number]) >= worse.index(state) for number, state in before.items())
    assert {after[number] for number in resting} <= {"Not answered"}


def test_figures_with_no_group_judged_are_answered_in_part(complete: ReportContent) -> None:
    (row,) = [row for row in tripod(no_group(complete)) if row.item.number == "23a"]
    assert row.state == "In part"
    assert row.remaining == "figures of the groups that matter"


def state(content: ReportContent, number: str) -> str:
    (row,) = [row for row in tripod(content) if row.item.number == number]
    return row.state


@pytest.mark.parametrize("number", ["12d", "23b"])
def test_differences_between_sites_are_answered_only_where_they_were_quantified(
    number: str, complete: ReportContent
) -> None:
    few = [PooledPerformance("xgboost", "AUROC", "log odds", sites=2)]
    assert state(complete, number) == "Answered"
    assert state(replace(complete, heterogeneity=few), number) == "In part"
    assert state(replace(one_site(complete), heterogeneity=[]), number) == "Not answered"


def test_the_use_of_the_data_is_answered_only_with_the_sample_size_of_each_step(
    complete: ReportContent,
) -> None:
    assert state(complete, "12a") == "Answered"
    assert state(enough(True)(complete), "12a") == "In part"
    assert state(table(SAMPLE_SIZE, None)(complete), "12a") == "In part"


def test_nobody_but_the_authors_says_why_a_measure_was_chosen(complete: ReportContent) -> None:
    assert state(complete, "12e") == "In part"


OF_THE_AUTHORS = "2 3a 8b 8c 9c 17 18a 18b 18c 18d 19 25 27b 27c"


def test_what_only_the_authors_know_is_never_answered(complete: ReportContent) -> None:
    states = {row.item.number: row.state for row in tripod(complete)}
    assert {states[number] for number in OF_THE_AUTHORS.split()} == {"Not answered"}
    assessed = [row for row in probast(complete) if row.item.domain != "Analysis"]
    assert len(assessed) == 22
    assert {row.assessment.answer for row in assessed} == {"Unknown"}


def calibrated(kind: str) -> Change:
    """Events had more weight in training, and every calibrator is of this kind."""

    def change(content: ReportContent) -> ReportContent:
        content = setting("training.loss", "pos_weight")(content)
        kinds = {name: replace(c, kind=kind) for name, c in content.calibrators.items()}
        return replace(content, calibrators=kinds)

    return change


def resampled(content: ReportContent) -> ReportContent:
    content = calibrated("platt")(content)
    test = content.evaluation.parts["test"]
    more = {"test": replace(test, events=test.events + 100)}
    return parts(content, {**content.evaluation.parts, **more})


def accepted(kind: str, where: str) -> Change:
    """A finding that stopped the run, had nobody accepted it."""

    def change(content: ReportContent) -> ReportContent:
        finding = Finding("warning", kind, where, "AUROC 0.95 by itself; accepted: known at noon")
        content = setting("data.accept", {where: "known at noon"})(content)
        return replace(content, findings=[*(content.findings or []), finding])

    return change


def champion(name: str, needed: int = 10) -> Change:
    """Another model is served, and the criteria ask for so many rows of a regression."""

    def change(content: ReportContent) -> ReportContent:
        rows: list[Row] = [{"criterion": "optimism", "rows needed": needed}]
        content = replace(content, champion=replace(content.champion, name=name))
        return table(SAMPLE_SIZE, rows)(content)

    return change


def enough(*enough_rows: bool) -> Change:
    """Whether the first parts have the rows that they need; those after them were not asked."""

    def change(content: ReportContent) -> ReportContent:
        required = [[RequiredRows("slope", 0.4, 900, own)] for own in enough_rows]
        own = content.evaluation.parts
        new = {}
        for i, (name, part) in enumerate(own.items()):
            rows = required[i] if i < len(required) else []
            changed = {n: replace(m, required_rows=rows) for n, m in part.models.items()}
            new[name] = replace(part, models=changed)
        return parts(content, new)

    return change


def same(content: ReportContent) -> ReportContent:
    """Changes nothing."""
    return content


ANSWERS: list[tuple[str, str, Change, str]] = [
    ("development", "4.1", champion("logistic_regression", needed=10**9), "No"),
    ("development", "4.1", champion("logistic_regression"), "Yes"),
    ("development", "4.1", champion("network"), "Unknown"),
    ("development", "4.4", same, "Not applicable"),
    ("development", "4.4", calibrated("platt"), "Yes"),
    ("development", "4.4", calibrated("identity"), "No"),
    ("development", "4.5", champion("logistic_regression"), "Yes"),
    ("development", "4.5", champion("xgboost"), "Yes"),
    ("development", "4.5", champion("network"), "Yes"),
    ("development", "4.5", champion("another"), "Unknown"),
    ("evaluation", "4.1", same, "Yes"),
    ("evaluation", "4.2", enough(True, False), "No"),
    ("evaluation", "4.2", enough(True, True, True), "Yes"),
    ("evaluation", "4.2", enough(True), "Unknown"),
    ("evaluation", "4.4", same, "Not applicable"),
    ("evaluation", "4.4", calibrated("platt"), "Yes"),
    ("evaluation", "4.4", resampled, "No"),
    ("evaluation", "4.5", same, "Yes"),
    ("evaluation", "4.5", accepted("leaking column", "dose"), "Unknown"),
    ("evaluation", "4.5", accepted("duplicated patient", "identical records"), "No"),
    ("evaluation", "4.5", accepted("shared subjects", "subjects"), "No"),
    ("evaluation", "4.5", cohort(subjects_named=False), "Unknown"),
    ("evaluation", "4.6", same, "Not applicable"),
    ("evaluation", "4.6", field(chosen_out_of_fold={"xgboost": 10}), "Yes"),
    ("evaluation", "4.6", field(folds=0), "Unknown"),
    ("evaluation", "4.7", same, "Yes"),
    ("evaluation", "4.7", no_interval, "No"),
    ("evaluation", "4.7", no_benefit, "Unknown"),
]


@pytest.mark.parametrize(("part", "number", "change", "answer"), ANSWERS)
def test_what_a_program_can_tell_is_told_from_the_facts(
    part: str, number: str, change: Change, answer: str, complete: ReportContent
) -> None:
    rows = probast(change(complete))
    (row,) = [r for r in rows if (r.item.part, r.item.number) == (part, number)]
    assert row.assessment.answer == answer, row.assessment.why
    assert row.assessment.why
