"""Is the cohort the one that the page describes, and is everybody left out counted?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from risk_model.data.sources import event_moments
from risk_model.data.sources.event_flow import Cohort, Step, cohort_of
from risk_model.data.sources.event_moments import connect
from risk_model.reporting.event_flow import flow_figure
from risk_model.signals.events import Event

from tests.events.made_events import DAY, START, event, spec, write

# admitted at 10 o'clock; the moment is a day later
EIGHT = {
    "died on day 9": [event("a", 240, "MEDS_DEATH")],
    "alive after 60 days": [event("b", 1500, "HR", 70)],
    "last seen at 30 h": [event("c", 40, "HR", 70)],
    "died in the gap": [event("d", 44, "MEDS_DEATH")],
    "died at the moment": [event("e", 34, "MEDS_DEATH")],
    "died on a date only": [
        Event("f", START + DAY - 1, "MEDS_DEATH", None, None, "", START + DAY - 1, True, 0)
    ],
    "an event a century later": [event("g", 876_600, "HR", 70)],
    "never seen again": [],
}


def eight() -> list[Event]:
    """The eight patients of the table."""
    admitted = [event(name, 10, "ADMISSION") for name in "abcdefgh"]
    return [*admitted, *(later for events in EIGHT.values() for later in events)]


def cohort(events: list[Event], path: Path, **changes: Any) -> Cohort:
    page = spec(**changes)
    return cohort_of(connect(write(events, path / "events.parquet"), page.end(0)), page)


def outcome(**changes: Any) -> dict[str, Any]:
    return {
        "event": "MEDS_DEATH",
        "gap": "24h",
        "horizon": "30d",
        "not_followed": "exclude",
        **changes,
    }


def test_of_eight_patients_two_are_the_cohort_and_each_reason_is_told(tmp_path: Path) -> None:
    made = cohort(eight(), tmp_path)
    assert made.flow.sentence() == (
        "8 possible moments; left out: 2 outcome before or at the moment, 1 outcome within the "
        "gap, 3 not followed; cohort 2, 1 outcome"
    )
    assert list(made.moments.subject) == ["a", "b"]
    assert made.outcome.tolist() == [True, False]
    assert made.flow.prevalence == 0.5
    assert made.flow.prevalence_bounds == (1 / 5, 4 / 5)
    assert [step.subjects for step in made.flow.left_out] == [2, 1, 3]


def test_without_the_gap_the_flow_of_the_eight_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_moments, "AFTER_GAP", "o.time > m.cutoff")
    assert cohort(eight(), tmp_path).flow.cohort.outcomes == 2


def test_an_event_a_century_later_makes_nobody_followed_unless_it_is_said(tmp_path: Path) -> None:
    assert cohort(eight(), tmp_path, end_of_data="none").flow.cohort.moments == 3


def test_lost_patients_can_be_kept_as_no_event_and_stay_counted(tmp_path: Path) -> None:
    flow = cohort(eight(), tmp_path, outcome=outcome(not_followed="no event")).flow
    assert (flow.cohort.moments, flow.cohort.outcomes, flow.lost) == (5, 1, 3)
    assert flow.prevalence_bounds == (1 / 5, 4 / 5)


def test_death_ends_the_time_at_risk_of_another_outcome_and_is_counted(tmp_path: Path) -> None:
    events = [event("a", 0, "ADMISSION"), event("a", 30, "DISCHARGE")]
    events += [event("a", 270, "MEDS_DEATH"), event("b", 0, "ADMISSION")]
    events += [event("b", 30, "DISCHARGE"), event("b", 300, "ADMISSION")]
    events += [event("c", 0, "DISCHARGE"), event("c", 0, "MEDS_DEATH")]
    made = cohort(
        events,
        tmp_path,
        index={"event": "DISCHARGE", "which": "first"},
        outcome=outcome(event="ADMISSION", gap="0h"),
    )
    assert made.outcome.tolist() == [False, True]
    assert made.flow.died == 1
    assert made.flow.left_out == (Step("died before or at the moment", 1, 1, 0),)


def test_a_readmission_is_no_outcome_of_its_own_index_event(tmp_path: Path) -> None:
    events = [event("a", hours, "ADMISSION") for hours in (0, 100)] + [event("a", 900, "HR")]
    made = cohort(
        events,
        tmp_path,
        index={"event": "ADMISSION", "which": "all"},
        outcome=outcome(event="ADMISSION", gap="0h"),
    )
    assert made.outcome.tolist() == [True, False]


def test_the_end_of_the_stay_ends_the_time_at_risk_inclusive(tmp_path: Path) -> None:
    events = [event(name, 0, "ADMISSION") for name in "abcd"]
    events += [event("a", 60, "DISCHARGE"), event("a", 60, "MEDS_DEATH")]
    events += [event("b", 60, "DISCHARGE"), event("b", 61, "MEDS_DEATH")]
    events += [event("c", 24, "DISCHARGE"), event("d", 50, "HR")]
    until = {"event": "MEDS_DEATH", "until": "DISCHARGE", "not_followed": "exclude"}
    made = cohort(events, tmp_path, outcome=until)
    assert made.outcome.tolist() == [True, False]
    assert [step.reason for step in made.flow.left_out] == [
        "stay ended before or at the moment",
        "not followed",
    ]


def test_an_index_event_known_only_later_gives_no_moment(tmp_path: Path) -> None:
    events = [event("a", 0, "ADMISSION", known=25), event("a", 9000, "HR")]
    flow = cohort(events, tmp_path).flow
    assert [step.reason for step in flow.left_out] == ["index event known only after the moment"]


def test_a_series_stops_at_its_end_at_the_next_one_and_at_its_most(tmp_path: Path) -> None:
    events = [event("a", 0, "ADMISSION"), event("a", 13, "ADMISSION"), event("b", 0, "ADMISSION")]
    events += [event("a", 30, "DISCHARGE"), event("b", 12, "DISCHARGE")]
    index = {"event": "ADMISSION", "every": "6h", "until": "DISCHARGE", "at_most": 2}
    made = cohort(events, tmp_path, index=index, outcome=outcome(not_followed="no event"))
    hours = ((made.moments.at - START) / (DAY / 24)).tolist()
    assert list(zip(made.moments.subject, hours, strict=True)) == [
        ("a", 0),
        ("a", 6),
        ("a", 13),
        ("a", 19),
        ("b", 0),
        ("b", 6),
    ]
    # the gap of 24 hours counts for no one here, and the second series is not the first's
    assert made.flow.possible.subjects == 2


def test_rules_leave_out_in_the_pages_order_and_by_what_is_known(tmp_path: Path) -> None:
    events = [event(name, 0, "ADMISSION") for name in "abc"]
    events += [event(name, 2000, "HR") for name in "abc"]
    events += [event("a", -20 * 8766, "MEDS_BIRTH"), event("b", -10 * 8766, "MEDS_BIRTH")]
    events += [event("c", -20 * 8766, "MEDS_BIRTH"), event("c", -9999, "C34")]
    rules = {"adults": {"age": [16, 120]}, "no cancer": {"none_of": "C*"}}
    made = cohort(events, tmp_path, eligible=rules)
    assert list(made.moments.subject) == ["a"]
    assert [step.reason for step in made.flow.left_out] == [
        "not eligible: adults",
        "not eligible: no cancer",
    ]


def test_a_flow_that_does_not_add_up_raises(tmp_path: Path) -> None:
    flow = cohort(eight(), tmp_path).flow
    with pytest.raises(ValueError, match="does not add up: 8 moments, 5 in its parts"):
        replace(flow, left_out=flow.left_out[:-1]).check()


def test_the_figure_names_every_reason_with_its_numbers(tmp_path: Path) -> None:
    figure = flow_figure(cohort(eight(), tmp_path).flow)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert len(texts) == 5
    assert "not followed\n3 moments, 3 subjects, 0 outcomes" in texts


def test_a_date_without_an_hour_counts_from_its_last_microsecond(tmp_path: Path) -> None:
    end = START + 2 * DAY - 1  # the admission is at midnight, so the moment begins this day
    dead = Event("a", end, "MEDS_DEATH", None, None, "", end, True, 0)
    events = [event("a", 0, "ADMISSION"), dead]
    made = cohort(events, tmp_path, outcome=outcome(gap="0h"))
    assert made.outcome.tolist() == [True]
    midnight = dead._replace(time=START + DAY, known=START + DAY)
    flow = cohort([events[0], midnight], tmp_path, outcome=outcome(gap="0h")).flow
    assert flow.cohort.moments == 0


@pytest.mark.parametrize("offset", [-1, 1])
def test_a_day_in_another_zone_lies_on_either_side_of_midnight(tmp_path: Path, offset: int) -> None:
    # the last microsecond of 1 January in a zone `offset` hours east of UTC
    last = START + DAY - 1 - offset * DAY // 24
    dead = Event("a", last, "MEDS_DEATH", None, None, "", last, True, 0)
    made = cohort([event("a", 0, "ADMISSION"), dead], tmp_path, outcome=outcome(gap="0h"))
    assert made.outcome.tolist() == ([True] if offset < 0 else [])


def test_deaths_in_hospital_of_physionet_are_kept(tmp_path: Path, downloaded: Any) -> None:
    from tests.events.physionet import physionet_spec, view

    source = downloaded("physionet2012") / "set-c.parquet"
    page = physionet_spec()
    flow = cohort_of(connect(view(source, tmp_path / "c.parquet")), page).flow
    assert flow.cohort.outcomes == 556 >= 0.95 * 585
    assert flow.lost == 44
    midnight = cohort_of(connect(view(source, tmp_path / "m.parquet", day=0)), page).flow
    assert midnight.cohort.outcomes < 0.85 * 585
    assert np.isclose(flow.prevalence, 556 / 3916)
