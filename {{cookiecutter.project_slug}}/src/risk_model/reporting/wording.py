"""Numbers as text: estimates with their intervals, shares, and the cells of a table.

How does a number become something a clinician can read?
"""

from __future__ import annotations

from risk_model.core.estimate import Estimate
from risk_model.core.openings import FILE, OpeningCount


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


def inside(estimate: Estimate, digits: int = 3) -> str:
    """An estimate as it stands within parentheses.

    >>> inside(Estimate(0.8312, 0.81, 0.85))
    '0.831, 0.810 to 0.850'
    """
    return estimate_text(estimate, digits).replace(" (", ", ").replace(")", "")


def cell(value: object) -> str:
    """Any value as a table shows it.

    Intervals, counts with thousands, numbers to three digits, "–" for none. What rounds to 0 and is
    not 0 is told to be below .001, as of a p value.
    """
    if isinstance(value, Estimate):
        return estimate_text(value)
    if value is None or value != value:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and 0 < abs(value) < 0.0005:
        return "<0.001" if value > 0 else "−<0.001"
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


def openings_note(count: OpeningCount | None) -> str:
    """How often these data were evaluated before; "" where nothing tells."""
    if count is None:
        return ""
    told = f"as far as {FILE} in the folder of runs tells, which can be deleted"
    changed = " The settings were changed between training and opening." if count.changed else ""
    if not count.before:
        return f"These data were evaluated here for the first time, {told}.{changed}"
    return (
        f"These data were evaluated by {count.before:,} earlier runs, "
        f"{count.protocols:,} different settings in all, {told}. What was chosen by what they "
        f"showed looks better here than on new patients.{changed}"
    )
