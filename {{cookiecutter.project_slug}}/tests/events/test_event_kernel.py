"""Are the columns what a reader of the page would compute by hand?"""

from __future__ import annotations

import math

import numpy as np
import pytest

from risk_model.signals.event_grid import mask_and_hours
from risk_model.signals.event_plan import window_plan
from risk_model.signals.event_row import rows_of
from risk_model.signals.events import Event
from risk_model.signals.events_windows import EVER, STATIC, Block, Column, Kernel

from tests.events.made_events import HOUR, START, event, spec

AT = START + 24 * HOUR


def block(*rows: tuple[int, int, int, float, int]) -> Block:
    moment, field, ago, value, row = (np.array(key) for key in zip(*rows, strict=True))
    return Block(moment, field, ago, value.astype(float), row)


def cells(*events: Event) -> dict[str, float]:
    page = spec()
    row = rows_of(page, [event("a", 0, "ADMISSION"), *events], AT).values[0]
    return dict(zip(window_plan(page).names, row.tolist(), strict=True))


def rate(hours: float, value: float, row: int = 0) -> Event:
    return event("a", hours, "HR", value, unit="/min", row=row)


def test_a_result_with_two_codings_counts_once_in_a_field() -> None:
    kernel = Kernel([Column(0, "count", "1d"), Column(0, "mean", "1d")], 1)
    zeros, rows = np.zeros(3, np.int64), np.array([4, 4, 5])
    block = Block(zeros, zeros, zeros, np.array([1.0, 1.0, 4.0]), rows)
    assert kernel(np.array([0]), block).tolist() == [[2.0, 2.5]]


def test_each_take_is_what_its_name_says() -> None:
    found = cells(rate(14, 60), rate(16, 90), rate(20, 72))
    takes = "last first min max mean count slope hours_since".split()
    values = [found[f"heart rate {take} 12h"] for take in takes]
    # the slope by hand: hours around their mean -8/3, -2/3 and 10/3, rates around 74
    slope = (-8 / 3 * -14 + -2 / 3 * 16 + 10 / 3 * -2) / ((64 + 4 + 100) / 9)
    assert values == pytest.approx([72, 60, 60, 90, 74, 3, slope, 4], rel=1e-6)


def test_nothing_measured_is_missing_and_counts_zero() -> None:
    found = cells()
    assert found["heart rate count 12h"] == 0
    assert math.isnan(found["heart rate min 12h"])


def test_a_window_is_open_at_its_older_end_and_closed_at_the_moment() -> None:
    found = cells(rate(12, 60), rate(24, 90))
    assert found["heart rate count 12h"] == 1
    assert cells(rate(0, 60), rate(24, 90))["heart rate count since start"] == 2
    assert cells(rate(-0.01, 60))["heart rate count since start"] == 0


def test_other_units_are_converted_by_the_stated_factor() -> None:
    found = cells(event("a", 20, "GLU", 100, unit="mg/dL"))
    assert found["glucose last 12h"] == pytest.approx(5.55)


def test_one_time_has_no_slope_and_ties_follow_the_place_in_the_source() -> None:
    found = cells(rate(20, 70, row=2), rate(20, 90, row=1))
    assert math.isnan(found["heart rate slope 12h"])
    assert found["heart rate last 12h"] == 70
    assert found["heart rate first 12h"] == 90


def test_what_never_changes_is_in_every_window_and_has_no_hours() -> None:
    assert cells(event("a", None, "SEX", 1))["sex last 12h"] == 1
    found = cells(event("a", None, "HR", 70, unit="/min"))
    assert found["heart rate last 12h"] == 70
    assert math.isnan(found["heart rate hours_since 12h"])


def test_a_prefix_takes_every_code_that_begins_so_and_no_number_is_needed() -> None:
    found = cells(event("a", -100, "E11.9"), event("a", -20, "E110"), event("a", -20, "E12"))
    assert (found["diabetes count 5y"], found["diabetes hours_since 5y"]) == (2, 44)


def test_names_and_units_stand_in_the_pages_order() -> None:
    plan = window_plan(spec())
    assert plan.names[:2] == ("heart rate last since start", "heart rate first since start")
    named = dict(zip(plan.names, plan.units, strict=True))
    assert named["heart rate slope 12h"] == "/min/h"
    assert named["heart rate count 12h"] == "1"
    assert named["heart rate hours_since 12h"] == "h"
    assert named["glucose mean 12h"] == "mmol/L"


ORDERED = [(0, 0, STATIC, 1.0, 0), (0, 0, 9, 1.0, 1), (0, 0, 9, 2.0, 2), (0, 1, 9, 1.0, 0)]


@pytest.mark.parametrize("position", range(3))
def test_events_out_of_order_raise(position: int) -> None:
    kernel = Kernel([Column(0, "last", EVER)], 2)
    assert kernel(np.zeros(1, np.int64), block(*ORDERED)).tolist() == [[2.0]]
    mixed = list(ORDERED)
    mixed[position : position + 2] = reversed(mixed[position : position + 2])
    with pytest.raises(ValueError, match="out of order"):
        kernel(np.zeros(1, np.int64), block(*mixed))


def test_an_event_after_its_moment_raises() -> None:
    with pytest.raises(ValueError, match="later than its moment"):
        Kernel([Column(0, "last", EVER)], 1)(np.zeros(1, np.int64), block((0, 0, -1, 1.0, 0)))


def test_a_grid_has_the_mean_of_each_step_and_hours_since_the_last() -> None:
    page = spec(sequence={"every": "6h", "length": "24h", "take": "mean"})
    events = [event("a", 0, "ADMISSION"), rate(0, 10), rate(7, 60), rate(12, 80), rate(19, 90)]
    grid = rows_of(page, events, AT).grid
    assert grid is not None
    heart = grid[0, 0]
    # what stands at 0 hours is a day before the moment, and at its open end
    assert heart.tolist()[1:] == [70, pytest.approx(math.nan, nan_ok=True), 90]
    seen, hours = mask_and_hours(page, heart)
    assert seen.tolist() == [False, True, False, True]
    assert hours[1:].tolist() == [0, 6, 0]
    assert math.isnan(hours[0])
