"""The table of models: one row a model, the simplest first, and nothing else lists them.

Does anything simpler do as well? The order of the rows is the order in which that is asked.
Adding a model is a row here and a class that fits it; training, the choice of the champion,
evaluation, validation, report and cards read this table.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pkgutil import resolve_name

from risk_model.core.optional import PACKAGE, module_exists
from risk_model.model import FitInputs, RiskModel


@dataclass(frozen=True)
class ModelRow:
    """What the project knows of one model.

    `fitted_by` names a function from FitInputs to RiskModel, as `module:function` below the
    package; it is imported when the model is fitted. A `baseline` sees the simple columns alone. A
    model that is `refitted` is fast enough to be made anew, for each site that is left out and for
    each bootstrap sample. `regulariser` is the setting that holds it back, `regularised` says how.
    `step` names what its training history counts.
    """

    name: str
    label: str
    fitted_by: str
    regulariser: str
    regularised: str
    baseline: bool = True
    refitted: bool = True
    regression: bool = False
    step: str = "epoch"

    @property
    def is_installed(self) -> bool:
        """Whether this project holds the module: a smaller edition may lack it."""
        return module_exists(self.fitted_by.partition(":")[0])

    def fit(self, inputs: FitInputs) -> RiskModel:
        """Fits the model; UserError when the settings ask for what cannot be fitted."""
        model: RiskModel = resolve_name(f"{PACKAGE}.{self.fitted_by}")(inputs)
        return model


LINEAR, TREES, NETWORK = "logistic_regression", "xgboost", "network"
_ALL = (
    ModelRow(
        name="logistic_regression",
        label="logistic regression",
        fitted_by="model.baseline:LogisticRegression.from_inputs",
        regulariser="model.logistic_regression.c",
        regularised="a penalty on its coefficients, chosen by cross-validation where it is 0",
        regression=True,
    ),
    ModelRow(
        name="xgboost",
        label="XGBoost",
        fitted_by="model.baseline:XGBoost.from_inputs",
        regulariser="model.xgboost.patience",
        regularised="rounds without gain on rows held back from it before it stops",
        step="tree",
    ),
    ModelRow(
        name="network",
        label="network",
        fitted_by="training.network:fit_network",
        regulariser="training.patience",
        regularised="epochs without gain on rows held back from it before it stops",
        baseline=False,
        refitted=False,
    ),
)
MODELS = tuple(row for row in _ALL if row.is_installed)


def find_row(name: str) -> ModelRow | None:
    """The row of a model; None where the table has none of that name."""
    return next((row for row in MODELS if row.name == name), None)


def label(name: str) -> str:
    """A model's name as a reader says it."""
    row = find_row(name)
    return row.label if row else name.replace("_", " ")


def step(name: str) -> str:
    """What a model's training history counts: its epochs or its trees."""
    row = find_row(name)
    return row.step if row else "epoch"


def is_baseline(name: str) -> bool:
    """Whether the table has it as a baseline."""
    row = find_row(name)
    return row is not None and row.baseline


def simplest_first(names: Iterable[str]) -> list[str]:
    """These models in the order of the table; KeyError for one that it lacks."""
    rank = {row.name: number for number, row in enumerate(MODELS)}
    return sorted(names, key=rank.__getitem__)


def refitted() -> list[str]:
    """The models that validation makes anew, the simplest first."""
    return [row.name for row in MODELS if row.refitted]
