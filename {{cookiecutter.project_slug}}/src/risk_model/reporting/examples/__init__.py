"""What did the model look at in this recording? Each kind of signal has a module here that draws
one.

A drawing is a piece of HTML that needs nothing else: it carries its own text alternative and is
read without colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from risk_model.core.schema import Features, Signal
from risk_model.signals import Part, Recording

RAISES, LOWERS = (
    "#D55E00",
    "#0072B2",
)  # Okabe and Ito's vermilion and blue: told apart with any colour vision
FAINT = 0.1  # of the largest contribution: what adds less is not marked


@dataclass(frozen=True)
class Explained:
    """A recording and what its places add to the log odds: those of `parts`, or a `map` float[h, w]
    laid over it.
    """

    recording: Recording
    signal: Signal
    parts: tuple[Part, ...] = ()
    contributions: tuple[float, ...] = ()
    map: Features | None = None


def drawn(explained: Explained, alternative: str) -> str:
    """The recording with what mattered in it, as HTML; `alternative` says what it is to who cannot
    see it.
    """
    drawing: str = import_module(f"{__name__}.{explained.signal.kind}").draw(explained, alternative)
    return drawing


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
