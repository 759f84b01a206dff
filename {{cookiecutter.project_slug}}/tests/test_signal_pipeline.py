"""Does a cohort with a signal go the whole way, with a reader, a source and a network as the only
things of its own?
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from torch import Tensor, nn

from risk_model import config, pipeline
from risk_model.config.serialisation import settings_from_dict, settings_to_dict
from risk_model.core.cohort import Cohort
from risk_model.core.files import read_json
from risk_model.core.package import ModelPackage
from risk_model.core.schema import Features, Schema
from risk_model.data.prepare import Prepared, prepare
from risk_model.data.quality import assess
from risk_model.data.sources.recordings import cohort_from

from tests import made_signal
from tests.made_signal import SCHEMA, recordings_of

N = 1_500


@dataclass
class Strips(config.Data):
    """Made-up strips."""

    network: ClassVar[str] = "strip_network"
    module: ClassVar[str] = "made_strips"
    name: str = "strips"


@dataclass
class StripSettings:
    """What the network proposes."""

    name: str = "strip_network"
    learning_rate: float = 0.05
    epochs: int = 25
    patience: int = 25


class StripNetwork(nn.Module):
    """Sees where the bump stands, which mean and standard deviation do not tell."""

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(8, 1)

    def mapped(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """The logit and what each sample adds to it."""
        added = rows[:, -8:] * self.line.weight
        return added.sum(dim=1) + self.line.bias, added[:, None]

    def forward(self, rows: Tensor) -> Tensor:
        """The logit."""
        return self.mapped(rows)[0]


def build(features: Features, prevalence: float, settings: Any, schema: Schema) -> nn.Module:
    return StripNetwork()


def load(settings: config.Data) -> Cohort:
    rng = np.random.default_rng(3)
    outcome = (rng.random(N) < 0.4).astype(np.int8)
    recordings = rng.normal(size=(N, 8)).astype(np.float32)
    recordings[np.arange(N), np.where(outcome == 1, 2, 6)] += (
        2  # a bump in each; only its place tells
    )
    index = pd.DataFrame({"subject_id": np.arange(N).astype(str), "age": rng.uniform(20, 90, N)})
    return cohort_from(list(recordings), outcome, index, SCHEMA, "made")


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A directory in which strips were run; their modules stay in place for the tests of
    this file.
    """
    with pytest.MonkeyPatch.context() as patch:
        made_signal.put_in_place(patch)
        own = {"data.sources.made_strips": load, "model.strip_network": build}
        for name, function in own.items():
            module = ModuleType(name)
            setattr(module, function.__name__, function)
            patch.setitem(sys.modules, f"risk_model.{name}", module)
        patch.setitem(config.SOURCES, "strips", Strips)
        patch.setitem(config.NETWORKS, "strip_network", StripSettings)
        path = tmp_path_factory.mktemp("strips")
        patch.chdir(path)
        yield path


@pytest.fixture(scope="module")
def prepared(where: Path) -> Prepared:
    return prepare(settings())


def settings() -> config.Config:
    chosen = config.Config(data=Strips(), model=config.Model(network=StripSettings()))
    chosen.training.learning_rate, chosen.training.epochs = 0.05, 25
    chosen.split.folds = 1
    chosen.model.xgboost.trees, chosen.evaluation.resamples = 30, 50
    return chosen


@pytest.fixture(scope="module")
def directory(prepared: Prepared) -> Path:
    """A run, trained and evaluated."""
    trained = pipeline.train(settings(), prepared)
    pipeline.evaluate_run(settings(), trained, prepared)
    pipeline.report_run(settings(), trained, prepared)
    return trained


def test_the_network_that_sees_the_signal_beats_baselines_that_do_not(directory: Path) -> None:
    assert read_json(directory / "training.json")["champion"]["name"] == "network"


def test_packages_are_of_the_one_kind_and_score_whole_rows(
    directory: Path, prepared: Prepared
) -> None:
    features = prepared.cohort.encoded()
    for package in map(ModelPackage.open, (directory / "packages").iterdir()):
        risk, _ = package.scorer(features)
        assert ((risk > 0) & (risk < 1)).all()
        assert package.schema == SCHEMA


def test_the_map_of_the_network_leaves_with_its_graph(directory: Path, prepared: Prepared) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession((directory / "packages/network/risk.onnx").read_bytes())
    features = prepared.cohort.encoded()[:5]
    logit, added = session.run(["logit", "map"], {"features": features})
    assert added.shape == (5, 1, 8)
    base = logit - added.sum(axis=(1, 2))
    np.testing.assert_allclose(base, base[0], atol=1e-5)


def test_no_package_holds_a_patients_signal(directory: Path) -> None:
    for package in (directory / "packages").iterdir():
        assert (np.load(package / "explain/background.npy")[:, 1:] == 0).all()


def test_the_settings_of_a_network_are_written_down_and_read_back(where: Path) -> None:
    assert settings_from_dict(settings_to_dict(settings())) == settings()


def test_a_run_is_registered_and_its_report_written(directory: Path) -> None:
    versions = pipeline.register_run(settings(), directory)
    assert len(versions) == 3
    assert (directory / "report.html").is_file()


def test_a_run_without_patient_numbers_writes_of_recordings_and_counts_no_patient(
    prepared: Prepared, where: Path
) -> None:
    cohort = prepared.cohort
    cohort = replace(cohort, index=cohort.index.drop(columns="subject_id"))
    unnamed = replace(prepared, cohort=cohort, quality=assess(cohort, prepared.splits))
    fast = settings()
    fast.training.epochs, fast.runs = 1, str(where / "unnamed")
    directory = pipeline.train(fast, unnamed)
    evaluation = pipeline.evaluate_run(fast, directory, unnamed)
    pipeline.report_run(fast, directory, unnamed)
    assert evaluation.unit == "recordings"
    written = [p for p in directory.rglob("*") if p.suffix in (".html", ".md")]
    texts = {path.name: path.read_text(encoding="utf-8") for path in written}
    assert {"report.html", "data_card.md", "model_card.md"} <= set(texts)
    for name, text in texts.items():
        assert re.findall(r"\d (?:patients|subjects)\b|No patient stands", text) == [], name
    for name in ("report.html", "data_card.md", "model_card.md"):
        assert "not known" in texts[name], name
    assert "1,500 recordings" in texts["report.html"]


def test_recordings_that_the_report_shows_are_drawn_with_the_networks_own_map(
    directory: Path, prepared: Prepared
) -> None:
    page = (directory / "report.html").read_text(encoding="utf-8")
    drawings = re.findall(r'aria-label="waveform, .*?<text>(.*?); (.*?)</text>', page)
    assert len(drawings) == 6
    recordings = map(recordings_of(prepared.cohort).__getitem__, range(len(prepared.cohort)))
    numbers = [" ".join(f"{value:.4f}" for value in recording) for recording in recordings]
    rows = np.array([numbers.index(drawn) for drawn, _ in drawings])
    assert set(rows) <= set(prepared.splits.validation)
    scorer = ModelPackage.open(directory / "packages/network").scorer
    slope = read_json(directory / "training.json")["calibrators"]["network"]["parameters"]["slope"]
    added = scorer.map(prepared.cohort.encoded()[rows]).sum(axis=(1, 2)) * slope
    np.testing.assert_allclose([float(told) for _, told in drawings], added, atol=2e-3)
