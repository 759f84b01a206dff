"""Does the way the model was made work in a place and a time it has not seen? Each is left out in
turn.

Leave-one-site-out and forward-in-time validation (Steyerberg and Harrell, J Clin Epidemiol 2016;
Van Calster et al., BMC Med 2023: a model is never validated, it varies over places and times). The
two baselines are made anew without the place, calibrated and judged there; the network would take
too long.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from typing import Any

import numpy as np
import pandas as pd

from risk_model.config import Config
from risk_model.core.cohort import Cohort, Rows, Splits
from risk_model.core.errors import UserError
from risk_model.data.split import LAST_PERIOD, split
from risk_model.evaluation import plain
from risk_model.evaluation import resampled_metrics as judging
from risk_model.model import table
from risk_model.training.develop import develop

PERIODS = (
    4  # of the calendar, of as many rows each; all but the first are predicted from those before
)
SITES = 12  # the largest; more would take too long
FIGURES = ("auroc", "citl", "slope")


@dataclass(frozen=True)
class LeftOut:
    """One place or time: the cohort that is looked at, and its splits, in which it stands apart as
    external.
    """

    kind: str
    name: str
    cohort: Cohort
    splits: Splits
    rows: Rows


Turn = LeftOut | dict[str, Any]  # or what is told of one that cannot be left out


def leave_out(settings: Config, cohort: Cohort, threshold: float) -> list[dict[str, Any]]:
    """Each site and each later period left out in turn: kind, name, n, events, and "models" with
    their figures.

    One that has too few events, or leaves too few for the rest, has a "reason" instead of models.
    JSON-able; empty where neither site nor time was recorded.
    """
    turns = chain(
        _sites(settings, cohort), _periods(settings, cohort)
    )  # one cohort of recordings at a time in memory
    return [_judged(turn, settings, threshold) for turn in turns]


def _sites(settings: Config, cohort: Cohort) -> Iterator[Turn]:
    if not cohort.recorded("site"):
        return
    sizes = cohort.index["site"].astype(str)[cohort.index["site"].notna()].value_counts()
    for site in sorted(sizes.index[:SITES]) if len(sizes) > 1 else []:
        data = replace(settings.data, held_out_sites=[site], held_out_period=0.0)
        yield _turn("site", site, cohort, data, f"site: {site}", settings)


def _periods(settings: Config, cohort: Cohort) -> Iterator[Turn]:
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
            yield _turn("time", name, cohort.take(until), data, LAST_PERIOD, settings)


def _turn(kind: str, name: str, cohort: Cohort, data: Any, part: str, settings: Config) -> Turn:
    try:
        splits = split(cohort, settings.split, data, settings.seed)
    except UserError as error:
        return {"kind": kind, "name": name, "n": 0, "events": 0, "reason": str(error), "models": {}}
    return LeftOut(
        kind, name, cohort, splits, splits.external.get(part, np.empty(0, dtype=np.int64))
    )


def _judged(turn: Turn, settings: Config, threshold: float) -> dict[str, Any]:
    if isinstance(turn, dict):
        return turn
    labels, least = turn.cohort.labels[turn.rows], settings.evaluation.minimum_events
    events = int(labels.sum())
    told = {"kind": turn.kind, "name": turn.name, "n": len(labels), "events": events, "reason": ""}
    if min(events, len(labels) - events) < least:
        return {**told, "reason": f"fewer than {least} events or non-events", "models": {}}
    try:
        return {**told, "models": _figures(turn, settings, threshold)}
    except UserError as error:
        return {**told, "reason": str(error), "models": {}}


def _figures(turn: LeftOut, settings: Config, threshold: float) -> dict[str, Any]:
    """Both baselines made on the rest: their metrics where they were left out, with intervals."""
    cohort, rows = turn.cohort, turn.rows
    features = np.ascontiguousarray(cohort.encoded()[:, : cohort.schema.simple])
    made = develop(settings, cohort, features, turn.splits, rows=rows, only=table.refitted())
    outcome, subject = cohort.labels[rows], pd.factorize(cohort.subjects[rows])[0]
    keyed: dict[judging.Key, judging.Rows] = {
        (name, turn.kind, turn.name): judging.Rows(outcome, risk, subject)
        for name, risk in made.risks.items()
    }
    question = judging.Question(threshold, np.empty(0), settings.evaluation, settings.seed)
    judged = judging.judge_all(keyed, question)
    found: dict[str, Any] = plain({key[0]: judged[key].figures(FIGURES) for key in keyed})
    return found
