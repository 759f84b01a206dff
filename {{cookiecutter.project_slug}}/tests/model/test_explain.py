"""Do the explanations add up, and do they agree with the shap library?"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import shap
from hypothesis import given
from hypothesis import strategies as st

from risk_model import config
from risk_model.core.errors import UserError
from risk_model.core.schema import Features, Field, Schema, encode
from risk_model.core.scorer import Scorer
from risk_model.model import FitInputs, RiskModel, Sample
from risk_model.model.baseline import LogisticRegression, XGBoost
from risk_model.model.exact_shapley import exact_values
from risk_model.model.explain import Explainer, affine, background
from risk_model.model.linear import Terms
from risk_model.training.calibration import Calibrator
from risk_model.training.onnx_calibration import append_calibrator

SOURCE = str(Path(__file__).parents[2] / "src")
NUMBERS = 8
SCHEMA = Schema(
    "made up",
    "death",
    (
        *(Field(f"lab_{i}", "number", missing_flag=i < 4) for i in range(NUMBERS)),
        Field("sex", "category", categories=("female", "male"), missing_flag=True),
        Field("unit", "category", categories=tuple("ABCDE")),
        Field("diabetes", "boolean"),
    ),
)
REFERENCE: dict[str, Any] = {
    "fields": {
        **{
            f"lab_{i}": {"missing": 0.1, "quantiles": list(np.linspace(-2, 2, 101))}
            for i in range(NUMBERS)
        },
        "sex": {"missing": 0.1, "shares": {"female": 0.6, "male": 0.4}},
        "unit": {
            "missing": 0.0,
            "shares": dict(zip("ABCDE", (0.3, 0.3, 0.2, 0.1, 0.1), strict=True)),
        },
        "diabetes": {"missing": 0.05, "shares": {"true": 0.25, "false": 0.75}},
    }
}
FIELD = SCHEMA.feature_field
PATIENTS = background(REFERENCE, SCHEMA, 3_000, seed=1)
BACKGROUND = background(REFERENCE, SCHEMA, 100, seed=2)


def known(rows: Features) -> Features:
    return np.nan_to_num(rows, nan=0.3)


def interacting(rows: Features) -> npt.NDArray[np.float64]:
    """A made-up model with interactions between fields, and one field (lab_7) that it never looks
    at.
    """
    x = known(rows).astype(np.float64)
    lab, rest = x[:, [0, 2, 4, 6, 8, 9, 10]], x[:, 12:]
    risk = (
        np.tanh(lab[:, 0] * lab[:, 1]) + lab[:, 2] * rest[:, 0] - 0.5 * lab[:, 3] * (lab[:, 4] > 0)
    )
    return np.asarray(risk + 0.3 * lab[:, 5] + lab[:, 6] * rest[:, -1] + 0.7 * rest[:, 3])


@pytest.fixture(scope="module")
def outcome() -> npt.NDArray[np.int8]:
    chance = 1 / (1 + np.exp(1 - 1.5 * interacting(PATIENTS)))
    return (np.random.default_rng(0).random(len(PATIENTS)) < chance).astype(np.int8)


@pytest.fixture(scope="module")
def sample(outcome: npt.NDArray[np.int8]) -> Sample:
    return Sample(PATIENTS, outcome, np.ones(len(outcome)))


def served(model: RiskModel) -> Scorer:
    return Scorer(append_calibrator(model.graph(), Calibrator("platt", 0.8, -0.2)))


def per_field(columns: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(np.bincount(FIELD, columns, minlength=len(SCHEMA.inputs)), dtype=np.float64)


def by_column(terms: Terms, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """What each column's terms add together."""
    columns = np.arange(len(terms.median)), terms.missing, np.repeat(terms.curved, 2)
    return np.asarray(np.bincount(np.concatenate(columns), values), dtype=np.float64)


def correlations(
    explainer: Explainer, library: Callable[[Features], npt.NDArray[np.float64]], rows: Features
) -> list[float]:
    return [
        float(np.corrcoef(explainer.explain(row)[1], per_field(library(row[None])[0]))[0, 1])
        for row in rows
    ]


def test_base_and_contributions_add_up_to_the_logit_of_any_patient() -> None:
    explainer = Explainer(interacting, BACKGROUND, FIELD, seed=0)

    @given(row=st.integers(0, len(PATIENTS) - 1), lab=st.floats(-1e3, 1e3, width=32))
    def check(row: int, lab: float) -> None:
        patient = PATIENTS[row].copy()
        patient[0] = lab
        base, contributions = explainer.explain(patient)
        expected = interacting(patient[None])[0]
        assert base + contributions.sum() == pytest.approx(
            expected, abs=1e-12 * max(1.0, abs(expected))
        )
        assert base == pytest.approx(interacting(BACKGROUND).mean())

    check()


