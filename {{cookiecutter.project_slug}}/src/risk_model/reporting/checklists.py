"""What do TRIPOD+AI and PROBAST+AI ask, and what of it has a run answered? Conditions and verdicts
over its facts.

The items stand in `texts/` under their official numbers, in words of our own: Collins et al., BMJ
2024;385:e078378; Moons et al., BMJ 2025;388:e082505. An item is answered where its conditions hold;
the rest is the authors' to write.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from risk_model.evaluation import LEARNT_FROM
from risk_model.model.table import find_row
from risk_model.reporting.data_card import MISSING, SIZES, Facts, data_settings, quality_table
from risk_model.reporting.markdown import UNKNOWN, Row
from risk_model.reporting.tables import SPLIT

TEXTS = Path(__file__).parent / "texts"
ANSWERED, PARTLY, OPEN = "Answered", "In part", "Not answered"
YES, NO, NOT_APPLICABLE = "Yes", "No", "Not applicable"
NO_GIT = "not under git"  # what `runs.provenance` writes
FIGURES, BENEFIT = ("auroc", "citl", "slope"), "net_benefit"
CROSSING = ("shared subjects", "duplicated patient")
KNOWING = ("leaking column", "copy of the outcome")


class Condition(NamedTuple):
    """What must hold in the facts, and what a reader is told where it does not."""

    holds: Callable[[Facts], bool]
    absent: str


class Verdict(NamedTuple):
    """Yes, No, Unknown or Not applicable, and why."""

    answer: str
    why: str


def tripod(facts: Facts) -> list[Row]:
    """TRIPOD+AI's 52 items: number, section, topic, asked, state, `at` which places it is answered,
    what is left.
    """
    return [_answered(item, facts) for item in read("tripod_ai")["items"]]


def probast(facts: Facts) -> list[Row]:
    """PROBAST+AI's 34 signalling questions: part, number, domain, asked, answer, why, and where to
    look (`at`).
    """
    return [_judged(item, facts) for item in read("probast_ai")["items"]]


def read(name: str) -> Facts:
    """One of the texts."""
    content: Facts = json.loads((TEXTS / f"{name}.json").read_text(encoding="utf-8"))
    return content


def _answered(item: Row, facts: Facts) -> Row:
    shown = {key: item[key] for key in ("number", "section", "topic", "asked")}
    lacking: list[str] = []
    for answer in item["answers"]:
        absent = [
            CONDITIONS[name].absent for name in answer["when"] if not CONDITIONS[name].holds(facts)
        ]
        if not absent:
            left = "" if answer["whole"] else item["left"]
            return {
                **shown,
                "state": ANSWERED if answer["whole"] else PARTLY,
                "at": _at(answer, facts),
                "left": left,
            }
        lacking += absent
    left = "; ".join(dict.fromkeys(text for text in (*lacking, item["left"]) if text))
    return {**shown, "state": OPEN, "at": [], "left": left}


def _judged(item: Row, facts: Facts) -> Row:
    shown = {key: item[key] for key in ("part", "number", "domain", "asked")}
    verdict = (
        VERDICTS[item["verdict"]](facts)
        if item["verdict"]
        else Verdict(UNKNOWN, f"to judge: {item['judge']}")
    )
    return {**shown, **verdict._asdict(), "at": _at(item, facts)}


def _at(item: Row, facts: Facts) -> list[str]:
    return [place.replace("{champion}", _champion(facts)) for place in item["at"]]


def _champion(facts: Facts) -> str:
    return str(facts.get("champion", {}).get("name", ""))


def _setting(facts: Facts, path: str) -> Any:
    found: Any = facts.get("provenance", {}).get("settings", {})
    for key in path.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _judged_parts(facts: Facts) -> dict[str, Facts]:
    """What was judged of the champion, by part."""
    parts, name = facts.get("evaluation", {}).get("parts", {}), _champion(facts)
    return {
        part: content["models"][name]
        for part, content in parts.items()
        if name in content["models"]
    }


def _groups(facts: Facts) -> list[Row]:
    return [
        row
        for judged in _judged_parts(facts).values()
        for row in judged["subgroups"]
        if row["judged"]
    ]


def _strata(facts: Facts) -> list[str]:
    return [key for key in (facts.get("split") or [{}])[0] if key not in SPLIT]


def _part(facts: Facts, name: str) -> Row:
    found: Row = next((row for row in facts.get("split", []) if row["part"] == name), {})
    return found


def _stratum(name: str) -> Callable[[Facts], bool]:
    return lambda facts: any(key.startswith(f"{name}: ") for key in _strata(facts))


def _clusters(facts: Facts) -> bool:
    held_out = any(part.startswith("site: ") for part in _judged_parts(facts))
    return held_out or any(row["partition"] == "site" for row in _groups(facts))


def _with_interval(facts: Facts) -> list[str]:
    """The champion's figures that have an interval, on the part where most have one."""
    parts = [judged["metrics"].items() for judged in _judged_parts(facts).values()]
    told = [[name for name, figure in metrics if figure["low"] is not None] for metrics in parts]
    return max(told, key=len, default=[])


