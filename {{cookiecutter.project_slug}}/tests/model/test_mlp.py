"""Does the network read numbers, gaps and flags as it says, and are its members an ensemble?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from risk_model import config
from risk_model.core.schema import Features
from risk_model.model.embedding import Statistics, quantiles
from risk_model.model.export import checked_logits, to_bytes
from risk_model.model.mlp import Block, MemberLinear, Network
from risk_model.model.network import NetworkModel


def rows(n: int = 300, seed: int = 0) -> Features:
    """A number with gaps, a flag, a constant, a skewed number."""
    rng = np.random.default_rng(seed)
    columns = [rng.normal(50, 10, n), rng.random(n) < 0.1, np.ones(n), rng.lognormal(0, 2, n)]
    features = np.column_stack(columns).astype(np.float32)
    features[rng.random(n) < 0.2, 0] = np.nan
    return features


def network(features: Features, **settings: Any) -> Network:
    torch.manual_seed(0)
    return Network(features, 0.3, config.Mlp(width=8, **settings))


def test_a_number_reaches_fully_into_the_bins_below_it_and_partly_into_its_own() -> None:
    features = np.array([[0.0], [1.0], [2.0], [4.0], [np.nan]], dtype=np.float32)
    statistics = Statistics(features, bins=3)
    np.testing.assert_allclose(quantiles(features[:, 0], 3), [0, 1, 2, 4])
    reach, flags = statistics(torch.tensor([[-5.0], [0.5], [3.0], [99.0], [np.nan]]))
    expected = [[0, 0, 0, 0], [0.5, 0, 0, 0], [1, 1, 0.5, 0], [1, 1, 1, 0], [1, 0.5, 0, 1]]
    torch.testing.assert_close(reach[:, 0], torch.tensor(expected))
    assert flags.shape == (5, 0)


def test_bins_hold_equally_many_training_rows_and_ties_merge_them() -> None:
    assert quantiles(np.array([1, 1, 1, 1, 1, 1, 2, 9], dtype=np.float32), 4).tolist() == [
        1,
        1.25,
        9,
    ]


def test_a_column_with_two_values_is_a_flag_and_a_constant_one_is_left_out() -> None:
    statistics = Statistics(rows(), bins=8)
    assert statistics.numbers.column.tolist() == [0, 3]
    assert statistics.flags.column.tolist() == [1]


def test_all_that_was_learnt_of_the_training_rows_travels_in_buffers() -> None:
    parameters = NetworkModel(network(rows()), 4).parameters()
    assert {
        "statistics.median",
        "statistics.numbers.lower",
        "statistics.numbers.inverse_width",
    } <= parameters.keys()


@pytest.mark.parametrize("columns", [[0, 1, 2, 3], [1, 2], [0], [2]])
def test_tables_of_numbers_only_flags_only_or_nothing_that_varies_train_and_leave_as_a_graph(
    columns: list[int],
) -> None:
    features = rows()[:, columns]
    model = network(features)
    model(torch.from_numpy(features)).sum().backward()
    checked_logits(NetworkModel(model, features.shape[1]), features)


def test_the_graph_equals_the_network_on_gaps_and_far_outside_the_training_range() -> None:
    features = rows()
    far = np.concatenate(
        [features * np.float32(1e6), -features * np.float32(1e6), np.full((1, 4), np.nan)]
    )
    checked_logits(NetworkModel(network(features), features.shape[1]), far.astype(np.float32))


def test_the_same_network_gives_the_same_bytes_without_a_path_of_this_machine() -> None:
    model = NetworkModel(network(rows()), 4)
    content = to_bytes(model.graph())
    assert content == to_bytes(model.graph())
    assert b".py" not in content
    assert b"pytorch" not in content


def test_each_member_is_the_shared_layer_between_its_own_scales() -> None:
    layer = MemberLinear(members=3, inputs=4, outputs=2, random_signs=True)
    with torch.no_grad():
        layer.output_scale.normal_()
        layer.bias.normal_()
    inputs = torch.randn(5, 3, 4)
    for k in range(3):
        matrix = layer.input_scale[k][:, None] * layer.shared.weight.T * layer.output_scale[k]
        torch.testing.assert_close(layer(inputs)[:, k], inputs[:, k] @ matrix + layer.bias[k])


def test_members_differ_from_the_start_and_the_logit_is_their_mean() -> None:
    features = rows()
    model = network(features, members=3).eval()
    members = model(torch.from_numpy(features)).detach()
    assert members.shape == (300, 3)
    assert (members.std(dim=1) > 0).all()
    np.testing.assert_allclose(
        NetworkModel(model, features.shape[1]).logit(features),
        members.double().mean(dim=1),
        atol=1e-12,
    )


@pytest.mark.parametrize(("inputs", "outputs"), [(6, 6), (6, 4)])
def test_a_block_adds_to_its_input_and_fits_the_shortcut_where_the_width_changes(
    inputs: int, outputs: int
) -> None:
    block = Block(2, inputs, outputs, dropout=0.0).eval()
    with torch.no_grad():
        for parameter in (block.second.output_scale, block.second.bias):
            parameter.zero_()
    x = torch.randn(3, 2, inputs)
    assert block(x).shape == (3, 2, outputs)
    torch.testing.assert_close(block(x), block.shortcut(x))


def test_before_training_the_network_is_near_the_prevalence() -> None:
    features = rows()
    risk = 1 / (1 + np.exp(-NetworkModel(network(features), features.shape[1]).logit(features)))
    assert risk.mean() == pytest.approx(0.3, abs=0.1)


def test_the_network_passes_on_another_device_in_both_modes() -> None:
    features = rows(8)
    away = network(features).to("meta")
    for training in (True, False):
        assert away.train(training)(torch.from_numpy(features).to("meta")).is_meta
