"""The cohort and its split: who is in the data, who trains, tunes, calibrates and tests the model.

A cohort has one row per prediction moment. What the model sees (`inputs`), what happened
(`outcome`) and who, when and where (`index`) stand apart, so that no identifier can become a
feature by accident.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model.core.column_reading import ColumnReading
from risk_model.core.findings import Finding
from risk_model.core.inputs import Inputs, Signals
from risk_model.core.parts import DEVELOPMENT, PARTS
from risk_model.core.schema import PATIENTS, RECORDINGS, Features, Schema, encode

Rows = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int64]  # numbers of subjects, groups or parts
Outcome = npt.NDArray[np.int8]

DEMOGRAPHICS = ("age", "sex", "ethnicity")
INDEX = ("subject_id", "prediction_time", "site", *DEMOGRAPHICS)
BY_CHANCE = 0.01  # other rows that a row coincides with, above which sameness says nothing


@dataclass(frozen=True)
class Cohort:
    """Patients at their prediction moments.

    `inputs` has a column for every field of `schema`; `outcome` is 0 or 1 per row, or None when
    there is nothing to learn from; `index` has a column for each of INDEX that was recorded (age in
    years, prediction_time as a date) and none for what was not (`part` names the external part that
    a source published, `device` what recorded an image); `notes` say what the reader changed,
    `columns` what each column of a user's table was taken for; `source` is where the data came
    from, with its licence. Where the schema has a signal, `signals` are the recordings as stored.
    `one_row_per_patient` is true where the publisher or the user says so of data without
    identifiers.
    `scores` are existing risks to compare with (float64, NaN where not recorded), by their setting.
    """

    schema: Schema
    inputs: pd.DataFrame
    outcome: Outcome | None
    index: pd.DataFrame
    source: str = ""
    notes: tuple[Finding, ...] = ()
    signals: Signals | None = None
    columns: tuple[ColumnReading, ...] = ()
    one_row_per_patient: bool = False
    scores: pd.DataFrame = field(default_factory=pd.DataFrame)

    def __len__(self) -> int:
        return len(self.inputs)

    def recorded(self, column: str) -> bool:
        """Whether an index column (see INDEX) was recorded."""
        return column in self.index.columns

    @property
    def patients_identified(self) -> bool:
        """Whether it is known whose row each is; if not, two rows may be of one patient."""
        return self.recorded("subject_id") or self.one_row_per_patient

    @property
    def row_name(self) -> str:
        """What its rows are called: images, recordings or notes, and "rows" of a table."""
        return RECORDINGS[self.schema.signal.kind] if self.schema.signal else "rows"

    @property
    def unit(self) -> str:
        """What may be counted: patients where it is known whose row each is, else its rows."""
        return PATIENTS if self.patients_identified else self.row_name

    @property
    def labels(self) -> Outcome:
        """The outcome, for code that cannot go on without one; ValueError when it is absent."""
        if self.outcome is None:
            raise ValueError("this cohort has no outcome")
        return self.outcome

    def take(self, rows: Rows) -> Cohort:
        """The cohort of these rows, in this order."""
        inputs, index = (
            frame.iloc[rows].reset_index(drop=True) for frame in (self.inputs, self.index)
        )
        scores = self.scores.iloc[rows].reset_index(drop=True) if len(self.scores) else self.scores
        outcome = None if self.outcome is None else self.outcome[rows]
        return replace(
            self,
            inputs=inputs,
            index=index,
            outcome=outcome,
            signals=self.signals and self.signals.take(rows),
            scores=scores,
        )

    def sample(self, most: int) -> Cohort:
        """The cohort, or so many of its rows when it is larger: at random, yet always the same."""
        if len(self) <= most:
            return self
        return self.take(np.sort(np.random.default_rng(0).permutation(len(self))[:most]))

    def encoded(self) -> Features:
        """What a model sees in one matrix: float32[n, d]; of recordings, for a few rows."""
        return self.model_inputs()[:]

    def model_inputs(self) -> Inputs:
        """What a model sees: the fields, and behind them the signal as stored."""
        fields = Inputs(encode(self.inputs, self.schema))
        return fields if self.signals is None else self.signals.behind(fields)

    @cached_property
    def row_hash(self) -> npt.NDArray[np.uint64]:
        """A hash of each row's inputs and signal, whatever its position: uint64[n]."""
        fields = np.asarray(pd.util.hash_pandas_object(self.inputs, index=False), dtype=np.uint64)
        digests = None if self.signals is None else self.signals.arrays.digests
        return fields if digests is None else np.asarray(fields * np.uint64(3) + digests)

    @cached_property
    def record_hash(self) -> npt.NDArray[np.uint64]:
        """A hash of each row's inputs, index and outcome, whatever its position: uint64[n]."""
        index = pd.util.hash_pandas_object(self.index.astype(str), index=False).to_numpy(
            dtype=np.uint64
        )
        outcome = (
            np.zeros(len(self), np.uint64)
            if self.outcome is None
            else self.outcome.astype(np.uint64)
        )
        return np.asarray(self.row_hash + index * np.uint64(3) + outcome)

    @cached_property
    def subjects(self) -> npt.NDArray[np.object_]:
        """Whose row it is: str[n].

        Without a recorded subject, rows with the same inputs count as one subject, unless the
        columns are so few or so coarse that different patients coincide; then every row is a
        subject of its own.
        """
        if self.recorded("subject_id"):
            return self.index["subject_id"].astype(str).to_numpy(dtype=object)
        if not self._coarse:
            return np.array([f"row-{h:016x}" for h in self.row_hash], dtype=object)
        again = pd.Series(self.record_hash).groupby(self.record_hash).cumcount()
        return np.array(
            [f"row-{h:016x}-{i}" for h, i in zip(self.record_hash, again, strict=True)],
            dtype=object,
        )

    @property
    def _coarse(self) -> bool:
        """Whether rows can be expected to coincide by chance, were their columns independent."""
        if self.signals is not None:
            return False
        coincidences = len(self) / 2
        for name in self.inputs:
            coincidences *= float(
                (self.inputs[name].value_counts(normalize=True, dropna=False) ** 2).sum()
            )
            if coincidences < BY_CHANCE:
                return False
        return True

    def fingerprint(self) -> str:
        """SHA-256 of the cohort's content, the same in any row order.

        It names the data that a model was trained on.
        """
        content = self.schema.to_json().encode() + np.sort(self.record_hash).tobytes()
        return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True)
