"""Is one quantity in two units told from an honest column of two humps?"""

from __future__ import annotations

import numpy as np
import pytest

from risk_model.data.first_look.units import Floats, mixed_units

RNG = np.random.default_rng(1)
N = 400
QUANTITIES = {
    "creatinine": (RNG.lognormal(0, 0.35, N), 88.42),
    "glucose": (RNG.lognormal(1.8, 0.25, N), 18.016),
    "cholesterol": (RNG.normal(5.2, 0.9, N).clip(2.5), 38.67),
    "height in m and cm": (RNG.normal(1.7, 0.1, N), 100.0),
    "height in inches and cm": (RNG.normal(66, 4, N), 2.54),
    "haemoglobin in g/dL and g/L": (RNG.normal(13, 1.5, N), 10.0),
    "PaO2": (RNG.lognormal(2.4, 0.25, N), 7.5006),
    "leucocytes": (RNG.lognormal(2, 0.4, N), 1000.0),
    "triglycerides": (RNG.lognormal(0.3, 0.4, N), 88.57),
    "urate": (RNG.normal(5.5, 1.2, N).clip(2), 59.48),
    "calcium": (RNG.normal(2.35, 0.12, N), 4.008),
}


@pytest.mark.parametrize("share", [0.05, 0.3])
@pytest.mark.parametrize("name", QUANTITIES)
def test_two_units_are_found(name: str, share: float) -> None:
    values, factor = QUANTITIES[name]
    found = mixed_units(np.where(RNG.random(N) < share, values * factor, values))
    assert found is not None
    assert found.factor == pytest.approx(factor, rel=0.2)
    assert found.high_median / found.low_median == pytest.approx(factor, rel=0.2)
    assert 10 <= found.rows <= N / 2


def test_the_tails_of_either_cluster_may_meet() -> None:
    values = RNG.lognormal(0.2, 0.6, 3000)
    values[:20] = RNG.uniform(8, 20, 20)
    found = mixed_units(np.where(RNG.random(3000) < 0.3, values * 88.42, values))
    assert found is not None
    assert found.units.startswith("mg/dL and µmol/L of creatinine")


def test_celsius_and_fahrenheit_are_found() -> None:
    celsius = RNG.normal(37, 0.7, N).round(1)
    found = mixed_units(np.append(celsius, (celsius[:60] * 1.8 + 32).round(1)))
    assert found is not None
    assert (found.units, found.rows) == ("°C and °F", 60)


HONEST = {
    "crp": RNG.lognormal(1.5, 1.4, 3000),
    "BNP": RNG.lognormal(5, 1.5, 3000),
    "two humps": np.concatenate([RNG.normal(1.5, 0.2, 200), RNG.normal(4.9, 0.5, 300)]),
    "hCG": np.concatenate([RNG.lognormal(0.5, 0.5, 300), RNG.lognormal(9, 1.5, 100)]),
    "doses": RNG.choice([1.0, 5.0, 10.0, 100.0, 1000.0], 600),
    "zeros": np.where(RNG.random(600) < 0.5, 0.0, RNG.lognormal(3, 0.5, 600)),
    "sbp": RNG.normal(130, 20, 600),
    "codes": np.append(RNG.lognormal(0, 0.4, 500), np.full(50, 999.0)),
    "base excess": RNG.normal(0, 3, 600),
    "children and adults": np.append(RNG.normal(3.4, 0.5, 200), RNG.normal(75, 14, 300).clip(45)),
    "few": np.append(RNG.normal(1.7, 0.1, 300), RNG.normal(170, 10, 9)),
    "nothing": np.full(30, np.nan),
}


@pytest.mark.parametrize("values", HONEST.values(), ids=HONEST.keys())
def test_honest_columns_are_one_unit(values: Floats) -> None:
    assert mixed_units(values) is None
