"""Is every concept of the pipeline on a card, and found by the name that is asked for?"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from risk_model.lesson.concepts.cards import cards
from risk_model.lesson.concepts.lookup import card_named
from risk_model.lesson.traps import TRAPS

README = Path(__file__).parents[2] / "README.md"

ASKED = """
logits, BCE, pos_weight, focal loss, class imbalance, dropout, batch normalisation,
residual connection, early stopping, weight decay, AdamW, learning rate, gradient norm,
gradient clipping, embedding, convolution, recurrence, attention, transfer learning,
frozen weights, augmentation, stratified split, grouped split, temporal split, leakage,
external validation, cross-fitting, AUROC, AUPRC, calibration, ECE, Brier, net benefit,
decision curve, threshold, bootstrap interval, subgroup analysis, demographic parity,
missing data, logistic regression, boosted trees, SHAP, Grad-CAM, drift, audit log, PHI, model card
"""


def test_there_are_forty_cards_at_least() -> None:
    assert len(cards()) >= 40


@pytest.mark.parametrize("asked", [" ".join(name.split()) for name in ASKED.split(",")])
def test_every_concept_of_the_list_has_a_card(asked: str) -> None:
    assert card_named(asked)


def test_each_of_the_five_concerns_has_cards() -> None:
    concerns = {card.concern for card in cards().values()}
    assert concerns == {"data", "model", "training", "evaluation", "deployment"}


def test_each_file_of_the_hours_path_has_cards() -> None:
    path = README.read_text(encoding="utf-8").split("## The hour's path")[1].split("\n##")[0]
    named = re.search(r"(?s)has cards, .*?: (.*?)\.\n", path)
    assert named
    files = [re.fullmatch(r"(?s)\s*(\d) (.*)", part) for part in named[1].split(";")]
    assert [int(file[1]) for file in files if file] == list(range(1, 9))
    names = [name.strip() for file in files if file for name in file[2].split(",")]
    assert [name for name in names if name not in cards()] == []


@pytest.mark.parametrize("name", cards())
def test_a_trap_that_a_card_names_exists(name: str) -> None:
    card = cards()[name]
    said = " ".join([card.what, card.why, card.how, card.when, card.pitfall, card.patients])
    traps = re.findall(r"`traps\s+(\w+)", said)
    assert [trap for trap in traps if trap not in TRAPS] == []
