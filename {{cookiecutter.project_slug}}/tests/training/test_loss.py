"""Are the losses what their formulas say?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from risk_model import config
from risk_model.config.settings import LOSSES
from risk_model.training.fit import positive_weight
from risk_model.training.loss import choose_loss, cross_entropy, focal, refuse_activation

LOGITS, LABELS = torch.tensor([-2.0, 0.5, 3.0, 0.0]), torch.tensor([0.0, 1.0, 0.0, 1.0])


def test_cross_entropy_equals_scikit_learns_log_loss_of_the_probabilities() -> None:
    expected = log_loss(LABELS.numpy(), torch.sigmoid(LOGITS.double()).numpy())
    assert cross_entropy(LOGITS, LABELS).item() == pytest.approx(expected, abs=1e-6)


def test_pos_weight_counts_each_event_so_many_times() -> None:
    repeated = [0, 1, 1, 1, 2, 3, 3, 3]
    weighted = cross_entropy(LOGITS, LABELS, pos_weight=3.0).item() * len(LABELS)
    assert weighted == pytest.approx(
        cross_entropy(LOGITS[repeated], LABELS[repeated]).item() * len(repeated)
    )


@given(st.floats(0, 4))
def test_focal_loss_is_the_papers_formula(gamma: float) -> None:
    p = torch.sigmoid(LOGITS.double())
    given_to_truth = torch.where(LABELS == 1, p, 1 - p)
    expected = (-((1 - given_to_truth) ** gamma) * given_to_truth.log()).mean()
    assert focal(LOGITS.double(), LABELS.double(), gamma).item() == pytest.approx(
        expected.item(), abs=1e-12
    )


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_loss_has_finite_gradients_where_the_network_is_certain(gamma: float) -> None:
    logits = torch.tensor([200.0, -200.0, 200.0], requires_grad=True)
    # torch gives this method no annotations.
    focal(logits, torch.tensor([1.0, 0.0, 0.0]), gamma).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_the_loss_of_members_is_the_mean_of_their_losses() -> None:
    members = torch.stack([LOGITS, LOGITS - 1], dim=1)
    each = [binary_cross_entropy_with_logits(members[:, k], LABELS) for k in (0, 1)]
    assert cross_entropy(members, LABELS).item() == pytest.approx(float(sum(each)) / 2)


# what may stand between a network's last operation and its loss
BETWEEN: dict[str, Callable[[Tensor], Tensor]] = {
    "a view": lambda p: p.view(-1),
    "a reshape that copies": lambda p: p.T.reshape(-1),
    "a contiguous copy": lambda p: p.T.contiguous(),
    "a clone": torch.clone,
    "rows by number": lambda p: p[torch.tensor([0, 2])],
    "rows by mask": lambda p: p[torch.tensor([True, False, True, True])],
    "rows by index_select": lambda p: p.index_select(0, torch.tensor([0, 2])),
    "places by gather": lambda p: p.gather(1, torch.tensor([[0], [1], [0], [1]])),
    "places by masked_select": lambda p: p.masked_select(p > -1),
    "as_strided": lambda p: p.as_strided((4,), (2,)),
    "parts of given sizes": lambda p: torch.split(p, [1, 3])[1],
    "unsafe_split": lambda p: p.unsafe_split(2)[1],
    "repeat": lambda p: p.repeat(2, 1),
    "flip": lambda p: p.flip(0),
    "roll": lambda p: p.roll(1),
    "the mean of members": lambda p: p.mean(dim=1),
    "clamp": lambda p: p.clamp(1e-6, 1 - 1e-6),
    "clamp_min": lambda p: p.clamp_min(1e-6),
    "clamp_max": lambda p: p.clamp_max(1 - 1e-6),
    "another type": torch.Tensor.double,
    "all of them in one": lambda p: p.T.reshape(-1)[torch.tensor([3, 1])].flip(0).clamp_min(0),
}


@pytest.mark.parametrize("between", BETWEEN.values(), ids=BETWEEN)
def test_a_probability_is_refused_past_what_leaves_it_one(
    between: Callable[[Tensor], Tensor],
) -> None:
    logits = torch.stack([LOGITS, LOGITS / 2], dim=1).requires_grad_()
    refuse_activation(between(logits))
    with pytest.raises(ValueError, match="output of a Sigmoid; give it the logits"):
        refuse_activation(between(logits.sigmoid()))


def test_the_weight_of_an_event_is_the_number_of_non_events_per_event_and_1_for_other_losses() -> (
    None
):
    labels = np.array([0, 0, 0, 1], dtype=np.int8)
    assert positive_weight(labels, config.Training(loss="pos_weight")) == 3.0
    assert positive_weight(labels, config.Training()) == 1.0


def test_each_loss_that_can_be_asked_for_is_there() -> None:
    for name in LOSSES:
        assert choose_loss(config.Training(loss=name))(LABELS - 0.5, LABELS).item() > 0