def _limits(facts: Facts) -> bool:
    return bool(facts.get("findings") or facts.get("evaluation", {}).get("findings"))


def _commit(facts: Facts) -> bool:
    return str(facts.get("provenance", {}).get("git", NO_GIT)) != NO_GIT


CONDITIONS: dict[str, Condition] = {
    "outcome": Condition(lambda f: bool(f.get("cohort", {}).get("outcome")), "no outcome is named"),
    "source": Condition(lambda f: bool(f.get("cohort", {}).get("source")), "no source is named"),
    "dates": Condition(_stratum("period"), "no date was recorded"),
    "sites": Condition(_stratum("site"), "no site was recorded"),
    "strata": Condition(
        lambda f: bool(_strata(f)), "neither demographics nor site nor date was recorded"
    ),
    "quality": Condition(
        lambda f: bool(f.get("quality", {}).get("answers")), "the data's quality was not described"
    ),
    "fields": Condition(lambda f: bool(f.get("fields")), "the fields are not listed"),
    "sample_size": Condition(
        lambda f: bool(quality_table(f, SIZES)), "no sample size was computed"
    ),
    "missingness": Condition(
        lambda f: quality_table(f, MISSING) is not None, "missing values were not counted"
    ),
    "split": Condition(lambda f: bool(f.get("split")), "no split is recorded"),
    "compared": Condition(
        lambda f: bool(f.get("champion", {}).get("table")), "no comparison of models is recorded"
    ),
    "clusters": Condition(_clusters, "no site was judged by itself"),
    "intervals": Condition(
        lambda f: set(FIGURES) <= set(_with_interval(f)),
        "no part gave discrimination and calibration with intervals",
    ),
    "net_benefit": Condition(
        lambda f: BENEFIT in _with_interval(f), "net benefit: no range of thresholds is stated"
    ),
    "subgroups": Condition(lambda f: bool(_groups(f)), "no subgroup was large enough to be judged"),
    "calibrated": Condition(lambda f: bool(f.get("calibrators")), "no calibrator is recorded"),
    "unweighted": Condition(
        lambda f: _setting(f, "training.loss") == "bce",
        "the loss is not recorded, or weighs events differently",
    ),
    "harm_ratio": Condition(
        lambda f: bool(_setting(f, "data.decision.harm_ratio")), "no harm ratio is stated"
    ),
    "reason": Condition(
        lambda f: bool(_setting(f, "data.decision.reason")), "no reason to act is stated"
    ),
    "commit": Condition(_commit, "the code is under no version control"),
    "limits": Condition(_limits, "nothing was found"),
}


def _enough_to_develop(facts: Facts) -> Verdict:
    rows = _part(facts, "train").get("rows")
    needed = max((row["rows needed"] for row in quality_table(facts, SIZES) or []), default=None)
    if rows is None or needed is None:
        return Verdict(UNKNOWN, "no sample size was computed")
    told = f"{rows:,} rows to train on, {needed:,} needed for a regression (Riley 2020)"
    if rows < needed:
        return Verdict(NO, told)
    row = find_row(_champion(facts))
    return (
        Verdict(YES, told)
        if row and row.regression
        else Verdict(UNKNOWN, f"{told}; others need more")
    )


def _unweighted(facts: Facts) -> Verdict | None:
    """The answer where no event was given more weight, or where that is not recorded."""
    loss = _setting(facts, "training.loss")
    if loss is None:
        return Verdict(UNKNOWN, "the loss is not recorded")
    return (
        Verdict(NOT_APPLICABLE, "training.loss=bce weighs all rows alike")
        if loss == "bce"
        else None
    )


def _recalibrated(facts: Facts) -> Verdict:
    kind = facts.get("calibrators", {}).get(_champion(facts), {}).get("kind")
    told = Verdict(UNKNOWN, "no calibrator is recorded")
    if kind:
        told = Verdict(NO if kind == "identity" else YES, f"calibrator: {kind.replace('_', ' ')}")
    return _unweighted(facts) or told


