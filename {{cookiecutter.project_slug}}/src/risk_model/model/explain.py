"""SHAP values in the terms a clinician knows, by the same method for every model.

Why this risk for this patient? A Shapley value is a field's mean effect on the logit over all
orders in which the fields of a background patient can be replaced by this patient's. It is
exact for regressions and trees (exact_shapley.py). For others it is estimated by permutation
sampling (Strumbelj and Kononenko 2014) with each order also walked backwards (antithetic pairs:
Mitchell et al. 2022). Each pair has its own background row: for the same number of evaluations this
varies less than few orders against many rows. The effect of each field alone is known for the whole
background, also for rows where no walk starts, and corrects for them (a control variate). What
sampling or rounding then leaves of the logit is shared by size, so base and contributions add up to
it. Orders and background are fixed, so the same input gets the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from risk_model.core.optional import required_module
from risk_model.core.schema import Features, Field, Schema, encode
from risk_model.model import Logits
from risk_model.model.exact_shapley import Exact, effects_alone

PAIRS = 75
ANCHORS = 3  # background rows in which the effect of a field alone is measured
CHUNK = 1024


def background(reference: Mapping[str, Any], schema: Schema, n: int, seed: int) -> Features:
    """Synthetic patients to compare with: float32[n, d], each field drawn by itself.

    `reference` is the content of reference.json: per field the share that is missing and the
    quantiles of the rest, or the shares of its categories; where no category had rows enough to be
    told, the first of the schema stands there. No row is a patient's, and no two fields of a row
    belong together; beside them stands the neutral signal.
    """
    rng = np.random.default_rng(seed)
    summaries = reference["fields"]
    values = {f.name: _sample_values(f, summaries[f.name], n, rng) for f in schema.inputs}
    fields = encode(values, schema)
    if schema.signal is None:
        return np.pad(fields, ((0, 0), (0, schema.cells)), constant_values=np.nan)
    signals = required_module("signals")
    recording = signals.reader(schema.signal).neutral(schema.signal)
    neutral = signals.signal_columns([recording], schema.signal)
    return np.hstack([fields, np.repeat(neutral, n, axis=0)])


def _sample_values(
    field: Field, summary: Mapping[str, Any], n: int, rng: np.random.Generator
) -> npt.NDArray[np.object_]:
    if field.kind == "number":
        values = _from_quantiles(np.asarray(summary["quantiles"], dtype=np.float64), n, rng)
    else:
        shares = summary["shares"] or dict.fromkeys(field.categories[:1], 1.0)
        values = _from_shares(shares, n, rng)
    if field.kind == "boolean":
        values = np.array([{"true": True, "false": False}.get(v) for v in values], dtype=object)
    values[rng.random(n) < summary["missing"]] = None
    return values


def _from_quantiles(quantiles: Logits, n: int, rng: np.random.Generator) -> npt.NDArray[np.object_]:
    """Draws between equally spaced quantiles, in whole numbers where all of them are whole."""
    if not len(quantiles):
        return np.full(n, None, dtype=object)
    values = np.interp(rng.random(n), np.linspace(0, 1, len(quantiles)), quantiles)
    whole = bool(np.all(quantiles == np.round(quantiles)))
    return (np.round(values) if whole else values).astype(object)


def _from_shares(
    shares: Mapping[str, float], n: int, rng: np.random.Generator
) -> npt.NDArray[np.object_]:
    if not shares:
        return np.full(n, None, dtype=object)
    weights = np.array(list(shares.values()), dtype=np.float64)
    choice = rng.choice(len(weights), size=n, p=weights / weights.sum())
    return np.array(list(shares), dtype=object)[choice]


def affine(logit: Logits, risk: Logits) -> tuple[float, float] | None:
    """Scale and shift from a logit to the log-odds of the calibrated risk; None if no line fits.

    Identity, temperature, Platt and prior correction are such lines, so what is explained on their
    scale adds up to the risk that was answered; isotonic calibration is not. `logit` and `risk` are
    float64[n] of the same rows.
    """
    clear = (risk > 1e-6) & (risk < 0.9)  # outside, the log-odds of a 32-bit risk are too coarse
    if len(np.unique(logit[clear])) < 2:
        return None
    log_odds = np.log(risk[clear] / (1 - risk[clear]))
    scale, shift = np.polyfit(logit[clear], log_odds, 1)
    error = np.abs(scale * logit[clear] + shift - log_odds).max()
    return (float(scale), float(shift)) if error < 1e-4 else None


class Explainer:
    """Explains rows of one model against a fixed background.

    `logit_of` maps float32[n, d] to float64[n]; `background` is float32[m, d]; `feature_field` is
    int[d], the field of each column (`Schema.feature_field`), so that a field's value, its flag and
    its categories move together. `exact` gives contributions where the model has a closed form.
    """

    def __init__(
        self,
        logit_of: Callable[[Features], Logits],
        background: Features,
        feature_field: npt.NDArray[np.intp],
        seed: int,
        exact: Exact | None = None,
    ) -> None:
        self._exact, self._logit_of, self._feature_field = exact, logit_of, feature_field
        logits = self._logits(background)
        self._base = float(logits.mean())
        if not exact:
            self._plan_walks(background, logits, seed)

    def _plan_walks(self, background: Features, logits: Logits, seed: int) -> None:
        fields, rng = int(self._feature_field.max()) + 1, np.random.default_rng(seed)
        orders = rng.permuted(np.tile(np.arange(fields), (PAIRS, 1)), axis=1)
        self._orders = np.concatenate([orders, orders[:, ::-1]])  # int[walks, fields]
        self._ranks = np.argsort(self._orders, axis=1)
        walked = np.arange(PAIRS) % len(background)
        self._start = np.tile(background[walked], (2, 1))  # float32[walks, d]
        self._start_logit = np.tile(logits[walked], 2)
        anchors = background[:ANCHORS]
        alone = [effects_alone(self._logits, row, self._feature_field) for row in anchors]
        effects = np.mean([effect(background) for effect in alone], axis=0)
        self._correction = effects[walked].mean(axis=0) - effects.mean(axis=0)  # float64[fields]

    def explain(self, row: Features) -> tuple[float, Logits]:
        """Base and contributions: base + contributions.sum() is the logit of `row`, a float32[d].

        The base is the mean logit of the background; contributions are float64[fields], in the
        order of the schema's inputs. Steps of a walk that change nothing are not evaluated.
        """
        if self._exact:
            return self._made_to_add_up(self._exact(row), row)
        steps = np.take_along_axis(self._differs(row), self._orders, axis=1)  # bool[walks, fields]
        reached = np.where(steps, np.arange(1, steps.shape[1] + 1), 0)
        np.maximum.accumulate(reached, axis=1, out=reached)
        before_last = steps & (reached < reached[:, -1:])
        logits = np.empty((len(steps), steps.shape[1] + 1))
        logits[:, 0] = self._start_logit
        logits[np.arange(len(steps)), reached[:, -1]] = self._logits(row[None])[0]
        walk, step = np.nonzero(before_last)
        logits[walk, step + 1] = self._logits(self._on_the_way(row, walk, step))
        along = np.take_along_axis(logits, np.pad(reached, ((0, 0), (1, 0))), axis=1)
        steps_taken = np.diff(along, axis=1).ravel()
        totals = np.bincount(self._orders.ravel(), steps_taken, minlength=steps.shape[1])
        return self._made_to_add_up(totals / len(steps) + self._correction, row)

    def _made_to_add_up(self, parts: Logits, row: Features) -> tuple[float, Logits]:
        """Base and contributions; what they lack of the logit is shared by their size."""
        rest = float(self._logit_of(row[None])[0]) - self._base - float(parts.sum())
        size = np.abs(parts)
        if not size.any():
            return self._base + rest, parts
        return self._base, parts + size * (rest / size.sum())

    def _differs(self, row: Features) -> npt.NDArray[np.bool_]:
        """Where a field of the row is not that of the background: bool[walks, fields]."""
        same = (self._start == row) | (np.isnan(self._start) & np.isnan(row))
        changed = np.zeros((len(same), self._orders.shape[1]), dtype=bool)
        walk, column = np.nonzero(~same)
        changed[walk, self._feature_field[column]] = True
        return changed

    def _on_the_way(
        self, row: Features, walk: npt.NDArray[np.intp], step: npt.NDArray[np.intp]
    ) -> Features:
        """The patients met on the walks after these steps: float32[len(step), d]."""
        replaced = self._ranks[walk] <= step[:, None]
        return np.where(replaced[:, self._feature_field], row, self._start[walk])

    def _logits(self, rows: Features) -> Logits:
        """Logits chunk by chunk: the layers of thousands of rows would outgrow the cache."""
        chunks = [self._logit_of(rows[i : i + CHUNK]) for i in range(0, len(rows), CHUNK)]
        return np.concatenate(chunks) if chunks else np.empty(0)
