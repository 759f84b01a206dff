"""Is the gradient of pieces that of the batch, and is a batch norm's batch capped and recorded?"""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import nn

from risk_model import config
from risk_model.config.settings import LOSSES
from risk_model.core.errors import UserError
from risk_model.core.scorer import STEP
from risk_model.deployment.batch_recordings import FEW
from risk_model.model.cost import KEPT, MOST, ROOM, cost, learnt_at_once, scored_at_once
from risk_model.model.network import NetworkModel
from risk_model.training import loop
from risk_model.training.device import chosen
from risk_model.training.loss import choose_loss
from risk_model.training.recording_passes import Pieces, learns_batch_norm

CPU = torch.device("cpu")


def network(norm: bool = False) -> nn.Sequential:
    torch.manual_seed(0)
    middle = nn.BatchNorm1d(16) if norm else nn.Identity()
    return nn.Sequential(nn.Linear(6, 16), middle, nn.ReLU(), nn.Linear(16, 1), nn.Flatten(0))


def gradients(pieces: Pieces, loss: str) -> torch.Tensor:
    built = network()
    features = torch.randn(50, 6, generator=torch.Generator().manual_seed(1))
    labels = (features[:, 0] > 0.5).float()
    settings = config.Training(loss=loss)
    pieces.backward(built, features, labels, choose_loss(settings, pos_weight=3.0))
    return torch.cat([p.grad.flatten() for p in built.parameters() if p.grad is not None])


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("rows", [1, 7, 16, 49])
def test_the_gradients_of_pieces_add_up_to_that_of_the_batch(loss: str, rows: int) -> None:
    whole, summed = gradients(Pieces(CPU, 50), loss), gradients(Pieces(CPU, rows), loss)
    torch.testing.assert_close(summed, whole, atol=1e-6, rtol=1e-6)


def test_one_piece_has_the_gradient_of_the_plain_loop_to_the_bit() -> None:
    plain, built = network(), network()
    features, labels = torch.randn(30, 6), torch.ones(30)
    loss = choose_loss(config.Training())
    loop.backward(plain, features, labels, loss)
    Pieces(CPU, 30).backward(built, features, labels, loss)
    pairs = zip(plain.parameters(), built.parameters(), strict=True)
    for one, other in pairs:
        assert one.grad is not None
        assert other.grad is not None
        assert one.grad.equal(other.grad)


def test_with_amp_the_gradient_is_nearly_the_same_and_the_weights_stay_float32() -> None:
    exact, rough = gradients(Pieces(CPU, 50), "bce"), gradients(Pieces(CPU, 50, amp=True), "bce")
    assert rough.dtype == torch.float32
    assert not exact.equal(rough)
    torch.testing.assert_close(rough, exact, atol=2e-2, rtol=2e-2)


def test_a_batch_norm_that_keeps_its_statistics_does_not_count_as_learning() -> None:
    class Kept(nn.Sequential):
        def train(self, mode: bool = True) -> Kept:
            super().train(mode)
            self[1].eval()
            return self

    assert learns_batch_norm(network(norm=True))
    assert not learns_batch_norm(Kept(*network(norm=True)))
    assert not learns_batch_norm(network())


def test_cost_counts_what_is_kept_besides_weights_and_leaves_the_network_as_it_was() -> None:
    built = network().train()
    before = deepcopy(built.state_dict())
    kept, alive = cost(built, 6)
    assert kept == 6 + 16  # the input, and what the ReLU gave
    assert alive == 6 + 16 or alive == 32
    assert built.training
    assert all(before[name].equal(value) for name, value in built.state_dict().items())


@pytest.mark.parametrize("alive", [1, 1_000, 442_368, ROOM // 2, ROOM, 10 * ROOM])
def test_a_file_is_scored_in_whole_steps(alive: int) -> None:
    step = scored_at_once(alive)
    assert FEW == MOST
    assert FEW % step == 0
    assert step * alive <= ROOM or step == 1
    assert learnt_at_once(10 * KEPT) == 1


def test_a_graph_says_how_many_rows_it_computes_together() -> None:
    built = network().eval()
    assert not NetworkModel(built, 6).graph().metadata_props
    built.rows_at_once = 16  # type: ignore[assignment]
    stated = {p.key: p.value for p in NetworkModel(built, 6).graph().metadata_props}
    assert stated == {STEP: "16"}


def test_a_device_that_is_not_there_is_refused_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(UserError, match=r"training\.device=cuda: torch finds none.*leave it out"):
        chosen("cuda")
    with pytest.raises(UserError, match="choose one of auto, cpu, cuda, mps"):
        chosen("tpu")
    assert chosen("auto") == chosen("cpu") == CPU


def test_clipping_never_looks_at_a_number_and_so_works_without_any() -> None:
    built = network().to("meta")
    loss = choose_loss(config.Training())
    rows = torch.empty(8, 6, device="meta"), torch.empty(8, device="meta")
    Pieces(torch.device("meta"), 3).backward(built, *rows, loss)
    assert loop.clip_gradients(torch.optim.SGD(built.parameters()), 1.0).is_meta
