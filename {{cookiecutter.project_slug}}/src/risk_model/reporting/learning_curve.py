"""What more patients would bring: the sentences, table and plot of a learning curve."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from risk_model.core.estimate import Estimate
from risk_model.core.files import read_json
from risk_model.core.schema import PATIENTS
from risk_model.core.table import Row
from risk_model.evaluation.learning_curve import FILE, LearningCurve
from risk_model.model.table import label as model_label
from risk_model.reporting.content import Illustration
from risk_model.reporting.plot_style import RC, STYLES, panel, svg
from risk_model.reporting.tables import subjects_cell
from risk_model.reporting.wording import capitalise, estimate_text, percent

DIGITS = 4  # of a log loss; the sentences judge what they print


def read_illustration(directory: Path) -> Illustration | None:
    """The learning curve of a run as the report shows it; None where none was made.

    Raises:
        UserError: the file is of another version.
    """
    path = directory / FILE
    if not path.is_file():
        return None
    curve = LearningCurve.from_json(read_json(path))
    return Illustration(sentences(curve), table(curve), plot(curve), _caption(curve))


def sentences(curve: LearningCurve) -> list[str]:
    """What the last quarter of the patients brought to each model, and which were left out."""
    people = _people(curve)
    texts = [
        f"{capitalise(model_label(name))}: {_last_quarter(shares[-2].excess, curve.margin, people)}"
        for name, shares in curve.models.items()
    ]
    if curve.not_made_anew:
        absent = capitalise(" and ".join(map(model_label, curve.not_made_anew)))
        texts.append(f"{absent}: not told; it would take too long to make so often.")
    return texts


def _people(curve: LearningCurve) -> str:
    return curve.row_name if curve.sizes[-1].subjects is None else PATIENTS


def _last_quarter(excess: Estimate, margin: float, people: str) -> str:
    """The one claim that the interval of three quarters against all supports.

    It is made of the numbers as they are printed: an end that rounds to 0 does not exclude 0. That
    a third more would bring less than the last quarter did holds for any curve that flattens.
    """
    if excess.estimate is None or excess.low is None or excess.high is None:
        return f"what the last quarter of the {people} brought cannot be estimated."
    fall, low, high = (round(v, DIGITS) for v in (excess.estimate, excess.low, excess.high))
    bound = f"{margin:.{DIGITS}f}"
    change = f"with the last quarter of the {people} log loss {_moved(fall, low, high)}"
    inside = -float(bound) < low and high < float(bound)
    if low > 0:
        little = f", a third more by less than the margin of {bound}" if inside else ""
        return f"{change}: more {people} would probably still help{little}."
    if high < 0:
        return f"{change}: no sign that more {people} would help."
    if inside:
        return f"{change}, within the margin of ±{bound}: a third more {people} would hardly help."
    return f"{change}, which cannot be told from no change."


def _moved(fall: float, low: float, high: float) -> str:
    if fall < 0:
        return f"rose by {estimate_text(Estimate(-fall, -high, -low), DIGITS)}"
    return f"fell by {estimate_text(Estimate(fall, low, high), DIGITS)}"


def table(curve: LearningCurve) -> list[Row]:
    """A row a model and share."""
    return [
        {
            "model": model_label(name),
            "share": percent(size.share),
            "patients": subjects_cell(size.subjects),
            "rows": size.rows,
            "events": size.events,
            "log loss": f"{own.log_loss:.{DIGITS}f}",
            "log loss − that of all": estimate_text(own.excess, DIGITS)
            if own.excess.interval
            else None,
            "AUROC": own.auroc,
        }
        for name, shares in curve.models.items()
        for size, own in zip(curve.sizes, shares, strict=True)
    ]


def plot(curve: LearningCurve) -> Markup:
    """Log loss against the rows that taught; bars are the intervals of the difference to all."""
    import matplotlib

    rows = [size.rows for size in curve.sizes]
    with matplotlib.rc_context(RC):
        figure, axes = panel("rows that taught", "log loss")
        for (name, shares), (colour, dash) in zip(curve.models.items(), STYLES, strict=False):
            losses = [own.log_loss for own in shares]
            axes.plot(rows, losses, color=colour, linestyle=dash, label=model_label(name))
            for at, own in zip(rows, shares, strict=True):
                if own.excess.interval:
                    ends = [losses[-1] + end for end in own.excess.interval]
                    axes.plot([at, at], ends, color=colour, linewidth=1)
        axes.set_xlim(left=0)
        axes.legend()
        return svg(figure, "Learning curve: log loss against the number of rows that taught")


def _caption(curve: LearningCurve) -> str:
    people = _people(curve)
    turns = "1 turn" if curve.turns == 1 else f"each of {curve.turns} turns"
    return (
        f"Each model was made from a quarter, a half, three quarters and all of the {people} that "
        f"teach in {turns} of development, and judged on the {curve.rows:,} "
        f"{curve.row_name} held out, behind a line fitted on other rows. Each quarter of the "
        f"{people} was left out once. Bars: 95 % interval of the difference to all, as far as "
        "chance lies in whom it was judged on. The test split was not looked at."
    )
