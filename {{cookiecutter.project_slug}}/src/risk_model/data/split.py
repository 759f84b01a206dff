"""The split: who trains, tunes, calibrates and tests the model.

Subjects are split, never rows. What `held_out.py` sets apart, whole sites and the last period, is
external; the rest is dealt to the parts.
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
from risk_model.core.cohort import Codes, Cohort, Rows, Splits
from risk_model.core.parts import PARTS
from risk_model.data.cells import cells
from risk_model.data.held_out import DEVELOPED, row_blocks
from risk_model.data.part_checks import check_folds, check_parts
from risk_model.data.set_aside import require_rows

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
    blocks, block = row_blocks(cohort, data)
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


def _allot(
    cohort: Cohort,
    rows: Rows,
    subject: Codes,
    names: npt.NDArray[Any],
    shares: config.Split,
    seed: int,
) -> Codes:
    """The part of each of these rows of the cohort: int64[len(rows)], positions in PARTS.

    A subject goes to one part whole; `subject` says whose each row of the cohort is, as a position
    in `names`. Each part gets its share of the subjects, of those with an event, and of each
    site's and other stratum's (`strata`) with and without one, as far as their numbers allow; the
    outcome goes before the site, the site before the rest. The names and the seed alone decide who
    goes where, not the order of the rows. What no share is given is tested.
    """
    # The subjects of a cell, in the order of a keyed hash, are dealt along a golden-ratio sequence.
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
    """The part of each turn in [0, 1): the first are tested."""
    edges = np.cumsum([_test_share(shares), shares.train, shares.validation])
    # test stands last in PARTS
    return np.roll(np.arange(len(PARTS)), 1)[np.searchsorted(edges, turn, side="right")]