def test_the_same_patient_gets_the_same_explanation_to_the_last_bit() -> None:
    first, again = (
        Explainer(interacting, BACKGROUND, FIELD, seed=0).explain(PATIENTS[5]) for _ in range(2)
    )
    assert first[0] == again[0]
    assert first[1].tobytes() == again[1].tobytes()


def test_a_field_that_the_model_ignores_contributes_nothing() -> None:
    contributions = Explainer(interacting, BACKGROUND, FIELD, seed=0).explain(PATIENTS[7])[1]
    assert contributions[SCHEMA.names.index("lab_7")] == 0.0


def test_a_patient_equal_to_the_only_background_row_has_no_contributions() -> None:
    base, contributions = Explainer(interacting, PATIENTS[:1], FIELD, seed=0).explain(PATIENTS[0])
    assert base == interacting(PATIENTS[:1])[0]
    assert not contributions.any()


def test_value_and_missing_flag_of_a_field_are_replaced_together() -> None:
    def impossible(rows: Features) -> npt.NDArray[np.float64]:
        assert np.array_equal(np.isnan(rows[:, 0]), rows[:, 1] == 1), (
            "a value beside a flag that says it is missing"
        )
        return known(rows)[:, 0].astype(np.float64)

    Explainer(impossible, BACKGROUND, FIELD, seed=0).explain(PATIENTS[3])


