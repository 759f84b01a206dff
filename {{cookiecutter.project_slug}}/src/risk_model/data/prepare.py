"""The data layer's result: a checked cohort, its split, and what a reviewer should know."""

from __future__ import annotations

from dataclasses import dataclass

from risk_model.config import Config
from risk_model.core.cohort import Cohort, Splits
from risk_model.core.findings import Finding
from risk_model.data import load
from risk_model.data.leakage import check, refuse
from risk_model.data.patient_numbers import patient_findings
from risk_model.data.quality import Quality, assess
from risk_model.data.split import split


@dataclass(frozen=True)
class Prepared:
    """A cohort without an unaccepted leak, its split and its quality.

    `findings` are those of leakage, of patient numbers, of the reader and of the quality checks.
    """

    cohort: Cohort
    splits: Splits
    quality: Quality
    findings: list[Finding]


def prepare(settings: Config) -> Prepared:
    """Reads a cohort, splits it, refuses what leaks and describes the rest.

    Args:
        settings: The run's settings; data, split and seed are used.

    Returns:
        The cohort, its split, its quality and all findings.

    Raises:
        UserError: the source or the settings are wrong, or a leak was not accepted.
    """
    cohort = load(settings.data)
    splits = split(cohort, settings.split, settings.data, settings.seed)
    found = refuse(check(cohort, splits), settings.data.accept)
    found += patient_findings(cohort, settings.data)
    quality = assess(cohort, splits)
    return Prepared(cohort, splits, quality, [*found, *quality.findings])
