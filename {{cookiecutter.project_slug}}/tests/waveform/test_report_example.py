"""Does the report draw every lead, with the seconds that mattered shaded where they are, readable
without colour?
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import pytest

from risk_model.core.schema import Signal
from risk_model.reporting.examples import LOWERS, RAISES, RecordingExplanation, draw
from risk_model.reporting.examples.waveform import WIDE
from risk_model.signals import reader

SIGNAL = Signal(
    "ecg",
    "waveform",
    (3, 1000),
    described=10,
    channels=("I", "II", "<V2>"),
    units=("mV",) * 3,
    rate=100.0,
)


def recording() -> npt.NDArray[np.float32]:
    """Three leads of one rhythm, the second of twice the amplitude, with one narrow spike."""
    beat = np.sin(np.linspace(0, 20 * np.pi, 1000))
    leads = np.stack([beat, 2 * beat, beat])
    leads[0, 703] = 3.0
    return leads.astype(np.float32)


def explained(place: int, added: float) -> RecordingExplanation:
    parts = tuple(reader(SIGNAL).parts(recording(), SIGNAL))
    return RecordingExplanation(
        recording(), SIGNAL, parts, tuple(added if i == place else 0.0 for i in range(len(parts)))
    )


def shades(drawing: str) -> list[tuple[float, float, str]]:
    """Start, end in seconds and colour of each shaded piece."""
    found = re.findall(
        r'<rect x="([\d.]+)" y="[^"]+" width="([\d.]+)" height="[^"]+" fill="([^"]+)"', drawing
    )
    return [
        (float(x) / WIDE * 10, (float(x) + float(w)) / WIDE * 10, colour) for x, w, colour in found
    ]


def traces(drawing: str) -> list[npt.NDArray[np.float64]]:
    found = re.findall(r'<polyline points="([^"]+)"', drawing)
    return [
        np.array([pair.split(",") for pair in points.split()], dtype=np.float64) for points in found
    ]


@pytest.mark.parametrize(("added", "colour", "sign"), [(1.5, RAISES, "+"), (-0.5, LOWERS, "−")])
def test_the_seconds_that_matter_are_shaded_signed_and_told(
    added: float, colour: str, sign: str
) -> None:
    drawing = draw(explained(7, added), "an ECG")
    ((start, end, found),) = shades(drawing)
    assert found == colour
    assert [start, end] == pytest.approx([3.5, 4.0], abs=0.01)
    assert f">{sign}</text>" in drawing
    assert f"3.5 to 4.0 s {sign}{abs(added):.2f}" in drawing


def test_a_map_is_laid_evenly_over_the_recording() -> None:
    added = np.zeros((1, 20), np.float32)
    added[0, 12] = 1.0
    ((start, end, _),) = shades(
        draw(RecordingExplanation(recording(), SIGNAL, map=added), "an ECG")
    )
    assert [start, end] == pytest.approx([6.0, 6.5], abs=0.01)


def test_leads_are_drawn_to_one_scale_and_no_spike_is_lost() -> None:
    first, second, _ = traces(draw(explained(0, 1.0), "an ECG"))
    quiet = [trace[trace[:, 0] < WIDE / 2, 1] for trace in (first, second)]
    assert np.ptp(quiet[1]) == pytest.approx(2 * np.ptp(quiet[0]), rel=0.05)
    highest = first[first[:, 1].argmin()]
    assert highest[0] / WIDE * 10 == pytest.approx(7.03, abs=0.05)
    drawing = draw(explained(0, 1.0), "an ECG")
    (top, bottom) = map(
        float,
        re.findall(r'y1="([\d.]+)" y2="([\d.]+)" stroke="currentColor" stroke-width="2"', drawing)[
            0
        ],
    )
    assert "1 mV</text>" in drawing
    assert bottom - top == pytest.approx(np.ptp(quiet[0]) / 2, rel=0.05)  # a sine from -1 to 1 mV


def test_the_drawing_stands_alone_is_small_and_holds_no_markup_of_the_data() -> None:
    drawing = draw(explained(0, 0.0), 'an "ECG"')
    svg = ElementTree.fromstring(drawing)  # noqa: S314 - made here
    assert svg.get("role") == "img"
    assert svg.get("aria-label") == 'an "ECG": no second stands out'
    assert "&lt;V2&gt;" in drawing
    assert len(drawing) < 60_000


def test_silence_and_very_short_strips_can_be_drawn() -> None:
    for samples in (3, 100):
        silent = Signal(
            "ecg",
            "waveform",
            (1, samples),
            described=10,
            channels=("I",),
            units=("mV",),
            rate=100.0,
        )
        assert traces(
            draw(RecordingExplanation(np.zeros((1, samples), np.float32), silent), "silence")
        )
