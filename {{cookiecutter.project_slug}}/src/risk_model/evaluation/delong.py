"""DeLong's interval of AUROC on the logit scale, for patients with one row or with many.

How surely does the model rank patients with the event above those without? DeLong, DeLong and
Clarke-Pearson, Biometrics 1988; for clusters Obuchowski, Biometrics 1997, which is the same where
every subject has one row. On the logit scale an interval near 1 is skewed as it should be and stays
below 1 (Pepe 2003, section 5.2.4; Qin and Hotilovac, Stat Methods Med 2008).
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit
from scipy.special import logit as log_odds

from risk_model.core.estimate import Estimate
from risk_model.core.scores import NAN, Floats, Outcomes, placements
from risk_model.evaluation.intervals import (
    UPPER,
    Subjects,
    effective_subjects,
    reference,
    rows_by_subject,
)


def standard_error(outcome: Outcomes, placement: Floats, subject: Subjects) -> float:
    """Standard error of the mean placement, all rows of a subject together.

    `subject` numbers the subjects from 0. NaN with fewer than two subjects in either class.
    """
    if not len(placement):
        return NAN
    event = np.asarray(outcome) == 1
    centred = placement - placement[event].mean()
    sums = [
        np.bincount(subject[rows], weights=centred[rows], minlength=subject.max() + 1)
        for rows in (event, ~event)
    ]
    present = [np.bincount(subject[r], minlength=subject.max() + 1) > 0 for r in (event, ~event)]
    held, subjects = [int(p.sum()) for p in present], int((present[0] | present[1]).sum())
    rows = int(event.sum()), int((~event).sum())
    if min(held) < 2:
        return NAN
    own = sum(k / (k - 1) * float(s @ s) / n**2 for k, s, n in zip(held, sums, rows, strict=True))
    shared = 2 * subjects / (subjects - 1) * float(sums[0] @ sums[1]) / (rows[0] * rows[1])
    return float(np.sqrt(max(own + shared, 0.0)))


def auroc_interval(outcome: Outcomes, risk: Floats, subject: Subjects) -> Estimate:
    """AUROC with the 95 % interval of its logit, of outcome, risk and subject, all [n].

    The t reference counts the subjects of the rarer class. An AUROC of 1 or 0 has no logit: see
    `separated`. No interval with fewer than two effective subjects in a class; no estimate with one
    class.
    """
    placement = placements(outcome, risk)
    if not len(placement):
        return Estimate(None)
    event = np.asarray(outcome) == 1
    area = float(placement[event].mean())
    if area in (0.0, 1.0):
        return separated(area, subject[event], subject[~event])
    effective = min(effective_subjects(rows_by_subject(subject[c])) for c in (event, ~event))
    error = standard_error(outcome, placement, subject)
    reach = reference(effective) * error / (area * (1 - area))
    low, high = expit(log_odds(area) + np.array([-reach, reach]))
    return Estimate.of(area, low, high)


def separated(area: float, events: Subjects, non_events: Subjects) -> Estimate:
    """An AUROC of 1 or 0 with an exact 95 % interval; the subjects of each class's rows are given.

    Of k pairs that share no subject all are ranked right with chance AUROC ** k, so that an AUROC
    below .025 ** (1 / k) is ruled out (Clopper and Pearson, Biometrika 1934). k is the most pairs
    that can be formed; with fewer than two there is no interval.
    """
    classes, everybody = [set(events), set(non_events)], {*events, *non_events}
    pairs = min(*map(len, classes), len(everybody) // 2)
    if pairs < 2:
        return Estimate(area)
    bound = (1 - UPPER) ** (1 / pairs)
    return Estimate(area, bound, 1.0) if area == 1 else Estimate(area, 0.0, 1 - bound)
