"""Drawings of recordings: what the model looked at, one module of this folder a kind of signal.

A drawing is a piece of HTML that needs nothing else: it carries its own text alternative and is
read without colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from markupsafe import Markup

from risk_model.core.schema import Features, Signal
from risk_model.signals import Part, Recording

# Okabe and Ito's vermilion and blue: told apart with any colour vision
RAISES, LOWERS = "#D55E00", "#0072B2"
FAINT = 0.1  # of the largest contribution: what adds less is not marked


@dataclass(frozen=True)
class RecordingExplanation:
    """A recording and what its places add to the log odds.

    Those of `parts`, or a `map` float[h, w] laid over it.
    """

    recording: Recording
    signal: Signal
    parts: tuple[Part, ...] = ()
    contributions: tuple[float, ...] = ()
    map: Features | None = None


def draw(explanation: RecordingExplanation, alternative: str) -> Markup:
    """The recording with what mattered in it; `alternative` names it to who cannot see it."""
    drawing = import_module(f"{__name__}.{explanation.signal.kind}").draw(explanation, alternative)
    return Markup(drawing)  # noqa: S704 each module escapes what it writes


def strengths(contributions: tuple[float, ...]) -> list[float]:
    """Each contribution against the largest, -1 to 1; 0 for what is too faint to mark.

    >>> strengths((2.0, -1.0, 0.1))
    [1.0, -0.5, 0.0]
    """
    largest = max(map(abs, contributions), default=0.0) or 1.0
    return [c / largest if abs(c) >= FAINT * largest else 0.0 for c in contributions]


def signed(value: float) -> str:
    """A contribution as it is written on a drawing.

    >>> signed(0.512), signed(-2.0)
    ('+0.51', '−2.00')
    """
    return f"{value:+.2f}".replace("-", "−")
