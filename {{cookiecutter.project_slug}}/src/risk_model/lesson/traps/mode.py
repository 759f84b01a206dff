"""Train mode while scoring: the same patient gets another risk with every call.

Why does the page show another risk when it is loaded again?

In train mode dropout silences another random part of the network with each call, and batch norm
takes mean and spread from the rows that happen to be scored together: a risk then depends on who
else is asked about, and one patient alone has no spread at all. The AUROC suffers little, so that
a validation in train mode goes unnoticed. Each of the two is put into train mode alone, in this
project's own network, and then the whole network, which is what a forgotten eval() does.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from risk_model import config
from risk_model.core.cohort import Cohort, Outcome
from risk_model.core.scores import Floats, auroc, sigmoid
from risk_model.core.subject_folds import subject_folds
from risk_model.data import load
from risk_model.lesson.traps.damage import damage, damage_formats, pair, told
from risk_model.lesson.traps.lesson import Chart, Code, Lesson, Row
from risk_model.lesson.traps.networks import own_network
from risk_model.model.score import score
from risk_model.training import loop

SEEDS, EPOCHS, ASKED, CALLS, TOGETHER = 5, 8, 640, 5, 32
FORMATS = {"in train mode": "", "measured": "", **damage_formats()}
DROPOUT, NORM, WHOLE = "dropout", "batch norm", "the whole network"
MODULES = {DROPOUT: nn.Dropout, NORM: nn.BatchNorm1d, WHOLE: nn.Module}
MOVES, AUROC = "SD of a patient's risk over calls", "AUROC"
CODE = Code(
    wrong='lesson/traps/mode.py#score_in_train_mode "module.train()"',
    right='model/score.py#score "with evaluating(network)"',
    test="tests/training/test_traps.py::"
    "test_two_scorings_of_the_same_rows_are_equal_although_the_network_is_training",
)
Score = Callable[[nn.Module, Tensor], Tensor]


def demonstrate(data: str, cache: str) -> Lesson:
    """This project's network, asked repeatedly about the same patients in changing company."""
    cohort = load(config.Support2())
    rows, alone = compare(cohort, range(SEEDS))
    pairs = [pair(str(row["in train mode"]), row) for row in rows if row["measured"] == MOVES]
    return Lesson(
        question="Why does the page show another risk when it is loaded again?",
        data=f"{data}, {cohort.schema.outcome}: this project's network, {EPOCHS} epochs on four "
        f"fifths of {len(cohort):,} patients; {ASKED} of the others are asked about {CALLS} times, "
        f"{TOGETHER} at once in a fresh order; means over {SEEDS} splits and starts, 95 % "
        "intervals by t.",
        rows=rows,
        formats=FORMATS,
        chart=Chart(MOVES, "in train mode", "in eval mode", pairs),
        code=CODE,
        see=see(rows, alone),
        do="Score in one function that puts the network into eval mode itself and leaves each "
        "module as it was, and nowhere else; then nobody can forget it. Test it with a network "
        "left in train mode. This project serves an exported graph, which has no train mode.",
        source="Srivastava 2014, JMLR 15:1929; Ioffe and Szegedy 2015, ICML (arXiv 1502.03167).",
    )


def score_in_train_mode(kind: type[nn.Module], network: nn.Module, features: Tensor) -> Tensor:
    """The mistake: logits [n] with the modules of a kind in train mode."""
    for module in network.eval().modules():
        if isinstance(module, kind):
            module.train()
    with torch.no_grad():
        logits: Tensor = network(features).double().mean(dim=1)
    return logits


def compare(cohort: Cohort, seeds: range) -> tuple[list[Row], str]:
    """How far a risk moves and the AUROC, in either mode; and what train mode says to one alone."""
    features, labels, complaint = cohort.encoded(), cohort.labels, ""
    found: dict[tuple[str, str], list[list[float]]] = {}
    for seed in seeds:
        tested = subject_folds(cohort.subjects, labels, seed) == 0
        network = own_network(features[~tested], labels[~tested], EPOCHS, seed)
        rows = np.flatnonzero(tested)[:ASKED]
        asked, died = torch.from_numpy(features[rows]), labels[rows]
        right = judge(died, risks(score, network, asked))
        for name, kind in MODULES.items():
            wrong = judge(died, risks(partial(score_in_train_mode, kind), network, asked))
            for measured in right:
                found.setdefault((name, measured), []).append([wrong[measured], right[measured]])
        complaint = said_to_one(network, asked[:1])
    named = ((name, measured, damage(p)) for (name, measured), p in found.items())
    return [{"in train mode": n, "measured": m, **row} for n, m, row in named], complaint


def risks(how: Score, network: nn.Module, asked: Tensor) -> Floats:
    """Risks float64[calls, n]; each call takes the patients in a fresh order, some at once."""
    risk, network = np.empty((CALLS, len(asked))), deepcopy(network)  # batch norm would learn
    with loop.seeded(0):
        for call in risk:
            for rows in torch.split(torch.randperm(len(asked)), TOGETHER):
                call[rows] = sigmoid(how(network, asked[rows]).numpy())
    return risk


def judge(labels: Outcome, risk: Floats) -> dict[str, float]:
    """Of risks float64[calls, n]: how far those of a patient scatter, and the mean AUROC."""
    areas = [auroc(labels, call) for call in risk]
    return {MOVES: float(risk.std(axis=0, ddof=1).mean()), AUROC: float(np.mean(areas))}


def said_to_one(network: nn.Module, patient: Tensor) -> str:
    """What batch norm in train mode answers to one patient alone; nothing where it gives a risk."""
    try:
        score_in_train_mode(nn.BatchNorm1d, network, patient)
    except ValueError as error:
        return str(error).partition(",")[0]
    return ""


def see(rows: list[Row], complaint: str) -> str:
    """What the rows show, in words."""
    at = {(str(row["in train mode"]), str(row["measured"])): row for row in rows}
    moves = {name: f"{float(at[name, MOVES]['wrong']):.3f}" for name in MODULES}
    alone = f' One patient alone gets no risk: "{complaint}".' if complaint else ""
    return (
        f"From call to call a patient's risk moves by {at[WHOLE, MOVES]['right']:.3f} in eval "
        f"mode; with dropout in train mode by {moves[DROPOUT]}, with batch norm by {moves[NORM]}, "
        f"with both by {moves[WHOLE]}. The AUROC changes by {told(at[WHOLE, AUROC])}.{alone}"
    )
