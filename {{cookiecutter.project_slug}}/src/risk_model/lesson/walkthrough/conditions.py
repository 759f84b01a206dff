"""The conditions of the walkthrough: what must hold in a run for a sentence to be said of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from risk_model.core.errors import UserError
from risk_model.core.estimate import Estimate
from risk_model.core.findings import Finding
from risk_model.core.package import worst
from risk_model.core.parts import OUT_OF_FOLD
from risk_model.data.held_out import LAST_PERIOD
from risk_model.evaluation.gates import CANNOT_TELL, FAIL, PASS, TOO_FEW, within
from risk_model.evaluation.results import SubgroupEvaluation
from risk_model.lesson.walkthrough.records import RunRecords
from risk_model.model.table import LINEAR, MODELS, NETWORK, TREES, simplest_first
from risk_model.reporting.checklist_verdicts import CROSSING
from risk_model.reporting.sentences import TRANSFER_BELOW, WORTH
from risk_model.training.record import CalibratorRecord

NO_GIT = "not under git"  # what `core.runs.code_versions` writes
NOT = "not "
RARE = 0.1  # event rate below which a model that flags nobody is right for nine in ten
SITE = "site: "  # a part's name begins with it
PRETRAINED = ("pretrained_cnn", "encoder")
MAPPING = ("cnn", "pretrained_cnn")  # networks that give a map of what each place adds
Condition = Callable[[RunRecords], bool]


def holds(run: RunRecords, when: Iterable[str]) -> bool:
    """Whether all of these conditions hold; `not NAME` is that NAME does not."""
    return all(CONDITIONS[name.removeprefix(NOT)](run) != name.startswith(NOT) for name in when)


EVENTS = "events"  # the module of their settings


def modality(run: RunRecords) -> str:
    """What a row is: tables, imaging, waveform or text, by the settings of its source.

    Events are told of as the table that they become.
    """
    module = type(run.settings.data).__module__.rpartition(".")[2]
    return "tables" if module in ("sources", EVENTS) else module


def finding(run: RunRecords, kind: str) -> Finding | None:
    """The first finding of a kind about the data."""
    return next((f for f in run.training.findings or [] if f.kind == kind), None)


def judged_groups(run: RunRecords) -> list[SubgroupEvaluation]:
    """The groups of the champion's patients that were large enough, over all parts."""
    parts = run.evaluation.parts.values()
    groups = [group for part in parts for group in part.models[run.champion].subgroups]
    return [group for group in groups if group.evaluated]


def _metric(run: RunRecords, name: str, part: str = "") -> Estimate:
    """A metric of the champion, in the first part; one that is gone is no metric without interval.

    Raises:
        UserError: there is none of that name.
    """
    metrics = run.evaluation.parts[part or run.first].models[run.champion].metrics
    if name not in metrics:
        raise UserError(f"walkthrough: evaluation.json has no metric '{name}'")
    return metrics[name]


def _has_interval(run: RunRecords, names: Iterable[str], part: str = "") -> bool:
    return all(_metric(run, name, part).interval is not None for name in names)


def _difference(run: RunRecords, model: str) -> bool:
    """Whether a model's AUROC was compared with the comparator's, with an interval."""
    own = run.evaluation.parts[run.first].models.get(model)
    return own is not None and own.differences.get("auroc", Estimate(None)).interval is not None


def _verdict(*verdicts: str) -> Condition:
    return lambda run: worst(run.verdicts.values()) in verdicts


def _part(*names: str) -> Condition:
    return lambda run: any(name in run.evaluation.parts for name in names)


def _network(*names: str) -> Condition:
    return lambda run: run.settings.model.network.name in names


def _loss(name: str) -> Condition:
    return lambda run: run.settings.training.loss == name


def _champion(name: str) -> Condition:
    return lambda run: run.champion == name


def _modality(name: str) -> Condition:
    return lambda run: modality(run) == name


def _left_out(kind: str) -> Condition:
    return lambda run: any(row.kind == kind and row.models for row in run.validated.left_out)


def _found(kind: str) -> Condition:
    return lambda run: finding(run, kind) is not None


def _gain(verdict: str) -> Condition:
    return lambda run: _stated(run) and within(_metric(run, "net_benefit_gain"), WORTH) == verdict


def _watched(run: RunRecords) -> bool:
    """Whether it is recorded how long network and XGBoost learnt, or were watched."""
    cross_fitted = run.training.folds > 1
    recorded = run.training.rounds if cross_fitted else run.training.history
    return bool(recorded.get(NETWORK)) and bool(recorded.get(TREES))


def _curves(model: str) -> Condition:
    def check(run: RunRecords) -> bool:
        rows = run.training.history.get(model, [])
        return bool(rows) and {"train_loss", "validation_loss"} <= rows[-1].keys()

    return check


def _network_lost(run: RunRecords) -> bool:
    network, chosen = run.row(NETWORK), run.row(run.champion)
    return bool(network and chosen and network.log_loss >= chosen.log_loss)


def _all_compared(run: RunRecords) -> bool:
    return all(run.row(row.name) for row in MODELS)


def _simplest(run: RunRecords) -> bool:
    names = [row.model for row in run.training.champion.table]
    return simplest_first(names)[:1] == [run.champion]


def _too_few(run: RunRecords) -> bool:
    return any(not row.enough for row in run.own.required_rows)


def _enough(run: RunRecords) -> bool:
    return bool(run.own.required_rows) and not _too_few(run)


def _accepted(run: RunRecords) -> bool:
    return run.manifest is not None and run.manifest.accepted is not None


def _parity_apart(run: RunRecords) -> bool:
    """Whether two groups of the partition that is told of are flagged at different rates."""
    gaps = [rates.demographic_parity_difference for rates in run.own.parity.values()]
    return any(gap.highest != gap.lowest for gap in gaps[:1])


