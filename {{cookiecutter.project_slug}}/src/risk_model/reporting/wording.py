"""How does a number become a sentence a clinician can use? Only what an interval supports is
said.
"""

from __future__ import annotations

from typing import Any

from risk_model.evaluation.gates import FAIL, PASS, UNCLEAR
from risk_model.model.table import is_baseline
from risk_model.reporting.plots import words

Figure = dict[str, Any]
SUMMARY = {
    PASS: "within the stated bounds",
    FAIL: "outside the stated bounds",
    UNCLEAR: "too few to judge",
}


def figure_text(figure: Figure, digits: int = 3) -> str:
    """An estimate with its interval, "–" for what could not be estimated.

    >>> figure_text({"estimate": 0.8312, "low": 0.81, "high": 0.85})
    '0.831 (0.810 to 0.850)'
    """
    estimate, low, high = (figure.get(key) for key in ("estimate", "low", "high"))
    if estimate is None:
        return "–"
    if low is None or high is None:
        return f"{estimate:.{digits}f} (no interval)"
    return f"{estimate:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})".replace("-", "−")


def cell(value: Any) -> str:
    """Any value as a table shows it: intervals, counts with thousands, numbers to three digits, "–"
    for none.
    """
    if isinstance(value, dict):
        return figure_text(value)
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


def discrimination(model: str, part: dict[str, Any]) -> str:
    """On how many patients, and how well the model tells the two groups apart."""
    auroc = figure_text(part["models"][model]["metrics"]["auroc"], 2)
    rows = (
        f"{part['n']:,} predictions for {part['subjects']:,} patients"
        if part["subjects"] < part["n"]
        else ""
    )
    seen = rows or f"{part['n']:,} patients"
    return (
        f"AUROC {auroc} on {seen} that played no part in its making; {part['events']:,} had the "
        "event."
    )


def calibration(metrics: dict[str, Figure]) -> str:
    """Whether risks are right on average and spread as they should be, as far as the intervals
    tell.
    """
    average = _position(
        metrics["citl"], 0.0, ("too low on average", "right on average", "too high on average")
    )
    spread = _position(
        metrics["slope"],
        1.0,
        ("not spread enough", "neither too extreme nor too timid", "too extreme"),
    )
    return (
        f"Its risks are {average} (calibration-in-the-large {_inside(metrics['citl'])}) and "
        f"{spread} (slope {_inside(metrics['slope'])})."
    )


def _inside(figure: Figure) -> str:
    return figure_text(figure, 2).replace(" (", ", ").replace(")", "")


def _position(figure: Figure, target: float, said: tuple[str, str, str]) -> str:
    """Words for an interval above, around and below the target."""
    low, high = figure.get("low"), figure.get("high")
    if low is None or high is None:
        return "not judged"
    return said[0] if low > target else said[2] if high < target else said[1]


def elsewhere(model: str, evaluation: dict[str, Any], first: str) -> list[dict[str, str]]:
    """The model's verdict in every part but the first: part, verdict and sentence."""
    lines = []
    for name, part in evaluation["parts"].items():
        gate = evaluation["gates"][name][model]
        if gate["verdict"] == UNCLEAR:
            sentence = "; ".join(gate["reasons"]) + "."
        else:
            sentence = (
                f"{discrimination(model, part)} {calibration(part['models'][model]['metrics'])}"
            )
        lines.append({"part": name, "verdict": gate["verdict"], "sentence": sentence})
    return [line for line in lines if line["part"] != first]


def verdict(model: str, evaluation: dict[str, Any], first: str) -> dict[str, Any]:
    """What stands at the top of a report: the verdict on the model in the first part, in words and
    counts.
    """
    part, gate = evaluation["parts"][first], evaluation["gates"][first][model]
    judged = part["models"][model]
    unsure = (
        " So few patients cannot tell whether it keeps to the stated bounds."
        if gate["verdict"] == UNCLEAR
        else ""
    )
    return {
        "verdict": gate["verdict"],
        "word": f"{words(model)}, {SUMMARY[gate['verdict']]}",
        "sentence": f"{words(model)[:1].upper()}{words(model)[1:]}: {discrimination(model, part)}",
        "calibration": calibration(judged["metrics"]) + unsure,
        "in_words": judged["in_words"],
        "counts": judged["per_1000"],
        "elsewhere": elsewhere(model, evaluation, first),
    }


