"""The choice of the champion, held against 100,000 fresh rows of the same patients.

How often does the rule take a model that is worse than the best of the three by more than the
margin, 1 % of the log loss of the prevalence alone? Shapes, rules and bounds below were written
down before the study was run. Three shapes of cohort; in each a third of the predictors are yes or
no, the others standard normal with a correlation of .2, and the log odds are an intercept and
.7 · (-.8)^j x_j summed over all predictors, to which the second and third shape add a term times a
strength that is drawn anew for each cohort:

- linear: 1,500 rows, 20 predictors, nothing is added;
- interactions: 3,000 rows, 15 predictors, x0 x1 + |x2| - x3 [x4 > 0] times .25 to 1; a tenth of all
  values is missing, by chance;
- few: 600 rows, 12 predictors, 25 % events, x0² - 1 times 0 to .3.

Each cohort goes through development by cross-fitting as a run does. A model's loss on the fresh
rows is the expected one, given each row's true risk. Regret is the chosen model's loss beyond the
best's, as a share of the log loss of the true prevalence. The other rules are given the same
out-of-fold table and judged by the same margin. What stands under no shape is the mean over the
three.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model.config import Config
from risk_model.core.cohort import Cohort, Splits
from risk_model.core.inputs import Inputs
from risk_model.core.schema import Field, Schema, encode
from risk_model.core.scores import row_log_loss, sigmoid
from risk_model.model.table import MODELS
from risk_model.training.develop import Developed, develop
from risk_model.training.record import ChampionChoice, ModelComparison

Floats = npt.NDArray[np.float64]
SEEDS, SAMPLE = 67, 1  # of three cohorts each: 201
NEAR = 5e-3  # processors add in another order, and trees may split elsewhere
BOUNDS = {"wrong": (0.0, 0.05), "regret": (0.0, 0.005)}
FRESH, ALIKE, MARGIN = 100_000, 0.2, 0.01


@dataclass(frozen=True)
class Shape:
    """So many rows and predictors, and what is added to the straight lines, times a strength."""

    rows: int
    predictors: int
    intercept: float
    added: Callable[[Floats], Floats] = lambda x: np.zeros(len(x))
    strength: tuple[float, float] = (0.0, 0.0)
    missing: float = 0.0


SHAPES = {
    "linear": Shape(1_500, 20, -1.2),
    "interactions": Shape(
        3_000,
        15,
        -2.2,
        lambda x: x[:, 0] * x[:, 1] + np.abs(x[:, 2]) - x[:, 3] * (x[:, 4] > 0),
        (0.25, 1.0),
        missing=0.1,
    ),
    "few": Shape(600, 12, -1.35, lambda x: x[:, 0] ** 2 - 1, (0.0, 0.3)),
}
# Whether a model is as good as the one that is best out of fold, given its row and the margin.
RULES: dict[str, Callable[[ModelComparison, float], bool]] = {
    "half the margin": lambda row, margin: number(row.difference.high) < margin / 2,
    "twice the margin": lambda row, margin: number(row.difference.high) < margin * 2,
    "mean within the margin": lambda row, margin: number(row.difference.estimate) < margin,
    "interval includes 0": lambda row, margin: number(row.difference.low) <= 0,
    "lowest out of fold": lambda row, margin: False,
}


def study(seeds: Sequence[int]) -> dict[str, list[float]]:
    """By seed: of each shape which model was chosen, the models' losses, and each rule's errors."""
    columns: dict[str, list[float]] = {}
    for seed in seeds:
        by_shape = {name: outcomes(shape, seed) for name, shape in SHAPES.items()}
        for column in ("wrong", "regret", *rule_columns()):
            values = [results[column] for results in by_shape.values()]
            columns.setdefault(column, []).append(sum(values) / len(values))
        for shape, results in by_shape.items():
            for column, value in results.items():
                columns.setdefault(f"{shape}: {column}", []).append(value)
    return columns


def rule_columns() -> list[str]:
    """Names of the columns that say how the other rules did."""
    return [f"{column} by {rule}" for rule in RULES for column in ("wrong", "regret")]


def outcomes(shape: Shape, seed: int) -> dict[str, float]:
    """Of one cohort: what was chosen, each model's loss on fresh rows, and the rules' errors."""
    made, loss, loss_of_prevalence = development(shape, seed)
    best = min(loss.values())
    chosen = {"": made.champion.name} | {
        f" by {rule}": choose(made.champion, as_good) for rule, as_good in RULES.items()
    }
    results = {f"chose {row.name}": float(made.champion.name == row.name) for row in MODELS}
    results |= {f"log loss of {name}": value for name, value in loss.items()}
    for rule, name in chosen.items():
        regret = (loss[name] - best) / loss_of_prevalence
        results |= {f"wrong{rule}": float(regret > MARGIN), f"regret{rule}": regret}
    return results


def choose(champion: ChampionChoice, as_good: Callable[[ModelComparison, float], bool]) -> str:
    """The simplest model that is as good as the one that is best out of fold, or that one."""
    best = min(champion.table, key=lambda row: row.log_loss)
    margin = number(champion.margin)
    return next(row.model for row in champion.table if row == best or as_good(row, margin))


def number(value: float | None) -> float:
    """A number that is there; ValueError where it could not be estimated."""
    if value is None:
        raise ValueError("an estimate is missing")
    return value


def development(shape: Shape, seed: int) -> tuple[Developed, dict[str, float], float]:
    """Models of one cohort, their expected log loss on fresh rows, and that of the prevalence."""
    rng = np.random.default_rng(seed)
    strength = rng.uniform(*shape.strength)
    schema = schema_of(shape)
    inputs, risk = patients(shape, strength, shape.rows, rng)
    outcome = (rng.random(shape.rows) < risk).astype(np.int8)
    who = pd.DataFrame({"subject_id": np.arange(shape.rows).astype(str)})
    everybody, nobody = np.arange(shape.rows), np.empty(0, dtype=np.int64)
    made = develop(
        Config(seed=seed),
        Cohort(schema, inputs, outcome, who),
        Inputs(encode(inputs, schema)),
        Splits(everybody, nobody, nobody, nobody),
    )
    inputs, risk = patients(shape, strength, FRESH, rng)
    fresh = encode(inputs, schema)
    loss = {
        name: expected_log_loss(risk, made.calibrators[name](model.logit(fresh)))
        for name, model in made.models.items()
    }
    return made, loss, expected_log_loss(risk, np.full(FRESH, risk.mean()))


def schema_of(shape: Shape) -> Schema:
    """Numbers, and yes or no in the last third."""
    numbers = shape.predictors - shape.predictors // 3
    fields = tuple(
        Field(f"x{j}", "number" if j < numbers else "boolean") for j in range(shape.predictors)
    )
    return Schema("made", "outcome", fields)


def patients(
    shape: Shape, strength: float, rows: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, Floats]:
    """Predictors with their holes, and the true risk, float64[rows], which knows no holes."""
    common, own = rng.normal(size=(rows, 1)), rng.normal(size=(rows, shape.predictors))
    x = np.sqrt(ALIKE) * common + np.sqrt(1 - ALIKE) * own
    yes_or_no = shape.predictors // 3
    x[:, -yes_or_no:] = x[:, -yes_or_no:] > 0
    straight = x @ (0.7 * (-0.8) ** np.arange(shape.predictors))
    risk = sigmoid(shape.intercept + straight + strength * shape.added(x))
    x[rng.random(x.shape) < shape.missing] = np.nan
    return pd.DataFrame(x, columns=[field.name for field in schema_of(shape).fields]), risk


def expected_log_loss(risk: Floats, said: Floats) -> float:
    """Mean log loss over all outcomes that these true risks may have, in nats."""
    event, none = (row_log_loss(np.full(len(risk), outcome), said) for outcome in (1, 0))
    return float(np.mean(risk * event + (1 - risk) * none))
