"""The split: who trains, tunes, calibrates and tests the model.

Subjects are split, never rows. Whole sites and the last period stand apart as external cohorts.
Subjects of one cell (outcome × site × period × age band × sex × ethnicity) are ordered by a keyed
hash of their identifier and dealt to the parts in turn, so the same seed gives the same split
whatever the order of the rows.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model import config
from risk_model.config.bounds import check_shares
from risk_model.core.cohort import Cohort, Rows, Splits
from risk_model.core.errors import UserError
from risk_model.core.parts import PARTS
from risk_model.data.cells import Codes, cells
from risk_model.data.part_checks import check_folds, check_parts
from risk_model.data.set_aside import require_rows

DEVELOPED, LAST_PERIOD = "development", "last period"
# events, and non-events: the least for an external validation (Vergouwe 2005, Collins 2016)
EXTERNAL_EVENTS = 100
EXTERNAL_SHARE = 0.25  # of the rows: more would cost the development too much
# 2^64 / golden ratio, of the golden-ratio sequence: evenly spread positions in [0, 1)
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def split(cohort: Cohort, shares: config.Split, data: config.Data, seed: int) -> Splits:
    """Splits a cohort; no subject stands in two parts.

    A subject seen in several places belongs to the first of these: a part that its source published
    as external, a held-out site, development or test split, the last period. Its other rows are set
    aside. With `shares.folds` above 1 train, validation and calibration are one part,
    and there is no test split where it would hold too few events.

    Args:
        cohort: with its outcome.
        shares: of the parts, whether they are pooled, and the events that a test split needs.
        data: names what is held out.
        seed: another seed is another split.

    Returns:
        The rows of each part.

    Raises:
        UserError: a site is unknown, the shares make no sense, or a part would be empty or hold one
            class only.
    """
    check_shares(shares)
    subject, names = pd.factorize(cohort.subjects)
    blocks, block = _row_parts(cohort, data)
    belongs = np.full(len(names), len(blocks))
    np.minimum.at(belongs, subject, block)
    own = belongs[subject] == block
    rows = {name: np.flatnonzero(own & (block == i)) for i, name in enumerate(blocks)}
    development = require_rows(rows.pop(DEVELOPED))
    part = _allot(cohort, development, subject, names, shares, seed)
    parts = {name: development[part == i] for i, name in enumerate(PARTS)}
    splits = Splits(
        **parts, external={n: r for n, r in rows.items() if len(r)}, set_aside=np.flatnonzero(~own)
    )
    if shares.folds == 1:
        check_parts(splits, cohort.labels)
        return splits
    splits = _pooled(splits, cohort.labels, shares.test_events)
    check_folds(splits.train, cohort.labels, shares.folds)
    return splits


def _pooled(splits: Splits, labels: npt.NDArray[np.int8], test_events: int) -> Splits:
    """All that is learnt from as one part, the test split in it where that has too few events."""
    nobody, events = np.empty(0, dtype=np.int64), int(labels[splits.test].sum())
    learning, test = splits.learning, splits.test
    if min(events, len(test) - events) < test_events:
        learning, test = np.sort(np.concatenate([learning, test])), nobody
    return replace(splits, train=learning, validation=nobody, calibration=nobody, test=test)


def _row_parts(cohort: Cohort, data: config.Data) -> tuple[list[str], Codes]:
    """The blocks in their order, and the one that each row belongs to by itself."""
    sites = _held_out_sites(cohort, data.held_out_sites)
    published = sorted(set(cohort.index["part"].dropna())) if cohort.recorded("part") else []
    external = len(published) + len(sites)
    code = np.full(len(cohort), external, dtype=np.int64)
    code[_in_last_period(cohort, data.held_out_period)] = external + 1
    for i, site in enumerate(sites, start=len(published)):
        code[(cohort.index["site"].astype(str) == site).to_numpy()] = i
    for i, part in enumerate(published):
        code[(cohort.index["part"] == part).to_numpy()] = i
    return [*published, *(f"site: {site}" for site in sites), DEVELOPED, LAST_PERIOD], code


def _held_out_sites(cohort: Cohort, setting: list[str]) -> list[str]:
    if not cohort.recorded("site"):
        if setting in ([], ["auto"]):
            return []
        raise UserError(
            "data.held_out_sites: this cohort records no site; use 'data.held_out_sites=[]'"
        )
    if setting == ["auto"]:
        return _site_to_hold_out(cohort)
    sites = sorted(cohort.index["site"].dropna().astype(str).unique())
    unknown = [site for site in setting if site not in sites]
    if unknown:
        raise UserError(
            f"data.held_out_sites: no site is called {', '.join(unknown)}; the sites are "
            f"{', '.join(sites)}"
        )
    return list(dict.fromkeys(setting))


def _site_to_hold_out(cohort: Cohort) -> list[str]:
    """The site with most of the rarer class, of those neither too large nor too small.

    None of fewer than three sites.
    """
    table = pd.crosstab(cohort.index["site"].astype("string"), cohort.labels).reindex(
        columns=[0, 1], fill_value=0
    )
    rarer = table.min(axis=1)[
        (table.sum(axis=1) <= EXTERNAL_SHARE * len(cohort)).to_numpy()
    ].sort_index()
    enough = rarer[rarer >= EXTERNAL_EVENTS]
    return [str(enough.idxmax())] if len(table) >= 3 and len(enough) else []


def _in_last_period(cohort: Cohort, share: float) -> npt.NDArray[np.bool_]:
    """Rows in the last `share` of the calendar, cut between two dates."""
    if not cohort.recorded("prediction_time") or share == 0:
        return np.zeros(len(cohort), dtype=bool)
    if not 0 < share < 1:
        raise UserError(f"data.held_out_period={share:g}: must lie between 0 and 1; use 0 for none")
    time = cohort.index["prediction_time"]
    boundary = time.quantile(1 - share, interpolation="lower")
    later = (time > boundary).to_numpy()
    if later.any() or time.nunique() < 2:
        return later
    # dates as coarse as years: the last one, unless it is most of the cohort
    last = (time == boundary).to_numpy()
    return last if last.mean() <= 2 * share else later


def _allot(
    cohort: Cohort,
    rows: Rows,
    subject: Codes,
    names: npt.NDArray[Any],
    shares: config.Split,
    seed: int,
) -> Codes:
    """The part of each of these rows, as a position in PARTS."""
    smallest = min(shares.validation, shares.calibration, _test_share(shares))
    cell = cells(cohort.take(rows), subject[rows], len(names), math.ceil(1 / smallest))
    who = np.unique(subject[rows])
    key = f"{seed:016d}"[-16:]  # pandas wants a key of 16 characters
    order = who[np.lexsort((pd.util.hash_array(names[who], hash_key=key), cell[who]))]
    turn = np.empty(len(names))
    # 53 bits fit a float
    turn[order] = (np.arange(len(order), dtype=np.uint64) * GOLDEN >> np.uint64(11)) / 2.0**53
    return _part_of_turn(turn[subject[rows]], shares)


def _test_share(shares: config.Split) -> float:
    return 1 - shares.train - shares.validation - shares.calibration


def _part_of_turn(turn: npt.NDArray[np.float64], shares: config.Split) -> Codes:
    """The part of each turn in [0, 1): the first are tested, the rest divided in proportion."""
    share = _test_share(shares)
    rest = (turn - share) / (1 - share)
    edges = np.cumsum([shares.train, shares.validation]) / (
        shares.train + shares.validation + shares.calibration
    )
    return np.where(
        turn < share, PARTS.index("test"), np.searchsorted(edges, rest, side="right")
    ).astype(np.int64)