def _calibrator(run: RunRecords) -> CalibratorRecord:
    return run.training.calibrators[run.champion]


def _cross(run: RunRecords) -> bool:
    """Whether it was let pass that a patient stands on both sides of the split."""
    passed = run.settings.data.accept
    return any(f.kind in CROSSING and f.where in passed for f in run.training.findings or [])


def _stated(run: RunRecords) -> bool:
    return bool(run.evaluation.decision.threshold_high)


def _decision(field: str) -> Condition:
    return lambda run: bool(getattr(run.evaluation.decision, field))


CONDITIONS: dict[str, Condition] = {
    # what a row is, and where it comes from
    "tables": _modality("tables"),
    "events": lambda run: type(run.settings.data).__module__.endswith(f".{EVENTS}"),
    "imaging": _modality("imaging"),
    "waveform": _modality("waveform"),
    "text": _modality("text"),
    "made_up": lambda run: str(run.settings.data.name).startswith("synthetic"),
    "patients_identified": lambda run: run.evaluation.patients_identified,
    "patients_cross": _cross,
    "later_declared": lambda run: bool(run.settings.data.recorded_after),
    "findings_accepted": lambda run: bool(run.settings.data.accept),
    "findings_recorded": lambda run: run.training.findings is not None,
    "findings_raised": lambda run: bool(run.training.findings),
    "small_sample": _found("small sample"),
    "site_shift": _found("site shift"),
    "drift": _found("drift"),
    "under_diagnosis": _found("under-diagnosis"),
    "rare_event": lambda run: run.evaluation.parts[run.first].prevalence < RARE,
    # how the rows were divided
    "cross_fitted": lambda run: run.training.folds > 1,
    "test_split": _part("test"),
    "out_of_fold": _part(OUT_OF_FOLD),
    "sites_held_out": lambda run: any(part.startswith(SITE) for part in run.kept_apart),
    "period_held_out": _part(LAST_PERIOD),
    "published_part": lambda run: any(
        part != LAST_PERIOD and not part.startswith(SITE) for part in run.kept_apart
    ),
    "kept_apart": lambda run: bool(run.kept_apart),
    "sites_left_out": _left_out("site"),
    "periods_left_out": _left_out("time"),
    "left_out": lambda run: any(row.models for row in run.validated.left_out),
    "sites_pooled": lambda run: any(r.pooled and r.prediction for r in run.validated.heterogeneity),
    "enough_rows": _enough,
    "too_few_rows": _too_few,
    # which model
    "network_mlp": _network("mlp"),
    "network_cnn": _network("cnn"),
    "network_pretrained_cnn": _network("pretrained_cnn"),
    "network_lstm": _network("lstm"),
    "network_gru": _network("gru"),
    "network_resnet1d": _network("resnet1d"),
    "network_transformer": _network("transformer"),
    "network_encoder": _network("encoder"),
    "pretrained": _network(*PRETRAINED),
    "gives_map": lambda run: run.champion == NETWORK and run.settings.model.network.name in MAPPING,
    "few_labels": lambda run: run.training.sizes[run.taught].rows < TRANSFER_BELOW,
    "champion_logistic_regression": _champion(LINEAR),
    "champion_xgboost": _champion(TREES),
    "champion_network": _champion(NETWORK),
    "champion_forced": lambda run: run.settings.model.champion != "auto",
    "champion_simplest": _simplest,
    "champion_lowest": lambda run: run.champion == run.lowest,
    "champion_is_comparator": lambda run: run.champion == run.evaluation.comparator,
    "champion_compared": lambda run: _difference(run, run.champion),
    "network_compared": lambda run: _difference(run, NETWORK),
    "network_lost": _network_lost,
    "all_compared": _all_compared,
    "existing_score": lambda run: any(score.differences for score in run.own.head_to_head),
    "no_existing_score": lambda run: not run.own.head_to_head,
    # how it learnt
    "loss_bce": _loss("bce"),
    "loss_pos_weight": _loss("pos_weight"),
    "loss_focal": _loss("focal"),
    "calibrator_identity": lambda run: _calibrator(run).kind == "identity",
    "calibrator_curve": lambda run: (
        "slope" not in run.training.calibrators[run.champion].parameters
    ),
    "penalty_chosen": lambda run: run.settings.model.logistic_regression.c == 0,
    "watched": _watched,
    "network_curves": _curves(NETWORK),
    "tree_curves": _curves(TREES),
    # how it did
    "measured": lambda run: _has_interval(run, ("auroc", "slope", "citl")),
    "ranking_measured": lambda run: _has_interval(run, ("auroc", "auprc")),
    "measured_elsewhere": lambda run: (
        bool(run.elsewhere) and _has_interval(run, ("auroc", "citl"), run.elsewhere)
    ),
    "verdict_pass": _verdict(PASS),
    "verdict_fail": _verdict(FAIL),
    "verdict_cannot_tell": _verdict(CANNOT_TELL),
    "verdict_too_few": _verdict(TOO_FEW),
    "groups_judged": lambda run: bool(judged_groups(run)),
    "group_found": lambda run: any(group.miscalibrated for group in judged_groups(run)),
    "parity_apart": _parity_apart,
    "harm_ratio_stated": _decision("harm_ratio"),
    "reason_stated": _decision("reason"),
    "thresholds_stated": _stated,
    "worth_acting": _gain(PASS),
    "not_worth_acting": _gain(FAIL),
    # where it goes
    "sealed": lambda run: run.manifest is not None,
    "accepted": _accepted,
    "under_git": lambda run: run.training.git != NO_GIT,
}