class Splits:
    """The rows of each part: they train, stop the training, calibrate and test, or are external.

    No subject stands in two parts. With cross-fitting `train` holds all development rows,
    `validation` and `calibration` none; where there are too few events to test on, `test` neither.

    `external` holds whole sites or the last period; `set_aside` the rows left out because their
    subject already stands elsewhere.
    """

    train: Rows
    validation: Rows
    calibration: Rows
    test: Rows
    external: dict[str, Rows] = field(default_factory=dict)
    set_aside: Rows = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    @property
    def learning(self) -> Rows:
        """The rows whose outcome may shape the model: train, validation and calibration, sorted."""
        return np.sort(np.concatenate([self.train, self.validation, self.calibration]))

    @property
    def shown(self) -> Rows:
        """The rows that a report may explain: those that stopped the training, or all that taught.

        Nothing is chosen by looking at a test row.
        """
        return self.validation if len(self.validation) else self.train

    def items(self) -> Iterator[tuple[str, Rows]]:
        """Name and rows of each part that has any, those of PARTS first."""
        for name in PARTS:
            if len(rows := getattr(self, name)):
                pooled = name == "train" and not len(self.validation)
                yield DEVELOPMENT if pooled else name, rows
        yield from self.external.items()

    def labels(self, n: int) -> npt.NDArray[np.object_]:
        """The part each of n rows belongs to; "set aside" for those in none."""
        names = np.full(n, "set aside", dtype=object)
        for name, rows in self.items():
            names[rows] = name
        return names
