"""The sentences of a report: what the numbers say to a clinician, and only what an interval
supports.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from risk_model.core.estimate import Estimate
from risk_model.core.package import Verdict, worst
from risk_model.core.parts import OUT_OF_FOLD
from risk_model.core.table import Row
from risk_model.evaluation.gates import CANNOT_TELL, FAIL, PASS, TOO_FEW, Bounds, within
from risk_model.evaluation.metric_table import label as metric_label
from risk_model.evaluation.results import Metrics, OutcomesPer1000, RunEvaluation
from risk_model.evaluation.subgroups import ALPHA, POWER
from risk_model.evaluation.utility import per_cent
from risk_model.model.table import is_baseline
from risk_model.model.table import label as model_label
from risk_model.reporting import head_to_head
from risk_model.reporting.content import NetworkStart, RecordingExample, RecordingExamples
from risk_model.reporting.wording import capitalise, cell, estimate_text, inside, percent
from risk_model.training.record import ChampionChoice

SUMMARY: dict[Verdict, str] = {
    PASS: "within the stated bounds",
    FAIL: "outside the stated bounds",
    CANNOT_TELL: "cannot be told to keep to the stated bounds",
    TOO_FEW: "too few to judge",
}
WORTH: Bounds = (0.0, None)  # of the net benefit beyond flagging everybody or nobody
TRANSFER_BELOW = 50_000  # labels: with fewer, start from weights that were learnt elsewhere


@dataclass(frozen=True)
class PartVerdict:
    """The verdict on a model in one part, and what it rests on in a sentence."""

    part: str
    verdict: Verdict
    sentence: str


@dataclass(frozen=True)
class VerdictSummary:
    """The top of a report: the worst verdict on a model, and the first part in words and counts.

    `utility` is "" where no range of thresholds is stated, `beside` empty without an existing score
    that was recorded often enough.
    """

    verdict: Verdict
    heading: str
    discrimination: str
    calibration: str
    utility: str
    beside: list[str]
    per_1000_sentence: str
    per_1000: OutcomesPer1000
    other_parts: list[PartVerdict]


def subgroup_rule(evaluation: RunEvaluation) -> str:
    """How a group is compared, when it is named, and what a dash says where it is not."""
    bound, unit = evaluation.bounds["citl"][1], evaluation.unit
    return (
        f"A group is compared with all {unit} outside it. Its risks are called too low or "
        f"too high where its calibration-in-the-large differs from theirs (p below {ALPHA:g} after "
        "adjustment for the number of groups and parts) and its own interval lies beyond "
        f"±{bound:g} "
        f"on that side. AUROC decides nothing: it differs with the mix of {unit} in a group, "
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
    part, here = evaluation.parts[first], evaluation.gates[first][model]
    own, label = part.models[model], model_label(model)
    unsure = f" {_untold(here.reasons)}" if here.verdict in (CANNOT_TELL, TOO_FEW) else ""
    return VerdictSummary(
        verdict=worst(evaluation.verdicts(model).values()),
        heading=f"{label}, {_overall(evaluation.verdicts(model))}",
        discrimination=f"{capitalise(label)}: {discrimination(model, first, evaluation)}",
        calibration=calibration(own.metrics, evaluation.bounds) + unsure,
        utility=utility(own.metrics, evaluation.threshold),
        beside=head_to_head.verdicts(model, part),
        per_1000_sentence=own.per_1000_sentence,
        per_1000=own.per_1000,
        other_parts=[
            _part_verdict(name, model, evaluation) for name in evaluation.parts if name != first
        ],
    )


def _untold(reasons: Sequence[str]) -> str:
    """The reasons of a gate but those that the sentences on calibration and worth tell."""
    told = tuple(map(metric_label, ("citl", "slope", "net_benefit_gain")))
    rest = [reason for reason in reasons if not reason.startswith(told)]
    return f"{capitalise('; '.join(rest))}." if rest else ""


def _overall(verdicts: Mapping[str, Verdict]) -> str:
    """The worst verdict over all parts in words, and on which of them, where there are others."""
    verdict = worst(verdicts.values())
    where = [part for part, own in verdicts.items() if own == verdict]
    return SUMMARY[verdict] + (f" on {' and '.join(where)}" if len(where) < len(verdicts) else "")


def _part_verdict(part: str, model: str, evaluation: RunEvaluation) -> PartVerdict:
    gate, metrics = evaluation.gates[part][model], evaluation.parts[part].models[model].metrics
    said = [discrimination(model, part, evaluation), calibration(metrics, evaluation.bounds)]
    if gate.verdict == TOO_FEW:
        said = ["; ".join(gate.reasons) + "."]
    told = gate.verdict != TOO_FEW or _is_useless(metrics)
    worth = utility(metrics, evaluation.threshold) if told else ""
    beside = head_to_head.verdicts(model, evaluation.parts[part])
    return PartVerdict(part, gate.verdict, " ".join(filter(None, [*said, worth, *beside])))


def _is_useless(metrics: Metrics) -> bool:
    """Whether flagging by the model is surely worth no more, few as the patients may be."""
    gain = metrics.get("net_benefit_gain")
    return gain is not None and within(gain, WORTH) == FAIL


def discrimination(model: str, name: str, evaluation: RunEvaluation) -> str:
    """On how many patients, and how well the model tells the two groups apart."""
    part = evaluation.parts[name]
    auroc = estimate_text(part.models[model].metrics["auroc"], 2)
    return f"AUROC {auroc} on {_judged_on(name, evaluation)}; {part.events:,} had the event."


def _judged_on(name: str, evaluation: RunEvaluation) -> str:
    """Who is judged on: patients, where the data tell whose row each is, and what they taught."""
    part, known = evaluation.parts[name], evaluation.patients_identified
    rows = evaluation.row_name
    models = "a model" if part.repeats == 1 else f"{part.repeats} models"
    if not known and name == OUT_OF_FOLD:
        unsaid = f"other {rows} of the same patients may have taught it, as no column names them"
        return f"{part.n:,} {rows}, each scored by {models} made and chosen without it ({unsaid})"
    if not known:
        unsaid = "whose they are is not recorded, so some may be of patients it learnt from"
        return f"{part.n:,} {rows} ({unsaid})"
    repeated = f"{part.n:,} predictions for {part.subjects:,} patients"
    patients = repeated if part.subjects < part.n else f"{part.n:,} patients"
    if name == OUT_OF_FOLD:
        return f"{patients}, each scored by {models} made and chosen without them"
    return f"{patients} that played no part in its making"


def calibration(metrics: Metrics, bounds: Mapping[str, Bounds]) -> str:
    """Whether risks are right on average and spread as they should be, within the stated bounds."""
    citl, slope = metrics["citl"], metrics["slope"]
    average = "too low on average", "right on average", "too high on average"
    spread = "spread too little", "spread as they should be", "too extreme"
    return (
        f"Its risks are {_position(citl, bounds['citl'], *average)} "
        f"(calibration-in-the-large {inside(citl, 2)}) and "
        f"{_position(slope, bounds['slope'], *spread)} (slope {inside(slope, 2)})."
    )


def _within(limits: Bounds) -> str:
    """Bounds as they stand in a sentence, ± where they are symmetric."""
    low, high = limits
    if low is not None and high is not None and low == -high:
        return f"±{high:g}"
    return f"{low:g} to {high:g}"


def utility(metrics: Metrics, threshold: float) -> str:
    """Whether flagging at the threshold is worth more than flagging everybody or nobody.

    "" where no range of thresholds is stated.
    """
    if "net_benefit_gain" not in metrics:
        return ""
    gain = metrics["net_benefit_gain"]
    worth = {
        PASS: "is worth more than the better of flagging everybody and nobody",
        FAIL: "is worth no more than the better of flagging everybody and nobody",
    }.get(within(gain, WORTH), "cannot be told to be worth more than flagging all or none")
    flagging = f"Flagging a risk of {per_cent(threshold)} or more {worth}"
    return f"{flagging} (net benefit beyond that {inside(gain)})."


def _position(estimate: Estimate, bounds: Bounds, above: str, inside: str, below: str) -> str:
    """Words for an interval wholly above, inside and below the bounds; else it cannot be told."""
    verdict = within(estimate, bounds)
    if verdict != FAIL:
        return f"{'' if verdict == PASS else 'not surely '}{inside} within {_within(bounds)}"
    low, _ = estimate.interval or (0.0, 0.0)
    words = above if bounds[1] is not None and low >= bounds[1] else below
    return f"{words}, outside {_within(bounds)}"


def simple_models_note(rows: Sequence[Row]) -> str:
    """What age and sex, or the site, reach by themselves, for the line of the models' AUROC."""
    return f"{_alone(rows)}, on the rows that taught" if rows else ""


