"""Task 1, the split: who goes where, counted over subjects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from take_home.checks.common import (
    Check,
    Inputs,
    Outputs,
    Request,
    first,
    no_value,
    numbers,
    parts,
    unless,
)
from take_home.score import Part

SITES = ("North", "East", "South", "West", "Lake")
HELD_OUT = "Lake"
SHARES = (0.6, 0.1, 0.1)
OTHER_SHARES = (0.4, 0.15, 0.25)
UNEVEN = 0.25  # chi-squared per degree of freedom; .01 to .11 when shared out, about 1 when drawn
OFF = 0.03  # of a part's share of the subjects
FEW_OFF = 2.5  # subjects with an event; when drawn by chance, 4 and more
Codes = npt.NDArray[np.int64]


def inputs(rng: np.random.Generator) -> Inputs:
    """A cohort with repeated visits and a held-out site, and what must change it and what not."""
    cohort = request(rng, int(rng.integers(2600, 3200)), SITES)
    n, rows = len(cohort["outcome"]), np.array(cohort["rows"])
    order = rng.permutation(n)
    moved = np.empty(n, dtype=np.int64)
    moved[order] = np.arange(n)
    clinics = [f"clinic {i:03d}" for i in range(130)]
    return {
        "cohort": cohort,
        "in another order": {
            **_reordered(cohort, order),
            "rows": np.sort(moved[rows]).tolist(),
        },
        "another seed": {**cohort, "seed": cohort["seed"] + 1},
        "other shares": {**cohort, "shares": list(OTHER_SHARES)},
        "many small sites": request(rng, 390, clinics),
        "again": cohort,
    }


def request(rng: np.random.Generator, subjects: int, sites: Iterable[str]) -> Request:
    """Visits of subjects, about two each, whose event rate differs from site to site."""
    places = np.array(list(sites))
    site = rng.integers(0, len(places), subjects)
    rate = np.linspace(0.08, 0.35, len(places))[site] if len(places) < 10 else 0.2
    who = np.repeat(np.arange(subjects), rng.integers(1, 4, subjects))
    who = who[rng.permutation(len(who))]
    outcome = rng.random(len(who)) < np.broadcast_to(rate, subjects)[who]
    age, sex = rng.integers(20, 95, subjects), rng.integers(0, 2, subjects)
    names = rng.permutation(10**6)[:subjects]
    index = {
        "subject_id": [f"p{names[i]:06d}" for i in who],
        "site": places[site][who].tolist(),
        "age": age[who].astype(float).tolist(),
        "sex": np.array(["F", "M"])[sex][who].tolist(),
    }
    rows = np.flatnonzero(places[site][who] != HELD_OUT)
    return {
        "index": index,
        "outcome": outcome.astype(int).tolist(),
        "rows": rows.tolist(),
        "shares": list(SHARES),
        "seed": int(rng.integers(0, 10_000)),
    }


def _reordered(cohort: Request, order: Codes) -> Request:
    index = {name: np.array(column)[order].tolist() for name, column in cohort["index"].items()}
    return {**cohort, "index": index, "outcome": np.array(cohort["outcome"])[order].tolist()}


class _Allotment:
    """The parts of a reply, over the subjects of the rows that were to be allotted."""

    def __init__(self, asked: Request, value: object) -> None:
        rows = np.array(asked["rows"])
        found = numbers(value, len(rows))
        self.whole = found is not None and set(np.unique(found)) <= {0.0, 1.0, 2.0, 3.0}
        part = (found if found is not None and self.whole else np.zeros(len(rows))).astype(int)
        ids = np.array(asked["index"]["subject_id"])[rows]
        self.names, at, subject = np.unique(ids, return_index=True, return_inverse=True)
        self.part: Codes = part[at]
        self.whole_subjects = bool(np.all(part == self.part[subject]))
        self.site = np.unique(np.array(asked["index"]["site"])[rows][at], return_inverse=True)[1]
        self.event = np.zeros(len(at), dtype=np.int64)
        np.maximum.at(self.event, subject, np.array(asked["outcome"])[rows])
        train, validation, calibration = asked["shares"]
        self.shares = np.array(
            [train, validation, calibration, 1 - train - validation - calibration]
        )

    def sizes_right(self) -> bool:
        """Whether each part has its share of the subjects."""
        sizes = np.bincount(self.part, minlength=4) / len(self.part)
        return bool(np.abs(sizes - self.shares).max() <= OFF)

    def unevenness(self, cell: Codes) -> float:
        """Chi-squared per degree of freedom of parts by cells, against the shares."""
        counts = np.zeros((4, int(cell.max()) + 1))
        np.add.at(counts, (self.part, cell), 1)
        wanted = self.shares[:, None] * counts.sum(axis=0)
        return float(((counts - wanted) ** 2 / wanted).sum() / (3 * counts.shape[1]))

    def events_off(self) -> float:
        """The largest distance of a part's number of subjects with an event from its share."""
        events = np.bincount(self.part, weights=self.event, minlength=4)
        return float(np.abs(events - self.shares * self.event.sum()).max())


