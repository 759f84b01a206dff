"""Does the rate of a network of recordings rise, settle, and do so alike with and without folds?"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from torch import nn

from risk_model import config
from risk_model.training import loop
from risk_model.training.loss import cross_entropy
from risk_model.training.schedule import (
    LEAST,
    WARM_UP,
    drawn,
    planned_steps,
    rate_share,
    set_rates,
    steps,
)


class ShortEpochs:
    """A network's settings, with a rule for what an epoch draws."""

    def rows_per_epoch(self, rows: int) -> int:
        return min(rows, 100)


def planned(rows: int, folds: int, validation: bool, network: object = None) -> int:
    """The steps of 32 rows until the rate is at its least."""
    settings = config.Config(
        split=config.Split(folds=folds), training=config.Training(epochs=20), data=None
    )
    if network:
        settings.model.network = network
    given = SimpleNamespace(
        settings=settings,
        validation=object() if validation else None,
        train=SimpleNamespace(labels=range(rows)),
    )
    return planned_steps(cast(Any, given), 32)


def test_the_rate_rises_to_all_of_it_and_falls_to_its_least() -> None:
    shares = [rate_share(epoch / 10, 20) for epoch in range(0, 260)]
    top = shares.index(1.0)
    assert top == pytest.approx(WARM_UP * 200, abs=1)
    assert shares[:top] == sorted(shares[:top])
    assert shares[top:] == sorted(shares[top:], reverse=True)
    assert min(shares) == LEAST == shares[0] == shares[-1]


def test_all_rows_take_the_rates_of_a_turn_step_for_step() -> None:
    # 720 of 1,000 rows teach in a turn of five folds: 22 steps an epoch, and 31 of all rows
    of_a_turn, of_all = planned(720, 5, validation=True), planned(1_000, 5, validation=False)
    assert of_a_turn == of_all == 20 * 22
    short = ShortEpochs()
    of_a_turn = planned(720, 5, validation=True, network=short)
    of_all = planned(1_000, 5, validation=False, network=short)
    assert of_a_turn == of_all == 20 * (100 // 32)


def rates_taken(passes: loop.Passes, rows: int = 96) -> list[float]:
    """The learning rate of each step of two epochs, by the size of AdamW's first steps."""
    network = nn.Linear(1, 1)
    features = torch.ones(rows, 1)
    table = loop.Table(features, torch.zeros(rows))
    taken = list[float]()

    def loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        taken.append(float(network.bias.detach()))
        return logits.sum()  # one gradient throughout, so that a step is the rate itself

    settings = config.Training(learning_rate=0.01, batch_size=32, weight_decay=0.0)
    loop.fit(network, table, None, loss, settings, 0, lambda *_: None, 2, passes=passes)
    return [before - after for before, after in pairwise(taken)]


def test_each_step_of_the_loop_takes_its_own_share_of_the_rate() -> None:
    even = rates_taken(loop.WHOLE)
    settling = rates_taken(loop.Passes(rates=partial(set_rates, planned=6)))
    assert even == pytest.approx([0.01] * 5, rel=1e-3)
    assert settling == pytest.approx([0.01 * rate_share(step, 6) for step in range(5)], rel=1e-3)
    assert len(set(settling)) == 5


@pytest.mark.parametrize(("rows", "size"), [(5, 32), (64, 32), (95, 32), (96, 32), (140_000, 512)])
def test_an_epoch_has_as_many_steps_as_the_loop_has_batches(rows: int, size: int) -> None:
    table = loop.Table(torch.zeros(rows, 1), torch.zeros(rows))
    drawn_rows = drawn(cast(Any, SimpleNamespace(settings=config.Config())), rows)
    assert steps(drawn_rows, size) == len(list(loop.batches(table, size)))


def test_a_network_may_draw_some_of_the_rows_in_each_epoch() -> None:
    inputs: Any = SimpleNamespace(settings=config.Config())
    assert (drawn(inputs, 80), drawn(inputs, 140_000)) == (80, loop.ROWS_PER_EPOCH)
    inputs.settings.model.network = ShortEpochs()
    assert (drawn(inputs, 80), drawn(inputs, 140_000)) == (80, 100)
    table = loop.Table(torch.zeros(140_000, 1), torch.zeros(140_000))
    assert sum(len(labels) for _, labels in loop.batches(table, 32, drawn(inputs, 140_000))) == 100


def test_where_no_steps_are_planned_all_take_the_whole_rate() -> None:
    network = nn.Linear(2, 1)
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.01)
    set_rates(network, optimizer, planned=0.0)
    for _ in range(3):
        network(torch.ones(1, 2)).sum().backward()
        optimizer.step()
        assert [group["lr"] for group in optimizer.param_groups] == [0.01]


def test_a_network_may_give_its_parts_lower_rates() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    cast(Any, network).rate_of = lambda name: 0.25 if name.startswith("0.") else 1.0
    optimizer = loop.adamw(network, config.Training(learning_rate=0.1, weight_decay=0.5))
    set_rates(network, optimizer, planned=10)
    groups = {id(p): group for group in optimizer.param_groups for p in group["params"]}
    own = [groups[id(p)] for p in network.parameters()]
    assert [group["initial_lr"] for group in own] == [0.025, 0.025, 0.1, 0.1]
    assert [group["weight_decay"] for group in own] == [0.5, 0.0, 0.5, 0.0]


def test_no_bar_is_drawn_where_nobody_looks(capfd: pytest.CaptureFixture[str]) -> None:
    rows = loop.Table(torch.randn(64, 2), torch.arange(64).remainder(2).float())
    settings = replace(config.Training(), epochs=1)
    loop.fit(
        nn.Sequential(nn.Linear(2, 1), nn.Flatten(0)),
        rows,
        rows,
        cross_entropy,
        settings,
        0,
        lambda *_: None,
    )
    assert capfd.readouterr() == ("", "")
