"""Small cohorts for the tests of this room."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from risk_model.core.cohort import INDEX, Cohort
from risk_model.core.findings import Finding
from risk_model.core.schema import Field, Schema


def cohort_of(
    columns: dict[str, Any], outcome: Any, index: dict[str, Any] | None = None, **kinds: Any
) -> Cohort:
    """Floats become number fields, texts categories; `kinds` overrides by column."""
    inputs = pd.DataFrame(columns)
    fields = []
    for name in inputs:
        text = inputs[name].dtype.kind not in "fbi"
        values = tuple(sorted(inputs[name].dropna().unique())) if text else ()
        fields.append(
            Field(
                str(name), kinds.get(str(name), "category" if text else "number"), categories=values
            )
        )
    who = pd.DataFrame(index or {}, index=inputs.index)
    return Cohort(
        Schema("made", "outcome", tuple(fields)), inputs, np.asarray(outcome, dtype=np.int8), who
    )


def serious(findings: list[Finding]) -> list[Finding]:
    """Errors and warnings."""
    return [f for f in findings if f.severity != "note"]


def hospital_cohort(n: int, seed: int = 0, prevalence: float = 0.2) -> Cohort:
    """Patients of four hospitals over three years with repeat visits; nothing predicts anything."""
    rng = np.random.default_rng(seed)
    subject = rng.integers(0, int(n * 0.8), n)
    index = {
        "subject_id": subject.astype(str),
        "site": np.array(list("ABCD"))[rng.choice(4, n, p=[0.4, 0.3, 0.2, 0.1])],
        "prediction_time": pd.Timestamp("2020-01-01")
        + pd.to_timedelta(rng.integers(0, 1000, n), unit="D"),
        "age": 20.0 + subject % 75,
        "sex": np.array(["F", "M"])[subject % 2],
        "ethnicity": np.array(list("abc"))[subject % 3],
    }
    return cohort_of({"x": rng.normal(size=n)}, rng.random(n) < prevalence, index)


def in_the_agreed_form(cohort: Cohort) -> bool:
    """Numbers and booleans float64, categories text or None, one column a field, an index of known
    columns.
    """
    kinds = {f.name: f.kind for f in cohort.schema.fields}
    for name, kind in kinds.items():
        column = cohort.inputs[name]
        if kind == "category":
            assert all(v is None or isinstance(v, str) for v in column.unique()), name
        else:
            assert column.dtype == np.float64, name
        if kind == "boolean":
            assert set(column.dropna()) <= {0.0, 1.0}, name
    assert list(cohort.inputs) == list(kinds)
    assert set(cohort.index) <= set(INDEX)
    assert len(cohort.index) == len(cohort.inputs) == len(cohort.labels)
    assert set(np.unique(cohort.labels)) == {0, 1}
    return cohort.encoded().dtype == np.float32
