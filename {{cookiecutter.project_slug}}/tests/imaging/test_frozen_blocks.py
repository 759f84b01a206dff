"""Is what frozen blocks make of images stored right, drawn anew, and gone afterwards?"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from risk_model.config import Config, Model, Split, Training
from risk_model.config.imaging import Pixels, PretrainedCnn
from risk_model.core.errors import UserError
from risk_model.core.schema import Schema
from risk_model.data.sources.images import signal_of
from risk_model.data.sources.recordings import schema_of
from risk_model.model import FitInputs, Sample, pretrained_cnn
from risk_model.model.export import checked_logits
from risk_model.training import frozen_blocks, loop, network

GREY = schema_of("made", "event", signal_of(Pixels(size=16)))


def rows(n: int, schema: Schema = GREY) -> torch.Tensor:
    return torch.rand(n, schema.width, generator=torch.Generator().manual_seed(0))


def table(n: int) -> loop.Table:
    return loop.Table(rows(n), torch.zeros(n))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backbone of four small stages, as timm would give one."""

    def stages(name: str, frozen: int) -> pretrained_cnn.Backbone:
        sizes = [3, 4, 6, 8, 8]
        layers = [
            nn.Sequential(nn.Conv2d(a, b, 3, 2, padding=1), nn.BatchNorm2d(b), nn.ReLU())
            for a, b in pairwise(sizes)
        ]
        return pretrained_cnn.Backbone(layers, sizes[-1], frozen)

    monkeypatch.setattr(pretrained_cnn, "_timm", stages)


def built(**settings: Any) -> pretrained_cnn.Network:
    torch.manual_seed(0)
    chosen = PretrainedCnn(backbone="small", pixels=16, **settings)
    made = pretrained_cnn.Network(0.3, chosen, GREY)
    nn.init.normal_(made.head.line.weight, std=0.5)
    made.rows_at_once = 16  # type: ignore[assignment]
    return made.eval()


def inputs(chosen: PretrainedCnn, n: int = 96) -> FitInputs:
    """Images whose outcome is their brightness."""
    labels = np.arange(n, dtype=np.int8) % 2
    features = rows(n).numpy() + 0.3 * labels[:, None]
    everybody = Sample(features.astype(np.float32), labels, np.ones(n))
    parts = [everybody.take(half) for half in np.split(np.arange(n), 2)]
    settings = Config(
        data=None,
        split=Split(folds=1),
        model=Model(network=chosen),
        training=Training(epochs=3, patience=3, learning_rate=1e-2),
    )
    return FitInputs(parts[0], parts[1], GREY, settings, 1.0, lambda *_: None)


@pytest.mark.usefixtures("small", "folder")
@pytest.mark.parametrize("frozen", [1, 2, 4])
def test_scores_from_what_is_stored_are_those_of_the_whole_network(frozen: int) -> None:
    whole, images = built(frozen=frozen), [table(40), table(7)]
    with frozen_blocks.stored(whole, *images) as (late, places):
        for own, part in zip(places, images, strict=True):
            assert own
            assert len(own.features) == len(own.labels) == len(part.labels)
            logits = late.eval()(own.features)
            torch.testing.assert_close(logits, whole(part.features), atol=2e-3, rtol=2e-3)


@pytest.mark.usefixtures("small", "folder")
def test_each_look_at_a_training_image_draws_one_of_its_own_copies() -> None:
    whole = built(frozen=2, copies=3, dropout=0.0)
    with frozen_blocks.stored(whole, table(5), None) as (late, ((places, *_), _)):
        looks = torch.stack([late.train()(places) for _ in range(40)]).detach()
        plain = late.eval()(places)
    kinds = [set(column.tolist()) for column in looks.T]
    assert [len(kind) for kind in kinds] == [4] * 5
    assert all(float(one) in kind for one, kind in zip(plain, kinds, strict=True))
    assert not set.intersection(*kinds)


@pytest.mark.usefixtures("small", "folder")
def test_without_augmentation_nothing_is_varied() -> None:
    whole = built(frozen=2, augment=False, dropout=0.0)
    with frozen_blocks.stored(whole, table(5), None) as (late, ((places, *_), _)):
        torch.testing.assert_close(late.train()(places), late.eval()(places))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("error", [None, KeyboardInterrupt])
def test_nothing_is_left_of_what_was_stored(
    folder: Path, error: type[BaseException] | None
) -> None:
    try:
        with frozen_blocks.stored(built(frozen=1), table(5), None):
            if error:
                raise error
    except KeyboardInterrupt:
        pass
    assert list(folder.iterdir()) == []


@pytest.mark.usefixtures("small", "folder")
def test_a_full_disk_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def write(self, _: bytes) -> None:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(frozen_blocks, "TemporaryFile", lambda **_: Full())
    with (
        pytest.raises(UserError, match=r"No space left.*TMPDIR.*model\.network\.frozen=0"),
        frozen_blocks.stored(built(frozen=1), table(5), None),
    ):
        pass


@pytest.mark.usefixtures("small", "folder")
def test_features_beyond_float16_are_refused_with_the_remedy() -> None:
    whole = built(frozen=1)
    whole.mean.fill_(-1e7)
    with (
        pytest.raises(UserError, match=r"model\.network\.frozen=0"),
        frozen_blocks.stored(whole, table(5), None),
    ):
        pass


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("frozen", [0, 2])
def test_a_fitted_network_is_whole_and_leaves_as_an_equal_graph(frozen: int, folder: Path) -> None:
    chosen = PretrainedCnn(backbone="small", pixels=16, frozen=frozen)
    before = built(frozen=frozen).state_dict()
    torch.manual_seed(0)
    made = network.fit_network(inputs(chosen))
    assert isinstance(made.network, pretrained_cnn.Network)
    checked_logits(made, rows(20).numpy())
    again = network.fit_network(inputs(chosen))
    pairs = zip(made.parameters().items(), again.parameters().values(), strict=True)
    assert all(np.array_equal(one, two) for (_, one), two in pairs)
    assert before.keys() == made.parameters().keys()
    # torch leaves an empty folder of its own
    assert [path for path in folder.rglob("*") if path.is_file()] == []


@pytest.mark.usefixtures("small", "folder")
def test_frozen_layers_stay_and_later_ones_learn() -> None:
    chosen = PretrainedCnn(backbone="small", pixels=16, frozen=2)
    with loop.seeded(0):
        start = pretrained_cnn.Network(0.5, chosen, GREY).state_dict()
    after = network.fit_network(inputs(chosen)).parameters()
    moved = {name for name, value in start.items() if not np.array_equal(value, after[name])}
    assert moved
    assert all(name.split(".")[2] in "23" for name in moved if name.startswith("backbone"))
    assert {"backbone.layers.2.0.weight", "backbone.layers.3.0.weight"} <= moved


@pytest.mark.usefixtures("small")
def test_rates_fall_from_the_head_to_the_first_layer() -> None:
    whole = built(frozen=0, layer_decay=0.5)
    rates = [whole.rate_of(f"backbone.layers.{layer}.0.weight") for layer in range(4)]
    assert rates == [0.0625, 0.125, 0.25, 0.5]
    assert whole.rate_of("head.line.weight") == 1.0
