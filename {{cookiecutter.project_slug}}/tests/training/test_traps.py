"""Two mistakes every course warns of: an activation before the loss that applies its own, and
scoring in train mode.

Each test here fails when its mistake is made in the code that trains and scores.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from risk_model import config
from risk_model.core.schema import Field, Schema
from risk_model.model import FitInputs, Sample
from risk_model.model.mlp import Network
from risk_model.model.score import score
from risk_model.training import loop
from risk_model.training.loss import Loss, cross_entropy, focal
from risk_model.training.network import fit_network


def plain(*last: nn.Module) -> nn.Sequential:
    """A network with everything that behaves differently in train mode."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(3, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 1), *last
    )


def separable(n: int = 512) -> tuple[loop.Table, loop.Table]:
    """Rows whose outcome is the sign of the first column: half of them events."""
    features = torch.randn(n, 3, generator=torch.Generator().manual_seed(0))
    rows = loop.Table(features, (features[:, 0] > 0).float())
    return rows, rows


def ignore(epoch: int, values: dict[str, float]) -> None:
    pass


def learnt(network: nn.Module, loss: Loss = cross_entropy) -> Tensor:
    """Scores of the separable rows after training on them."""
    train, validation = separable()
    settings = config.Training(learning_rate=0.02, epochs=20, batch_size=64)
    loop.fit(network, train, validation, loss, settings, 0, ignore)
    return score(network, train.features)


@pytest.mark.parametrize(
    "activation", [nn.Sigmoid(), nn.Softmax(dim=0), nn.LogSigmoid(), nn.Tanh()]
)
def test_a_network_that_ends_in_an_activation_is_refused_at_its_first_batch(
    activation: nn.Module,
) -> None:
    with pytest.raises(ValueError, match="applies its own sigmoid"):
        learnt(plain(activation))


@pytest.mark.parametrize("loss", [cross_entropy, focal])
def test_every_loss_refuses_probabilities_even_when_clamped_and_reshaped(loss: Loss) -> None:
    probability = (
        torch.sigmoid(torch.randn(8, 1, requires_grad=True)).clamp(1e-6, 1 - 1e-6).squeeze(1)
    )
    with pytest.raises(ValueError, match="give it the logits"):
        loss(probability, torch.ones(8))


def test_logits_that_happen_to_lie_between_0_and_1_are_not_refused() -> None:
    small = torch.full((8,), 0.3, requires_grad=True) * 1.0
    assert cross_entropy(small, torch.ones(8)).item() == pytest.approx(
        float(np.log1p(np.exp(-0.3)))
    )


@pytest.mark.parametrize(
    ("loss", "behind_a_second_sigmoid"), [(cross_entropy, 0.503), (focal, 0.098)]
)
def test_training_drives_logits_to_where_no_probability_could_be(
    loss: Loss, behind_a_second_sigmoid: float
) -> None:
    # Half the rows are events: -log sigmoid(1) and -log sigmoid(0) are then the least that a second
    # sigmoid allows.
    train, _ = separable()
    logits = learnt(plain(), loss)
    assert logits.min() < -2
    assert logits.max() > 2
    assert float(loss(logits, train.labels.double())) < behind_a_second_sigmoid / 2


def test_the_projects_own_network_learns_logits_and_not_probabilities() -> None:
    train, _ = separable()
    rows = Sample(
        train.features.numpy(), train.labels.numpy().astype(np.int8), np.ones(len(train.labels))
    )
    settings = config.Config()
    settings.training.epochs, settings.model.network.width = 30, 8
    schema = Schema(
        "separable", "event", tuple(Field(f"x{i}", "number") for i in range(rows.features.shape[1]))
    )
    logits = fit_network(FitInputs(rows, rows, schema, settings, 1.0, ignore)).logit(rows.features)
    assert logits.min() < -2
    assert logits.max() > 2
    assert float(cross_entropy(torch.from_numpy(logits), train.labels.double())) < 0.3


def test_two_scorings_of_the_same_rows_are_equal_although_the_network_is_training() -> None:
    network, rows = plain().train(), separable()[0].features
    assert torch.equal(score(network, rows), score(network, rows))


def test_the_score_of_a_row_does_not_depend_on_the_rows_beside_it() -> None:
    network, rows = plain().train(), separable()[0].features
    torch.testing.assert_close(score(network, rows)[:1], score(network, rows[:1]))


def test_the_mean_over_members_is_taken_in_float64() -> None:
    class Members(nn.Module):
        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            return rows

    # in float32 their sum would be rounded to 16,777,216
    logits = score(Members(), torch.tensor([[16_777_216.0, 1.0, 1.0, 1.0]]))
    assert logits.dtype == torch.float64
    assert logits.tolist() == [4_194_304.75]


def test_scoring_teaches_batch_norm_nothing() -> None:
    network, rows = plain().train(), separable()[0].features
    before = cast("Tensor", network[1].running_mean).clone()
    score(network, rows)
    assert torch.equal(before, cast("Tensor", network[1].running_mean))


def test_scoring_leaves_each_module_in_the_mode_it_had() -> None:
    network = plain().train()
    network[1].eval()  # a frozen batch norm stays frozen
    before = [module.training for module in network.modules()]
    score(network, separable()[0].features)
    assert [module.training for module in network.modules()] == before


class Watched(nn.Module):
    """Notes its mode at every pass, apart for passes that learn and passes that score."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 1)
        self.learning: list[bool] = []
        self.scoring: list[bool] = []

    def forward(self, features: Tensor) -> Tensor:
        (self.learning if torch.is_grad_enabled() else self.scoring).append(self.training)
        logits: Tensor = self.layer(features)
        return logits


def test_every_epoch_learns_in_train_mode_and_is_assessed_in_eval_mode() -> None:
    network = Watched()
    network.eval()
    learnt(network)
    assert len(network.learning) == 20 * 512 // 64
    assert all(network.learning)
    assert network.scoring
    assert not any(network.scoring)


def test_a_trained_network_is_handed_over_in_eval_mode() -> None:
    network = plain()
    learnt(network)
    assert not any(module.training for module in network.modules())


def test_the_exported_graph_is_that_of_eval_mode_whatever_mode_the_network_is_in() -> None:
    from risk_model.model.export import checked_logits
    from risk_model.model.network import NetworkModel

    features = separable()[0].features.numpy()
    network = Network(features, 0.5, config.Mlp(width=8))
    network.train()
    checked_logits(NetworkModel(network, features.shape[1]), features)
