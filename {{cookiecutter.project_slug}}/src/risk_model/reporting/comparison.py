"""What is different between two runs, and is it more than luck? One page, and the same in a few
lines of text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from risk_model.evaluation.subgroups import ALPHA
from risk_model.reporting.page import write_page
from risk_model.reporting.plots import words
from risk_model.reporting.tables import LABELS
from risk_model.reporting.wording import cell, figure_text, percent

Facts = dict[str, Any]
HEADLINES = ("auroc", "citl", "slope", "log_loss", "net_benefit")
ABSENT = "–"


@dataclass(frozen=True)
class Run:
    """What a run wrote down: its config.json, training.json and evaluation.json, and where its
    report stands.
    """

    name: str
    report: str
    settings: Facts
    training: Facts
    evaluation: Facts

    @property
    def champion(self) -> str:
        """The champion's name."""
        return str(self.training["champion"]["name"])

    def part(self, name: str) -> Facts:
        """One part of the evaluation, {} where the run has none of that name."""
        found: Facts = self.evaluation["parts"].get(name, {})
        return found

    def figures(self, part: str) -> Facts:
        """The champion's figures in a part, {} where there is none."""
        found: Facts = (
            self.part(part)["models"][self.champion]["metrics"] if self.part(part) else {}
        )
        return found

    def verdict(self, part: str, model: str) -> str:
        """The verdict on a model in a part."""
        gate = self.evaluation["gates"].get(part, {}).get(model)
        return str(gate["verdict"]) if gate else ABSENT

    @property
    def basis(self) -> Facts:
        """Everything that was set or installed, by its dotted name."""
        return dict(
            _flat(
                {
                    **self.settings,
                    "code": self.training["git"],
                    "version of": self.training["versions"],
                }
            )
        )


@dataclass(frozen=True)
class Pair:
    """The paired differences of one part, second minus first, or why there are none; and a remark
    on them.
    """

    why_not: str
    figures: Facts
    remark: str = ""


def _flat(settings: Facts, prefix: str = "") -> list[tuple[str, Any]]:
    found = []
    for key, value in settings.items():
        nested = isinstance(value, dict)
        found += _flat(value, f"{prefix}{key}.") if nested else [(f"{prefix}{key}", value)]
    return found


def parts(first: Run, second: Run) -> list[str]:
    """The parts of either run, the first's in their order."""
    return list(dict.fromkeys([*first.evaluation["parts"], *second.evaluation["parts"]]))


def settings_that_differ(first: Run, second: Run) -> list[Facts]:
    """A row for each setting, version or commit that is not the same in both."""
    names = dict.fromkeys([*first.basis, *second.basis])
    values = [
        (name, *(_setting(run.basis.get(name, ABSENT)) for run in (first, second)))
        for name in names
    ]
    return [
        {"setting": name, "first": one, "second": other}
        for name, one, other in values
        if one != other
    ]