def beside_auroc(alone: list[dict[str, Any]]) -> str:
    """What age and sex, or the site, reach by themselves, for the line of the models' AUROC."""
    return "; ".join(f"{row['predictors']} alone {figure_text(row['AUROC'], 2)}" for row in alone)


def alone(rows: list[dict[str, Any]]) -> str:
    """The same as a sentence."""
    if not rows:
        return ""
    return (
        f"To compare: {beside_auroc(rows)}, cross-fitted on the patients that the models learnt "
        "from."
    )


def baseline(champion: dict[str, Any]) -> str:
    """Whether the network was worth its cost: whether it beat every simpler model, or a baseline
    does as well.
    """
    rows = {row["model"]: row for row in champion.get("table", []) if _lowest(row) is not None}
    costly = [name for name in rows if not is_baseline(name)]
    if not costly or len(rows) < 2:
        return ""
    simplest = next(name for name, row in rows.items() if _lowest(row) <= 0)
    simpler = min(
        (row for name, row in rows.items() if name not in costly),
        key=lambda row: float(row["log_loss"]),
    )
    network = simplest if simplest in costly else costly[-1]
    name = simpler["model"] if simplest in costly else simplest
    losses = f"log loss {rows[network]['log_loss']:.3f}, {words(name)} {rows[name]['log_loss']:.3f}"
    if simplest in costly:
        return f"The {words(network)} beat the baselines ({losses} on the calibration split)."
    return (
        f"The {words(network)} did not beat the baseline ({losses} on the calibration split): the "
        "simpler one does as well."
    )


def _lowest(row: dict[str, Any]) -> Any:
    """The lower bound of a model's difference to the best."""
    return row.get("difference", {}).get("low")


TRANSFER_BELOW = 50_000  # labels: with fewer, start from weights that were learnt elsewhere


def start(facts: dict[str, Any]) -> str:
    """What the network started from, and why; "" for a table, for whose columns nobody has trained
    weights.
    """
    if not facts.get("signal"):
        return ""
    few = facts["labels"] < TRANSFER_BELOW
    name, how = (
        facts["network"],
        "as proposed" if facts["proposed"] else "as chosen on the command line",
    )
    rule = (
        f"{facts['labels']:,} labelled recordings taught the network. With fewer than "
        f"{TRANSFER_BELOW:,} it should "
        "start from weights learnt elsewhere, on recordings of the same kind where such weights "
        "exist."
        if few
        else f"{facts['labels']:,} labelled recordings taught the network: enough to start from "
        "scratch."
    )
    return f"{rule} {_started(facts, name, how, few)}"


def _started(facts: dict[str, Any], name: str, how: str, few: bool) -> str:
    if facts["pretrained"]:
        return f"This network, {name}, starts from {facts['pretrained']}, {how}."
    options = "; ".join(
        f"model/network={other} starts from {weights}" for other, weights in facts["others"].items()
    )
    compare = f" Compare: {options}." if options and few else ""
    none = (
        " No pre-trained network for such recordings comes with this project."
        if few and not options
        else ""
    )
    return f"This network, {name}, starts from scratch, {how}.{compare}{none}"


def examples(facts: dict[str, Any]) -> str:
    """What the drawn recordings are, and what is marked in them."""
    if not facts["shown"]:
        return (
            f"No recording is shown, as evaluation.examples={facts['asked']} asks: this page "
            "holds nobody's recording."
        )
    scale = (
        "log odds of the calibrated risk" if facts["calibrated"] else "log odds before calibration"
    )
    how = {
        "Grad-CAM": f"what each place adds to the {scale}, told by the network itself (Grad-CAM)",
        "occlusion": f"how much the {scale} lose when a place is hidden (occlusion)",
    }[facts["method"]]
    return (
        f"These are recordings of {len(facts['shown'])} patients: handle this page as you handle "
        "their records, or set "
        "evaluation.examples=0. All are from the validation split, picked by a fixed rule. Marked "
        f"is {how}. Orange, "
        "full lines and a plus: it raises the risk; blue, broken lines and a minus: it lowers it. "
        "The strongest place "
        "of each recording is the darkest. Association within the model, not cause."
    )


def example(facts: dict[str, Any]) -> str:
    """The caption of one drawn recording."""
    happened = "the event happened" if facts["event"] else "no event"
    return (
        f"{facts['why'][:1].upper()}{facts['why'][1:]}: risk {percent(facts['risk'])}, {happened}."
    )