def judge(asked: Inputs, outputs: Outputs) -> tuple[Part, ...]:
    """Points for whole subjects and sizes, for strata, and for what decides who goes where."""
    said = {case: _Allotment(request, outputs[case].value) for case, request in asked.items()}
    main = said["cohort"]
    core = Check(
        "each subject in one part, each part of its size",
        4,
        first(
            no_value(outputs, "cohort"),
            unless(main.whole, "Not every row has one of the four parts by its number."),
            unless(main.whole_subjects, "Rows of one subject stand in two parts."),
            unless(main.sizes_right(), "A part has too many or too few subjects."),
        ),
    )
    return parts(core, [*_strata(main), _small(asked, outputs, said), *_decided(outputs, said)])


def _strata(main: _Allotment) -> list[Check]:
    def even(name: str, points: float, cell: Codes) -> Check:
        uneven = main.unevenness(cell)
        mistake = f"The parts differ in {name} as if chance had dealt them."
        truth = f"chi-squared per degree of freedom {uneven:.2f}, at most {UNEVEN}"
        return Check(f"shared out by {name}", points, unless(uneven <= UNEVEN, mistake), truth)

    return [
        even("outcome", 2, main.event),
        even("site", 1, main.site),
        even("outcome within each site", 2, main.site * 2 + main.event),
    ]


def _small(asked: Inputs, outputs: Outputs, said: Any) -> Check:
    small = said["many small sites"]
    # as far as whole subjects and cells that are pooled by outcome allow
    even = small.whole and small.whole_subjects and small.events_off() <= FEW_OFF
    mistake = "Where sites have few subjects, a part has too many or too few with an event."
    return Check(
        "many small sites",
        1,
        first(no_value(outputs, "many small sites"), unless(bool(even), mistake)),
        f"off by {small.events_off():.1f} subjects, at most {FEW_OFF}",
    )


def _decided(outputs: Outputs, said: Any) -> list[Check]:
    def same(one: str, other: str) -> float:
        a, b = said[one], said[other]
        return float(np.mean(a.part == b.part)) if len(a.part) == len(b.part) else 0.0

    twice = first(
        no_value(outputs, "again", "in another order"),
        unless(same("cohort", "again") == 1, "The same call gives another split."),
        unless(
            same("cohort", "in another order") == 1,
            "In another order of the rows the subjects are dealt otherwise.",
        ),
    )
    other = first(
        no_value(outputs, "another seed", "other shares"),
        unless(0.3 < same("cohort", "another seed") < 0.8, "Another seed is not another split."),
        unless(said["other shares"].sizes_right(), "Other shares do not give parts of their size."),
    )
    return [
        Check("names and seed decide, not the order of rows", 2, twice),
        Check("another seed, other shares", 1, other),
    ]
