"""Development of models: fitted, calibrated, and asked for the risk of given rows.

Whatever makes models anew (a run, a fold, a site that is left out, a bootstrap sample) does it
here, so that all of them are made in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from risk_model.config import Config
from risk_model.core.cohort import Cohort, Rows, Splits
from risk_model.core.schema import Features
from risk_model.model import Floats, Logits, RiskModel
from risk_model.training.calibration import Calibrator, choose_calibrator, fit_kind
from risk_model.training.fit import fit_models, positive_weight
from risk_model.training.monitor import Monitor


@dataclass(frozen=True)
class Developed:
    """Fitted models by name, the simplest first, and what each says of the rows asked for.

    `logits` and `calibration_logits` are float64[rows], before calibration: of the rows asked for
    and of the calibration split. `pos_weight` is the weight that events had in training.
    """

    models: dict[str, RiskModel]
    calibrators: dict[str, Calibrator]
    logits: dict[str, Logits]
    calibration_logits: dict[str, Logits]
    pos_weight: float

    @property
    def risks(self) -> dict[str, Floats]:
        """Calibrated risks of the rows asked for, float64[rows] by name."""
        return {name: self.calibrators[name](logit) for name, logit in self.logits.items()}


def develop(
    settings: Config,
    cohort: Cohort,
    features: Features,
    splits: Splits,
    *,
    rows: Rows | None = None,
    only: Collection[str] | None = None,
    kinds: Mapping[str, str] | None = None,
    monitor: Monitor | None = None,
    score: Callable[[RiskModel, Features], Logits] = lambda model, rows: model.logit(rows),
) -> Developed:
    """Fits on train, stops on validation, calibrates on calibration, and scores the rows asked for.

    Args:
        settings: of the model and the training.
        cohort: outcomes, subjects and schema.
        features: `cohort.encoded()`, or its first `schema.simple` columns, which baselines use.
        splits: which rows teach what; a training row may stand there twice (bootstrap refits).
        rows: the rows to score; None for all of them.
        only: the models to make, by name; None for all.
        kinds: the kind of calibrator of each model; None to choose it by the data.
        monitor: gets what is measured after each epoch and each tree.
        score: a model's logits for rows; replace it to check them, as `checked_logits` does.

    Raises:
        UserError: a part holds a single class of the outcome or infinite values.
    """
    labels, calibration_rows = cohort.labels, splits.calibration
    monitor = monitor or Monitor()
    models = fit_models(features, labels, splits, cohort.schema, settings, monitor, only)
    weight = positive_weight(labels[splits.train], settings.training)
    if rows is None:
        logits = {name: score(model, features) for name, model in models.items()}
        calibration = {name: logit[calibration_rows] for name, logit in logits.items()}
    else:
        logits = {name: score(model, features[rows]) for name, model in models.items()}
        calibration = {
            name: score(model, features[calibration_rows]) for name, model in models.items()
        }

    def calibrator(name: str, logit: Logits) -> Calibrator:
        outcomes = labels[calibration_rows]
        if kinds:
            return fit_kind(kinds[name], logit, outcomes, settings.training, weight)
        inputs = logit, outcomes, cohort.subjects[calibration_rows], settings.seed
        return choose_calibrator(*inputs, settings=settings.training, pos_weight=weight)

    calibrators = {name: calibrator(name, logit) for name, logit in calibration.items()}
    return Developed(models, calibrators, logits, calibration, weight)
