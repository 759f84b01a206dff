"""An activation before a loss that applies its own: nothing fails, and every risk is wrong.

Where do a network's sigmoid and softmax belong?

`binary_cross_entropy_with_logits` and `cross_entropy` take logits and apply sigmoid or softmax
themselves. Given probabilities they take a sigmoid of a sigmoid, which lies between .50 and .73: to
say .26 on average the network must flee towards 0 for nearly everybody. A softmax of a softmax
gives no class of four more than .48, so nothing is ever sure enough. The loss falls and the ranking
is passable; the risks tell. Shown on SUPPORT2 with death in hospital and, from the other columns,
with the class of disease.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from scipy.special import softmax
from torch import Tensor
from torch.nn import functional

from risk_model import config
from risk_model.core.cohort import Cohort
from risk_model.core.schema import Features
from risk_model.core.scores import Floats, auroc, sigmoid
from risk_model.core.subject_folds import subject_folds
from risk_model.data import load
from risk_model.data.sources.support2 import FILE
from risk_model.lesson.traps.damage import damage, damage_formats, pair, told
from risk_model.lesson.traps.lesson import Chart, Code, Lesson, Row
from risk_model.lesson.traps.networks import plain_logits
from risk_model.training.loss import Loss, cross_entropy

SEEDS, EPOCHS = 5, 8
FORMATS = {"outcome": "", "measured": "", **damage_formats()}
DEATH, DISEASE = "death in hospital", "class of disease"
AUROC, BRIER, MEAN = "AUROC", "Brier score", "mean risk"
SURE, RIGHT = "probability of the likeliest class", "share of whom it is the class"
CODE = Code(
    wrong='lesson/traps/activation.py#sigmoid_twice "torch.sigmoid(logits)"',
    right='training/loss.py#cross_entropy "binary_cross_entropy_with_logits(logits"',
    test="tests/training/test_traps.py::"
    "test_a_network_that_ends_in_an_activation_is_refused_at_its_first_batch",
)


def sigmoid_twice(logits: Tensor, labels: Tensor) -> Tensor:
    """The mistake with two classes."""
    return functional.binary_cross_entropy_with_logits(torch.sigmoid(logits), labels)


def softmax_twice(logits: Tensor, classes: Tensor) -> Tensor:
    """The mistake with several."""
    return functional.cross_entropy(torch.softmax(logits, dim=1), classes)


@dataclass(frozen=True)
class Task:
    """An outcome, float32[n, d] features, labels or classes [n], and the loss, wrong and right."""

    outcome: str
    features: Features
    target: npt.NDArray[Any]
    losses: tuple[Loss, Loss]


def demonstrate(data: str, cache: str) -> Lesson:
    """A small network for two outcomes, each trained with both losses."""
    cohort = load(config.Support2())
    rows = [row for task in tasks(cohort) for row in compare(task, range(SEEDS))]
    pairs = [pair(f"{row['outcome']}: {row['measured']}", row) for row in rows]
    return Lesson(
        question="Where do a network's sigmoid and softmax belong?",
        data=f"{data}: {len(cohort):,} patients, a fifth of them tested; a small network, {EPOCHS} "
        f"epochs; means over {SEEDS} splits and starts, 95 % intervals by t.",
        rows=rows,
        formats=FORMATS,
        chart=Chart("", "activation before the loss", "logits to the loss", pairs),
        code=CODE,
        see=see(rows, float(cohort.labels.mean())),
        do="Let the network end in its linear layer and give the loss its logits; apply the "
        "sigmoid or softmax once, when a risk is asked for. This project's losses look at how "
        "their input was made and refuse an activation. For several classes the right line is "
        "functional.cross_entropy(logits, classes).",
        source="Documentation of PyTorch: BCEWithLogitsLoss, CrossEntropyLoss.",
    )


def tasks(cohort: Cohort) -> tuple[Task, Task]:
    """Death in hospital, and the class of disease without the columns that name it."""
    classes, _ = pd.factorize(pd.read_parquet(FILE, columns=["dzclass"])["dzclass"], sort=True)
    hidden = [*config.Support2().recorded_after, "dzgroup", "ca"]
    others = replace(cohort, schema=cohort.schema.declare_recorded_after(hidden)).encoded()
    died = cohort.labels.astype(np.float32)
    return (
        Task(DEATH, cohort.encoded(), died, (sigmoid_twice, cross_entropy)),
        Task(DISEASE, others, classes, (softmax_twice, functional.cross_entropy)),
    )


def compare(task: Task, seeds: range) -> list[Row]:
    """What `judge` finds with either loss, and the difference, over seeds of split and start."""
    found: dict[str, list[list[float]]] = {}
    for seed in seeds:
        who = np.arange(len(task.target))
        tested = subject_folds(who, task.target == 0, seed) == 0
        wrong, right = (
            judge(task.target[tested], risks(task, loss, tested, seed)) for loss in task.losses
        )
        for name in right:
            found.setdefault(name, []).append([wrong[name], right[name]])
    named = ((name, damage(pairs)) for name, pairs in found.items())
    return [{"outcome": task.outcome, "measured": name, **row} for name, row in named]


def risks(task: Task, loss: Loss, tested: npt.NDArray[np.bool_], seed: int) -> Floats:
    """Probabilities of the tested rows, float64[m, 1] of the event or float64[m, classes]."""
    outputs = int(task.target.max()) + 1 if task.outcome == DISEASE else 1
    logits = plain_logits(task.features, task.target, tested, loss, outputs, EPOCHS, seed)
    return np.asarray(sigmoid(logits) if outputs == 1 else softmax(logits, axis=1))


def judge(target: npt.NDArray[Any], p: Floats) -> dict[str, float]:
    """Of classes AUROC is the mean of each against the others, and the Brier score their sum."""
    happened = target[:, None] if p.shape[1] == 1 else np.eye(p.shape[1])[target]
    areas = [auroc(y, q) for y, q in zip(happened.T, p.T, strict=True)]
    both = {AUROC: float(np.mean(areas)), BRIER: float(((happened - p) ** 2).sum(axis=1).mean())}
    if p.shape[1] == 1:
        return {**both, MEAN: float(p.mean())}
    right = p.argmax(axis=1) == target
    return {**both, SURE: float(p.max(axis=1).mean()), RIGHT: float(right.mean())}


def see(rows: list[Row], events: float) -> str:
    """What the rows show, in words."""
    at = {(str(row["outcome"]), str(row["measured"])): row for row in rows}
    mean, sure, hit = at[DEATH, MEAN], at[DISEASE, SURE], at[DISEASE, RIGHT]
    return (
        f"{events:.1%} of the patients die; the mean risk is {mean['wrong']:.1%} behind a second "
        f"sigmoid and {mean['right']:.1%} without. Behind a second softmax the likeliest class "
        f"gets {sure['wrong']:.0%} and is right for {hit['wrong']:.0%}; without, "
        f"{sure['right']:.0%} and {hit['right']:.0%}. AUROC: {told(at[DEATH, AUROC])}, and of the "
        f"classes {told(at[DISEASE, AUROC])}. Brier score: {told(at[DEATH, BRIER])}, and "
        f"{told(at[DISEASE, BRIER])}."
    )
