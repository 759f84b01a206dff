"""Does each model of the table reach every place, and does a new one need nothing but its row?"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any, ClassVar, Self

import pytest

from risk_model import artifacts, pipeline
from risk_model.config import Config, Synthetic
from risk_model.core import optional
from risk_model.model import FitInputs, table
from risk_model.model.linear import LinearModel

PACKAGE = Path(table.__file__).parents[1]
NAMES = [row.name for row in table.MODELS]


class AddedModel(LinearModel):
    """A model that somebody adds: logistic regression with both penalties."""

    name: ClassVar[str] = "added_model"

    @classmethod
    def from_inputs(cls, inputs: FitInputs) -> Self:
        """Fits on the training rows."""
        from sklearn.linear_model import LogisticRegression as Solver

        solver = Solver(C=0.1, l1_ratio=0.5, solver="saga", max_iter=100, tol=1e-2)
        return cls.fit_solver(inputs.train, solver)


class AddedRow(table.ModelRow):
    """A row whose model stands in a test."""

    def fit(self, inputs: FitInputs) -> AddedModel:
        return AddedModel.from_inputs(inputs)


ADDED = AddedRow(
    name="added_model",
    label="added model",
    fitted_by="model.added_model:AddedModel.from_inputs",
    regulariser="model.logistic_regression.c",
    regularised="two penalties",
)


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of a project whose table has one row more."""
    settings = Config(data=Synthetic(subjects=1200), runs=str(tmp_path / "runs"))
    settings.deployment.tracking_uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    settings.deployment.registry = str(tmp_path / "models")
    settings.split.folds, settings.split.test_events = 2, 0
    settings.model.logistic_regression.c = 0.1
    settings.model.xgboost.trees, settings.training.epochs = 10, 1
    settings.model.network.width, settings.model.network.blocks = 8, 1
    settings.evaluation.resamples = 20
    monkeypatch.setattr(table, "MODELS", (ADDED, *table.MODELS))
    return pipeline.run(settings).directory


@pytest.mark.slow
def test_a_model_that_is_added_to_the_table_appears_everywhere(finished: Path) -> None:
    names = {"added_model", *NAMES}
    training, evaluation = artifacts.read_training(finished), artifacts.read_evaluation(finished)
    left_out = artifacts.read_internal_external(finished).left_out
    assert [row.model for row in training.champion.table] == ["added_model", *NAMES]
    assert set(training.calibrators) == names
    assert all(set(part.models) == names for part in evaluation.parts.values())
    assert {path.name for path in (finished / "packages").iterdir()} == names
    assert {name for row in left_out for name in row.models} == {"added_model", *table.refitted()}
    report = (finished / "report.html").read_text(encoding="utf-8")
    for name in names:
        assert re.search(rf">\s*{table.label(name)}\b", report, re.IGNORECASE), name
        card = (finished / "packages" / name / "model_card.md").read_text(encoding="utf-8")
        assert table.label(name) in card.splitlines()[0]


def test_a_model_that_the_table_lacks_is_no_candidate() -> None:
    with pytest.raises(KeyError, match="forest"):
        table.simplest_first(["xgboost", "forest"])


def test_every_row_leads_to_something_that_fits_a_model_of_its_name() -> None:
    from pkgutil import resolve_name

    for row in table.MODELS:
        assert callable(resolve_name(f"{optional.PACKAGE}.{row.fitted_by}"))


def test_a_model_whose_module_is_absent_is_no_row() -> None:
    assert not ADDED.is_installed
    assert all(row.is_installed for row in table.MODELS)


def test_every_regulariser_is_a_setting() -> None:
    for row in table.MODELS:
        value: Any = Config()
        for key in row.regulariser.split("."):
            value = getattr(value, key)
        assert isinstance(value, int | float)


def strings(path: Path) -> set[str]:
    """The strings of a file that are no documentation."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_no_other_file_lists_the_models() -> None:
    """One model's name is a fact about it; two in one file are a list that must be kept in step."""
    listing = {
        str(path.relative_to(PACKAGE)): names
        for path in PACKAGE.rglob("*.py")
        if len(names := strings(path) & {row.name for row in table.MODELS}) > 1
    }
    assert set(listing) <= {"model/table.py", "model/baseline.py"}, listing
