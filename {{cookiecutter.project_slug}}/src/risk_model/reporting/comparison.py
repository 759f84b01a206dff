"""The comparison of two runs: one page, and the same in a few lines of text.

What is different between two runs, and is it more than luck?
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from risk_model.core.estimate import Estimate
from risk_model.core.table import Row
from risk_model.evaluation.metric_table import label, metrics_in
from risk_model.evaluation.results import PartEvaluation, SubgroupEvaluation
from risk_model.model.table import label as model_label
from risk_model.reporting.comparison_run import ABSENT, ComparedRun, PairedDifferences
from risk_model.reporting.page import write_page
from risk_model.reporting.wording import cell, estimate_text, percent


@dataclass(frozen=True)
class ComparedPart:
    """What the page shows of one part."""

    name: str
    sizes: list[str]
    sentence: str
    paired: bool
    rows: list[Row]


@dataclass(frozen=True)
class ComparisonView:
    """Everything that `comparison.html.j2` names."""

    first: ComparedRun
    second: ComparedRun
    same_data: str
    runs: list[Row]
    parts: list[ComparedPart]
    gates: list[Row]
    groups: list[Row]
    settings: list[Row]
    resamples: str


def parts(first: ComparedRun, second: ComparedRun) -> list[str]:
    """The parts of either run, the first's in their order."""
    return list(dict.fromkeys([*first.evaluation.parts, *second.evaluation.parts]))


def settings_that_differ(first: ComparedRun, second: ComparedRun) -> list[Row]:
    """A row for each setting, version or commit that is not the same in both."""
    one, other = first.basis, second.basis
    rows: list[Row] = [
        {
            "setting": name,
            "first": _setting(one.get(name, ABSENT)),
            "second": _setting(other.get(name, ABSENT)),
        }
        for name in dict.fromkeys([*one, *other])
    ]
    return [row for row in rows if row["first"] != row["second"]]


