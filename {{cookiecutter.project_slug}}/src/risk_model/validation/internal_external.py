"""Internal-external validation: each site, and each later period, is left out in turn.

Does the way the model was made work in a place and a time it has not seen? Leave-one-site-out and
forward-in-time validation (Steyerberg and Harrell, J Clin Epidemiol 2016; Van Calster et al., BMC
Med 2023: a model is never validated, it varies over places and times). The baselines are made anew
without the site or period, calibrated, and evaluated there; the network would take too long.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from risk_model import artifacts
from risk_model.config import Config, Data
from risk_model.core.cohort import Cohort, Rows, Splits
from risk_model.core.errors import UserError
from risk_model.core.files import write_json
from risk_model.data.held_out import LAST_PERIOD
from risk_model.data.prepare import Prepared
from risk_model.data.shift import missing_by_site
from risk_model.data.split import split
from risk_model.evaluation.metric_table import metrics_in
from risk_model.evaluation.resampled_metrics import (
    EvaluationSettings,
    Key,
    ScoredRows,
    resample_metrics,
)
from risk_model.evaluation.results import InternalExternalValidation, LeftOutEvaluation
from risk_model.model import table
from risk_model.training.develop import develop
from risk_model.validation.heterogeneity import heterogeneity, site_effects

# Of the calendar, of as many rows each; all but the first are predicted from those before.
PERIODS = 4
SITES = 12  # the largest; more would take too long


@dataclass(frozen=True)
class LeftOut:
    """A site or period, the cohort around it, and the splits in which it stands apart as external.

    `rows` are its own rows; without `splits` it cannot be left out, and `reason` says why.
    """

    kind: str
    name: str
    cohort: Cohort
    splits: Splits | None
    rows: Rows
    reason: str = ""

    def result(self, reason: str = "") -> LeftOutEvaluation:
        """Its counts, and the reason why there are no metrics beside them."""
        events = int(self.cohort.labels[self.rows].sum())
        return LeftOutEvaluation(self.kind, self.name, len(self.rows), events, reason, {})


def validate_run(settings: Config, directory: Path, prepared: Prepared) -> None:
    """Leaves out each site and period of a run's cohort; writes the result into its directory."""
    threshold = artifacts.read_training(directory).threshold
    left_out = leave_out(settings, prepared.cohort, threshold)
    result = InternalExternalValidation(left_out, heterogeneity(left_out))
    write_json(directory / artifacts.INTERNAL_EXTERNAL, result.to_json())


def leave_out(settings: Config, cohort: Cohort, threshold: float) -> list[LeftOutEvaluation]:
    """Each site and each later period left out in turn; empty where neither was recorded.

    One that has too few events, or leaves too few for the rest, has a reason instead of metrics.
    """
    # One cohort of recordings at a time in memory.
    turns = chain(_sites(settings, cohort), _periods(settings, cohort))
    rows = [_evaluate(turn, settings, threshold) for turn in turns]
    missing = missing_by_site(cohort)
    return [
        replace(row, missing=missing.get(row.name, {})) if row.kind == "site" else row
        for row in rows
    ]


def _sites(settings: Config, cohort: Cohort) -> Iterator[LeftOut]:
    if not cohort.recorded("site"):
        return
    sizes = cohort.index["site"].astype(str)[cohort.index["site"].notna()].value_counts()
    for site in sorted(sizes.index[:SITES]) if len(sizes) > 1 else []:
        data = replace(settings.data, held_out_sites=[site], held_out_period=0.0)
        yield _left_out("site", site, cohort, data, f"site: {site}", settings)


def _periods(settings: Config, cohort: Cohort) -> Iterator[LeftOut]:
    if not cohort.recorded("prediction_time"):
        return
    time = cohort.index["prediction_time"]
    edges = time.quantile([k / PERIODS for k in range(1, PERIODS + 1)], interpolation="lower")
    for start, end in pairwise(edges):
        until = np.flatnonzero((time <= end).to_numpy())
        share = float((time.iloc[until] > start).mean())
        if 0 < share < 1:
            data = replace(settings.data, held_out_sites=[], held_out_period=share)
            name = f"after {pd.Timestamp(start):%Y-%m-%d}, to {pd.Timestamp(end):%Y-%m-%d}"
            yield _left_out("time", name, cohort.take(until), data, LAST_PERIOD, settings)


def _left_out(
    kind: str, name: str, cohort: Cohort, data: Data, part: str, settings: Config
) -> LeftOut:
    nobody = np.empty(0, dtype=np.int64)
    try:
        splits = split(cohort, settings.split, data, settings.seed)
    except UserError as error:
        return LeftOut(kind, name, cohort, None, nobody, str(error))
    return LeftOut(kind, name, cohort, splits, splits.external.get(part, nobody))


def _evaluate(turn: LeftOut, settings: Config, threshold: float) -> LeftOutEvaluation:
    if turn.splits is None:
        return turn.result(turn.reason)
    least, events = settings.evaluation.minimum_events, turn.result().events
    if min(events, len(turn.rows) - events) < least:
        return turn.result(f"fewer than {least} events or non-events")
    try:
        return _judge(turn, turn.splits, settings, threshold)
    except UserError as error:
        return turn.result(str(error))


def _judge(turn: LeftOut, splits: Splits, settings: Config, threshold: float) -> LeftOutEvaluation:
    """The baselines made on the rest: their metrics where they were left out, with intervals."""
    cohort, rows = turn.cohort, turn.rows
    inputs = cohort.model_inputs()
    developed = develop(settings, cohort, inputs, splits, rows=rows, only=table.refitted())
    outcome, subject = cohort.labels[rows], pd.factorize(cohort.subjects[rows])[0]
    scored: dict[Key, ScoredRows] = {
        (name, turn.kind, turn.name): ScoredRows(outcome, risk, subject)
        for name, risk in developed.risks.items()
    }
    how = EvaluationSettings(threshold, np.empty(0), settings.evaluation, settings.seed)
    resampled = resample_metrics(scored, how)
    names = how.names(metrics_in("forest"))
    return replace(
        turn.result(),
        models={key[0]: resampled[key].metrics(names) for key in scored},
        effects={key[0]: site_effects(own) for key, own in scored.items()},
    )
