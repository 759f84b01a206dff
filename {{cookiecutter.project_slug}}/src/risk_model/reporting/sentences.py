"""The sentences of a report: what the numbers say to a clinician, and only what an interval
supports.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from risk_model.core.estimate import Estimate
from risk_model.core.package import Verdict
from risk_model.core.table import Row
from risk_model.evaluation.gates import FAIL, PASS, UNCLEAR
from risk_model.evaluation.results import Metrics, OutcomesPer1000, PartEvaluation, RunEvaluation
from risk_model.evaluation.subgroups import ALPHA, POWER
from risk_model.model.table import is_baseline
from risk_model.model.table import label as model_label
from risk_model.reporting.content import NetworkStart, RecordingExample, RecordingExamples
from risk_model.reporting.wording import capitalise, cell, estimate_text, percent
from risk_model.training.record import ChampionChoice

SUMMARY: dict[Verdict, str] = {
    PASS: "within the stated bounds",
    FAIL: "outside the stated bounds",
    UNCLEAR: "too few to judge",
}
TRANSFER_BELOW = 50_000  # labels: with fewer, start from weights that were learnt elsewhere


@dataclass(frozen=True)
class PartVerdict:
    """The verdict on a model in one part, and what it rests on in a sentence."""

    part: str
    verdict: Verdict
    sentence: str


@dataclass(frozen=True)
class VerdictSummary:
    """The top of a report: the verdict on a model in the first part, in words and counts."""

    verdict: Verdict
    heading: str
    discrimination: str
    calibration: str
    per_1000_sentence: str
    per_1000: OutcomesPer1000
    other_parts: list[PartVerdict]


def subgroup_rule(evaluation: RunEvaluation) -> str:
    """How a group is compared, when it is named, and what a dash says where it is not."""
    bound = evaluation.bounds["citl"][1]
    return (
        f"A group is compared with all patients who are not in it. Its risks are called too low or "
        f"too high where its calibration-in-the-large differs from theirs (p below {ALPHA:g} after "
        f"Holm's adjustment for the number of groups) and its own interval lies beyond ±{bound:g} "
        "on that side. AUROC decides nothing: it differs with the mix of patients in a group, "
        "however fair the model is. A dash says that nothing was found, not that nothing is there; "
        "beside it stands how far the odds of this group alone would have to be off, times or "
        f"divided by, to be found in about {POWER:.0%} of such samples."
    )


def first_part(evaluation: RunEvaluation) -> str:
    """The part that the first screen is about: the test split where there is one."""
    return "test" if "test" in evaluation.parts else next(iter(evaluation.parts))


def summarise(model: str, evaluation: RunEvaluation) -> VerdictSummary:
    """What stands at the top of a report about one model."""
    first = first_part(evaluation)
    part, verdict = evaluation.parts[first], evaluation.gates[first][model].verdict
    own, label = part.models[model], model_label(model)
    unsure = " So few patients cannot tell whether it keeps to the stated bounds."
    return VerdictSummary(
        verdict=verdict,
        heading=f"{label}, {SUMMARY[verdict]}",
        discrimination=f"{capitalise(label)}: {discrimination(model, part)}",
        calibration=calibration(own.metrics) + (unsure if verdict == UNCLEAR else ""),
        per_1000_sentence=own.per_1000_sentence,
        per_1000=own.per_1000,
        other_parts=[
            _part_verdict(name, model, evaluation) for name in evaluation.parts if name != first
        ],
    )


def _part_verdict(part: str, model: str, evaluation: RunEvaluation) -> PartVerdict:
    gate, content = evaluation.gates[part][model], evaluation.parts[part]
    if gate.verdict == UNCLEAR:
        sentence = "; ".join(gate.reasons) + "."
    else:
        metrics = content.models[model].metrics
        sentence = f"{discrimination(model, content)} {calibration(metrics)}"
    return PartVerdict(part, gate.verdict, sentence)


def discrimination(model: str, part: PartEvaluation) -> str:
    """On how many patients, and how well the model tells the two groups apart."""
    auroc = estimate_text(part.models[model].metrics["auroc"], 2)
    repeated = f"{part.n:,} predictions for {part.subjects:,} patients"
    patients = repeated if part.subjects < part.n else f"{part.n:,} patients"
    return (
        f"AUROC {auroc} on {patients} that played no part in its making; {part.events:,} had the "
        "event."
    )


def calibration(metrics: Metrics) -> str:
    """Whether risks are right on average and spread as they should be, as far as intervals tell."""
    citl, slope = metrics["citl"], metrics["slope"]
    average = _position(citl, 0.0, "too low on average", "right on average", "too high on average")
    spread = _position(
        slope, 1.0, "not spread enough", "neither too extreme nor too timid", "too extreme"
    )
    return (
        f"Its risks are {average} (calibration-in-the-large {_inside(citl)}) and {spread} "
        f"(slope {_inside(slope)})."
    )


def _inside(estimate: Estimate) -> str:
    """An estimate as it stands within parentheses."""
    return estimate_text(estimate, 2).replace(" (", ", ").replace(")", "")


def _position(estimate: Estimate, target: float, above: str, around: str, below: str) -> str:
    """Words for an interval above, around and below the target."""
    if estimate.interval is None:
        return "not judged"
    low, high = estimate.interval
    return above if low > target else below if high < target else around


def simple_models_note(rows: Sequence[Row]) -> str:
    """What age and sex, or the site, reach by themselves, for the line of the models' AUROC."""
    return "; ".join(f"{row['predictors']} alone {_auroc(row)}" for row in rows)


