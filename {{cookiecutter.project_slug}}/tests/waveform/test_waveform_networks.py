"""Are the networks of waveforms exported as they are, and do the seconds they point at hold the
abnormal beat?
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import roc_auc_score

from risk_model import config
from risk_model.config.waveform import Lstm, ResNet1d, SyntheticEcgs
from risk_model.core.cohort import Cohort
from risk_model.core.errors import UserError
from risk_model.core.schema import Field, Schema
from risk_model.data.sources import synthetic_ecgs
from risk_model.model import network
from risk_model.model.export import checked_logits
from risk_model.model.network import NetworkModel
from risk_model.model.occlusion import occlude
from risk_model.training import loop
from risk_model.training.batches import batch_size
from risk_model.training.loss import choose_loss
from risk_model.training.schedule import set_rates, steps

from tests.made_passes import learns_under_autocast, passes_on_the_meta_device
from tests.made_signal import recordings_of
from tests.waveform.made_records import SIGNAL, beating

NETWORKS = (Lstm(), ResNet1d())
SCHEMA = Schema("ecgs", "event", (Field("heart_rate", "number"),), SIGNAL)


def some_rows(count: int) -> Any:
    """Rows with a missing field, which a network does not look at."""
    rng = np.random.default_rng(0)
    found = rng.normal(size=(count, SCHEMA.width)).astype(np.float32)
    found[:, 0] = np.nan
    found[:, -3000:] += np.tile(beating(100).ravel(), (count, 1)).astype(np.float32)
    return found


def built(settings: Any, prevalence: float = 0.4) -> torch.nn.Module:
    torch.manual_seed(0)
    return network.build(settings.name, some_rows(8), prevalence, settings, SCHEMA).eval()


@pytest.mark.parametrize("settings", NETWORKS, ids=lambda settings: settings.name)
@pytest.mark.parametrize("count", [1, 2, 33])
def test_the_exported_graph_equals_the_network_for_any_number_of_rows(
    settings: Any, count: int
) -> None:
    checked_logits(NetworkModel(built(settings), SCHEMA.width), some_rows(count))


@pytest.mark.parametrize("settings", NETWORKS, ids=lambda settings: settings.name)
def test_an_untrained_network_says_about_the_prevalence(settings: Any) -> None:
    with torch.no_grad():
        risk = torch.sigmoid(built(settings, prevalence=0.1)(torch.from_numpy(some_rows(16))))
    assert 0.07 < float(risk.mean()) < 0.14


@pytest.mark.parametrize("settings", NETWORKS, ids=lambda settings: settings.name)
def test_rows_are_varied_in_training_and_not_in_use(settings: Any) -> None:
    module, features = built(settings), torch.from_numpy(some_rows(4))
    torch.testing.assert_close(module(features), module(features), rtol=0, atol=0)
    seen = module.get_submodule("input").train()
    assert not torch.equal(seen(features), seen(features))


@pytest.mark.parametrize("settings", NETWORKS, ids=lambda settings: settings.name)
def test_a_network_of_waveforms_refuses_tables(settings: Any) -> None:
    table = Schema("table", "event", SCHEMA.fields)
    with pytest.raises(UserError, match=f"model/network={settings.name} reads waveforms"):
        network.build(settings.name, np.zeros((4, 1), np.float32), 0.5, settings, table)


# --- meaning


class Learned(NamedTuple):
    """A cohort, its truth, the rows that were not trained on, and both networks."""

    cohort: Cohort
    truth: dict[str, Any]
    files: list[str]
    tested: Any
    trained: NetworkModel
    untrained: NetworkModel


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Learned]:
    """An LSTM trained on 800 patients as a run would, and one that never was."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path := tmp_path_factory.mktemp("meaning"))
        cohort = synthetic_ecgs.load(SyntheticEcgs(subjects=800))
        folder = path / "generated" / "synthetic_ecgs-800-0"
        truth = pd.read_csv(folder / "truth.csv").groupby("file")[["start", "end"]].agg(list)
        spans = {
            str(file): list(zip(row["start"], row["end"], strict=True))
            for file, row in truth.iterrows()
        }
        files = pd.read_csv(folder / "labels.csv")["file"].tolist()
        turn = pd.factorize(cohort.subjects)[0] % 10
        yield Learned(cohort, spans, files, np.flatnonzero(turn >= 7), *_networks(cohort, turn))


def _networks(cohort: Cohort, turn: Any) -> tuple[NetworkModel, NetworkModel]:
    features, settings = cohort.encoded(), Lstm()
    train, validation = np.flatnonzero(turn < 6), np.flatnonzero(turn == 6)
    training = config.Training(
        learning_rate=settings.learning_rate, epochs=settings.epochs, patience=settings.patience
    )
    with loop.seeded(0), loop.threads(1):
        both = [
            network.build("lstm", features[train], 0.4, settings, cohort.schema).eval()
            for _ in range(2)
        ]
        tables = [loop.table(features[part], cohort.labels[part]) for part in (train, validation)]
        each = steps(len(train), batch_size(training, len(train)))
        loop.fit(
            both[0],
            tables[0],
            tables[1],
            choose_loss(training),
            training,
            0,
            lambda epoch, values: None,
            passes=loop.Passes(rates=partial(set_rates, planned=settings.epochs * each)),
        )
    width = cohort.schema.width
    return NetworkModel(both[0], width), NetworkModel(both[1], width)


def shares(model: NetworkModel, learned: Learned, row: int) -> tuple[float, float]:
    """The share of what raises the logit, and of the time, that lies in the seconds of ventricular
    beats.
    """
    found = occlude(model.logit, recordings_of(learned.cohort)[row], learned.cohort.schema)
    raising = np.maximum(found.contributions, 0)
    inside = np.zeros(len(found.parts))
    for place, part in enumerate(found.parts):
        start, end = part["seconds"]
        covered = (
            min(end, last) - max(start, first) for first, last in learned.truth[learned.files[row]]
        )
        inside[place] = sum(max(seconds, 0) for seconds in covered) / (end - start)
    return float(raising @ inside / raising.sum()), float(inside.mean())


@pytest.mark.slow
def test_the_seconds_that_matter_are_those_of_the_ventricular_beat(
    learned: Learned, record_property: Any
) -> None:
    logit = learned.trained.logit(learned.cohort.encoded()[learned.tested])
    assert roc_auc_score(learned.cohort.labels[learned.tested], logit) > 0.9
    found = [
        row
        for row, risk in zip(learned.tested, logit, strict=True)
        if risk > 0 and learned.cohort.labels[row] and learned.files[row] in learned.truth
    ][:30]
    assert len(found) == 30
    of_trained, of_time = np.mean([shares(learned.trained, learned, row) for row in found], axis=0)
    of_untrained, _ = np.mean([shares(learned.untrained, learned, row) for row in found], axis=0)
    record_property(
        "figures",
        f"in the ventricular beats: {of_trained:.2f} of what raises the risk, {of_untrained:.2f} "
        "untrained, "
        f"{of_time:.2f} of the time",
    )
    assert of_trained > 3 * of_time
    assert of_trained > 3 * of_untrained


@pytest.mark.parametrize("settings", NETWORKS, ids=lambda settings: settings.name)
def test_the_networks_pass_on_another_device_in_both_modes(settings: Any) -> None:
    passes_on_the_meta_device(built(settings), some_rows(4))


@pytest.mark.parametrize("settings", NETWORKS, ids=lambda settings: settings.name)
def test_the_networks_learn_under_autocast(settings: Any) -> None:
    learns_under_autocast(built(settings), some_rows(4))
