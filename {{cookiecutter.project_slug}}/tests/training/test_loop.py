"""Does the loop see every row, stop in time, keep the best weights and give the same result
twice?
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from risk_model import config
from risk_model.core.errors import UserError
from risk_model.training import loop
from risk_model.training.batches import automatic_batch_size
from risk_model.training.loss import cross_entropy

SETTINGS = config.Training(learning_rate=0.01, batch_size=32, epochs=6, patience=6)


def table(n: int, seed: int = 0) -> loop.Table:
    features = torch.randn(n, 4, generator=torch.Generator().manual_seed(seed))
    noise = torch.randn(n, generator=torch.Generator().manual_seed(seed + 1))
    return loop.Table(features, (features[:, 0] + noise > 0).float())


def small_network() -> nn.Sequential:
    torch.manual_seed(5)
    return nn.Sequential(
        nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 1)
    )


def trained(
    settings: config.Training = SETTINGS, seed: int = 0, n: int = 200
) -> tuple[nn.Module, list[dict[str, float]]]:
    network, history = small_network(), list[dict[str, float]]()
    train, validation = table(n), table(100, seed=9)
    loop.fit(
        network,
        train,
        validation,
        cross_entropy,
        settings,
        seed,
        lambda epoch, values: history.append(values),
    )
    return network, history


@given(n=st.integers(2, 700), size=st.integers(2, 300))
def test_each_row_is_seen_once_and_no_batch_holds_a_single_row(n: int, size: int) -> None:
    rows = loop.Table(torch.arange(n)[:, None].float(), torch.zeros(n))
    parts = [features[:, 0] for features, _ in loop.batches(rows, size)]
    assert sorted(torch.cat(parts).tolist()) == list(range(n))
    assert min(map(len, parts)) >= 2
    assert max(map(len, parts)) < 2 * size + 1


@pytest.mark.parametrize("n", [33, 65, 257])
def test_a_last_batch_of_one_row_trains(n: int) -> None:
    assert n % 32 == 1
    _, history = trained(n=n)
    assert all(np.isfinite(list(values.values())).all() for values in history)


def test_very_many_rows_are_drawn_anew_for_each_short_epoch() -> None:
    rows = loop.Table(torch.arange(200)[:, None].float(), torch.zeros(200))
    first, second = (
        torch.cat([f for f, _ in loop.batches(rows, 10, 50)])[:, 0].tolist() for _ in range(2)
    )
    assert len(set(first)) == len(set(second)) == 50
    assert set(first) != set(second)


def test_the_weights_kept_are_those_of_the_best_epoch_and_not_of_the_last() -> None:
    network, history = trained(replace(SETTINGS, learning_rate=0.3, epochs=60, patience=60))
    losses = [values["validation_loss"] for values in history]
    kept = loop.assess(network, table(100, seed=9), cross_entropy, "validation")["validation_loss"]
    assert kept == min(losses)
    assert losses[-1] > min(losses)


def test_training_stops_after_patience_epochs_without_a_better_validation_loss() -> None:
    _, history = trained(replace(SETTINGS, learning_rate=0.3, epochs=100, patience=3))
    losses = [values["validation_loss"] for values in history]
    assert len(losses) == int(np.argmin(losses)) + 1 + 3


def test_one_seed_gives_the_same_weights_twice_and_another_seed_others() -> None:
    torch.rand(3)
    (first, _), (second, _), (other, _) = trained(), trained(), trained(seed=1)
    pairs = list(zip(first.parameters(), second.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(next(first.parameters()), next(other.parameters()))


def test_training_leaves_the_random_state_and_the_threads_as_they_were() -> None:
    network, rows = small_network(), table(64)
    state, before = torch.get_rng_state(), torch.get_num_threads()
    with loop.threads(before + 1):
        loop.fit(network, rows, rows, cross_entropy, SETTINGS, 0, lambda epoch, values: None)
    assert torch.equal(state, torch.get_rng_state())
    assert torch.get_num_threads() == before


def test_a_loss_that_is_no_longer_finite_stops_the_training_with_a_remedy() -> None:
    with pytest.raises(UserError, match=r"epoch 1; lower training\.learning_rate"):
        trained(replace(SETTINGS, learning_rate=1e30))


def test_a_batch_of_one_row_is_refused_with_a_remedy() -> None:
    with pytest.raises(UserError, match=r"training\.batch_size.*at least 2"):
        trained(replace(SETTINGS, batch_size=1))


def test_small_cohorts_get_small_batches_and_large_ones_256_rows() -> None:
    assert [automatic_batch_size(n) for n in (2, 1000, 2048, 5000, 1_000_000)] == [
        32,
        32,
        128,
        256,
        256,
    ]


def gradients(network: nn.Module, step: int) -> None:
    """Gradients of one step, the same for equal networks."""
    features = torch.randn(32, 4, generator=torch.Generator().manual_seed(step))
    network.zero_grad()
    torch.autograd.backward(network(features).square().mean())


def test_without_gradients_matrices_decay_and_biases_norms_and_scales_stay() -> None:
    network = small_network()
    network.register_parameter("member_scale", nn.Parameter(torch.ones(2, 2)))
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    loop.adamw(network, config.Training(learning_rate=0.1, weight_decay=0.5)).step()
    changed = {name for name, p in network.named_parameters() if not torch.equal(p, before[name])}
    assert changed == {"0.weight", "4.weight"}
    torch.testing.assert_close(network[0].weight, before["0.weight"] * 0.95)


def test_the_norm_given_is_the_one_before_clipping() -> None:
    network = nn.Linear(2, 1)
    network.weight.grad, network.bias.grad = torch.tensor([[3.0, 0.0]]), torch.tensor([4.0])
    optimizer = loop.adamw(network, SETTINGS)
    assert loop.clip_gradients(optimizer, limit=1.0).item() == 5.0
    torch.testing.assert_close(network.weight.grad, torch.tensor([[0.6, 0.0]]))
    assert loop.clip_gradients(optimizer, limit=2.0).item() == pytest.approx(1.0)
    torch.testing.assert_close(network.bias.grad, torch.tensor([0.8]))


def test_clipping_equals_torchs_own() -> None:
    ours, theirs = small_network().eval(), small_network().eval()
    gradients(ours, 0)
    gradients(theirs, 0)
    norm = loop.clip_gradients(loop.adamw(ours, SETTINGS), 0.01)
    torch.testing.assert_close(norm, nn.utils.clip_grad_norm_(theirs.parameters(), 0.01))
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad)


def test_what_is_frozen_neither_moves_nor_decays() -> None:
    network = small_network()
    network[0].weight.requires_grad_(False)
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    optimizer = loop.adamw(network, config.Training(learning_rate=0.1, weight_decay=0.5))
    gradients(network, 0)
    loop.clip_gradients(optimizer, 1.0)
    optimizer.step()
    unmoved = {n for n, p in network.named_parameters() if torch.equal(p, before[n])}
    assert "0.weight" in unmoved
    assert not unmoved & {"1.weight", "4.weight"}
