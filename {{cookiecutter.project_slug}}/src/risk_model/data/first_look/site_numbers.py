"""Patient numbers that each hospital gives anew: 17 at one site is not 17 at the other.

Do the people who share a number at different sites differ in sex or age?
"""

from __future__ import annotations

import numpy as np
import pandas as pd

SEVERAL = 0.05  # of the subjects stand at several sites
FEWEST = 5  # such subjects
DIFFER = 0.25  # of what two people chosen at random would differ in
DENSE = 0.8  # of the numbers up to the highest are used at a site: they are counted
YEARS = 2.0  # that an age may differ by within a person
MOST_SITES = 50  # or a twentieth of the rows
WITHIN = 3.0  # times as often between sites as within one


def per_site(subject: pd.Series, site: pd.Series, stable: pd.DataFrame) -> tuple[int, int] | None:
    """Rows and number of the subjects at several sites, when they are different people; else None.

    `subject`, `site`: text[n], None where missing; `stable`: what does not vary within a person.
    With a stable column, pairs of one number at two sites must differ in it at least a quarter as
    often as pairs of any two rows, and three times as often as rows of one number at one site.
    Without, each site must number its patients from 1 or so, nearly without gaps.
    """
    known = subject.notna().to_numpy() & site.notna().to_numpy()
    table = pd.DataFrame({"subject": subject.to_numpy(), "site": site.to_numpy()})[known]
    sites = table.drop_duplicates().groupby("subject").size()
    several = sites.index[sites > 1]
    if len(several) < max(FEWEST, SEVERAL * len(sites)):
        return None
    rows = table.sort_values(["subject", "site"])
    differ = _differ(rows, stable.reset_index(drop=True)) if len(stable.columns) else None
    if differ is None:
        differ = _counted(table)
    return (int(table["subject"].isin(set(several)).sum()), len(several)) if differ else None


def site_column(subject: pd.Series, stable: pd.DataFrame, frame: pd.DataFrame) -> str:
    """The column within whose values a number is one person, where by itself it is several; or "".

    `frame`: columns of text or numbers that nobody called a site.
    """
    if subject.nunique() == subject.notna().sum() or not len(stable.columns):
        return ""
    everywhere = pd.Series(np.arange(len(subject)).astype(str))  # each row a site of its own
    if per_site(subject, everywhere, stable) is None:
        return ""
    for name in map(str, frame):
        values = frame[name]
        if 1 < values.nunique() <= max(MOST_SITES, 0.05 * len(values)):
            texts = values.astype(object).where(values.notna(), None)
            if per_site(subject, texts, stable) is not None:
                return name
    return ""


def _differ(rows: pd.DataFrame, stable: pd.DataFrame) -> bool | None:
    """Whether people differ between sites under one number; None where it cannot be told."""
    same = rows["subject"].to_numpy()[1:] == rows["subject"].to_numpy()[:-1]
    across = same & (rows["site"].to_numpy()[1:] != rows["site"].to_numpy()[:-1])
    verdicts = []
    for name in stable.columns:
        values = stable[name].reset_index(drop=True).loc[rows.index].reset_index(drop=True)
        chance = _share(values, values.sample(frac=1.0, random_state=0).reset_index(drop=True))
        between = _share(values.shift(1)[1:][across], values[1:][across])
        within = _share(values.shift(1)[1:][same & ~across], values[1:][same & ~across])
        if chance and between is not None and chance > 0.02:
            verdicts.append(between > DIFFER * chance and between > WITHIN * (within or 0.0))
    return any(verdicts) if verdicts else None


def _share(one: pd.Series, other: pd.Series) -> float | None:
    """The share of pairs that differ, of those where both are recorded."""
    a, b = one.reset_index(drop=True), other.reset_index(drop=True)
    both = a.notna() & b.notna()
    if not both.any():
        return None
    if pd.api.types.is_numeric_dtype(a.dtype):
        return float(((a - b).abs() > YEARS)[both].mean())
    return float((a.astype(str) != b.astype(str))[both].mean())


def _counted(table: pd.DataFrame) -> bool:
    """Whether every site numbers its patients from the beginning, nearly without gaps."""
    numbers = pd.to_numeric(table["subject"], errors="coerce")
    if numbers.isna().mean() > 0.1:
        return False
    by_site = numbers[numbers.notna()].groupby(table["site"])
    dense = by_site.nunique() / (by_site.max() - by_site.min() + 1)
    low = by_site.min() <= np.maximum(2, 0.1 * by_site.max())
    return bool((dense >= DENSE).all() and low.all())