def _alone(rows: Sequence[Row]) -> str:
    return "; ".join(f"{row['predictors']} alone {_auroc(row)}" for row in rows)


def _auroc(row: Row) -> str:
    auroc = row["AUROC"]
    return estimate_text(auroc, 2) if isinstance(auroc, Estimate) else cell(auroc)


def simple_models(rows: Sequence[Row]) -> str:
    """The same as a sentence; "" without a row."""
    text = f"To compare, AUROC of {_alone(rows)}, cross-fitted on the rows that taught the models."
    return text if rows else ""


def baseline(champion: ChampionChoice) -> str:
    """Whether the network beat every simpler model, and by how much.

    "" where the two were not compared.
    """
    rows = {row.model: row for row in champion.table if row.difference.interval is not None}
    networks = [row for name, row in rows.items() if not is_baseline(name)]
    baselines = [row for name, row in rows.items() if is_baseline(name)]
    if not networks or not baselines:
        return ""
    network, other = networks[-1], min(baselines, key=lambda row: row.log_loss)
    label = model_label(other.model)
    losses = f"log loss {network.log_loss:.4f}, {label} {other.log_loss:.4f}"
    where = f"on {champion.compared_on}"
    if network.log_loss >= other.log_loss:
        return f"The {model_label(network.model)} did not beat {label} ({losses}, {where})."
    low, high = other.difference.interval or (0.0, 0.0)
    worse = f"{label} is worse by {low:.4f} to {high:.4f}, {where}"
    if low <= 0:
        return (
            f"The {model_label(network.model)} has the lowest log loss, but not beyond chance "
            f"({losses}; {label} against it: {low:.4f} to {high:.4f}, {where})."
        )
    beaten = f"The {model_label(network.model)} beat the baselines ({losses}; {worse})"
    if champion.margin is not None and high < champion.margin:
        return f"{beaten}, by less than the margin of {champion.margin:.4f}: the simpler is taken."
    return f"{beaten}."


