"""Is every concept of the pipeline on a card, and found by the name that is asked for?"""

from __future__ import annotations

import pytest

from risk_model.lesson.concepts.cards import cards
from risk_model.lesson.concepts.lookup import card_named

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
