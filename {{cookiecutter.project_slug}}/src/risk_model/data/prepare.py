"""What leaves the data room? A checked cohort, its splits, and what was noticed on the way."""

from __future__ import annotations

from dataclasses import dataclass

from risk_model.config import Config
from risk_model.core.cohort import Cohort, Splits
from risk_model.core.findings import Finding
from risk_model.data import load
from risk_model.data.leakage import check, refuse
from risk_model.data.quality import Quality, assess
from risk_model.data.split import split


@dataclass(frozen=True)
class Prepared:
    """A cohort that no unaccepted leak was found in; `findings` are the leakage check's, the
    reader's and quality's.
    """

    cohort: Cohort
    splits: Splits
    quality: Quality
    findings: list[Finding]


def prepare(settings: Config) -> Prepared:
    """Reads, splits, refuses what leaks, describes the rest; UserError when a leak is found that
    was not accepted.
    """
    cohort = load(settings.data)
    splits = split(cohort, settings.split, settings.data, settings.seed)
    leaks = refuse(check(cohort, splits), settings.data.accept)
    quality = assess(cohort, splits)
    return Prepared(cohort, splits, quality, [*leaks, *quality.findings])
