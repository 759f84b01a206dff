"""Development of models: fitted, calibrated, compared, and asked for the risk of given rows.

Whatever makes models anew (a run, a site that is left out, a bootstrap sample) does it here, so
that all of them are made in the same way.

Each fold of the development rows is predicted by models made without it. On these predictions of
all rows the calibrators are fitted and the champion is chosen; then each model is fitted on all
rows, for as many epochs or trees as it took without each fold (Stone 1974; Varma and Simon, BMC
Bioinformatics 2006). With `split.folds=1` the parts of the split do each of these once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from statistics import mean

import numpy as np

from risk_model.config import Config
from risk_model.core.cohort import Cohort, Rows, Splits
from risk_model.core.inputs import Inputs
from risk_model.model import Floats, Logits, RiskModel
from risk_model.model.table import step
from risk_model.training.batches import same_batches
from risk_model.training.calibration import Calibrator, choose_calibrator
from risk_model.training.champion import choose_champion
from risk_model.training.fit import fit_models, positive_weight
from risk_model.training.folds import Turn, turns
from risk_model.training.monitor import Monitor
from risk_model.training.record import ChampionChoice


@dataclass(frozen=True)
class Developed:
    """Fitted models by name, the simplest first, and what each says of the rows asked for.

    `logits` are float64[rows] before calibration. `held_out` are the rows on which calibrators and
    champion were chosen. `rounds` are the epochs, or trees, of a model that was fitted on all
    development rows.
    """

    models: dict[str, RiskModel]
    calibrators: dict[str, Calibrator]
    champion: ChampionChoice
    logits: dict[str, Logits]
    held_out: Rows
    rounds: dict[str, int]

    @property
    def risks(self) -> dict[str, Floats]:
        """Calibrated risks of the rows asked for, float64[rows] by name."""
        return {name: self.calibrators[name](logit) for name, logit in self.logits.items()}


def develop(
    settings: Config,
    cohort: Cohort,
    inputs: Inputs,
    splits: Splits,
    *,
    rows: Rows | None = None,
    only: Collection[str] | None = None,
    monitor: Monitor | None = None,
    score: Callable[[RiskModel, Inputs], Logits] = lambda model, rows: rows.map(model.logit),
) -> Developed:
    """Fits, calibrates and compares models on the development rows, and scores the rows asked for.

    Args:
        settings: of the model, the training and the folds.
        cohort: outcomes, subjects and schema.
        inputs: `cohort.model_inputs()`.
        splits: which rows teach; a row may stand there twice (bootstrap samples).
        rows: the rows to score; None for all of them.
        only: the models to make, by name; None for all.
        monitor: gets what is measured in the first turn, and how long each model took in all.
        score: a model's logits for rows; replace it to check them, as `checked_logits` does.

    Raises:
        UserError: a part holds a single class of the outcome or infinite values.
    """
    labels, subjects, folds = cohort.labels, cohort.subjects, settings.split.folds
    monitor = monitor or Monitor(curves=False)
    each = turns(splits, subjects, labels, settings.seed, folds)
    held_out, taught = np.concatenate([turn.held_out for turn in each]), each[0].train
    settings = same_batches(settings, len(taught))
    said, models, rounds = _turns(settings, cohort, inputs, each, only, monitor)
    if folds > 1:
        taught, nobody = splits.learning, np.empty(0, dtype=np.int64)
        parts = inputs, labels, subjects, taught, nobody
        own = monitor.unrecorded()
        models = fit_models(*parts, cohort.schema, settings, own, only, rounds)
    weight = positive_weight(labels[taught], settings.training)
    rows_of = labels[held_out], subjects[held_out], settings.seed
    calibrators = {
        name: choose_calibrator(logit, *rows_of, settings=settings.training, pos_weight=weight)
        for name, logit in said.items()
    }
    champion = choose_champion(said, *rows_of, settings, weight)
    if folds > 1:
        champion = replace(champion, compared_on="the development rows, out of fold")
    asked = inputs if rows is None else inputs.take(rows)
    logits = {name: score(model, asked) for name, model in models.items()}
    return Developed(models, calibrators, champion, logits, held_out, rounds if folds > 1 else {})


def _turns(
    settings: Config,
    cohort: Cohort,
    inputs: Inputs,
    each: Sequence[Turn],
    only: Collection[str] | None,
    monitor: Monitor,
) -> tuple[dict[str, Logits], dict[str, RiskModel], dict[str, int]]:
    """Models made in each turn.

    Returns:
        Their logits of all rows held out, turn by turn; the models of the last turn; and the mean
        number of trees, or epochs over all rows, after which a model stopped, for those that have
        any.
    """
    said: dict[str, list[Logits]] = defaultdict(list)
    stopped: dict[str, list[float]] = defaultdict(list)
    models: dict[str, RiskModel] = {}
    for number, turn in enumerate(each):
        own = monitor.unrecorded() if number else monitor
        parts = cohort.labels, cohort.subjects, turn.train, turn.validation
        models = fit_models(inputs, *parts, cohort.schema, settings, own, only)
        for name, model in models.items():
            said[name].append(inputs.take(turn.held_out).map(model.logit))
            if best := own.best_epoch(name):
                stopped[name].append(best * _epoch_length(name, turn, each, settings))
    rounds = {name: max(1, round(mean(epochs))) for name, epochs in stopped.items()}
    return {name: np.concatenate(parts) for name, parts in said.items()}, models, rounds


def _epoch_length(model: str, turn: Turn, each: Sequence[Turn], settings: Config) -> float:
    """An epoch of a turn in epochs over all rows: a network stops after so many steps.

    With more rows an epoch has more of them. A tree is a tree.
    """
    rows = sum(len(other.held_out) for other in each)
    drawn = getattr(settings.model.network, "rows_per_epoch", int)
    return drawn(len(turn.train)) / drawn(rows) if step(model) == "epoch" else 1.0
