"""Are leads in several units, at several rates, read each as it is, and taken for a heart's only
where they are?
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from risk_model.config.waveform import Waveforms
from risk_model.core.errors import UserError
from risk_model.data.sources.waveforms import signal_of
from risk_model.signals import waveform

from tests.waveform.made_records import beating

MIXED = signal_of(Waveforms(leads=["II", "ABP"]), ["mV", "mmHg"])


def ward(**changed: Any) -> dict[str, Any]:
    """A request with an electrocardiogram at 250 Hz and a blood pressure at 125 Hz."""
    return {
        "rate": {"II": 250, "ABP": 125},
        "unit": {"ABP": "mmHg", "II": "mV"},
        "leads": {"ABP": pressure(125).tolist(), "II": beating(250)[1].tolist()},
        **changed,
    }


def pressure(rate: float) -> Any:
    time = np.arange(round(10 * rate)) / rate
    return 90 + 25 * np.sin(2 * np.pi * time / 0.8)


def test_leads_in_several_units_and_rates_are_read_each_as_it_is() -> None:
    read = waveform.received(ward(), MIXED)
    np.testing.assert_allclose(read[0, 50:-50], beating(100, noise=0)[1, 50:-50], atol=0.05)
    np.testing.assert_allclose(read[1, 50:-50], pressure(100)[50:-50], atol=0.1)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"unit": "mV"}, "unit of lead ABP must be mmHg"),
        ({"unit": {"II": "mV", "ABP": "kPa"}}, "unit of lead ABP must be mmHg"),
        ({"unit": {"II": "uV", "ABP": "mmHg"}}, "unit of lead II must be mV"),
        ({"unit": {"II": "mV"}}, "lead ABP is missing"),
        ({"unit": ["mV", "mmHg"]}, "unit of lead II must be mV"),
        ({"rate": 250}, "lead ABP must hold 2,500 samples: 10 s"),
        ({"rate": {"II": 250, "ABP": 62.5}}, "rate must be a number of Hz from 100"),
        ({"rate": {"II": 250}}, "lead ABP is missing"),
    ],
)
def test_a_unit_a_rate_or_a_length_that_training_would_have_read_otherwise_is_refused(
    changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        waveform.received(ward(**changed), MIXED)


def test_beats_are_looked_for_in_electrocardiograms_only() -> None:
    """Steep waves of another rhythm in a blood pressure change nothing."""
    other = ward()
    other["leads"]["ABP"] = (90 + 40 * beating(125, every=0.5)[1]).tolist()
    for sent in (ward(), other):
        recording = waveform.received(sent, MIXED)
        assert waveform.measure(recording, MIXED)["heart_rate"] == pytest.approx(75, rel=0.03)
        assert waveform.describe(recording, MIXED)[0] == pytest.approx(0.8, rel=0.03)  # RR, s


def test_without_an_electrocardiogram_nothing_is_said_of_a_heart() -> None:
    signal = signal_of(Waveforms(leads=["ABP"]), ["mmHg"])
    recording = waveform.received(
        {"rate": 125, "unit": "mmHg", "leads": {"ABP": pressure(125).tolist()}}, signal
    )
    measured = waveform.measure(recording, signal)
    assert {name for name, value in measured.items() if value is not None} == {"lost_share"}
    described = waveform.describe(recording, signal)
    assert described.shape == (signal.described,)
    assert np.isfinite(described).all()
    assert described[-1] == pytest.approx(90, abs=2)


def test_a_pressure_line_that_stands_still_is_seen_and_a_large_one_is_no_wrong_gain() -> None:
    still = ward()
    still["leads"]["ABP"][500:750] = [82.0] * 250
    recording = waveform.received(still, MIXED)
    assert float(waveform.measure(recording, MIXED)["lost_share"] or 0) == pytest.approx(
        0.1, abs=0.02
    )
    assert waveform.measure(waveform.received(ward(), MIXED), MIXED)["lost_share"] == 0
