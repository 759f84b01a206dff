"""Signs that a column knows the outcome: bound to its definition, later in time, or too good.

A good measurement and a leak can look the same: both separate the classes. So how well a column
does is an error only where nothing honest does so well. Otherwise an error takes a sign that the
column comes after the prediction moment or is the outcome under another name, and a column that is
merely good is a warning: only those who know when it was measured can tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from risk_model.core.cohort import Cohort
from risk_model.core.findings import Finding, Severity
from risk_model.core.optional import required_module
from risk_model.core.schema import Field, Schema
from risk_model.data.later_names import LATER, later_by_name, names_a_time
from risk_model.data.univariate_association import (
    BEYOND_CHANCE,
    UnivariateAssociation,
    beyond_chance,
    univariate_association,
)

Sign = tuple[Severity, str, str]

LEAK, COPY, STRONG = "leaking column", "copy of the outcome", "strong predictor"  # kinds
SHORTCUT = "shortcut in the recordings"  # the kind of an error that no setting hides
COPIES = 0.9  # correlation of a value's presence with the outcome
# AUROC of one column and its lower bound that no measurement has ...
PERFECT, SURELY = 0.99, 0.97
ALONE, SURELY_ALONE = 0.96, 0.93  # ... and that none has where no other column passes SUSPECT
SUSPECT = 0.8  # AUROC worth a question, when its lower bound ...
LEGITIMATE = 0.77  # ... is what the best honest columns of the demo cohorts reach (cp, oldpeak)
TELLS, MATTERS = 0.01, 0.05  # p and Cramér's V at which a column with a later name tells something
SHORTER = 0.6  # share of pairs in which the time is the shorter where the outcome happened
IN_VALUES = ("death", "survival", "follow-up")  # what a category may tell of: lost to follow-up
NAMED = 5  # strong predictors named one by one; more are a table of strong predictors
ASKED = "measured before the prediction moment?"


@dataclass(frozen=True)
class _Column:
    """An input, what it says about the outcome, and the AUROC of the best of the other inputs."""

    field: Field
    association: UnivariateAssociation
    auroc: float  # .5 where chance does as well
    next_best: float
    later: str  # what its name says is known only later

    @property
    def share(self) -> str:
        return f"AUROC {self.association.auroc:.3f} by itself"

    @property
    def lowest(self) -> float:
        """A lower bound of the AUROC."""
        return self.auroc - 1.645 * self.association.largest_error


def column_leaks(cohort: Cohort) -> list[Finding]:
    """Inputs that give the outcome away, or may; pass rows whose outcome may be looked at.

    At most one finding each, the strongest sign: a copy of the outcome; values that never, or
    always, have it; what its name says comes later; a time that ends where the outcome happens; an
    AUROC that no measurement has. Those are errors. Strong predictors are warnings, and one warning
    together where they are many. What was measured on recordings has signs of its own.
    """
    schema = cohort.schema
    measured = {f.name: univariate_association(f, cohort) for f in schema.inputs}
    findings = []
    for field in schema.inputs:
        own = measured[field.name]
        others = [a.auroc for name, a in measured.items() if name != field.name]
        auroc = own.auroc if beyond_chance(own, cohort.labels) else 0.5
        column = _Column(field, own, auroc, max(others, default=0.5), _later(field, schema))
        remedy = f"add {field.name} to data.recorded_after if it is known only later"
        signs = _signs(column, schema)
        if schema.signal:
            checks = required_module("data.recording_checks")
            strength = own.largest_phi, auroc, column.lowest, column.share
            remedy, signs = checks.REMEDY, checks.recording_signs(*strength)
        for severity, kind, message in islice(signs, 1):
            findings.append(Finding(severity, kind, field.name, message, remedy))
    return findings if schema.signal else _together(findings)


def _later(field: Field, schema: Schema) -> str:
    """What the column's name, description or values say is known only later, in words."""
    said = later_by_name([field.name, field.description], schema.outcome)
    if said:
        return said
    values = {later_by_name([value], schema.outcome) for value in field.categories}
    return next((kind for kind in IN_VALUES if kind in values), "")


def _signs(column: _Column, schema: Schema) -> Iterator[Sign]:
    """The signs of one column, the strongest first."""
    yield from _of_definition(column)
    yield from _of_time(column, schema)
    yield from _of_strength(column)


def _of_definition(column: _Column) -> Iterator[Sign]:
    own = column.association
    if own.largest_phi >= COPIES:
        yield "error", COPY, f"one of its values tells the outcome, {column.share}"
    for name, rows in (("never", own.never), ("always", own.always)):
        if rows > 0:
            message = f"{rows:.0%} of the rows carry values that {name} have the outcome"
            yield "error", LEAK, f"{message}; {column.share}"


def _of_time(column: _Column, schema: Schema) -> Iterator[Sign]:
    own, name = column.association, column.field.name
    shown = own.p < TELLS or column.later in LATER  # too few rows to show it are no excuse
    if column.later and shown and own.strength >= MATTERS:
        message = f"by its name or values it tells of {column.later}, known only later"
        yield "error", LEAK, f"{message}; {column.share}"
    shorter = own.shorter >= SHORTER and own.shorter - 0.5 > BEYOND_CHANCE * own.null_error
    if shorter and names_a_time(name, schema):
        message = "a time, by its name, that is shorter where the outcome happened"
        yield "error", LEAK, f"{message}; {column.share}"
    if own.piled > 0 and own.shorter >= 0.5:
        message = (
            f"ends as a follow-up does: {own.piled:.0%} of the rows without the outcome, and "
            "hardly any with it, have its highest value"
        )
        yield "error", LEAK, f"{message}; {column.share}"


def _of_strength(column: _Column) -> Iterator[Sign]:
    share = column.share
    if column.auroc >= PERFECT and column.lowest >= SURELY:
        yield "error", LEAK, share
    unmatched = column.auroc >= ALONE and column.lowest >= SURELY_ALONE
    if unmatched and column.next_best <= SUSPECT:
        yield "error", LEAK, f"{share}, while no other column passes {column.next_best:.3f}"
    if column.auroc >= SUSPECT and column.lowest >= LEGITIMATE:
        yield "warning", STRONG, f"{share}; {ASKED}"
    if column.later in LATER:
        yield "warning", STRONG, f"by its name it tells of {column.later}; {ASKED}"


def _together(findings: list[Finding]) -> list[Finding]:
    """Findings with the strong predictors as one, when they are more than NAMED."""
    strong = [f for f in findings if f.kind == STRONG]
    if len(strong) <= NAMED:
        return findings
    names = ", ".join(f.where for f in strong)
    message = f"each AUROC {SUSPECT:g} or more by itself; {ASKED}"
    remedy = "add those that are known only later to data.recorded_after"
    rest = [f for f in findings if f.kind != STRONG]
    return [*rest, Finding("warning", STRONG, names, message, remedy)]
