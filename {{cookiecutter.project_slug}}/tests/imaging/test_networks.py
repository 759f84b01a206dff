"""Do the image networks leave as equal graphs, is their map Grad-CAM, and is left kept left?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from monai.visualize.class_activation_maps import GradCAM
from PIL import Image

from risk_model.config import NETWORKS
from risk_model.config.imaging import Images, Pixels, PretrainedCnn
from risk_model.core.errors import UserError
from risk_model.core.schema import Schema
from risk_model.data.sources.images import signal_of
from risk_model.data.sources.recordings import schema_of
from risk_model.model.export import checked_logits, to_bytes
from risk_model.model.image_input import ImageInput, Resize, augmented
from risk_model.model.network import NetworkModel, build

from tests.made_passes import learns_under_autocast, passes_on_the_meta_device

GREY = schema_of("made", "event", signal_of(Pixels(size=32)))
COLOUR = schema_of("made", "event", signal_of(Pixels(size=48, colour=True)))
LARGE = schema_of("made", "event", signal_of(Pixels(size=128)))


def network(name: str, schema: Schema) -> Any:
    torch.manual_seed(0)
    built: Any = build(name, rows(schema), 0.3, NETWORKS[name](), schema)
    with torch.no_grad():
        built.head.line.weight.normal_(0, 0.5)
    return built.eval()


def rows(schema: Schema, n: int = 4) -> np.ndarray:
    return np.random.default_rng(0).random((n, schema.width)).astype(np.float32)


@pytest.mark.parametrize("schema", [GREY, COLOUR, LARGE], ids=["grey", "colour", "large"])
@pytest.mark.parametrize("name", ["cnn", "pretrained_cnn"])
def test_the_graph_is_equal_and_its_map_adds_up_to_the_logit(name: str, schema: Schema) -> None:
    model = NetworkModel(network(name, schema), schema.width)
    features = rows(schema, 5)
    checked_logits(model, features)
    session = onnxruntime.InferenceSession(to_bytes(model.graph()))
    logit, added = session.run(["logit", "map"], {"features": features})
    assert added.ndim == 3
    bias = float(model.parameters()["head.line.bias"][0])
    np.testing.assert_allclose(added.sum(axis=(1, 2)) + bias, logit, atol=1e-4)


@pytest.mark.parametrize("name", ["cnn", "pretrained_cnn"])
def test_the_positive_part_of_the_map_is_grad_cam_of_monai_up_to_a_factor(name: str) -> None:
    built = network(name, GREY)
    features = torch.from_numpy(rows(GREY, 1))
    ours = np.maximum(built.mapped(features)[1][0].detach().numpy(), 0)

    class FromImages(torch.nn.Module):
        """MONAI asks for images and one output a class."""

        def __init__(self) -> None:
            super().__init__()
            self.inner = built

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            padded = torch.cat([features[:, : -images[0].numel()], images.flatten(1)], dim=1)
            logit: torch.Tensor = self.inner(padded)
            return logit[:, None]

    target = (
        "inner.blocks"
        if name == "cnn"
        else f"inner.backbone.layers.{len(built.backbone.layers) - 1}"
    )
    cam = GradCAM(
        FromImages().eval(),
        target_layers=target,
        upsampler=lambda size: torch.nn.Identity(),
        postprocessing=lambda x: x,
    )
    reference = cam(features[:, -1024:].reshape(1, 1, 32, 32), class_idx=0)[0, 0].detach().numpy()
    assert ours.max() > 0
    np.testing.assert_allclose(ours / ours.max(), reference / reference.max(), atol=1e-4)


@pytest.mark.parametrize("name", ["cnn", "pretrained_cnn"])
def test_before_it_learns_a_network_says_the_prevalence(name: str) -> None:
    built = build(name, rows(GREY), 0.3, NETWORKS[name](), GREY).eval()
    np.testing.assert_allclose(
        torch.sigmoid(built(torch.from_numpy(rows(GREY)))).detach().numpy(), 0.3, atol=1e-5
    )


def test_scores_do_not_depend_on_chance_or_on_the_other_rows_and_training_does() -> None:
    built, features = network("cnn", GREY), torch.from_numpy(rows(GREY, 6))
    torch.testing.assert_close(built(features), built(features))
    torch.testing.assert_close(built(features)[2:3], built(features[2:3]), atol=1e-5, rtol=1e-5)
    built.train()
    assert not torch.equal(built(features), built(features))


@pytest.mark.parametrize("side", [28, 96, 128, 224, 500])
def test_an_image_is_resized_as_pillow_does_which_smooths_what_becomes_smaller(side: int) -> None:
    stripes = np.random.default_rng(0).random((side, side)).astype(np.float32)
    pillow = Image.fromarray(stripes).resize((96, 96), Image.Resampling.BILINEAR)
    resize = Resize(signal_of(Pixels(size=side)), 96)
    ours = resize(torch.from_numpy(stripes)[None, None])[0, 0].numpy()
    np.testing.assert_allclose(ours, np.asarray(pillow), atol=1e-5)


def test_ones_own_images_are_read_at_the_size_at_which_the_proposed_network_trains() -> None:
    assert Images.network == PretrainedCnn().name
    assert Images().size == PretrainedCnn().pixels


def marked(n: int = 200) -> torch.Tensor:
    """Bright in the left half."""
    images = torch.zeros(n, 1, 32, 32)
    images[:, :, :, :16] = 1
    return images


def test_an_epoch_of_a_pretrained_network_draws_some_of_many_images() -> None:
    of = PretrainedCnn().rows_per_epoch
    assert [of(rows) for rows in (500, 896, 2_000, 4_100, 20_000)] == [500, 896, 896, 1_025, 5_000]


@pytest.mark.parametrize("mirrors", [False, True])
def test_left_and_right_are_exchanged_only_where_they_carry_no_meaning(mirrors: bool) -> None:
    torch.manual_seed(0)
    changed = augmented(marked(), mirrors)
    left_is_brighter = changed[:, :, :, :16].mean(dim=(1, 2, 3)) > changed[:, :, :, 16:].mean(
        dim=(1, 2, 3)
    )
    share = float(left_is_brighter.float().mean())
    assert 0.35 < share < 0.65 if mirrors else share == 1.0


def test_augmentation_is_for_training_alone_and_can_be_switched_off() -> None:
    features = torch.from_numpy(rows(GREY))
    signal = GREY.signal
    assert signal is not None
    plain = features[:, -1024:].reshape(-1, 1, 32, 32)
    torch.testing.assert_close(ImageInput(signal, augment=True).eval()(features), plain)
    torch.testing.assert_close(ImageInput(signal, augment=False).train()(features), plain)
    assert not torch.equal(ImageInput(signal, augment=True).train()(features), plain)


def test_the_pretrained_network_keeps_the_statistics_it_came_with_and_its_frozen_blocks() -> None:
    settings = NETWORKS["pretrained_cnn"](frozen=6)
    built: Any = build("pretrained_cnn", rows(GREY), 0.3, settings, GREY).train()
    before = {
        name: value.clone() for name, value in built.state_dict().items() if "running" in name
    }
    built(torch.from_numpy(rows(GREY)))
    after = built.state_dict()
    assert before
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    learns = {
        name.split(".")[2]
        for name, p in built.backbone.named_parameters(prefix="b")
        if p.requires_grad
    }
    assert "0" not in learns
    assert "6" not in learns
    assert "17" in learns


@pytest.mark.parametrize("name", ["cnn", "pretrained_cnn"])
def test_a_cohort_without_images_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(UserError, match="reads images"):
        build(name, rows(GREY), 0.3, NETWORKS[name](), replace(GREY, signal=None))


def test_a_backbone_that_is_not_installed_is_refused_with_the_remedy() -> None:
    with pytest.raises(UserError, match="needs timm"):
        build(
            "pretrained_cnn", rows(GREY), 0.3, NETWORKS["pretrained_cnn"](backbone="resnet18"), GREY
        )


@pytest.mark.parametrize("name", ["cnn", "pretrained_cnn"])
def test_the_networks_pass_on_another_device_in_both_modes(name: str) -> None:
    passes_on_the_meta_device(network(name, GREY), rows(GREY))


@pytest.mark.parametrize("name", ["cnn", "pretrained_cnn"])
def test_the_networks_learn_under_autocast(name: str) -> None:
    learns_under_autocast(network(name, GREY), rows(GREY))
