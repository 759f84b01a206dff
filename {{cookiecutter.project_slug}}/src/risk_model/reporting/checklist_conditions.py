"""The conditions of TRIPOD+AI's items: what a run must hold so that an item is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from risk_model.config import Config
from risk_model.data.quality_answer import MISSING, SAMPLE_SIZE
from risk_model.evaluation.results import ModelEvaluation, RequiredRows, SubgroupEvaluation
from risk_model.reporting.content import ReportContent
from risk_model.reporting.data_card import quality_table

NO_GIT = "not under git"  # what `core.runs.code_versions` writes
NEEDED = ("auroc", "citl", "slope")


class Condition(NamedTuple):
    """What must hold in the content, and what a reader is told where it does not."""

    holds: Callable[[ReportContent], bool]
    absent: str


def settings(content: ReportContent) -> Config | None:
    """The settings of the run; None where they were not recorded."""
    return content.provenance.settings if content.provenance else None


def champion_by_part(content: ReportContent) -> dict[str, ModelEvaluation]:
    """The evaluation of the champion in each part."""
    name = content.champion.name
    parts = content.evaluation.parts.items()
    return {part: own.models[name] for part, own in parts if name in own.models}


def with_interval(content: ReportContent) -> list[str]:
    """The champion's metrics that have an interval, on the part where most have one."""
    by_part = [model.metrics.items() for model in champion_by_part(content).values()]
    names = [[name for name, value in metrics if value.interval] for metrics in by_part]
    return max(names, key=len, default=[])


def _evaluated_groups(content: ReportContent) -> list[SubgroupEvaluation]:
    models = champion_by_part(content).values()
    return [group for model in models for group in model.subgroups if group.evaluated]


def _strata(content: ReportContent) -> list[str]:
    return list(content.split[0].shares) if content.split else []


def _recorded(stratum: str) -> Callable[[ReportContent], bool]:
    return lambda content: any(name.startswith(f"{stratum}: ") for name in _strata(content))


def _required(content: ReportContent) -> list[list[RequiredRows]]:
    """The rows that judging the champion needs, a list a part."""
    return [model.required_rows for model in champion_by_part(content).values()]


def _clusters(content: ReportContent) -> bool:
    held_out = any(part.startswith("site: ") for part in champion_by_part(content))
    return held_out or any(group.partition == "site" for group in _evaluated_groups(content))


def _limits(content: ReportContent) -> bool:
    return bool(content.findings or content.evaluation.findings)


def _unweighted(content: ReportContent) -> bool:
    own = settings(content)
    return own is not None and own.training.loss == "bce"


def _harm_ratio(content: ReportContent) -> bool:
    own = settings(content)
    return own is not None and bool(own.data.decision.harm_ratio)


def _reason(content: ReportContent) -> bool:
    own = settings(content)
    return own is not None and bool(own.data.decision.reason)


CONDITIONS: dict[str, Condition] = {
    "outcome": Condition(lambda c: bool(c.cohort and c.cohort.outcome), "no outcome is named"),
    "source": Condition(lambda c: bool(c.cohort and c.cohort.source), "no source is named"),
    "dates": Condition(_recorded("period"), "no date was recorded"),
    "sites": Condition(_recorded("site"), "no site was recorded"),
    "strata": Condition(
        lambda c: bool(_strata(c)), "neither demographics nor site nor date was recorded"
    ),
    "quality": Condition(
        lambda c: bool(c.quality and c.quality.answers), "the data's quality was not described"
    ),
    "fields": Condition(lambda c: bool(c.fields), "the fields are not listed"),
    "sample_size": Condition(
        lambda c: bool(quality_table(c, SAMPLE_SIZE)), "no sample size was computed"
    ),
    "evaluation_size": Condition(
        lambda c: bool(_required(c)) and all(_required(c)),
        "how many rows judging it needs was not computed for each part",
    ),
    "missingness": Condition(
        lambda c: quality_table(c, MISSING) is not None, "missing values were not counted"
    ),
    "split": Condition(lambda c: bool(c.split), "no split is recorded"),
    "compared": Condition(lambda c: bool(c.champion.table), "no comparison of models is recorded"),
    "clusters": Condition(_clusters, "no site was judged by itself"),
    "heterogeneity": Condition(
        lambda c: any(row.pooled for row in c.heterogeneity),
        "differences between sites are not quantified: fewer than three were left out in turn and "
        "judged",
    ),
    "intervals": Condition(
        lambda c: set(NEEDED) <= set(with_interval(c)),
        "no part gave discrimination and calibration with intervals",
    ),
    "subgroups": Condition(
        lambda c: bool(_evaluated_groups(c)), "no subgroup was large enough to be judged"
    ),
    "calibrated": Condition(lambda c: bool(c.calibrators), "no calibrator is recorded"),
    "unweighted": Condition(_unweighted, "the loss is not recorded, or weighs events differently"),
    "harm_ratio": Condition(_harm_ratio, "no harm ratio is stated"),
    "reason": Condition(_reason, "no reason to act is stated"),
    "commit": Condition(
        lambda c: c.provenance is not None and c.provenance.git != NO_GIT,
        "the code is under no version control",
    ),
    "limits": Condition(_limits, "nothing was found"),
}
