"""For each kind of problem the statistic that ranks every place where it could be.

The statistics need the tables alone. A planted problem puts its place first; a place whose
statistic is below the kind's bound is not accused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.linear_model import LogisticRegression

from take_home.cohort import (
    COMPANIONS,
    CONDITIONS,
    CONTACTS,
    DATE,
    GROUPS,
    MEASURED,
    OUTCOME,
    SERIALS,
    SITE,
    SITES,
)
from take_home.numbers import ahead_of_month, lowest_group, repeats, same_person
from take_home.tables import Place, Tables

Floats = npt.NDArray[np.float64]
FEWEST = 60  # rows on either side of a change
RECENT = 365  # days before the end in which a cap shows
LABEL_INPUTS = (
    *("age", "prior_admissions", "emergency_admission", "length_of_stay", "medications"),
    *CONDITIONS,
    *MEASURED,
)


@dataclass(frozen=True)
class Suspect:
    """A place, and how much the kind's statistic speaks against it."""

    place: Place
    statistic: float


class Statistic(NamedTuple):
    """What ranks the places of a kind, the value above which one is accused, and its words."""

    rank: Callable[[Tables], Iterator[Suspect]]
    bound: float
    words: str


def suspects(kind: str, tables: Tables) -> list[Suspect]:
    """Every place that the kind could be at, the most suspect first."""
    return sorted(STATISTICS[kind].rank(tables), key=lambda s: -s.statistic)


def accusation(kind: str, tables: Tables) -> Place | None:
    """The first place where its statistic is above the kind's bound."""
    first = suspects(kind, tables)[0]
    return first.place if first.statistic > STATISTICS[kind].bound else None


def _day(value: Any) -> date:
    return pd.Timestamp(value).date()


def _split(values: Floats) -> tuple[int, float]:
    """Where values [n] in the order of time change their mean most, and the change."""
    n, total = len(values), np.cumsum(values)
    first = np.arange(FEWEST, n - FEWEST)
    before = total[first - 1] / first
    after = (total[-1] - total[first - 1]) / (n - first)
    at = int(np.argmax(first * (n - first) * (after - before) ** 2))
    return int(first[at]), float(after[at] - before[at])


def _highest_stretch(values: Floats) -> tuple[int, int, float]:
    """The stretch of values [n] with the largest sum: first, last, and that sum."""
    total = np.append(0.0, np.cumsum(values))
    lowest = np.minimum.accumulate(total)
    end = int(np.argmax(total - lowest))
    start = int(np.argmin(total[: end + 1]))
    return start, max(end - 1, start), float(total[end] - total[start])