def development(folds: int, rows: int, chosen: Mapping[str, int]) -> str:
    """How the models came about: which rows taught, calibrated and chose.

    `rows` taught; `chosen` says how often each model was, where all steps were cross-fitted. ""
    where the number of folds is not recorded.
    """
    if not folds:
        return ""
    if folds == 1:
        return (
            "Quick trial (split.folds=1): models learnt from the training split alone, and the "
            "champion was chosen on the calibration split alone. With cross-fitting all "
            "development rows do both, and the choice errs less often."
        )
    said = (
        f"Each of {folds} folds of the {rows:,} development rows was scored by models made without "
        "it. Calibrators and champion were chosen on these risks; then each model was made from "
        "all of these rows."
    )
    if not chosen:
        return said
    often = ", ".join(f"{model_label(name)} {times}" for name, times in chosen.items())
    return (
        f"{said} There are too few events to cut off a test split. Instead all these steps, the "
        f"choice among them, were repeated without each fold, {sum(chosen.values())} times in all "
        f"(chosen: {often}). Out-of-fold figures of the champion are those of models made and "
        "chosen without the row, whichever was chosen."
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


def examples(examples: RecordingExamples, row_name: str) -> str:
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
        f"These are {len(examples.recordings)} {row_name} of patients: handle this page as you "
        "handle their records, or set evaluation.examples=0. All are from the validation split, "
        f"picked by a fixed rule. Marked is {how}. Orange, full lines and a plus: it raises the "
        "risk; blue, broken lines and a minus: it lowers it. The strongest place of each recording "
        "is the darkest. Association within the model, not cause."
    )


def caption(example: RecordingExample) -> str:
    """The caption of one drawn recording."""
    outcome = "the event happened" if example.event else "no event"
    return f"{capitalise(example.rule)}: risk {percent(example.risk)}, {outcome}."
