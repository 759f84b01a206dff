"""Does the model serve every patient alike? The same figures by age, sex, ethnicity, their pairs,
and site.

Groups with too few events or non-events are counted and not judged. AUPRC is left out: it rises
with the prevalence, so it must not be compared between groups (McDermott et al., NeurIPS 2024).
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from risk_model.core.age_bands import AGE_BANDS, age_band
from risk_model.core.findings import Finding
from risk_model.core.scores import holm

if TYPE_CHECKING:
    import pandas as pd

    from risk_model.evaluation.metrics import Floats

CROSSED = ("age band", "sex", "ethnicity")  # partitions whose intersections are judged as well
PARTITIONS = {"age band": "age", "sex": "sex", "ethnicity": "ethnicity", "site": "site"}
LARGEST = 20  # groups of one partition shown by name; the rest are pooled
COMPARED = ("auroc", "citl")
ALPHA = 0.01  # chance of any false alarm in one part of one model
Labels = npt.NDArray[np.object_]


def partitions(rows: pd.DataFrame) -> dict[str, Labels]:
    """For each partition of two groups or more, the group of each row, None where missing: {"sex":
    object[n], ...}.
    """
    found = {
        name: _labels(rows[column], name) for name, column in PARTITIONS.items() if column in rows
    }
    found = {name: labels for name, labels in found.items() if len(groups(labels, name)) > 1}
    pairs = combinations([name for name in CROSSED if name in found], 2)
    return found | {
        f"{one} and {other}": _crossed(found[one], found[other]) for one, other in pairs
    }


def _crossed(one: Labels, other: Labels) -> Labels:
    known = [
        None if None in pair else ", ".join(map(str, pair)) for pair in zip(one, other, strict=True)
    ]
    return np.array(known, dtype=object)


def _labels(column: pd.Series[Any], name: str) -> Labels:
    if name == "age band":
        return age_band(column.to_numpy(np.float64, na_value=np.nan))
    text = column.astype(object).where(column.notna(), None)
    common = text.value_counts().index[:LARGEST]
    pooled = text.where(text.isin(common) | text.isna(), "all others")
    return np.array([None if label is None else str(label) for label in pooled], dtype=object)


def groups(labels: Labels, name: str) -> list[str]:
    """The groups of a partition in the order they are shown: age bands by age, the rest by name."""
    present = {label for label in labels if label is not None}
    if not name.startswith("age band"):
        return sorted(present)
    bands = list(AGE_BANDS)
    return sorted(present, key=lambda label: (bands.index(label.split(",")[0]), label))


def p_value(difference: float, draws: Floats) -> float:
    """Two-sided p of a difference, from its bootstrap standard error [r]; NaN where it cannot be
    told.
    """
    kept = draws[np.isfinite(draws)]
    if len(kept) * 2 <= len(draws) or not np.isfinite(difference):
        return float("nan")
    error = float(np.std(kept))
    return (
        math.erfc(abs(difference) / error / math.sqrt(2)) if error > 0 else float(difference == 0)
    )


def adjust(table: list[dict[str, Any]]) -> None:
    """Replaces each group's raw `p` by Holm's, over all groups and figures of one model's table."""
    cells = [(row, name) for row in table for name in row["p"]]
    for (row, name), value in zip(
        cells, holm(np.array([row["p"][name] for row, name in cells])), strict=True
    ):
        row["p"][name] = float(value)


def findings(part: str, models: dict[str, Any]) -> list[Finding]:
    """The groups whose risks are too high or too low beyond chance, one finding a group, with the
    models concerned.

    AUROC accuses nobody: it differs between groups with the mix of their patients, however fair the
    model is.
    """
    seen: dict[tuple[str, str], list[str]] = {}
    for model, judged in models.items():
        for row in judged["subgroups"]:
            if row["p"].get("citl", 1.0) < ALPHA:
                seen.setdefault((row["partition"], row["group"]), []).append(model)
    return [_finding(part, key, names, models) for key, names in seen.items()]


def _finding(part: str, key: tuple[str, str], names: list[str], models: dict[str, Any]) -> Finding:
    row = next(r for r in models[names[0]]["subgroups"] if (r["partition"], r["group"]) == key)
    here, everyone, told = (
        row["metrics"],
        models[names[0]]["metrics"],
        ", ".join(names).replace("_", " "),
    )
    low = here["citl"]["estimate"] > everyone["citl"]["estimate"]
    message = (
        f"on {part}, {told}: risks are too {'low' if low else 'high'} here beside all patients "
        "together "
        f"(calibration-in-the-large {here['citl']['estimate']:.2f} and "
        f"{everyone['citl']['estimate']:.2f}, "
        f"sensitivity {here['sensitivity']['estimate']:.0%} and "
        f"{everyone['sensitivity']['estimate']:.0%})"
    )
    remedy = (
        "look at how outcome and inputs are recorded in this group before using the model there"
    )
    return Finding("warning", "subgroup", " ".join(key), message, remedy)