def _recorded(tables: Tables, column: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Each hospital with its dates and recorded values, in the order of time."""
    recorded = tables.cohort[[SITE, DATE, column]].dropna()
    for site in SITES:
        yield site, recorded[recorded[SITE] == site]


def _unit_change(tables: Tables) -> Iterator[Suspect]:
    for column in MEASURED:
        low, high = np.log(tables.cohort[column].quantile([0.25, 0.75]))
        scale = (high - low) / 1.35  # of a normal distribution, its SD
        for site, rows in _recorded(tables, column):
            at, change = _split(np.log(rows[column].to_numpy()))
            since = _day(rows[DATE].iloc[at])
            yield Suspect(Place(column, site, since), abs(change) / scale)


def _outcome_gap(tables: Tables) -> Iterator[Suspect]:
    for site in SITES:
        here = tables.cohort[tables.cohort[SITE] == site]
        events = np.flatnonzero(here[OUTCOME].to_numpy() == 1)
        edges = np.concatenate(([-1], events, [len(here)]))
        at = int(np.argmax(np.diff(edges)))
        first, last = int(edges[at]) + 1, int(edges[at + 1]) - 1
        length = last - first + 1
        place = Place("", site, _day(here[DATE].iloc[first]), _day(here[DATE].iloc[last]))
        yield Suspect(place, length * len(events) / (len(here) - length))


def _missing_by_outcome(tables: Tables) -> Iterator[Suspect]:
    event = tables.cohort[OUTCOME].to_numpy() == 1
    for column in MEASURED:
        lost = tables.cohort[column].isna().to_numpy()
        share = lost.mean()
        spread = np.sqrt(share * (1 - share) * (1 / event.sum() + 1 / (~event).sum()))
        yield Suspect(Place(column), abs(lost[event].mean() - lost[~event].mean()) / spread)


def _counted_later(tables: Tables) -> Iterator[Suspect]:
    for column in CONTACTS:
        ratio = tables.cohort[column].mean() / tables.ward[column].mean()
        yield Suspect(Place(column), abs(float(np.log(ratio))))


def _numbered_later(tables: Tables) -> Iterator[Suspect]:
    event = tables.cohort[OUTCOME].to_numpy() == 1
    for column in SERIALS:
        rank = ahead_of_month(tables.cohort, column).rank().to_numpy()
        n, m = event.sum(), (~event).sum()
        auroc = (rank[event].sum() - n * (n + 1) / 2) / (n * m)
        yield Suspect(Place(column), abs(auroc - 0.5))


def _default_value(tables: Tables) -> Iterator[Suspect]:
    """The least of three thirds of the calendar: a cap that came later is no default."""
    for column in MEASURED:
        for site, rows in _recorded(tables, column):
            thirds = np.array_split(rows[column].to_numpy(), 3)
            yield Suspect(Place(column, site), min(_excess_of_commonest(third) for third in thirds))


def _excess_of_commonest(values: Floats) -> float:
    """The share of the commonest value, less that of the next: rounding makes all common."""
    shares = np.sort(np.unique(values, return_counts=True)[1] / len(values))
    return float(shares[-1] - shares[-2])


def _second_registration(tables: Tables) -> Iterator[Suspect]:
    again = tables.cohort.loc[same_person(tables.cohort), SITE].value_counts()
    for site in SITES:
        yield Suspect(Place(site=site), float(again.get(site, 0)))


def _carried_forward(tables: Tables) -> Iterator[Suspect]:
    """The share repeated, less what two values of the hospital have in common by chance."""
    for column in MEASURED:
        comparable, equal = repeats(tables.cohort, column)
        for site in SITES:
            here = Place(site=site).rows(tables.cohort)
            values = tables.cohort.loc[here, column].value_counts(normalize=True)
            share = equal[here].sum() / (comparable & here).sum()
            yield Suspect(Place(column, site), float(share - (values**2).sum()))


def _shifted_rows(tables: Tables) -> Iterator[Suspect]:
    """Where two companions no longer go together: a log likelihood ratio, the best stretch of it.

    Compared are ranks within hospital and month, which units and levels cannot move; two that have
    nothing in common differ by a mean square of 2. A value carried forward is another problem.
    """
    for column, companion in COMPANIONS.items():
        copied = repeats(tables.cohort, column)[1] | repeats(tables.cohort, companion)[1]
        rows = tables.cohort.loc[~copied, [SITE, DATE, column, companion]].dropna()
        groups = rows.groupby([SITE, rows[DATE].dt.to_period("M")])[[column, companion]]
        ranks = groups.rank(pct=True).to_numpy() * np.sqrt(12)
        apart = pd.Series((ranks[:, 0] - ranks[:, 1]) ** 2, rows.index)
        for site in SITES:
            here = rows[SITE] == site
            usual = float(apart[~here].mean())
            ratio = (apart[here] * (1 / usual - 1 / 2) - np.log(2 / usual)) / 2
            first, last, total = _highest_stretch(ratio.to_numpy())
            dates = rows.loc[here, DATE].iloc[[first, last]]
            yield Suspect(Place(column, site, *map(_day, dates)), total)


def _outcome_redefined(tables: Tables) -> Iterator[Suspect]:
    """Twice the log likelihood ratio of two shares against one, at the first of each month."""
    dates = tables.cohort[DATE]
    event = tables.cohort[OUTCOME].to_numpy() == 1
    for month in pd.date_range(dates.min(), dates.max(), freq="MS")[2:-1]:
        after = (dates >= month).to_numpy()
        parts = _log_likelihood(event[after]) + _log_likelihood(event[~after])
        yield Suspect(Place(since=month.date()), 2 * (parts - _log_likelihood(event)))


def _log_likelihood(event: npt.NDArray[np.bool_]) -> float:
    share = np.clip(event.mean(), 1e-9, 1 - 1e-9)
    return float(event.sum() * np.log(share) + (~event).sum() * np.log(1 - share))


def _capped_values(tables: Tables) -> Iterator[Suspect]:
    recent = tables.cohort[DATE] >= tables.cohort[DATE].max() - pd.Timedelta(days=RECENT)
    for column in MEASURED:
        late = tables.cohort.loc[recent, [SITE, column]].dropna()
        limits = late.groupby(SITE)[column].max()
        at_limit = (late[column] == late[SITE].map(limits)).groupby(late[SITE]).mean()
        for site, rows in _recorded(tables, column):
            above = rows.loc[rows[column] > limits[site], DATE]
            last = above.max() if len(above) else rows[DATE].min()
            since = _day(last + pd.Timedelta(days=1))
            others = at_limit.drop(site).max()
            yield Suspect(Place(column, site, since), float(at_limit[site] - others))


def _group_under_recorded(tables: Tables) -> Iterator[Suspect]:
    """Standard errors by which a group has fewer events than its patients' risk lets expect."""
    inputs = tables.cohort[list(LABEL_INPUTS)]
    inputs = (inputs.fillna(inputs.median()) - inputs.mean()) / inputs.std()
    event = tables.cohort[OUTCOME].to_numpy()
    risk = LogisticRegression(max_iter=500).fit(inputs, event).predict_proba(inputs)[:, 1]
    for column in GROUPS:
        lowest = lowest_group(tables.cohort, column)
        rows = (tables.cohort[column] == lowest).to_numpy()
        spread = np.sqrt((risk * (1 - risk))[rows].sum())
        yield Suspect(Place(column), float((risk - event)[rows].sum() / spread))


STATISTICS: dict[str, Statistic] = {
    "unit_change": Statistic(_unit_change, 1, "change of the mean logarithm in SD"),
    "outcome_gap": Statistic(_outcome_gap, 20, "events expected in the longest stretch of none"),
    "missing_by_outcome": Statistic(_missing_by_outcome, 6, "difference in standard errors"),
    "counted_later": Statistic(_counted_later, 0.3, "logarithm of the ratio of the two means"),
    "numbered_later": Statistic(_numbered_later, 0.1, "AUROC of what is left, from .5"),
    "default_value": Statistic(_default_value, 0.12, "share of the commonest, less the next"),
    "second_registration": Statistic(_second_registration, 5, "rows like another patient's"),
    "carried_forward": Statistic(_carried_forward, 0.2, "share repeated, less that by chance"),
    "shifted_rows": Statistic(_shifted_rows, 150, "log likelihood ratio of the best stretch"),
    "outcome_redefined": Statistic(_outcome_redefined, 30, "twice the log likelihood ratio"),
    "capped_values": Statistic(_capped_values, 0.05, "share at the maximum, less that elsewhere"),
    "group_under_recorded": Statistic(_group_under_recorded, 4.5, "standard errors too few"),
}