def _setting(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text or "(empty)"


def headline(
    first: ComparedRun, second: ComparedRun, part: str, pair: PairedDifferences
) -> list[Row]:
    """The champions' metrics in one part, side by side, and their difference where computed."""
    ours, theirs = first.metrics(part), second.metrics(part)
    rows: list[Row] = [
        {
            "metric": metric.label,
            "first": ours.get(metric.name),
            "second": theirs.get(metric.name),
            "second − first": pair.metrics.get(metric.name),
        }
        for metric in metrics_in("comparison")
        if metric.name in {**ours, **theirs}
    ]
    verdicts: Row = {
        "metric": "verdict",
        "first": first.verdict(part, first.champion),
        "second": second.verdict(part, second.champion),
        "second − first": ABSENT,
    }
    return [*rows, verdicts]


def conclusion(pair: PairedDifferences) -> str:
    """What the paired differences of a part say."""
    if pair.why_not:
        return f"No difference is computed: {pair.why_not}."
    certain = [
        f"{label(name)} is {_direction(difference)}"
        for name, difference in pair.metrics.items()
        if difference.interval and not difference.interval[0] <= 0 <= difference.interval[1]
    ]
    none = "No interval of a difference excludes 0: these rows cannot tell the two champions apart."
    text = f"On the same rows, {'; '.join(certain)}." if certain else none
    return f"{text} {pair.remark}".strip()


def _direction(difference: Estimate) -> str:
    if difference.estimate is None or difference.interval is None or difference.estimate > 0:
        return f"higher in the second, by {estimate_text(difference)}"
    low, high = difference.interval
    return f"lower in the second, by {estimate_text(Estimate(-difference.estimate, -high, -low))}"


def gates(first: ComparedRun, second: ComparedRun) -> list[Row]:
    """The verdict on every model in every part."""
    own = [*first.evaluation.parts.values(), *second.evaluation.parts.values()]
    models = dict.fromkeys(model for part in own for model in part.models)
    return [
        {
            "part and model": f"{part}: {model_label(model)}",
            "first": first.verdict(part, model),
            "second": second.verdict(part, model),
        }
        for part in parts(first, second)
        for model in models
    ]


def subgroups_that_differ(first: ComparedRun, second: ComparedRun) -> list[Row]:
    """The groups of patients of both runs whose verdict is not the same for both champions."""
    rows: list[Row] = []
    for part in parts(first, second):
        ours, theirs = _group_verdicts(first, part), _group_verdicts(second, part)
        changed = [group for group in ours if theirs.get(group, ours[group]) != ours[group]]
        rows += [{"group": f"{part}, {g}", "first": ours[g], "second": theirs[g]} for g in changed]
    return rows


def _group_verdicts(run: ComparedRun, part: str) -> dict[str, str]:
    own = run.part(part)
    groups = own.models[run.champion].subgroups if own else []
    return {f"{group.partition}: {group.group}": _group_verdict(group) for group in groups}


def _group_verdict(group: SubgroupEvaluation) -> str:
    if group.p_value is None:
        return "too few to judge"
    return f"risks {group.miscalibrated}" if group.miscalibrated else "nothing found"


def _runs(first: ComparedRun, second: ComparedRun) -> list[Row]:
    ours, theirs = _identity(first), _identity(second)
    return [{"what": name, "first": ours[name], "second": theirs[name]} for name in ours]


def _identity(run: ComparedRun) -> dict[str, str]:
    training = run.training
    return {
        "cohort": training.cohort,
        "outcome": training.outcome,
        "data fingerprint": training.fingerprint[:12],
        "champion": model_label(run.champion),
        "its calibrator": training.calibrators[run.champion].kind.replace("_", " "),
        "operating threshold": percent(training.threshold),
    }


def same_data(first: ComparedRun, second: ComparedRun) -> str:
    """Whether both runs read the same cohort."""
    if first.training.fingerprint == second.training.fingerprint:
        return "Both runs read the same data."
    return "The two runs read different data: their fingerprints differ."


def write_comparison(
    path: Path,
    first: ComparedRun,
    second: ComparedRun,
    paired: Mapping[str, PairedDifferences],
    resamples: int,
) -> None:
    """Writes the page that sets two runs side by side.

    Args:
        path: Of the HTML file.
        first: A run.
        second: Another.
        paired: Their differences, for each of `parts`.
        resamples: How many draws of subjects the intervals of the differences rest on.
    """
    view = ComparisonView(
        first=first,
        second=second,
        same_data=same_data(first, second),
        runs=_runs(first, second),
        parts=[_compared_part(first, second, *item) for item in paired.items()],
        gates=gates(first, second),
        groups=subgroups_that_differ(first, second),
        settings=settings_that_differ(first, second),
        resamples=f"{resamples:,}",
    )
    write_page(path, "comparison.html.j2", view)


def _compared_part(
    first: ComparedRun, second: ComparedRun, part: str, pair: PairedDifferences
) -> ComparedPart:
    return ComparedPart(
        name=part,
        sizes=[_size(run.part(part)) for run in (first, second)],
        sentence=conclusion(pair),
        paired=not pair.why_not,
        rows=headline(first, second, part, pair),
    )


def _size(part: PartEvaluation | None) -> str:
    return f"{part.n:,} rows, {part.events:,} events" if part else "no such part"


def in_text(
    first: ComparedRun, second: ComparedRun, paired: Mapping[str, PairedDifferences]
) -> str:
    """The same for a terminal, as aligned lines."""
    runs = [_line("first", first), _line("second", second)]
    changed = [_change("setting", row) for row in settings_that_differ(first, second)]
    groups = [_change("subgroup", row) for row in subgroups_that_differ(first, second)]
    rows = [
        {"part": part, **row}
        for part, pair in paired.items()
        for row in headline(first, second, part, pair)
    ]
    table = pd.DataFrame(rows).map(cell).to_string(index=False)
    texts = [f"{part}: {conclusion(pair)}" for part, pair in paired.items()]
    data = f"{'data':9} {same_data(first, second)}"
    return "\n".join([*runs, data, *changed, *groups, "", table, "", *texts])


def _line(position: str, run: ComparedRun) -> str:
    threshold = percent(run.training.threshold)
    return f"{position:9} {run.name}: {model_label(run.champion)}, flags at {threshold}"


def _change(kind: str, row: Row) -> str:
    name, first, second = row.values()
    return f"{kind:9} {name}: {first} | {second}"
