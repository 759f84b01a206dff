"""The page and its time zone as they travel in a package, and the fields that follow from it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import tzinfo
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from risk_model.core.errors import UserError
from risk_model.core.schema import Field, Schema
from risk_model.signals.event_plan import grid_plan, window_plan
from risk_model.signals.event_spec import Spec, micros
from risk_model.signals.event_spec_reading import spec_from_json
from risk_model.signals.events_time import time_zone

COUNTED = ("count", "hours_since")  # of what is taken, what cannot be below 0


@dataclass(frozen=True)
class Page:
    """The specification of a package, the time zone of dates, UTC for "", and codes without hours.

    Times of FHIR without a zone are left out where none is stated.
    """

    spec: Spec
    timezone: str = ""
    day_only: tuple[str, ...] = ()

    @property
    def zone(self) -> tzinfo | None:
        """The time zone; None where none is stated."""
        return time_zone(self.timezone) if self.timezone else None

    def to_json(self) -> str:
        """The text that stands in a schema."""
        files = {"timezone": self.timezone, "day_only": list(self.day_only)}
        return json.dumps({**files, **self.spec.to_json()}, ensure_ascii=False)


@lru_cache(maxsize=8)
def page_of(text: str) -> Page:
    """The page in the text that a schema holds.

    Raises:
        UserError: it holds none.
    """
    try:
        content = json.loads(text)
        timezone, day_only = content.pop("timezone"), tuple(content.pop("day_only"))
    except (ValueError, AttributeError, KeyError, TypeError):
        raise UserError("schema.json: its spec is no specification of events") from None
    return Page(spec_from_json(content), timezone, day_only)


def schema_of(name: str, page: Page) -> Schema:
    """The schema of a cohort of that name: a field for each column of the page's measurements."""
    plan = window_plan(page.spec)
    fields = []
    for name_, unit, column in zip(plan.names, plan.units, plan.columns, strict=True):
        each = page.spec.measured[column.field]
        codes = " or ".join(each.code)
        described = f"{column.take} of {each.name} ({codes}), {column.window}"
        least = 0.0 if column.take in COUNTED else None
        fields.append(Field(name_, "number", unit, least, description=described))
    cells = grid_plan(page.spec).kernel.blank.size if page.spec.sequence else 0
    words = outcome_words(page.spec)
    return Schema(name, words, tuple(fields), spec=page.to_json(), cells=cells)


def outcome_words(spec: Spec) -> str:
    """What is predicted, in words.

    >>> from risk_model.signals.event_spec import Outcome
    >>> outcome_words(Spec((), outcome=Outcome(("MEDS_DEATH",), "exclude", "6h", "30d")))
    'MEDS_DEATH within 30d, later than 6h after the moment'
    """
    outcome = spec.outcome
    if outcome is None:
        return "the label"
    ends = [f"within {outcome.horizon}"] if outcome.horizon else []
    ends += [f"before {' or '.join(outcome.until)}"] if outcome.until else []
    gap = f", later than {outcome.gap} after the moment" if micros(outcome.gap) else ""
    return f"{' or '.join(outcome.event)} {' and '.join(ends)}{gap}"


def measurements(schema: Schema) -> tuple[npt.NDArray[np.intp], list[str]]:
    """The measurement of each column of a row, int[d], and the measurements' names."""
    spec = page_of(schema.spec).spec
    return measurement_of_column(spec), [each.name for each in spec.measured]


def measurement_of_column(spec: Spec) -> npt.NDArray[np.intp]:
    """For each column of a row, the position of its measurement on the page: int[columns].

    The cells of a sequence, which stand behind the windows' columns, are their measurement's too.
    """
    of_window = [column.field for column in window_plan(spec).columns]
    if spec.sequence is None:
        return np.array(of_window, dtype=np.intp)
    names = [each.name for each in spec.measured]
    of_cell = np.repeat([names.index(n) for n in grid_plan(spec).names], spec.sequence.steps)
    return np.concatenate([of_window, of_cell]).astype(np.intp)
