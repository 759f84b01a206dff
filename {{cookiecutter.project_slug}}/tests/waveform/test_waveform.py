"""Are rates, beats and quality measured as independent programs measure them, and is a request read
like a file?
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.signal
from wfdb import processing

from risk_model.config.waveform import Waveforms
from risk_model.core.errors import UserError
from risk_model.data.sources.recordings import schema_of
from risk_model.data.sources.waveforms import signal_of
from risk_model.signals import rows, waveform
from risk_model.signals.waveform_beats import detect
from risk_model.signals.waveform_features import FIELDS
from risk_model.signals.waveform_sampling import band, bridged, longest_gap, resampled, samples_in

from tests.waveform.made_records import NAMES, SIGNAL, beating, write


def body(rate: float = 250, **changed: Any) -> dict[str, Any]:
    leads = {name: lead.tolist() for name, lead in zip(NAMES, beating(rate), strict=True)}
    return {"rate": rate, "unit": "mV", "leads": leads, **changed}


def recording(**made: float) -> Any:
    return beating(100, **made).astype(np.float32)


# --- sampling


@pytest.mark.parametrize("rate", [200, 249.89, 250, 360, 500, 1000])
def test_resampling_keeps_the_heart_and_agrees_with_a_fourier_transform(rate: float) -> None:
    leads = beating(rate, noise=0.0)
    ours = resampled(leads, rate, 100, 1000)
    assert np.abs(ours - beating(100, noise=0.0))[:, 20:-20].max() < 0.02
    if rate == int(rate):
        theirs = scipy.signal.resample(leads, 1000, axis=1)
        assert np.abs(ours - theirs)[:, 50:-50].max() < 0.02


@pytest.mark.parametrize("rate", [100.001, 123.456, 499.99, 19_999.9])
def test_a_rate_that_is_no_round_number_keeps_time(rate: float) -> None:
    """A beat after nine and a half seconds lies where it does at the model's own rate."""
    time = np.arange(samples_in(10.0, rate)) / rate
    late = np.exp(-0.5 * ((time - 9.5) / 0.02) ** 2)[None]
    own = np.exp(-0.5 * ((np.arange(1000) / 100 - 9.5) / 0.02) ** 2)
    np.testing.assert_allclose(resampled(late, rate, 100, 1000)[0], own, atol=0.04)


@pytest.mark.parametrize("frequency", [60, 80, 130, 240])
def test_what_the_new_rate_cannot_hold_is_taken_out_and_not_folded(frequency: int) -> None:
    tone = np.sin(2 * np.pi * frequency * np.arange(5000) / 500)[None]
    assert np.abs(resampled(tone, 500, 100, 1000))[:, 50:-50].max() < 0.02


def test_a_constant_stays_itself() -> None:
    np.testing.assert_allclose(resampled(np.full((1, 3600), 0.7), 360, 100, 1000), 0.7, atol=1e-12)


def test_a_band_keeps_what_lies_inside_in_place() -> None:
    time = np.arange(1000) / 100
    inside, outside = np.sin(2 * np.pi * 10 * time), np.sin(2 * np.pi * 0.2 * time)
    np.testing.assert_allclose(
        band((inside + outside)[None], 100, 3.0, 30.0)[0, 100:-100], inside[100:-100], atol=0.02
    )


def test_gaps_are_measured_and_bridged_by_straight_lines() -> None:
    samples = np.array([[0.0, np.nan, np.nan, 3.0, np.nan], [np.nan, 1.0, 1.0, 1.0, 1.0]])
    assert longest_gap(samples) == 2
    np.testing.assert_allclose(bridged(samples), [[0, 1, 2, 3, 3], [1, 1, 1, 1, 1]])


# --- beats


def rate_of(beats: Any, rate: float) -> float:
    return float(60 * rate / np.median(np.diff(beats)))


