"""A first look at every column: what its values suggest that its type does not say.

Codes for "not recorded" among numbers, two units in one column, spellings that differ by a trifle,
ticks, and columns that name patients. Each doubt comes with the setting that answers it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from risk_model import config
from risk_model.core.findings import Finding
from risk_model.core.schema import Schema
from risk_model.core.setting_syntax import setting
from risk_model.data.first_look.identifiers import IdentifierDoubt, identifier_doubts
from risk_model.data.first_look.people import names_people
from risk_model.data.first_look.sentinels import suspect_codes
from risk_model.data.first_look.site_numbers import site_column
from risk_model.data.first_look.spelling import is_ticked, near_equal
from risk_model.data.first_look.units import mixed_units
from risk_model.data.sources.column_roles import AUTO, NONE, Roles
from risk_model.data.sources.doubts import accepted, missing_in
from risk_model.data.sources.inference import is_text
from risk_model.data.sources.role_doubts import site_doubts

SuspectValues = dict[str, list[float]]


def suspects(inputs: pd.DataFrame, accept: Mapping[str, str]) -> SuspectValues:
    """Values of each column of numbers that look like codes for "not recorded"."""
    found = {}
    for name in inputs:
        column = inputs[name]
        if name not in accept and column.dtype == np.float64:
            codes = suspect_codes(column.to_numpy())
            if codes:
                found[str(name)] = [code.value for code in codes]
    return found


def column_doubts(
    inputs: pd.DataFrame, schema: Schema, codes: SuspectValues, accept: Mapping[str, str]
) -> list[Finding]:
    """The doubts about the inputs, each a warning."""
    doubts = [_codes(inputs[name], name, values) for name, values in codes.items()]
    for name in map(str, inputs):
        column = inputs[name]
        if name in accept:
            continue
        if is_text(column):
            doubts += [*_spellings(column, name), *_ticks(column, name)]
        elif column.dtype == np.float64:
            known = column[~column.isin(codes.get(name, []))]
            doubts += [*_units(known, name), *_ticks(column, name)]
    return [doubt for doubt in doubts if doubt.where not in schema.reading.ticked]


def _codes(column: pd.Series, name: str, values: list[float]) -> Finding:
    rows = int(column.isin(values).sum())
    texts = [f"{value:.10g}" for value in values]
    message = (
        f"{rows:,} rows hold {' or '.join(texts)}, far from all others: taken as not recorded, and "
        "refused when served"
    )
    remedy = (
        f"{missing_in(name, texts)} makes it a rule; if they are measurements, {accepted(name)}"
    )
    return Finding("warning", "missing code", name, message, remedy)


def _units(column: pd.Series, name: str) -> list[Finding]:
    mixed = mixed_units(column.to_numpy())
    if mixed is None:
        return []
    message = (
        f"two groups of values, around {mixed.low_median:.3g} and {mixed.high_median:.3g} "
        f"({mixed.rows:,} rows in the smaller): two units ({mixed.units})?"
    )
    remedy = (
        f"write one unit; leave it out with {setting('data.exclude', [name])}; or, if it is one "
        f"unit, {accepted(name)}"
    )
    return [Finding("warning", "two units", name, message, remedy)]


def _spellings(column: pd.Series, name: str) -> list[Finding]:
    groups = near_equal([str(word) for word in column.dropna().unique()])
    if not groups:
        return []
    counts = column.value_counts()
    common = next((g for g in groups if all(counts[word] >= 10 for word in g)), None)
    example = f", such as {' and '.join(map(repr, common[:2]))}" if common else ""
    message = f"{len(groups):,} words stand under several spellings{example}"
    remedy = f"if they are one, {setting('data.folded', [name])}; if not, {accepted(name)}"
    return [Finding("warning", "several spellings", name, message, remedy)]


def _ticks(column: pd.Series, name: str) -> list[Finding]:
    words, empty = column.dropna().unique(), float(column.isna().mean())
    if len(words) != 1 or not 0 < empty < 1:
        return []
    word = words[0]
    if not is_ticked(f"{word:g}" if isinstance(word, float) else str(word)):
        return []
    message = f"ticked in {1 - empty:.0%} of the rows and empty elsewhere, so it was left out"
    remedy = f"if empty means no, {setting('data.ticked', [name])}"
    return [Finding("warning", "tick box", name, message, remedy)]


def patient_doubts(
    frame: pd.DataFrame,
    index: pd.DataFrame,
    roles: Roles,
    settings: config.Table,
    labels: np.ndarray,
) -> list[Finding]:
    """The doubts about patients and sites, which decide the split: each stops the run."""
    doubts: list[Finding] = []
    if "site" in index:
        groups = near_equal([str(site) for site in index["site"].dropna().unique()])
        doubts += site_doubts(index["site"], roles.column["site"], groups)
    subject = index.get("subject_id")
    if subject is not None:
        name = roles.column.get("subject", "")
        stable = index[[c for c in ("sex", "age") if c in index]]
        for doubt in identifier_doubts(subject, index.get("site"), stable):
            doubts.append(_identifier(doubt, name, roles))
        others = frame.drop(columns=[*roles.column.values()])
        if "site" not in index and (house := site_column(subject, stable, others)):
            doubts.append(_several_people(name, house))
    if settings.subject == AUTO and (subject is None or subject.nunique() == subject.notna().sum()):
        used = [name for role, name in roles.column.items() if role in ("time", "site", "subject")]
        others = frame.drop(columns=used)
        for other, codes in suspects(others, settings.accept).items():  # 999 hides an equal age
            others[other] = others[other].where(~others[other].isin(codes))
        for found in names_people(others, labels):
            doubts.append(_people(found.column, found.subjects, found.rows, found.agreeing))
    return doubts


def _identifier(doubt: IdentifierDoubt, name: str, roles: Roles) -> Finding:
    unknown = f"if it means unknown, {missing_in(name, doubt.words or ['TEXT'])}"
    remedies = {
        "placeholder": unknown if doubt.words else f"{unknown} with that text",
        "through floating point": "export the identifiers as text",
        "two spellings": f"if each is one patient, {setting('data.folded', [name])}",
        "per site": setting("data.subject", f"{roles.column.get('site', 'SITE')}+{name}"),
        "not people": setting("data.subject", NONE),
    }
    remedy = f"{remedies[doubt.kind]}; if it is right as it is, {accepted(name)}"
    return Finding("error", "patient", name, doubt.message, remedy)


def _several_people(name: str, house: str) -> Finding:
    message = (
        f"its numbers stand for people who differ in sex or age, unless {house!r} tells them "
        "apart: do they count within each hospital?"
    )
    remedy = (
        f"if they do, {setting('data.subject', f'{house}+{name}')}; if it is right as it is, "
        f"{accepted(name)}"
    )
    return Finding("error", "patient", name, message, remedy)


def _people(column: str, subjects: int, rows: int, agreeing: tuple[str, ...]) -> Finding:
    same = ", ".join(agreeing[:3])
    message = (
        f"{subjects:,} values in {rows:,} rows, within which {same} hardly vary: does it name "
        "patients? Their rows would stand in train and test"
    )
    remedy = (
        f"if it does, {setting('data.subject', column)}; if each row is a patient of its own, "
        f"{setting('data.subject', NONE)}"
    )
    return Finding("error", "patient", column, message, remedy)
