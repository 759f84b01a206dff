"""Is everything fitted on the training rows, twice the same, and does the loss asked for arrive in
every model?
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from risk_model.core.errors import UserError
from risk_model.model import RiskModel
from risk_model.model.export import checked_logits, to_bytes
from risk_model.model.network import NetworkModel, build
from risk_model.model.table import MODELS
from risk_model.training import loop
from risk_model.training.loss import choose_loss
from risk_model.training.monitor import Monitor

if TYPE_CHECKING:
    from tests.training.conftest import Ward

Models = dict[str, RiskModel]
SIMPLEST_FIRST = tuple(row.name for row in MODELS)


def same(first: Models, second: Models, only: str = "") -> bool:
    """Whether all parameters (whose name starts with `only`) are bitwise equal."""
    pairs = [(first[m].parameters(), second[m].parameters()) for m in SIMPLEST_FIRST]
    names = [(a[k], b[k]) for a, b in pairs for k in a if k.startswith(only)]
    assert all(a.keys() == b.keys() for a, b in pairs)
    assert names
    return all(np.array_equal(a, b, equal_nan=True) for a, b in names)


def test_three_models_come_back_the_simplest_first(models: Models) -> None:
    assert tuple(models) == SIMPLEST_FIRST
    assert all(model.name == name for name, model in models.items())


def test_rows_outside_train_and_validation_change_no_fitted_parameter(
    ward: Ward, models: Models
) -> None:
    assert same(models, ward.perturbed("calibration", "test", "elsewhere").fit())


def test_validation_rows_change_no_imputation_no_scaling_and_no_bins(
    ward: Ward, models: Models
) -> None:
    perturbed = ward.perturbed("validation").fit()
    assert same(models, perturbed, only="statistics.")
    assert not same(models, perturbed)  # they do decide when to stop


def test_the_training_rows_do_shape_every_statistic(ward: Ward, models: Models) -> None:
    perturbed = ward.perturbed("train").fit()
    for name in ("logistic_regression", "network"):
        a, b = (m[name].parameters()["statistics.median"] for m in (models, perturbed))
        assert not np.array_equal(a, b)


def test_logistic_regression_never_looks_at_the_validation_rows(ward: Ward, models: Models) -> None:
    a, b = (
        m["logistic_regression"].parameters() for m in (models, ward.perturbed("validation").fit())
    )
    assert all(np.array_equal(a[name], b[name]) for name in a)


def test_two_runs_with_one_seed_give_identical_parameters_logits_and_graphs(
    ward: Ward, models: Models
) -> None:
    torch.rand(7)
    np.random.default_rng().random(3)
    again = ward.fit()
    assert same(models, again)
    for name in SIMPLEST_FIRST:
        assert np.array_equal(models[name].logit(ward.features), again[name].logit(ward.features))
        assert to_bytes(models[name].graph()) == to_bytes(again[name].graph())


def test_the_network_of_a_table_is_that_of_the_plain_loop_whatever_the_machine_has(
    ward: Ward, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    settings, parts = ward.settings, (ward.splits.train, ward.splits.validation)
    train, validation = (loop.table(ward.features[part], ward.labels[part]) for part in parts)
    chosen, prevalence = settings.model.network, float(ward.labels[parts[0]].mean())
    with loop.seeded(settings.seed), loop.threads(1):
        plain = build(chosen.name, train.features.numpy(), prevalence, chosen, ward.schema)
        loss = choose_loss(settings.training)
        fitted = settings.training, settings.seed, lambda epoch, values: None
        loop.fit(plain, train, validation, loss, *fitted)
    again, made = NetworkModel(plain, ward.schema.width), ward.fit()["network"]
    assert to_bytes(made.graph()) == to_bytes(again.graph()) == to_bytes(models["network"].graph())
    assert not made.graph().metadata_props


def test_another_seed_gives_another_network_and_other_trees(ward: Ward, models: Models) -> None:
    other = replace(ward, settings=replace(ward.settings, seed=4)).fit()
    for name in ("xgboost", "network"):
        assert not np.array_equal(
            models[name].logit(ward.features), other[name].logit(ward.features)
        )


def test_every_exported_graph_equals_its_model_on_all_rows(ward: Ward, models: Models) -> None:
    for model in models.values():
        assert checked_logits(model, ward.features).shape == (len(ward.features),)


@pytest.mark.parametrize("name", SIMPLEST_FIRST)
def test_pos_weight_shifts_the_log_odds_of_every_model_by_about_its_logarithm(
    name: str, ward: Ward, models: Models, refit: Callable[..., Models]
) -> None:
    labels = ward.labels[ward.splits.train]
    expected = np.log((labels == 0).sum() / labels.sum())
    shift = refit(loss="pos_weight")[name].logit(ward.features) - models[name].logit(ward.features)
    assert np.median(shift) == pytest.approx(expected, abs=0.25)


def test_focal_loss_changes_the_network_and_neither_baseline(
    models: Models, refit: Callable[..., Models]
) -> None:
    focal = refit(loss="focal")
    for name in SIMPLEST_FIRST:
        a, b = models[name].parameters(), focal[name].parameters()
        unchanged = all(np.array_equal(a[k], b[k]) for k in a if a[k].shape == b[k].shape)
        assert unchanged == (name != "network")


def test_the_monitor_holds_loss_and_auroc_of_both_parts_for_each_epoch(ward: Ward) -> None:
    monitor = Monitor()
    ward.fit(monitor)
    wanted = {"epoch", "train_loss", "validation_loss", "train_auroc", "validation_auroc"}
    for model in ("xgboost", "network"):
        epochs = monitor.history[model]
        assert [e["epoch"] for e in epochs] == list(range(1, len(epochs) + 1))
        values = np.array([list(e.values()) for e in epochs], dtype=np.float64)
        assert all(wanted <= e.keys() for e in epochs)
        assert np.isfinite(values).all()
    norms = [e["gradient_norm"] or 0.0 for e in monitor.history["network"]]
    assert min(norms) > 0


def test_models_are_the_same_whether_or_not_the_training_rows_are_measured(
    ward: Ward, models: Models
) -> None:
    monitor = Monitor(curves=False)
    assert same(models, ward.fit(monitor))
    for model in ("xgboost", "network"):
        assert not any("train_loss" in epoch for epoch in monitor.history[model])


@pytest.mark.parametrize("part", ["train", "validation"])
def test_a_part_with_a_single_class_is_refused_with_a_remedy(part: str, ward: Ward) -> None:
    labels = ward.labels.copy()
    labels[getattr(ward.splits, part)] = 0
    with pytest.raises(UserError, match=rf"{part}: holds a single class .*split\.{part}"):
        replace(ward, labels=labels).fit()


def test_infinite_values_are_refused_with_a_remedy(ward: Ward) -> None:
    features = ward.features.copy()
    features[ward.splits.train[0], 0] = np.inf
    with pytest.raises(UserError, match="train: holds infinite values; mark them as missing"):
        replace(ward, features=features).fit()


def test_an_unknown_loss_is_refused_before_anything_is_fitted(ward: Ward) -> None:
    training = replace(ward.settings.training, loss="hinge")
    monitor = Monitor()
    with pytest.raises(UserError, match="no loss 'hinge'; choose one of bce, pos_weight, focal"):
        replace(ward, settings=replace(ward.settings, training=training)).fit(monitor)
    assert not monitor.history