def _regularised(facts: Facts) -> Verdict:
    row = find_row(_champion(facts))
    value = _setting(facts, row.regulariser) if row else None
    return (
        Verdict(YES, f"{row.regulariser}={value:g}: {row.regularised}")
        if row and value
        else Verdict(UNKNOWN, "no setting for it is recorded")
    )


def _judged_on_others(facts: Facts) -> Verdict:
    parts = list(_judged_parts(facts))
    if not parts:
        return Verdict(UNKNOWN, "no evaluation is recorded")
    others = [part for part in parts if part not in LEARNT_FROM]
    return Verdict(YES if others else NO, f"judged on {', '.join(parts)}")


def _enough_to_judge(facts: Facts) -> Verdict:
    """No where a part has fewer rows than intervals of the stated widths need: Riley et al., BMJ
    2024;384:e074821.
    """
    needs = {part: judged.get("precision") for part, judged in _judged_parts(facts).items()}
    short = [part for part, rows in needs.items() if any(not need["enough"] for need in rows or [])]
    if short:
        return Verdict(
            NO,
            f"fewer rows than intervals of the stated widths need (Riley 2024): {', '.join(short)}",
        )
    if not needs or not all(needs.values()):
        return Verdict(UNKNOWN, "no sample size was computed")
    return Verdict(
        YES, "each part has the rows that intervals of the stated widths need (Riley 2024)"
    )


def _judged_as_recorded(facts: Facts) -> Verdict:
    parts = facts.get("evaluation", {}).get("parts", {})
    counts = [
        (c["n"], c["events"], _part(facts, name)) for name, c in parts.items() if _part(facts, name)
    ]
    told = Verdict(UNKNOWN, "no split is recorded")
    if counts:
        same = all(n == row["rows"] and events == row["events"] for n, events, row in counts)
        told = Verdict(
            YES if same else NO,
            f"rows and events {'are' if same else 'are not'} those of the split",
        )
    return _unweighted(facts) or told


def _kept_apart(facts: Facts) -> Verdict:
    """What the leak check found and what of it was accepted; No where patients stand on both
    sides.
    """
    settings, found = (
        data_settings(facts),
        [f for f in facts.get("findings", []) if f["severity"] != "note"],
    )
    if settings is None or "findings" not in facts:
        return Verdict(UNKNOWN, "no leak check is recorded")
    crossing = [
        f["where"]
        for f in found
        if f["kind"] in CROSSING and f["where"] in settings.get("accept", {})
    ]
    knowing = [f["where"] for f in found if f["kind"] in KNOWING]
    if crossing:
        return Verdict(NO, f"accepted: {', '.join(crossing)} in more than one part")
    if knowing:
        return Verdict(UNKNOWN, f"to judge: does {', '.join(knowing)} know the outcome?")
    return Verdict(
        YES,
        "no subject in two parts, and no column that knows the outcome, by the run's leak check",
    )


def _repeated(facts: Facts) -> Verdict:
    folds = _setting(facts, "split.folds")
    if folds is None:
        return Verdict(UNKNOWN, "the number of folds is not recorded")
    if folds == 1:
        return Verdict(NOT_APPLICABLE, "split.folds=1: the bootstrap gives intervals, no estimate")
    return Verdict(
        NO, f"{folds} folds fit and calibrate anew; champion and threshold are chosen once"
    )


def _measured(facts: Facts) -> Verdict:
    told = _with_interval(facts)
    absent = [name for name in FIGURES if name not in told]
    if not _judged_parts(facts):
        return Verdict(UNKNOWN, "no evaluation is recorded")
    if absent:
        return Verdict(NO, f"not estimable: {', '.join(absent)}")
    if BENEFIT not in told:
        return Verdict(
            UNKNOWN,
            "discrimination and calibration, but no range of thresholds for net benefit is stated",
        )
    return Verdict(YES, "all three, with intervals")


VERDICTS: dict[str, Callable[[Facts], Verdict]] = {
    "enough_to_develop": _enough_to_develop,
    "recalibrated": _recalibrated,
    "regularised": _regularised,
    "judged_on_others": _judged_on_others,
    "enough_to_judge": _enough_to_judge,
    "judged_as_recorded": _judged_as_recorded,
    "kept_apart": _kept_apart,
    "repeated": _repeated,
    "measured": _measured,
}