def _auroc(row: Row) -> str:
    auroc = row["AUROC"]
    return estimate_text(auroc, 2) if isinstance(auroc, Estimate) else cell(auroc)


def simple_models(rows: Sequence[Row]) -> str:
    """The same as a sentence; "" without a row."""
    compared = simple_models_note(rows)
    text = f"To compare: {compared}, cross-fitted on the patients that the models learnt from."
    return text if compared else ""


def baseline(champion: ChampionChoice) -> str:
    """Whether the network beat every simpler model, or a baseline does as well.

    "" where the two were not compared.
    """
    rows = {row.model: row for row in champion.table if row.difference.low is not None}
    networks = [name for name in rows if not is_baseline(name)]
    baselines = [row for name, row in rows.items() if name not in networks]
    if not networks or not baselines:
        return ""
    simplest = next(name for name, row in rows.items() if (row.difference.low or 0.0) <= 0)
    won = simplest in networks
    network = rows[simplest if won else networks[-1]]
    other = min(baselines, key=lambda row: row.log_loss) if won else rows[simplest]
    label = model_label(other.model)
    losses = f"log loss {network.log_loss:.3f}, {label} {other.log_loss:.3f}"
    if won:
        return f"The network beat the baselines ({losses} on the calibration split)."
    return (
        f"The {model_label(network.model)} did not beat the baseline ({losses} on the calibration "
        "split): the simpler one does as well."
    )


def start(network: NetworkStart | None) -> str:
    """What the network started from, and why; "" for a table."""
    if network is None:
        return ""
    few = network.labels < TRANSFER_BELOW
    advice = (
        f"With fewer than {TRANSFER_BELOW:,} it should start from weights learnt elsewhere, on "
        "recordings of the same kind where such weights exist."
    )
    labels = f"{network.labels:,} labelled recordings taught the network"
    rule = f"{labels}. {advice}" if few else f"{labels}: enough to start from scratch."
    return f"{rule} {_started(network, few)}"


def _started(network: NetworkStart, few: bool) -> str:
    how = "as proposed" if network.proposed else "as chosen on the command line"
    if network.pretrained:
        return f"This network, {network.network}, starts from {network.pretrained}, {how}."
    scratch = f"This network, {network.network}, starts from scratch, {how}."
    if few and network.alternatives:
        options = [f"model/network={n} starts from {w}" for n, w in network.alternatives.items()]
        return f"{scratch} Compare: {'; '.join(options)}."
    nothing = " No pre-trained network for such recordings comes with this project."
    return scratch + (nothing if few else "")


def examples(examples: RecordingExamples) -> str:
    """What the drawn recordings are, and what is marked in them."""
    if not examples.recordings:
        return (
            f"No recording is shown, as evaluation.examples={examples.requested} asks: this page "
            "holds nobody's recording."
        )
    scale = "log odds of the calibrated risk"
    if not examples.calibrated:
        scale = "log odds before calibration"
    how = {
        "Grad-CAM": f"what each place adds to the {scale}, told by the network itself (Grad-CAM)",
        "occlusion": f"how much the {scale} lose when a place is hidden (occlusion)",
    }[examples.method]
    return (
        f"These are recordings of {len(examples.recordings)} patients: handle this page as you "
        "handle their records, or set evaluation.examples=0. All are from the validation split, "
        f"picked by a fixed rule. Marked is {how}. Orange, full lines and a plus: it raises the "
        "risk; blue, broken lines and a minus: it lowers it. The strongest place of each recording "
        "is the darkest. Association within the model, not cause."
    )


def caption(example: RecordingExample) -> str:
    """The caption of one drawn recording."""
    outcome = "the event happened" if example.event else "no event"
    return f"{capitalise(example.rule)}: risk {percent(example.risk)}, {outcome}."
