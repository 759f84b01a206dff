"""One thing is changed in a run: is the walkthrough told of it, and of nothing else?

A table beside that of the cases: what stands on a page only then, and what on every other page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

import pytest

from risk_model.config import NETWORKS, SOURCES
from risk_model.core.estimate import Estimate
from risk_model.core.optional import module_exists
from risk_model.core.package import Acceptance
from risk_model.evaluation.results import (
    HeadToHead,
    LeftOutEvaluation,
    PooledPerformance,
    RunEvaluation,
)
from risk_model.lesson.walkthrough.conditions import CONDITIONS, holds
from risk_model.lesson.walkthrough.page import (
    LEAD_WORDS,
    LEADS,
    PARAGRAPH_WORDS,
    view,
)
from risk_model.lesson.walkthrough.pointers import Pointers
from risk_model.lesson.walkthrough.prose import Claim, closing, concerns
from risk_model.lesson.walkthrough.records import RunRecords
from risk_model.training.record import CalibratorRecord, PartSize

from tests.lesson.made_walkthrough import (
    PERIOD,
    SITE,
    Case,
    made_manifest,
    made_run,
    with_finding,
    with_part,
)
from tests.lesson.test_walkthrough import CASES, ONLY, text_of


def accepted(run: RunRecords) -> RunRecords:
    manifest = made_manifest(run)
    person = Acceptance("Dr Lee", "only beside a nurse", {}, "2026-01-01")
    return replace(run, manifest=replace(manifest, accepted=person))


def existing_score(run: RunRecords) -> RunRecords:
    part = run.evaluation.parts["test"]
    model = part.models[run.champion]
    differences = {"auroc": Estimate(0.04, 0.01, 0.07)}
    beside = [HeadToHead("news", 90, 90, 30, differences=differences)]
    models = {**part.models, run.champion: replace(model, head_to_head=beside)}
    return with_part(run, "test", replace(part, models=models))


def without_groups(run: RunRecords) -> RunRecords:
    for name, part in run.evaluation.parts.items():
        models = {m: replace(own, subgroups=[], parity={}) for m, own in part.models.items()}
        run = with_part(run, name, replace(part, models=models))
    return run


def group_found(run: RunRecords) -> RunRecords:
    part = run.evaluation.parts["test"]
    model = part.models[run.champion]
    first = next(i for i, group in enumerate(model.subgroups) if group.evaluated)
    groups = list(model.subgroups)
    groups[first] = replace(groups[first], miscalibrated="too low")
    models = {**part.models, run.champion: replace(model, subgroups=groups)}
    return with_part(run, "test", replace(part, models=models))


def parity_without_a_gap(run: RunRecords) -> RunRecords:
    part = run.evaluation.parts["test"]
    model = part.models[run.champion]
    name, rates = next(iter(model.parity.items()))
    gap = rates.demographic_parity_difference
    same = replace(gap, lowest=gap.highest, difference=Estimate(0.0, -0.1, 0.1))
    parity = {name: replace(rates, demographic_parity_difference=same)}
    models = {**part.models, run.champion: replace(model, parity=parity)}
    return with_part(run, "test", replace(part, models=models))


def without_intervals(run: RunRecords) -> RunRecords:
    """The first part is too small for any interval of AUROC, slope and differences."""
    part = run.evaluation.parts["test"]

    def bare(metrics: dict[str, Estimate]) -> dict[str, Estimate]:
        return {name: Estimate(value.estimate) for name, value in metrics.items()}

    models = {
        name: replace(own, metrics=bare(own.metrics), differences=bare(own.differences))
        for name, own in part.models.items()
    }
    return with_part(run, "test", replace(part, models=models))


def gain(low: float, high: float) -> Callable[[RunRecords], RunRecords]:
    """The net benefit beyond all or none lies between these."""

    def change(run: RunRecords) -> RunRecords:
        part = run.evaluation.parts["test"]
        own = part.models[run.champion]
        metrics = {**own.metrics, "net_benefit_gain": Estimate((low + high) / 2, low, high)}
        models = {**part.models, run.champion: replace(own, metrics=metrics)}
        return with_part(run, "test", replace(part, models=models))

    return change


def decision(**stated: Any) -> Callable[[RunRecords], RunRecords]:
    """Another decision, in the settings and in the evaluation."""

    def change(run: RunRecords) -> RunRecords:
        own = replace(run.evaluation.decision, **stated)
        run.settings.data.decision = own
        return replace(run, evaluation=replace(run.evaluation, decision=own))

    return change


def left_out(run: RunRecords) -> RunRecords:
    metrics = {"auroc": Estimate(0.7, 0.6, 0.8)}
    rows = [
        LeftOutEvaluation(kind, kind, 90, 30, "", {"xgboost": metrics}) for kind in ("site", "time")
    ]
    pooled = PooledPerformance(
        "xgboost", "AUROC", "log odds", 3, Estimate(0.7, 0.6, 0.8), 0.1, (0.5, 0.9)
    )
    return replace(run, validated=replace(run.validated, left_out=rows, heterogeneity=[pooled]))


def patients_cross(run: RunRecords) -> RunRecords:
    run.settings.data.accept = {"subjects": "known twins"}
    return with_finding(run, "shared subjects", "subjects")


def later_declared(run: RunRecords) -> RunRecords:
    run.settings.data.recorded_after = ["died", "slos"]
    return run


def set_penalty(run: RunRecords) -> RunRecords:
    run.settings.model.logistic_regression.c = 0.1
    return run


def forced(run: RunRecords) -> RunRecords:
    run.settings.model.champion = run.champion
    return run


def real_patients(run: RunRecords) -> RunRecords:
    run.settings.data = SOURCES["csv"](name="ours")
    run.settings.data.decision = run.evaluation.decision
    return run


def renamed_part(run: RunRecords) -> RunRecords:
    """The part kept apart has a name of its own, as its source published it."""
    names = {SITE: "abroad", PERIOD: "abroad"}
    evaluation = run.evaluation
    parts = {names.get(name, name): part for name, part in evaluation.parts.items()}
    gates = {names.get(name, name): gate for name, gate in evaluation.gates.items()}
    return replace(run, evaluation=replace(evaluation, parts=parts, gates=gates))


def curve(run: RunRecords) -> RunRecords:
    kind = CalibratorRecord("centred_isotonic", {"knots": [0.0], "risks": [0.5]})
    calibrators = dict.fromkeys(run.training.calibrators, kind)
    return replace(run, training=replace(run.training, calibrators=calibrators))


def prevalence(share: float) -> Callable[[RunRecords], RunRecords]:
    return lambda run: with_part(
        run, "test", replace(run.evaluation.parts["test"], prevalence=share)
    )


def enough(value: bool) -> Callable[[RunRecords], RunRecords]:
    """Whether there are the rows that intervals as narrow as asked need."""

    def change(run: RunRecords) -> RunRecords:
        part = run.evaluation.parts["test"]
        own = part.models[run.champion]
        rows = [replace(row, enough=value) for row in own.required_rows]
        models = {**part.models, run.champion: replace(own, required_rows=rows)}
        return with_part(run, "test", replace(part, models=models))

    return change


def training(**changes: Any) -> Callable[[RunRecords], RunRecords]:
    return lambda run: replace(run, training=replace(run.training, **changes))


def unidentified(run: RunRecords) -> RunRecords:
    return replace(run, evaluation=replace(run.evaluation, patients_identified=False))


def two_compared(run: RunRecords) -> RunRecords:
    """The record of the choice tells of the baselines alone."""
    choice = run.training.champion
    return training(champion=replace(choice, table=choice.table[:2]))(run)


def many_labels(run: RunRecords) -> RunRecords:
    sizes = dict.fromkeys(run.training.sizes, PartSize(60_000, 60_000, 9_000))
    return training(sizes=sizes)(run)


def signal(source: str, network: str) -> Callable[[RunRecords], RunRecords]:
    """A run on recordings, of another source and with another network."""

    def change(run: RunRecords) -> RunRecords:
        run.settings.data = SOURCES[source]()
        run.settings.data.decision = run.evaluation.decision
        run.settings.model.network = NETWORKS[network]()
        return run

    return change


LR, XGB, NET = (Case(champion=name) for name in ("logistic_regression", "xgboost", "network"))
INSIDE = replace(LR, site=False, period=False)
# The case, what is changed, what is then said of it, and what is no longer.
Change = tuple[Case, Callable[[RunRecords], RunRecords], list[str], list[str]]
CHANGES: dict[str, Change] = {
    "unidentified": (
        LR,
        unidentified,
        ["nothing names the patients", "whose they are is not recorded"],
        ["None of their patients", "rows of 500 patients", "Where patients come twice"],
    ),
    "unidentified, out of fold": (
        replace(LR, out_of_fold=True),
        unidentified,
        ["nothing names the patients"],
        ["made without its patient"],
    ),
    "patients cross": (
        LR,
        patients_cross,
        ["a patient may stand on both sides", "each with a stated reason: subjects"],
        ["None of their patients"],
    ),
    "patients cross, out of fold": (
        replace(LR, out_of_fold=True),
        patients_cross,
        ["a patient may stand on both sides"],
        ["made without its patient"],
    ),
    "patients cross, unidentified": (
        LR,
        lambda run: unidentified(patients_cross(run)),
        ["nothing names the patients"],
        ["a patient may stand on both sides"],
    ),
    "crossing not accepted": (LR, partial(with_finding, kind="shared subjects"), [], ["let pass"]),
    "accepted": (
        replace(XGB, verdict="fail"),
        accepted,
        ["Dr Lee answers for it: only beside a nurse.", "whose risk is 0.250"],
        ["is not served unless"],
    ),
    "accepted, cannot tell": (
        replace(XGB, verdict="cannot tell"),
        accepted,
        ["Dr Lee answers for it"],
        ["is served only on a named person's reason"],
    ),
    "accepted, too few": (
        replace(XGB, verdict="too few to judge"),
        accepted,
        ["Dr Lee answers for it"],
        ["is served only on a named person's reason"],
    ),
    "sealed, not accepted": (
        replace(XGB, verdict="fail"),
        lambda run: replace(run, manifest=made_manifest(run)),
        ["is not served unless", "lists all of its files, 2"],
        ["answers for it: "],
    ),
    "existing score": (
        LR,
        existing_score,
        ["Beside an existing score, news", "0.040 (0.010 to 0.070)"],
        ["No existing score was named"],
    ),
    "no existing score": (LR, lambda run: run, ["No existing score"], ["Beside an existing score"]),
    "no groups": (
        LR,
        without_groups,
        ["says nothing about fairness"],
        ["None was named", "Alert rate by", "Groups judged", "each compared with all other"],
    ),
    "group found": (
        LR,
        group_found,
        ["Named first: age band", "whose risks are too low"],
        ["None was named", "none was named"],
    ),
    "no group found": (LR, lambda run: run, ["None was named"], ["Named first"]),
    "parity without a gap": (LR, parity_without_a_gap, [], ["Alert rate by", "Alert rates by"]),
    "no intervals": (
        XGB,
        without_intervals,
        ["cannot both be given with intervals", "too little was there to compare it"],
        ["AUROC is 0", "AUROC differs", "AUPRC 0.", "Here: slope", "Log loss minus that"],
    ),
    "no intervals, regression": (
        LR,
        without_intervals,
        ["too little was there to compare the network"],
        ["AUROC differs", "log loss minus"],
    ),
    "worth acting": (LR, gain(0.01, 0.03), ["that is worth more than"], ["is worth no more"]),
    "not worth acting": (LR, gain(-0.03, 0.0), ["is worth no more"], ["that is worth more than"]),
    "perhaps worth acting": (
        LR,
        gain(-0.01, 0.01),
        ["cannot be told to be worth more"],
        ["that is worth more than", "is worth no more"],
    ),
    "no thresholds": (
        LR,
        decision(threshold_low=0.0, threshold_high=0.0, reason="", harm_ratio=0.0),
        ["No range of thresholds is stated", "No harm ratio is stated"],
        ["Net benefit beyond", "worth more than the better", "A miss counts"],
    ),
    "no harms, but a reason": (
        LR,
        decision(reason="talks cost little", harm_ratio=0.0),
        ["No harm ratio is stated"],
        ["A miss counts"],
    ),
    "harms without a reason": (
        LR,
        decision(reason="", harm_ratio=3.0),
        ["A miss counts as 3 false alerts; why is not stated"],
        ["No harm ratio", "false alerts: "],
    ),
    "harms with a reason": (
        LR,
        decision(reason="talks cost little", harm_ratio=3.0),
        ["A miss counts as 3 false alerts: talks cost little."],
        ["No harm ratio", "why is not stated"],
    ),
    "left out in turn": (
        INSIDE,
        left_out,
        [
            "each was left out in turn",
            "Sites were also left out in turn",
            "Later periods were also",
            "AUROC of XGBoost is expected from 0.50 to 0.90",
            "internal_external.json",
        ],
        ["says nothing about another hospital"],
    ),
    "left out in turn, and kept apart": (LR, left_out, [], ["was kept apart for good"]),
    "published part": (
        replace(LR, period=False),
        renamed_part,
        ["A part that its source published as external", "worse verdict than abroad"],
        ["Whole sites", "No site and no period"],
    ),
    "later columns": (
        LR,
        later_declared,
        ["the prediction moment, 2 of them, reach no model"],
        ["No column is declared"],
    ),
    "made up": (LR, lambda run: run, ["Its patients are made up"], []),
    "not made up": (LR, real_patients, ["The source is ours"], ["made up"]),
    "penalty as set": (
        LR,
        set_penalty,
        ["inverse strength 0.1, as set"],
        ["cross-validation chose its strength"],
    ),
    "penalty as set, another champion": (XGB, set_penalty, [], ["The champion's weights"]),
    "small sample": (
        LR,
        partial(with_finding, kind="small sample"),
        ["what was found about small sample"],
        ["sample size does not warn", "The checks raised nothing"],
    ),
    "no findings": (
        LR,
        lambda run: run,
        ["The checks raised nothing", "sample size does not warn"],
        ["by kind:"],
    ),
    "findings not recorded": (
        LR,
        training(findings=None),
        [],
        ["The checks raised", "Findings about the data", "sample size"],
    ),
    "site shift": (
        LR,
        partial(with_finding, kind="site shift", where="Hungary"),
        ["Hungary stands out: what was found about site shift."],
        [],
    ),
    "drift": (
        LR,
        partial(with_finding, kind="drift"),
        ["something drifted already: what was found about drift."],
        [],
    ),
    "under-diagnosis": (
        LR,
        partial(with_finding, kind="under-diagnosis", where="sex: F"),
        ["that is in doubt for sex: F"],
        [],
    ),
    "rare": (LR, prevalence(0.05), ["The event is rare,"], ["The event is not rare"]),
    "not rare": (LR, prevalence(0.3), ["The event is not rare"], ["The event is rare,"]),
    "enough rows": (LR, enough(True), ["the rows judged are enough"], ["judged are too few"]),
    "too few rows": (LR, enough(False), ["judged are too few"], ["the rows judged are enough"]),
    "no git": (LR, training(git="not under git"), ["under no version control"], ["its code ("]),
    "git": (LR, lambda run: run, ["its code (ab12cd)"], ["under no version control"]),
    "nothing watched": (
        LR,
        training(history={}, rounds={}),
        ["How long they learnt is not recorded"],
        ["epochs for the network", "last epoch watched", "decided how long"],
    ),
    "nothing watched, trees": (
        XGB,
        training(history={}, rounds={}),
        [],
        ["last tree watched", "decided how long"],
    ),
    "nothing watched, no folds": (
        replace(LR, cross_fitted=False),
        training(history={}, rounds={}),
        [],
        ["decided how long"],
    ),
    "forced, and the lowest": (
        LR,
        forced,
        ["The settings ask for logistic regression"],
        ["The champion is logistic", "No: its log loss", "The simplest model that is surely"],
    ),
    "curve": (
        LR,
        curve,
        ["The calibrator is a curve", "of the kind centred isotonic"],
        ["scale is that of the log odds", "raw risks are served"],
    ),
    "many labels": (LR, many_labels, ["60,000 rows of 60,000 patients"], ["With so few labels"]),
    "network not compared": (
        LR,
        two_compared,
        [],
        ["Log loss of the champion and of the network", "learn from the same rows", "record says"],
    ),
    "line": (LR, lambda run: run, ["scale is that of the log odds"], ["calibrator is a curve"]),
    "table": (
        LR,
        lambda run: run,
        ["synthetic, a table.", "SHAP values", "no weights for tables"],
        ["recording", "Grad-CAM", "occlusion", "electrocardiogram", "One part of the recording"],
    ),
}
if module_exists("config.imaging"):
    CHANGES |= {
        "images": (
            NET,
            signal("synthetic_images", "cnn"),
            ["images, read by the same code", "Grad-CAM", "starts from scratch", "With so few"],
            [", a table.", "SHAP", "One part of the recording", "from ImageNet's weights"],
        ),
        "images, baseline": (
            LR,
            signal("synthetic_images", "cnn"),
            ["One part of the recording"],
            ["Grad-CAM"],
        ),
        "images, many labels": (
            NET,
            lambda run: many_labels(signal("synthetic_images", "cnn")(run)),
            ["starts from scratch"],
            ["With so few labels"],
        ),
        "images, pre-trained": (
            NET,
            signal("synthetic_images", "pretrained_cnn"),
            ["efficientnet_lite0 starts from ImageNet's weights", "Grad-CAM"],
            ["this network starts from scratch", "With so few labels, weights"],
        ),
    }
if module_exists("config.waveform"):
    CHANGES |= {
        "waveforms": (
            NET,
            signal("synthetic_ecgs", "lstm"),
            ["electrocardiograms, read", "One part of the recording", "recurrent layer"],
            ["Grad-CAM", "SHAP", "convolutions over time"],
        ),
        "waveforms, convolutions": (
            NET,
            signal("synthetic_ecgs", "resnet1d"),
            ["convolutions over time", "No weights for waveforms"],
            ["recurrent layer"],
        ),
    }
if module_exists("config.events"):
    CHANGES |= {
        "events": (
            NET,
            signal("synthetic_events", "gru"),
            ["of which a page makes", "or a FHIR Bundle", "a measurement at a time", "each step's"],
            ["support2, a table", "against the schema: unknown fields", "a field at a time"],
        ),
        "events in windows": (
            NET,
            signal("synthetic_events", "mlp"),
            ["of which a page makes", "embeds each number"],
            ["the hours before the moment"],
        ),
        "a table where events are read": (
            NET,
            lambda run: run,
            ["a table."],
            ["of which a page makes", "or a FHIR Bundle", "a measurement at a time"],
        ),
    }
if module_exists("config.text"):
    CHANGES |= {
        "notes": (
            NET,
            signal("synthetic_notes", "transformer"),
            ["notes, read by the same code", "windows of hashed words", "from scratch"],
            ["Grad-CAM", "it starts from a language model's weights"],
        ),
        "notes, pre-trained": (
            NET,
            signal("synthetic_notes", "encoder"),
            ["it starts from a language model's weights", "language model that was trained"],
            ["from scratch", "hashed words"],
        ),
    }


IMAGES = ("images", "images, baseline", "images, many labels", "images, pre-trained")
WAVEFORMS = ("waveforms", "waveforms, convolutions")
NOTES = ("notes", "notes, pre-trained")
SIGNALS = (*IMAGES, *WAVEFORMS, *NOTES)
CROSSING = ("patients cross", "patients cross, out of fold", "patients cross, unidentified")
UNKNOWN = ("unidentified", "unidentified, out of fold", "patients cross, unidentified")
BARE = ("no intervals", "no intervals, regression")
NOT_WATCHED = ("nothing watched", "nothing watched, trees", "nothing watched, no folds")
SEALED = ("accepted", "accepted, cannot tell", "accepted, too few", "sealed, not accepted")
LEFT_OUT = ("left out in turn", "left out in turn, and kept apart")
FOUND = ("small sample", "site shift", "drift", "under-diagnosis")
# What stands on the page of these changed runs, and on no other page of a case or a change.
THEN: dict[str, tuple[str, ...]] = {
    "reach no model": ("later columns",),
    "each with a stated reason": CROSSING,
    "it was let pass that a patient may stand on both sides": CROSSING[:2],
    "whose they are is not recorded": UNKNOWN,
    "nobody can rule out that one stands on both sides": UNKNOWN,
    "stands out: ": ("site shift",),
    "A part that its source published": ("published part",),
    "too little was there to compare the network": ("no intervals, regression",),
    "too little was there to compare it": ("no intervals",),
    "images, read by the same code": IMAGES,
    "electrocardiograms, read by the same code": WAVEFORMS,
    "notes, read by the same code": NOTES,
    "residual blocks of convolutions to a map": IMAGES[:3],
    "backbone that was trained elsewhere": IMAGES[3:],
    "model/network=pretrained_cnn starts from": IMAGES[:3],
    "model/network=encoder starts from": NOTES[:1],
    "language model that was trained elsewhere": NOTES[1:],
    "No weights for waveforms come": WAVEFORMS,
    "How long they learnt is not recorded": NOT_WATCHED,
    "No group was recorded and large enough": ("no groups",),
    "that is in doubt for": ("under-diagnosis",),
    "No range of thresholds is stated": ("no thresholds",),
    "Sites were also left out in turn": LEFT_OUT,
    "Later periods were also predicted": LEFT_OUT,
    "At a new site like these": LEFT_OUT,
    "Sites or periods left out in turn": LEFT_OUT,
    "Risk of the stored case": SEALED,
    "the stored case, whose risk is": SEALED,
    "lists all of its files": SEALED,
    "something drifted already": ("drift",),
    "Found in the data: ": (
        *FOUND,
        *CROSSING,
        "crossing not accepted",
    ),
    "was kept apart for good": ("left out in turn",),
    "penalty of inverse strength": ("penalty as set",),
    "cannot be told to be worth more": ("perhaps worth acting", *BARE),
    "No: this network starts from scratch": (*IMAGES[:3], *WAVEFORMS, *NOTES[:1]),
}
# What stands on the page of every case and change but these.
UNLESS: dict[str, tuple[str, ...]] = {
    "A table is read by logistic regression": SIGNALS,
    "The network embeds each number": (*SIGNALS, "events"),
    "checks each body against the schema": (*SIGNALS, "events", "events in windows"),
    "Calibration slope, raw and as served": BARE,
    "Calibration-in-the-large ": BARE,
    ", calibration-in-the-large ": BARE,
    "Loss and AUROC of training and validation rows": NOT_WATCHED,
}


def misplaced(name: str, text: str) -> list[str]:
    """Phrases that stand on the page of a changed run and must not, or must and do not.

    The name of a run that nothing was changed in is "".
    """
    wrong = [phrase for phrase, names in THEN.items() if (phrase in text) != (name in names)]
    return wrong + [
        phrase for phrase, names in UNLESS.items() if (phrase in text) == (name in names)
    ]


def test_what_a_change_brings_is_on_no_other_page(evaluation: RunEvaluation) -> None:
    pages = {case: text_of(view(made_run(case, evaluation))) for case in CASES[::7]}
    assert {case: wrong for case, text in pages.items() if (wrong := misplaced("", text))} == {}


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_said_follows_the_run(name: str, evaluation: RunEvaluation) -> None:
    case, change, said, unsaid = CHANGES[name]
    page = view(change(made_run(case, evaluation)))
    text = text_of(page)
    assert [phrase for phrase in said if phrase not in text] == []
    assert [phrase for phrase in unsaid if phrase in text] == []
    assert misplaced(name, text) == []
    assert all(len(own.lead) == LEADS for own in page.concerns)
    assert page.lead_words <= LEAD_WORDS
    assert page.paragraph_words <= PARAGRAPH_WORDS


def every_run(evaluation: RunEvaluation) -> list[RunRecords]:
    """All made-up runs of this file."""
    runs = [made_run(case, evaluation) for case in CASES]
    changed = [change(made_run(case, evaluation)) for case, change, *_ in CHANGES.values()]
    return runs + changed


def test_every_sentence_is_said_of_some_run_and_of_others_not(evaluation: RunEvaluation) -> None:
    """A condition that no run meets would hide its sentence from all the tests above."""
    runs = every_run(evaluation)
    met = {name: {bool(check(run)) for run in runs} for name, check in CONDITIONS.items()}
    absent = foreign()
    assert [n for n, values in met.items() if n not in absent and values != {True, False}] == []
    unsaid = [c for c in claims() if not any(holds(run, c.when) for run in runs)]
    assert [claim for claim in unsaid if not absent & set(claim.when)] == []


def foreign() -> set[str]:
    """Conditions that are the same for every run of this project, which lacks a modality."""
    here = [m for m in ("imaging", "waveform", "text") if module_exists(f"config.{m}")]
    read = [*here, *(["events"] if module_exists("config.events") else [])]
    names = set(chain(*(words for modality, words in FOREIGN.items() if modality not in read)))
    names |= set() if here else {"tables", "not tables", "network_mlp"}
    return names | (set() if {"imaging", "text"} & set(here) else {"pretrained"})


FOREIGN = {
    "imaging": ["imaging", "network_cnn", "network_pretrained_cnn", "gives_map"],
    "waveform": ["waveform", "network_lstm", "network_resnet1d"],
    "text": ["text", "network_transformer", "network_encoder"],
    "events": ["events", "network_gru"],
}


def claims() -> list[Claim]:
    """Every sentence of the prose with a condition or a number."""
    found: list[Claim] = []
    for concern in concerns():
        found += concern.lead
        for topic in concern.topics:
            found += [*topic.answer, *topic.measured, *topic.pitfall, *topic.follow_up.answer]
    for item in (*closing().answer, *closing().clinical):
        found += item.evidence
    return found


def test_every_conditional_sentence_has_its_place_among_the_facts(
    evaluation: RunEvaluation,
) -> None:
    """Some run must not be told it: a phrase of it is in a table, or what a change takes away."""
    taken = chain(*(unsaid for *_, unsaid in CHANGES.values()))
    phrases = [*ONLY, *THEN, *UNLESS, *taken]
    known = {name.removeprefix("not ") for claim in claims() for name in claim.when} - foreign()
    claimed = [c for c in claims() if c.when and {n.removeprefix("not ") for n in c.when} <= known]
    open_claims = {claim.say: claim for claim in claimed}
    for run in every_run(evaluation):
        pointers = Pointers(run)
        for say, claim in list(open_claims.items()):
            if holds(run, claim.when) and "{page." not in say:
                text = pointers.render(say).striptags()
                if any(phrase in text for phrase in phrases):
                    del open_claims[say]
    assert list(open_claims) == []
