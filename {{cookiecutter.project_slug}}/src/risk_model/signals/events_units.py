"""Units of measurement as stated factors: what is in no table is not converted.

The scalings are those of UCUM, the Unified Code for Units of Measure, for what laboratories and
monitors write. Between moles and grams, and between activities of enzymes, there is no factor
without the substance: a specification states it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

# How hospitals write the same unit: the spelling of UCUM, and others of it.
SPELLINGS = {
    "%": "percent pct",
    "/min": "bpm beats/min beats/minute breaths/min {beats}/min {breaths}/min 1/min min-1",
    "1": "{ratio} {score} {INR}",
    "10*12/L": "10^12/L 10E12/L x10E12/L T/L",
    "10*3/uL": "10^3/uL 10E3/uL x10E3/uL K/uL k/uL thou/uL K/mm3 10*3/mm3",
    "10*6/uL": "10^6/uL 10E6/uL x10E6/uL M/uL",
    "10*9/L": "10^9/L 10E9/L x10E9/L G/L Gpt/L",
    "Cel": "C °C degC",
    "[degF]": "F °F degF",
    "[in_i]": "in inch inches",
    "[lb_av]": "lb lbs",
    "cm[H2O]": "cmH2O",
    "g/dL": "g/dl gm/dL g%",
    "g/L": "g/l",
    "kPa": "kpa",
    "mg/dL": "mg/dl mg%",
    "mg/L": "mg/l",
    "mm[Hg]": "mmHg mmhg MMHG Torr",
    "mmol/L": "mmol/l mM",
    "umol/L": "umol/l µmol/L µmol/l μmol/L μmol/l",
    "ug/L": "ug/l µg/L µg/l μg/L μg/l mcg/L",
    "U/L": "U/l IU/L",
}
UCUM_SPELLING = {other: unit for unit, others in SPELLINGS.items() for other in others.split()}
# Units of one dimension, each as so many of the first.
DIMENSIONS: tuple[dict[str, float], ...] = (
    {"1": 1, "%": 0.01, "[ppth]": 1e-3},
    {"g/L": 1, "g/dL": 10, "mg/dL": 1e-2, "mg/mL": 1, "mg/L": 1e-3, "ug/mL": 1e-3, "ug/dL": 1e-5}
    | {"ug/L": 1e-6, "ng/mL": 1e-6, "ng/dL": 1e-8, "ng/L": 1e-9, "pg/mL": 1e-9, "g/mL": 1e3},
    {"mol/L": 1, "mmol/L": 1e-3, "umol/L": 1e-6, "nmol/L": 1e-9, "pmol/L": 1e-12}
    | {"mmol/dL": 1e-2, "umol/dL": 1e-5, "nmol/mL": 1e-6, "pmol/mL": 1e-9, "mol/m3": 1e-3},
    {"eq/L": 1, "meq/L": 1e-3, "ueq/L": 1e-6},
    {"osm/L": 1, "mosm/L": 1e-3},
    {"osm/kg": 1, "mosm/kg": 1e-3},
    {"U/L": 1, "kU/L": 1e3, "mU/L": 1e-3, "U/mL": 1e3, "mU/mL": 1, "uU/mL": 1e-3},
    {"[iU]/L": 1, "k[iU]/L": 1e3, "[iU]/mL": 1e3, "m[iU]/L": 1e-3, "m[iU]/mL": 1, "u[iU]/mL": 1e-3},
    {"/L": 1, "/uL": 1e6, "/mL": 1e3, "/mm3": 1e6, "10*3/uL": 1e9, "10*6/uL": 1e12}
    | {"10*3/mL": 1e6, "10*6/mL": 1e9, "10*6/L": 1e6, "10*9/L": 1e9, "10*12/L": 1e12},
    {"Pa": 1, "kPa": 1e3, "hPa": 1e2, "mm[Hg]": 133.322, "cm[H2O]": 98.0665, "mbar": 1e2},
    {"kg": 1, "g": 1e-3, "mg": 1e-6, "ug": 1e-9, "[lb_av]": 0.45359237, "[oz_av]": 0.028349523125},
    {"m": 1, "cm": 1e-2, "mm": 1e-3, "[in_i]": 0.0254, "[ft_i]": 0.3048},
    {"L": 1, "dL": 0.1, "cL": 1e-2, "mL": 1e-3, "uL": 1e-6},
    {"s": 1, "ms": 1e-3, "min": 60, "h": 3600, "d": 86400, "wk": 604800, "a": 31557600},
    {"/s": 60, "Hz": 60, "/min": 1, "/h": 1 / 60},
    {"L/min": 1, "mL/min": 1e-3, "L/h": 1 / 60, "mL/h": 1e-3 / 60, "L/s": 60},
    {"kg/m2": 1, "g/m2": 1e-3},
)
# Temperatures have no common zero: kelvin = factor * value + offset.
KELVIN = {"K": (1.0, 0.0), "Cel": (1.0, 273.15), "[degF]": (5 / 9, 459.67 * 5 / 9)}


class Conversion(NamedTuple):
    """A value in another unit: factor * value + offset."""

    factor: float
    offset: float = 0.0


class Converted(NamedTuple):
    """Values in one unit, NaN where theirs has no conversion, and the events of such by unit."""

    values: npt.NDArray[np.float64]
    unknown: Counter[str]


def ucum_spelling(unit: str) -> str:
    """The unit as UCUM writes it; one of an unlisted spelling as it stands.

    >>> ucum_spelling("mmHg"), ucum_spelling("furlong")
    ('mm[Hg]', 'furlong')
    """
    trimmed = unit.strip()
    return UCUM_SPELLING.get(trimmed, trimmed)


def conversion(unit: str, to: str, stated: Mapping[str, float] | None = None) -> Conversion | None:
    """How values of a unit become values of another; None where no table says it.

    Args:
        unit: as the source writes it.
        to: the unit wanted.
        stated: factors of a specification by unit, which count before the table's.

    >>> conversion("g/L", "mg/dL")
    Conversion(factor=100.0, offset=0.0)
    >>> conversion("mg/dL", "mmol/L") is None
    True
    >>> conversion("mg/dL", "mmol/L", {"mg/dL": 0.0555}).factor
    0.0555
    """
    origin, target = ucum_spelling(unit), ucum_spelling(to)
    for name, factor in (stated or {}).items():
        if ucum_spelling(name) == origin:
            return Conversion(factor)
    if origin == target:
        return Conversion(1.0)
    if origin in KELVIN and target in KELVIN:
        (factor, offset), (per, zero) = KELVIN[origin], KELVIN[target]
        return Conversion(factor / per, (offset - zero) / per)
    for sizes in DIMENSIONS:
        if origin in sizes and target in sizes:
            return Conversion(sizes[origin] / sizes[target])
    return None


def convert(
    values: npt.NDArray[np.float64],
    units: Sequence[str],
    to: str,
    stated: Mapping[str, float] | None = None,
) -> Converted:
    """Values of several units in one: float64[n], their units text[n].

    An unknown unit is never guessed: its values are NaN, and counted.
    """
    out = np.full(len(values), np.nan)
    names = np.asarray(units, dtype=object)
    unknown: Counter[str] = Counter()
    for unit in dict.fromkeys(units):
        rows, factor = names == unit, conversion(unit, to, stated)
        if factor is None:
            unknown[unit] = int(rows.sum())
        else:
            out[rows] = values[rows] * factor.factor + factor.offset
    return Converted(out, unknown)
