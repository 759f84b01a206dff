"""Units convert by what a table or a person states, and by nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from risk_model.signals.events_units import conversion, convert

# The scalings of UCUM for what wards and laboratories write: one of the first is so many of the
# second.
SCALINGS = [
    ("g/dL", "g/L", 10),
    ("mg/dL", "ug/mL", 10),
    ("ng/mL", "ug/L", 1),
    ("mmol/L", "umol/L", 1000),
    ("K/uL", "10*9/L", 1),
    ("10*6/uL", "10*12/L", 1),
    ("mmHg", "kPa", 0.133322),
    ("cmH2O", "mm[Hg]", 0.73556),
    ("[lb_av]", "kg", 0.45359237),
    ("in", "cm", 2.54),
    ("bpm", "/min", 1),
    ("%", "1", 0.01),
    ("h", "min", 60),
    ("mL/h", "L/h", 0.001),
]


@pytest.mark.parametrize(("unit", "to", "factor"), SCALINGS)
def test_scalings_are_those_of_ucum_in_both_directions(unit: str, to: str, factor: float) -> None:
    there, back = conversion(unit, to), conversion(to, unit)
    assert there is not None
    assert back is not None
    assert there.factor == pytest.approx(factor, rel=1e-5)
    assert there.factor * back.factor == pytest.approx(1)


@pytest.mark.parametrize(
    ("unit", "to"),
    [
        ("mg/dL", "mmol/L"),  # the molar mass is missing
        ("meq/L", "mmol/L"),  # the charge is missing
        ("U/L", "[iU]/L"),
        ("", "mmol/L"),
        ("furlong", "m"),
        ("MG/DL", "mg/dL"),  # another case can be another unit
    ],
)
def test_what_needs_knowledge_of_the_substance_is_not_converted(unit: str, to: str) -> None:
    assert conversion(unit, to) is None


def test_temperatures_have_their_zero_moved() -> None:
    converted = convert(np.array([98.6, 37.0, 310.15]), ["degF", "Cel", "K"], "°C")
    np.testing.assert_allclose(converted.values, 37.0)


def test_stated_factors_count_before_the_table() -> None:
    converted = convert(
        np.array([180.0, 10.0, 5.0, 1.0]),
        ["mg/dL", "mmol/L", "gr", "gr"],
        "mmol/L",
        {"mg/dl": 0.0555},
    )
    np.testing.assert_allclose(converted.values, [9.99, 10, np.nan, np.nan])
    assert converted.unknown == {"gr": 2}