@pytest.mark.parametrize("every", [0.4, 0.6, 0.8, 1.2, 1.7])
def test_the_heart_rate_is_the_true_one(every: float) -> None:
    measured = waveform.measure(recording(every=every), SIGNAL)["heart_rate"]
    assert measured == pytest.approx(60 / every, rel=0.03)


def test_beats_are_found_in_noise_and_wander() -> None:
    leads = beating(100, noise=0.08) + 0.6 * np.sin(2 * np.pi * 0.3 * np.arange(1000) / 100)
    np.testing.assert_allclose(detect(leads, 100) / 100, np.arange(0.4, 10, 0.8), atol=0.05)


def test_the_heart_rate_of_patients_agrees_with_the_detector_of_wfdb(
    downloaded: Callable[[str], Path],
) -> None:
    """XQRS reads one lead; on one of two leads at least it must find what all leads together
    say.
    """
    paths = sorted(downloaded("ptbxl500/records100/00000").glob("*.hea"))[::25]
    assert len(paths) == 20
    for path in paths:
        leads = waveform.read(path, signal_of(Waveforms())).recording.astype(np.float64)
        ours = rate_of(detect(leads, 100), 100)
        theirs = [
            rate_of(processing.xqrs_detect(lead, fs=500, verbose=False), 500)
            for lead in resampled(leads[[1, 10]], 100, 500, 5000)
        ]
        assert min(abs(ours - other) for other in theirs) < 0.05 * ours, path.name


def test_nothing_beats_in_a_line_and_little_is_said_of_it() -> None:
    neutral = waveform.neutral(SIGNAL)
    measured = waveform.measure(neutral, SIGNAL)
    assert measured["heart_rate"] is measured["rr_variability"] is None
    assert measured["lost_share"] == 1
    assert np.isfinite(waveform.describe(neutral, SIGNAL)).all()


def test_fields_tell_noise_wander_and_what_is_lost() -> None:
    quiet, time = recording(noise=0.005), np.arange(1000) / 100
    before = waveform.measure(quiet, SIGNAL)
    assert set(before) == {f.name for f in FIELDS}
    noisy = waveform.measure(recording(noise=0.05), SIGNAL)
    wandering = waveform.measure(
        quiet + np.float32(0.5) * np.sin(2 * np.pi * 0.2 * time).astype(np.float32), SIGNAL
    )
    clipped = waveform.measure(np.clip(quiet, -0.15, 0.15), SIGNAL)
    assert float(noisy["noise"] or 0) > 5 * float(before["noise"] or 0)
    assert wandering["baseline_wander"] == pytest.approx(0.5 / np.sqrt(2), rel=0.15)
    assert before["lost_share"] == 0
    assert float(clipped["lost_share"] or 0) > 0.02
    assert before["amplitude"] == pytest.approx(0.7, abs=0.15)


def test_descriptions_are_of_the_stated_length_and_follow_the_wave() -> None:
    """An ST level raised by 0.3 mV in one lead moves that lead's ST feature by as much."""
    raised, time = recording(noise=0.0), np.arange(1000) / 100
    since = (time - 0.4) % 0.8  # seconds after a beat
    raised[1] += np.where((since > 0.05) & (since < 0.4), np.float32(0.3), np.float32(0))
    plain, lifted = (waveform.describe(r, SIGNAL) for r in (recording(noise=0.0), raised))
    st = 8 + 4 * len(NAMES)  # behind rhythm and extent, R, Q, S and J of each lead
    assert plain.shape == (SIGNAL.described,)
    np.testing.assert_allclose((lifted - plain)[st : st + 3], [0, 0.3, 0], atol=0.06)


# --- parts


