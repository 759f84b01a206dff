"""The schema: what the model may see, and how a record becomes numbers.

One schema validates training data, requests and files to score, and one encoder turns all of them
into the same numbers: training and serving cannot drift apart. Nothing here is fitted, and nothing
here needs pandas or torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from math import prod
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from risk_model.core.reading_rules import ReadingRules

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["number", "category", "boolean"]
Features = npt.NDArray[np.float32]
FLOAT32_MAX = float(np.finfo(np.float32).max)
# numbers in a piece of rows: larger ones outgrow the cache, or the memory of a deep network
AT_ONCE = 1 << 18


@dataclass(frozen=True)
class Field:
    """One thing recorded about a patient.

    `unit` is a UCUM code ("1" or "" where there is none); `minimum` and `maximum` bound what is
    plausible, both ends included; `recorded_after` marks what is known only after the prediction
    moment, which no model may see; `code` is a LOINC or SNOMED code as "system|code".
    """

    name: str
    kind: Kind
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[str, ...] = ()
    missing_allowed: bool = True
    missing_flag: bool = False
    recorded_after: bool = False
    code: str = ""
    description: str = ""

    @property
    def features(self) -> list[str]:
        """Names of the columns that this field becomes, in order."""
        shown = (
            [f"{self.name}={c}" for c in self.categories]
            if self.kind == "category"
            else [self.name]
        )
        return [*shown, f"{self.name} missing"] if self.missing_flag else shown

    def problem(self, value: object) -> str:
        """What is wrong with a JSON value, without repeating it; "" when nothing is."""
        if value is None:
            return "" if self.missing_allowed else "is required"
        if self.kind == "category":
            return (
                "" if value in self.categories else f"must be one of {', '.join(self.categories)}"
            )
        if self.kind == "boolean":
            return "" if isinstance(value, bool) else "must be true or false"
        if isinstance(value, bool) or not isinstance(value, int | float):
            return "must be a number"
        return "" if self.plausible(float(value)) else f"must be {self.range_text()}"

    def plausible(self, value: float) -> bool:
        """Whether a number fits into 32 bits and lies within the plausible range."""
        low, high = self.bounds
        return bool(low <= value <= high)

    @property
    def bounds(self) -> tuple[float, float]:
        """The plausible range as numbers; what 32 bits can hold where no bound is given."""
        low = -FLOAT32_MAX if self.minimum is None else self.minimum
        high = FLOAT32_MAX if self.maximum is None else self.maximum
        return max(low, -FLOAT32_MAX), min(high, FLOAT32_MAX)

    def range_text(self) -> str:
        """The plausible range in words, with its unit."""
        bounds = {"at least": self.minimum, "at most": self.maximum}
        words = " and ".join(
            f"{word} {bound:g}" for word, bound in bounds.items() if bound is not None
        )
        unit = "" if self.unit == "1" else self.unit  # UCUM's sign for "no unit"
        return f"{words or 'a finite number'} {unit}".strip()


PATIENTS = "patients"
RECORDINGS = {"image": "images", "waveform": "recordings", "text": "notes"}  # rows, by kind


@dataclass(frozen=True)
class Signal:
    """An image, a waveform or a text beside the fields, read by the module of its kind.

    In a row it stands behind the fields: `described` simple numbers, which the baselines see too,
    then the array of `shape`, flattened, which only a network sees. `channels` are leads or
    colours, in order, `units` each lead's; `rate` is in Hz; `mirrors` says that left and right
    carry no meaning; `encoder` names the pre-trained text encoder whose `tokenizer` (JSON of the
    tokenizers library) the array was made with; `scrub` says that what names a person is taken out
    of a text before anything else; `remark_kinds` are those of the remarks on how the images were
    read that a model learnt from, None where they are not known.
    """

    name: str
    kind: Literal["image", "waveform", "text"]
    shape: tuple[int, ...]
    described: int
    channels: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    rate: float = 0.0
    mirrors: bool = False
    encoder: str = ""
    tokenizer: str = ""
    scrub: bool = False
    # another hospital's images may be read otherwise, and be the same signal
    remark_kinds: tuple[str, ...] | None = field(default=None, compare=False)

    @property
    def width(self) -> int:
        """How many columns it has in a row."""
        return self.described + prod(self.shape)

    @property
    def seconds(self) -> float:
        """How long a recording lasts; 0 where it has no rate."""
        return self.shape[-1] / self.rate if self.rate else 0.0


@dataclass(frozen=True)
class Schema:
    """The fields of a cohort, in order, the signal beside them, and what is predicted.

    `reading` are the rules by which a file of such fields is read; `spec` is the page (JSON) by
    which they are made of events, where they are, with `cells` numbers for a network behind them.
    """

    name: str
    outcome: str
    fields: tuple[Field, ...]
    signal: Signal | None = None
    reading: ReadingRules = field(default_factory=ReadingRules)
    spec: str = ""
    cells: int = 0

    @property
    def inputs(self) -> tuple[Field, ...]:
        """The fields a model may see: all but those recorded after the prediction moment."""
        return tuple(f for f in self.fields if not f.recorded_after)

    @property
    def features(self) -> list[str]:
        """Names of the encoded columns, in order."""
        return [name for f in self.inputs for name in f.features]

    @property
    def feature_field(self) -> npt.NDArray[np.intp]:
        """For each encoded column, the position in `inputs` of the field it comes from: int[d]."""
        return np.repeat(np.arange(len(self.inputs)), [len(f.features) for f in self.inputs])

    @property
    def simple(self) -> int:
        """How many columns, from the first, are simple numbers.

        Those of the fields, and those that describe the signal.
        """
        return len(self.features) + (self.signal.described if self.signal else 0)

    @property
    def width(self) -> int:
        """How many columns a row has in all."""
        return len(self.features) + (self.signal.width if self.signal else self.cells)

    def field(self, name: str) -> Field:
        """The field of that name; KeyError when there is none."""
        return (
            next(f for f in self.fields if f.name == name) if name in self.names else _absent(name)
        )

    @property
    def names(self) -> list[str]:
        """Names of all fields, in order."""
        return [f.name for f in self.fields]

    def declare_recorded_after(self, names: list[str]) -> Schema:
        """This schema with exactly these fields marked as recorded after the prediction moment."""
        return replace(
            self, fields=tuple(replace(f, recorded_after=f.name in names) for f in self.fields)
        )

    def served(self) -> Schema:
        """The schema of a request: the fields that a model may see."""
        return replace(self, fields=self.inputs)

    def to_json(self) -> str:
        """The schema as indented JSON; `from_json` reads it back equal."""
        content = asdict(self)
        if self.reading == ReadingRules():
            del content["reading"]
        if not self.spec:
            del content["spec"], content["cells"]
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Schema:
        """The schema that `to_json` wrote.

        Raises:
            ValueError, KeyError, TypeError: the text is something else.
        """
        content = json.loads(text)
        fields = tuple(
            Field(**{**f, "categories": tuple(f.get("categories", ()))}) for f in content["fields"]
        )
        signal = content.get("signal")
        if signal:
            lists = {name: tuple(v) for name, v in signal.items() if isinstance(v, list)}
            signal = Signal(**{**signal, **lists})
        reading = ReadingRules.from_json(content.get("reading", {}))
        made = content.get("spec", ""), content.get("cells", 0)
        return cls(content["name"], content["outcome"], fields, signal, reading, *made)


def _absent(name: str) -> Field:
    raise KeyError(name)


def at_once(width: int, most: int) -> int:
    """How many rows of so many columns to compute together, `most` at most."""
    return max(min(most, AT_ONCE // max(width, 1)), 1)


def encode(records: Mapping[str, Any] | pd.DataFrame, schema: Schema) -> Features:
    """Fields as numbers, the same for training, requests and batches: float32[n, d].

    Columns are those of `schema.features`.

    `records` maps each input field to n values (a DataFrame does). Numbers keep NaN where they are
    missing, booleans become 0 and 1, a category becomes one column per known value: all zeros when
    it is unknown or missing.

    >>> sex = Field("sex", "category", categories=("F", "M"))
    >>> schema = Schema("demo", "death", (Field("age", "number"), sex))
    >>> encode({"age": [54, None], "sex": ["M", "?"]}, schema).tolist()
    [[54.0, 0.0, 1.0], [nan, 0.0, 0.0]]
    """
    blocks = [_encode_field(records[f.name], f) for f in schema.inputs]
    return np.concatenate(blocks, axis=1) if blocks else np.empty((0, 0), dtype=np.float32)


def _encode_field(values: Any, field: Field) -> Features:
    column = np.asarray(values, dtype=object if field.kind == "category" else np.float64)
    if field.kind == "category":
        shown = column[:, None] == np.array(field.categories, dtype=object)
        absent = np.array([v is None or v != v for v in column]) if field.missing_flag else None
    else:
        shown, absent = column[:, None], np.isnan(column)
    blocks = [shown, absent[:, None]] if field.missing_flag and absent is not None else [shown]
    return np.concatenate(blocks, axis=1).astype(np.float32)
