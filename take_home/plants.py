"""The tables of one candidate: five problems of twelve kinds, two harmless oddities of five.

The seed alone decides everything: the same seed gives the same files, byte for byte.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from take_home import cohort, honest
from take_home.key import Key, Oddity, Plant, Ward
from take_home.numbers import number
from take_home.oddities import ODDITIES
from take_home.plant_kinds import PLANTS, Draft
from take_home.tables import Tables

HOW_MANY, HOW_MANY_ODDITIES = 5, 2
# The reference project's `data` names neither kind nor place of these (tests run it).
SILENT = (
    *("outcome_gap", "counted_later", "default_value", "second_registration"),
    *("carried_forward", "shifted_rows", "capped_values"),
)
FEWEST_SILENT = 3
# At least one of these, whose damage shows in the risks of whoever does not mend it. Not of both
# sorts: risks too low and risks too high would hide each other.
TOO_LOW = ("counted_later", "numbered_later")
TOO_HIGH = ("missing_by_outcome", "outcome_redefined")
# At most one of these: each changes the outcome, and two could not be told apart.
OF_THE_OUTCOME = ("outcome_gap", "outcome_redefined", "group_under_recorded")


@dataclass(frozen=True)
class Made:
    """What one seed gives: the tables to hand out, and the key that stays."""

    tables: Tables
    key: Key


def make(seed: int) -> Made:
    """The tables and the key of a seed; well under three seconds."""
    kinds, odd = draw(np.random.default_rng([seed, 3]))
    tables, outcome, plants, oddities = tables_with(seed, kinds, odd)
    outcomes = np.asarray(outcome, dtype=np.int8)
    ward = Ward(tuple(tables.ward[cohort.ADMISSION]), outcomes)
    benefit = honest.reachable_net_benefit(tables, plants, outcomes)
    return Made(tables, Key(seed, plants, oddities, ward, benefit))


def draw(rng: np.random.Generator) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Five kinds of problem and two of oddity, by the rules above."""
    while True:
        kinds = set(rng.choice(list(PLANTS), HOW_MANY, replace=False).tolist())
        if (
            len(kinds.intersection(SILENT)) >= FEWEST_SILENT
            and bool(kinds.intersection(TOO_LOW)) != bool(kinds.intersection(TOO_HIGH))
            and len(kinds.intersection(OF_THE_OUTCOME)) <= 1
        ):
            break
    odd = rng.choice(list(ODDITIES), HOW_MANY_ODDITIES, replace=False).tolist()
    return tuple(kind for kind in PLANTS if kind in kinds), tuple(odd)


def tables_with(
    seed: int, kinds: tuple[str, ...], odd: tuple[str, ...]
) -> tuple[Tables, pd.Series[int], tuple[Plant, ...], tuple[Oddity, ...]]:
    """The tables of a seed with those problems and oddities, and the ward's outcome."""
    table = cohort.development(np.random.default_rng([seed, 0]))
    ward = cohort.fresh(np.random.default_rng([seed, 1]))
    event = table[cohort.OUTCOME].to_numpy() == 1
    draft = Draft(table, ward.drop(columns=cohort.OUTCOME), event, np.random.default_rng([seed, 2]))
    oddities = tuple(ODDITIES[kind](draft) for kind in odd)
    plants = tuple(PLANTS[kind](draft) for kind in kinds)
    tables = Tables(draft.cohort, draft.ward)
    counted = tuple(
        replace(plant, number=round(number(plant.kind, tables, plant.place), 6)) for plant in plants
    )
    return tables, ward[cohort.OUTCOME], counted, oddities
