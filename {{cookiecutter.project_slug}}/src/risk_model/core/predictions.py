"""The table of predictions: what each model said about whom.

Evaluation, drift and the model card read this and nothing else.

Column names follow MEDS (Medical Event Data Standard,
https://github.com/Medical-Event-Data-Standard/meds), so other tools can read the table, and the
rooms after training are the same code for every modality.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model.core.cohort import DEMOGRAPHICS, Cohort, Splits

COLUMNS = (
    "subject_id",
    "prediction_time",
    "boolean_value",
    "predicted_boolean_probability",
    "raw_probability",
    "site",
    *DEMOGRAPHICS,
    "split",
    "model",
    "repeat",
)
OPPOSITE = "1-"  # before the name of a column that holds the probability of no event
SCORE = "compared with: "  # begins the name of a column that holds an existing score


def prediction_table(
    cohort: Cohort,
    splits: Splits,
    calibrated: Mapping[str, npt.NDArray[np.float64]],
    raw: Mapping[str, npt.NDArray[np.float64]],
) -> pd.DataFrame:
    """One row per prediction moment and model, rows set aside left out.

    `calibrated` and `raw` map a model's name to float64[n] probabilities after and before
    calibration. What was not recorded is missing (NA) in every row. An existing score that the
    cohort holds has a column, NaN where it was not recorded; so has `device`. `repeat` numbers the
    times that a row is scored, each by models of its own; here it is 0.
    """
    labels = splits.labels(len(cohort))
    base = cohort.index.reindex(columns=["prediction_time", "site", *DEMOGRAPHICS])
    base = base.assign(
        subject_id=cohort.subjects, boolean_value=cohort.labels.astype(bool), split=labels
    )
    more = {f"{SCORE}{name}": values for name, values in cohort.scores.items()}
    more |= {"device": cohort.index["device"]} if cohort.recorded("device") else {}
    base = base.assign(**more)
    parts = [
        base.assign(
            model=name,
            repeat=0,
            predicted_boolean_probability=calibrated[name],
            raw_probability=raw[name],
        )
        for name in calibrated
    ]
    table = pd.concat(parts, ignore_index=True)
    return table.loc[table["split"] != "set aside", [*COLUMNS, *more]].reset_index(drop=True)
