"""How good is each model on patients it has not seen? All figures of one part of the cohort, with
intervals.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from risk_model.evaluation import curves, delong, gates, subgroups, utility, validation_sample_size
from risk_model.evaluation.bootstrap import interval
from risk_model.evaluation.parity import RATES, parity
from risk_model.evaluation.resampled_metrics import Judged, Key, Question, Rows, judge_all, told

RISKS = {"calibrated": "predicted_boolean_probability", "raw": "raw_probability"}
COMPARED = ("auroc", "auprc", "brier", "log_loss", "net_benefit")
OF_GROUPS = (
    "auroc",
    "citl",
    "slope",
    "sensitivity",
    "false_alert_rate",
    "alert_rate",
    "net_benefit",
)


def judge_part(part: pd.DataFrame, question: Question) -> dict[str, Any]:
    """All figures of one part, each model's under "models", as in `evaluate`.

    `part` holds the rows of one split: for each model the same prediction moments. The first model
    is the reference of the paired differences.
    """
    codes, subjects = pd.factorize(part["subject_id"])
    part = part.assign(_subject=codes)
    frames = {str(name): rows for name, rows in part.groupby("model", sort=False)}
    judged = judge_all(
        {k: r for name, f in frames.items() for k, r in _keyed(name, f, question).items()}, question
    )
    first = next(iter(frames))
    models = {
        name: _model(judged[name, "calibrated"], judged[first, "calibrated"], question)
        for name in frames
    }
    for name, frame in frames.items():
        models[name]["raw"] = judged[name, "raw"].figures(tuple(models[name]["metrics"]))
        models[name] |= _groups(name, frame, judged, question)
    whole = judged[first, "calibrated"]
    return {
        "n": len(whole.rows.outcome),
        "subjects": len(subjects),
        "events": whole.rows.events,
        "prevalence": whole.rows.prevalence,
        "resamples_dropped": int(np.isnan(whole.draws["events"]).sum()),
        "models": models,
    }


def _keyed(name: str, frame: pd.DataFrame, question: Question) -> dict[Key, Rows]:
    """What is judged of one model: its calibrated and raw risks, and each group that is large
    enough.
    """
    outcome, subject = (
        frame["boolean_value"].to_numpy().astype(np.int8),
        frame["_subject"].to_numpy(),
    )
    rows = {
        kind: Rows(outcome, frame[column].to_numpy(np.float64), subject)
        for kind, column in RISKS.items()
    }
    keyed: dict[Key, Rows] = {(name, kind): r for kind, r in rows.items()}
    for partition, labels in subgroups.partitions(frame).items():
        for group in subgroups.groups(labels, partition):
            chosen = rows["calibrated"].take(labels == group)
            if min(chosen.events, chosen.others) >= question.settings.minimum_events:
                keyed[name, partition, group] = chosen
    return keyed


def _model(own: Judged, reference: Judged, question: Question) -> dict[str, Any]:
    rows, figures = own.rows, own.figures(told(tuple(own.estimates), question))
    counts = utility.per_1000(
        rows.prevalence, own.estimates["sensitivity"], own.estimates["alert_rate"]
    )
    needs = validation_sample_size.needed(
        rows.outcome, rows.risk, question.threshold, question.settings
    )
    needs = [need for need in needs if need["figure"] != "net_benefit" or len(question.curve)]
    enough = min(rows.events, rows.others) >= question.settings.minimum_events
    compared = told(COMPARED, question) if own is not reference else ()
    return {
        "metrics": figures,
        "delong": delong.auroc_interval(rows.outcome, rows.risk, rows.subject),
        "differences": {name: interval(*own.against(reference, name)) for name in compared},
        "delong_difference": delong.auroc_difference(own.rows, reference.rows)
        if compared
        else None,
        "per_1000": counts,
        "in_words": utility.in_words(counts, question.threshold),
        "precision": needs,
        "verdict": gates.verdict(figures, rows.events, rows.others, question.settings, needs),
        "curves": curves.drawn(own, reference, question) if enough else {},
    }


def _groups(
    name: str, frame: pd.DataFrame, judged: dict[Key, Judged], question: Question
) -> dict[str, Any]:
    """The table of subgroups, Holm-adjusted, and for each partition how far apart its groups are
    treated.
    """
    whole, table, parities = judged[name, "calibrated"], [], {}
    for partition, labels in subgroups.partitions(frame).items():
        names = subgroups.groups(labels, partition)
        found = {
            group: judged[name, partition, group]
            for group in names
            if (name, partition, group) in judged
        }
        for group in names:
            row = {"partition": partition, "group": group, "n": int((labels == group).sum())}
            known = _group(found[group], whole, question) if group in found else dict(_UNJUDGED)
            table.append({**row, **known})
        if len(found) > 1:
            parities[partition] = _parity(list(found.values()))
    subgroups.adjust(table)
    return {"subgroups": table, "parity": parities}


_UNJUDGED: dict[str, Any] = {"judged": False, "metrics": {}, "p": {}}


def _group(found: Judged, whole: Judged, question: Question) -> dict[str, Any]:
    return {
        "judged": True,
        "events": found.rows.events,
        "prevalence": found.rows.prevalence,
        "metrics": found.figures(told(OF_GROUPS, question)),
        "p": {n: subgroups.p_value(*found.against(whole, n)) for n in subgroups.COMPARED},
    }


def _parity(groups: list[Judged]) -> dict[str, Any]:
    draws = [{name: group.draws[name] for name in RATES} for group in groups]
    return parity(
        [group.estimates for group in groups], draws, [group.rows.prevalence for group in groups]
    )