def test_exact_shapley_values_of_a_model_with_interactions_are_met() -> None:
    fields = len(SCHEMA.inputs)

    def exact(row: Features) -> npt.NDArray[np.float64]:
        def by_field(masks: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
            mixed = np.where(masks[:, None, FIELD], row, BACKGROUND[:25])
            return np.asarray(
                interacting(mixed.reshape(-1, len(row))).reshape(len(masks), -1).mean(axis=1)
            )

        game = shap.ExactExplainer(
            by_field, shap.maskers.Independent(np.zeros((1, fields), dtype=bool))
        )
        return np.asarray(game(np.ones((1, fields), dtype=bool)).values[0])

    explainer = Explainer(interacting, BACKGROUND[:25], FIELD, seed=0)
    for row in PATIENTS[:2]:
        ours, truth = explainer.explain(row)[1], exact(row)
        assert np.corrcoef(ours, truth)[0, 1] >= 0.99
        assert np.abs(ours - truth).max() < 0.15


def test_walks_from_some_rows_explain_an_additive_model_against_all_rows() -> None:
    rising = np.linspace(-1, 1, BACKGROUND.shape[1])

    def additive(rows: Features) -> npt.NDArray[np.float64]:
        return np.asarray(known(rows).astype(np.float64) @ rising)

    explainer = Explainer(additive, BACKGROUND, FIELD, seed=0)
    for row in PATIENTS[:5]:
        exact = per_field(rising * (known(row) - known(BACKGROUND).mean(axis=0, dtype=np.float64)))
        assert explainer.explain(row)[1] == pytest.approx(exact, abs=1e-9)


def test_logistic_regression_gets_the_exact_values_of_the_shap_library(sample: Sample) -> None:
    model = LogisticRegression.fit(sample, config.LogisticRegression())
    scorer = served(model)
    graph = append_calibrator(model.graph(), Calibrator("platt", 0.8, -0.2))
    inputs = (lambda rows: scorer(rows)[1]), BACKGROUND, FIELD
    exact_of = exact_values(graph, *inputs)
    assert exact_of is not None
    explainer = Explainer(*inputs, seed=0, exact=exact_of)
    terms, rows = (model.terms.columns(x) for x in (BACKGROUND, PATIENTS[:5]))
    library = shap.LinearExplainer(
        (model.weight, model.bias), shap.maskers.Independent(terms, max_samples=100)
    )
    for row, values in zip(PATIENTS[:5], library.shap_values(rows), strict=True):
        exact = per_field(by_column(model.terms, values))
        base, parts = explainer.explain(row)
        assert np.allclose(parts, exact, atol=1e-5)
        assert base + parts.sum() == pytest.approx(scorer(row[None])[1][0], abs=1e-12)


def test_a_graph_that_is_no_sum_of_its_terms_is_refused(sample: Sample) -> None:
    model = LogisticRegression.fit(sample, config.LogisticRegression())
    graph = append_calibrator(model.graph(), Calibrator("identity"))
    with pytest.raises(UserError, match="not the sum that it says"):
        exact_values(graph, interacting, BACKGROUND, FIELD)


def test_a_logistic_model_is_explained_by_a_row_for_each_field(sample: Sample) -> None:
    model, asked = LogisticRegression.fit(sample, config.LogisticRegression()), []
    scorer = served(model)

    def logit_of(rows: Features) -> npt.NDArray[np.float64]:
        asked.append(len(rows))
        return scorer(rows)[1]

    graph = append_calibrator(model.graph(), Calibrator("platt", 0.8, -0.2))
    exact = exact_values(graph, logit_of, BACKGROUND, FIELD)
    asked.clear()
    assert exact is not None
    exact(PATIENTS[0])
    assert asked == [len(SCHEMA.inputs)]


def test_xgboost_agrees_with_the_tree_explainer_of_the_shap_library(sample: Sample) -> None:
    model = XGBoost.fit(
        sample, sample, config.XGBoost(trees=150), seed=0, threads=1, record=lambda *_: None
    )
    scorer = served(model)
    explainer = Explainer(lambda rows: scorer(rows)[1], BACKGROUND, FIELD, seed=0)
    library = shap.TreeExplainer(model.booster, BACKGROUND, feature_perturbation="interventional")
    assert min(correlations(explainer, library.shap_values, PATIENTS[:10])) >= 0.99


@pytest.mark.slow
def test_the_network_agrees_with_the_permutation_explainer_of_the_shap_library(
    sample: Sample,
) -> None:
    from risk_model.training.network import fit_network

    settings = config.Config()
    settings.training.epochs = 10
    inputs = FitInputs(sample, sample, SCHEMA, settings, 1.0, lambda *_: None)
    scorer = served(fit_network(inputs))
    explainer = Explainer(lambda rows: scorer(rows)[1], BACKGROUND, FIELD, seed=0)
    library = shap.PermutationExplainer(
        lambda rows: scorer(rows.astype(np.float32))[1],
        shap.maskers.Independent(BACKGROUND, max_samples=100),
        seed=0,
    )
    walks = 10 * 2 * len(FIELD) + 1

    def values(row: Features) -> npt.NDArray[np.float64]:
        return np.asarray(library(row, max_evals=walks, silent=True).values)

    assert min(correlations(explainer, values, PATIENTS[:4])) >= 0.99


def test_background_follows_the_training_distribution_field_by_field() -> None:
    missing = np.isnan(PATIENTS[:, 0]).mean()
    assert missing == pytest.approx(0.1, abs=0.02)
    assert np.array_equal(PATIENTS[:, 1] == 1, np.isnan(PATIENTS[:, 0]))
    assert np.nanquantile(PATIENTS[:, 0], [0.25, 0.5, 0.75]) == pytest.approx([-1, 0, 1], abs=0.12)
    unit = PATIENTS[:, [SCHEMA.features.index(f"unit={u}") for u in "ABCDE"]]
    assert unit.mean(axis=0) == pytest.approx([0.3, 0.3, 0.2, 0.1, 0.1], abs=0.03)
    assert np.array_equal(
        background(REFERENCE, SCHEMA, 50, seed=3), background(REFERENCE, SCHEMA, 50, seed=3), True
    )


def test_background_of_a_count_holds_whole_numbers_and_of_an_unrecorded_field_nothing() -> None:
    schema = Schema(
        "s", "o", (Field("visits", "number"), Field("never", "number"), Field("none", "category"))
    )
    described = {
        "visits": {"missing": 0.0, "quantiles": list(range(101))},
        "never": {"missing": 1.0, "quantiles": []},
        "none": {"missing": 1.0, "shares": {}},
    }
    rows = background({"fields": described}, schema, 200, seed=0)
    assert np.array_equal(rows[:, 0], np.round(rows[:, 0]))
    assert np.isnan(rows[:, 1]).all()


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.7, -1.2)])
def test_contributions_can_be_told_on_the_scale_of_an_affine_calibrator(
    slope: float, intercept: float
) -> None:
    logit = np.linspace(-5, 3, 100)
    risk = (1 / (1 + np.exp(-slope * logit - intercept))).astype(np.float32).astype(np.float64)
    assert affine(logit, risk) == pytest.approx((slope, intercept), abs=1e-5)


def test_contributions_cannot_be_told_on_the_scale_of_a_curve() -> None:
    logit = np.linspace(-5, 3, 100)
    assert affine(logit, np.interp(logit, [-5, 0, 3], [0.01, 0.2, 0.9])) is None
    assert affine(np.zeros(5), np.full(5, 0.5)) is None


def test_explaining_needs_nothing_but_numpy() -> None:
    heavy = "{'torch', 'pandas', 'scipy', 'sklearn', 'xgboost', 'shap', 'onnx'}"
    code = "import sys, risk_model.model.explain\n"
    code += f"assert not {heavy} & set(sys.modules), set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": SOURCE})


def test_encoded_background_has_the_columns_of_the_schema() -> None:
    assert BACKGROUND.shape == (100, len(SCHEMA.features))
    assert BACKGROUND.dtype == np.float32
    assert encode({f.name: [None] for f in SCHEMA.inputs}, SCHEMA).shape[1] == BACKGROUND.shape[1]