def test_parts_cover_the_recording_and_each_hides_its_own_seconds() -> None:
    whole, parts = recording(), waveform.parts(recording(), SIGNAL)
    assert [part["seconds"][0] for part in parts[1:]] == [part["seconds"][1] for part in parts[:-1]]
    assert (parts[0]["seconds"][0], parts[-1]["seconds"][1]) == (0, 10)
    hidden = waveform.without(whole, parts[3], SIGNAL)
    np.testing.assert_array_equal(hidden[:, :150], whole[:, :150])
    np.testing.assert_array_equal(hidden[:, 200:], whole[:, 200:])
    np.testing.assert_allclose(np.diff(hidden[:, 150:200], n=2, axis=1), 0, atol=1e-5)


# --- requests


def test_a_request_is_read_like_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "same", beating(250), adc_gain=[10_000.0] * 3)
    schema = schema_of("ecgs", "died", SIGNAL)
    sent = rows([waveform.received(body(), SIGNAL)], schema)
    np.testing.assert_allclose(
        sent, rows([waveform.read(path, SIGNAL).recording], schema), atol=0.02, rtol=0.05
    )


def test_leads_of_a_request_may_stand_in_any_order_and_case_beside_others() -> None:
    leads = body()["leads"]
    turned = {
        "v2": leads["V2"],
        "aVR": ["never", "looked", "at"],
        "I": leads["I"],
        "Ii": leads["II"],
    }
    np.testing.assert_array_equal(
        waveform.received(body(leads=turned), SIGNAL), waveform.received(body(), SIGNAL)
    )


def test_null_is_a_gap() -> None:
    leads = body()["leads"]
    leads["I"][100:105] = [None] * 5
    assert np.isfinite(waveform.received(body(leads=leads), SIGNAL)).all()
    leads["I"][100:400] = [None] * 300
    with pytest.raises(UserError, match="gap of more than"):
        waveform.received(body(leads=leads), SIGNAL)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"unit": "uV"}, "unit must be mV"),
        ({"unit": None}, "unit must be mV"),
        ({"rate": "250"}, "rate must be a number"),
        ({"rate": True}, "rate must be a number"),
        ({"rate": 99}, "rate must be a number of Hz from 100"),
        ({"rate": float("nan")}, "rate must be a number"),
        ({"rate": 500}, "must hold 5,000 samples: 10 s"),
        ({"leads": []}, "leads must be an object"),
        ({"leads": {"I": [0.1], "II": [0.1]}}, "lead V2 is missing"),
        ({"leads": {"I": [0.1], "II": [0.1], "V2": [0.1], "v2": []}}, "lead V2 is there 2 times"),
        ({"leads": {"I": "0.1", "II": [], "V2": []}}, "lead I must be a list of numbers"),
        ({"leads": {"I": [True] * 2500, "II": [], "V2": []}}, "lead I must be a list of numbers"),
        ({"patient": "Mustermann"}, "rate, unit and leads and nothing else"),
        ({"leads": {name: [10**400] * 2500 for name in NAMES}}, "too large"),
        ({"leads": {name: [1e300, -1e300] * 1250 for name in NAMES}}, "wrong gain"),
        ({"leads": {name: [0.0] * 2500 for name in NAMES}}, "all leads are flat"),
        ({"leads": {name: [1e-5, -1e-5] * 1250 for name in NAMES}}, "wrong gain"),
    ],
)
def test_a_request_that_says_something_else_is_refused_without_its_values(
    changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(UserError, match=said) as told:
        waveform.received(body() | changed, SIGNAL)
    assert "Mustermann" not in str(told.value)
    assert "\n" not in str(told.value)


def test_the_largest_twelve_lead_request_fits() -> None:
    assert len(str([-0.12345678901234567] * 10_000)) * 12 < waveform.REQUEST_BYTES


def test_rows_of_patients_hold_no_infinite_or_absent_description(
    downloaded: Callable[[str], Path],
) -> None:
    folder = downloaded("ptbxl500")
    names = pd.read_csv(folder / "ptbxl_database.csv")["filename_lr"][:20]
    signal = signal_of(Waveforms())
    described = [
        waveform.describe(waveform.read(folder / name, signal).recording, signal) for name in names
    ]
    assert np.isfinite(described).all()