def _setting(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text or "(empty)"


def headline(first: Run, second: Run, part: str, pair: Pair) -> list[Facts]:
    """The champions' figures in one part, side by side, and their difference where it was
    computed.
    """
    told = [name for name in HEADLINES if name in {**first.figures(part), **second.figures(part)}]
    rows = [
        {
            "figure": LABELS[name],
            "first": first.figures(part).get(name),
            "second": second.figures(part).get(name),
            "second − first": pair.figures.get(name),
        }
        for name in told
    ]
    verdicts = [run.verdict(part, run.champion) for run in (first, second)]
    return [
        *rows,
        {
            "figure": "verdict",
            "first": verdicts[0],
            "second": verdicts[1],
            "second − first": ABSENT,
        },
    ]


def told_apart(pair: Pair) -> str:
    """What the paired differences of a part say."""
    if pair.why_not:
        return f"No difference is computed: {pair.why_not}."
    surely = [
        f"{LABELS[name]} is {_direction(figure)}"
        for name, figure in pair.figures.items()
        if figure["low"] is not None and not figure["low"] <= 0 <= figure["high"]
    ]
    none = "No interval of a difference excludes 0: these rows cannot tell the two champions apart."
    said = f"On the same rows, {'; '.join(surely)}." if surely else none
    return f"{said} {pair.remark}".strip()


def _direction(figure: Facts) -> str:
    if figure["estimate"] > 0:
        return f"higher in the second, by {figure_text(figure)}"
    size = {"estimate": -figure["estimate"], "low": -figure["high"], "high": -figure["low"]}
    return f"lower in the second, by {figure_text(size)}"


def gates(first: Run, second: Run) -> list[Facts]:
    """The verdict on every model in every part."""
    judged = [*first.evaluation["parts"].values(), *second.evaluation["parts"].values()]
    models = dict.fromkeys(model for part in judged for model in part["models"])
    return [
        {
            "part and model": f"{part}: {words(m)}",
            "first": first.verdict(part, m),
            "second": second.verdict(part, m),
        }
        for part in parts(first, second)
        for m in models
    ]


def subgroups_that_differ(first: Run, second: Run) -> list[Facts]:
    """The groups of patients, known to both runs, whose verdict is not the same for both
    champions.
    """
    found = []
    for part in parts(first, second):
        ours, theirs = _group_verdicts(first, part), _group_verdicts(second, part)
        changed = [group for group in ours if theirs.get(group, ours[group]) != ours[group]]
        found += [{"group": f"{part}, {g}", "first": ours[g], "second": theirs[g]} for g in changed]
    return found


def _group_verdicts(run: Run, part: str) -> dict[str, str]:
    rows = run.part(part)["models"][run.champion]["subgroups"] if run.part(part) else []
    return {f"{row['partition']}: {row['group']}": _group_verdict(row) for row in rows}


def _group_verdict(row: Facts) -> str:
    p = row["p"].get("citl")
    if not row["judged"] or p is None:
        return "too few to judge"
    return "calibration differs" if p < ALPHA else "no sign of a difference"


def _runs(first: Run, second: Run) -> list[Facts]:
    told: dict[str, Callable[[Run], str]] = {
        "cohort": lambda run: run.training["cohort"],
        "outcome": lambda run: run.training["outcome"],
        "data fingerprint": lambda run: run.training["fingerprint"][:12],
        "champion": lambda run: words(run.champion),
        "its calibrator": lambda run: run.training["calibrators"][run.champion]["kind"].replace(
            "_", " "
        ),
        "operating threshold": lambda run: percent(run.training["threshold"]),
    }
    return [{"what": label, "first": of(first), "second": of(second)} for label, of in told.items()]


def same_data(first: Run, second: Run) -> str:
    """Whether both runs read the same cohort."""
    same = first.training["fingerprint"] == second.training["fingerprint"]
    return (
        "Both runs read the same data."
        if same
        else "The two runs read different data: their fingerprints differ."
    )


def write_comparison(
    path: Path, first: Run, second: Run, paired: dict[str, Pair], resamples: int
) -> None:
    """Writes the page; `paired` has an entry for each of `parts`."""
    view = {
        "first": first,
        "second": second,
        "same_data": same_data(first, second),
        "runs": _runs(first, second),
        "parts": [
            {
                "name": part,
                "sizes": [_size_of(run.part(part)) for run in (first, second)],
                "sentence": told_apart(pair),
                "paired": not pair.why_not,
                "rows": headline(first, second, part, pair),
            }
            for part, pair in paired.items()
        ],
        "gates": gates(first, second),
        "groups": subgroups_that_differ(first, second),
        "settings": settings_that_differ(first, second),
        "resamples": f"{resamples:,}",
    }
    write_page(path, "comparison.html.j2", view)


def _size_of(part: Facts) -> str:
    return f"{part['n']:,} rows, {part['events']:,} events" if part else "no such part"


def in_text(first: Run, second: Run, paired: dict[str, Pair]) -> str:
    """The same for a terminal, as aligned lines."""
    named = [
        f"{label:9} {run.name}: {words(run.champion)}, flags at "
        f"{percent(run.training['threshold'])}"
        for label, run in (("first", first), ("second", second))
    ]
    changed = [_line("setting", row, "setting") for row in settings_that_differ(first, second)]
    groups = [_line("subgroup", row, "group") for row in subgroups_that_differ(first, second)]
    rows = [
        {"part": part, **row}
        for part, pair in paired.items()
        for row in headline(first, second, part, pair)
    ]
    table = pd.DataFrame(rows).map(cell).to_string(index=False)
    said = [f"{part}: {told_apart(pair)}" for part, pair in paired.items()]
    return "\n".join(
        [*named, f"{'data':9} {same_data(first, second)}", *changed, *groups, "", table, "", *said]
    )


def _line(label: str, row: Facts, key: str) -> str:
    return f"{label:9} {row[key]}: {row['first']} | {row['second']}"
