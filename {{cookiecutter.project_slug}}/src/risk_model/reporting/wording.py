"""Numbers as text: estimates with their intervals, shares, and the cells of a table.

How does a number become something a clinician can read?
"""

from __future__ import annotations

from risk_model.core.estimate import Estimate


def estimate_text(estimate: Estimate, digits: int = 3) -> str:
    """An estimate with its interval, "–" for what could not be estimated.

    >>> estimate_text(Estimate(0.8312, 0.81, 0.85))
    '0.831 (0.810 to 0.850)'
    """
    if estimate.estimate is None:
        return "–"
    text = f"{estimate.estimate:.{digits}f}".replace("-", "−")
    if estimate.interval is None:
        return f"{text} (no interval)"
    low, high = estimate.interval
    return f"{text} ({low:.{digits}f} to {high:.{digits}f})".replace("-", "−")


def cell(value: object) -> str:
    """Any value as a table shows it.

    Intervals, counts with thousands, numbers to three digits, "–" for none.
    """
    if isinstance(value, Estimate):
        return estimate_text(value)
    if value is None or value != value:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return (f"{value:.3f}" if abs(value) < 10 else f"{value:,.0f}").replace("-", "−")
    return f"{value:,}" if isinstance(value, int) else str(value)


def percent(share: float | None) -> str:
    """A share in per cent, with one digit below 10 %."""
    if share is None or share != share:
        return "–"
    return f"{share:.1%}" if share < 0.1 else f"{share:.0%}"


def capitalise(text: str) -> str:
    """The text with its first letter in upper case, the rest as it stands."""
    return text[:1].upper() + text[1:]
