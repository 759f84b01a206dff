"""Does a model see the same in training and in a request, and never anything later?"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from risk_model.core.errors import UserError
from risk_model.data.sources import event_features
from risk_model.data.sources.event_features import check_units, code_uses, window_rows
from risk_model.data.sources.event_moments import Moments, connect
from risk_model.data.sources.event_tables import EventFiles, read_events
from risk_model.signals import event_row
from risk_model.signals.event_row import Used, rows_of
from risk_model.signals.event_spec import TAKES, Spec
from risk_model.signals.events import Event

from tests.events.made_events import (
    ELIGIBLE,
    HOUR,
    START,
    Seen,
    event,
    futures,
    made_up,
    moments_of,
    read,
    seen,
    spec,
    write,
)
from tests.events.made_run import instant
from tests.events.physionet import physionet_spec, view

PAGE = spec(eligible=ELIGIBLE)
CODES = {"HR": "/min", "GLU": "mmol/L", "E11.0": "", "C34": "", "SEX": ""}


def shuffled(events: list[Event], path: Path) -> Path:
    """The events in another order of the file."""
    mixed = list(events)
    random.Random(1).shuffle(mixed)
    return write(mixed, path / "events.parquet")


def requested(events: dict[str, list[Event]], page: Spec, path: Path) -> Seen:
    """What requests of the same moments give."""
    moments = moments_of(path, page)
    rows, grids = [], []
    for subject, at in zip(moments.subject, moments.at, strict=True):
        row = rows_of(page, events[subject], int(at))
        rows.append(row.values)
        assert row.grid is not None
        grids.append(row.grid)
    empty = np.empty((len(rows), 0), dtype=np.float32)
    return Seen(np.concatenate(rows), np.concatenate(grids), empty)


def test_a_request_gives_the_very_bits_of_training(tmp_path: Path) -> None:
    path = shuffled(made_up(), tmp_path)
    table = seen(path, PAGE, moments_of(path, PAGE))
    request = requested(read(path), PAGE, path)
    assert not np.isnan(table.rows).all(axis=0).any()
    assert Seen(table.rows, table.grid, request.rules).same(request)


def test_the_order_of_the_file_and_the_size_of_batches_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = made_up()
    path = write(events, tmp_path / "one.parquet")
    moments = moments_of(path, PAGE)
    one = seen(path, PAGE, moments)
    monkeypatch.setattr(event_features, "AT_ONCE", 7)
    assert one.same(seen(shuffled(events, tmp_path), PAGE, moments))


def unchanged(path: Path, others: list[Path], page: Spec, moments: Moments) -> bool:
    """Whether the copies of a file give what the file gives."""
    try:
        first = seen(path, page, moments)
        return all(first.same(seen(other, page, moments)) for other in others)
    except ValueError:  # the kernel refuses what is later than the moment, or out of order
        return False


@pytest.fixture(scope="module")
def without_future(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[], bool]:
    """Whether all that was known later can be deleted, replaced and joined by more."""
    path = shuffled(made_up(), tmp_path_factory.mktemp("events"))
    moments = moments_of(path, PAGE)
    others = futures(path, moments, CODES)

    return lambda: unchanged(path, others, PAGE, moments)


def test_nothing_known_after_the_moment_changes_a_bit(without_future: Callable[[], bool]) -> None:
    assert without_future()


@pytest.mark.parametrize("condition", ["KNOWN", "HAPPENED"])
def test_a_query_without_a_condition_on_time_is_caught(
    without_future: Callable[[], bool], monkeypatch: pytest.MonkeyPatch, condition: str
) -> None:
    monkeypatch.setattr(event_features, condition, "true")
    assert not without_future()


def test_a_query_without_the_order_of_ties_is_caught(
    without_future: Callable[[], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_features, "ORDER", "i, field, ago desc, value desc")
    assert not without_future()


def request_unchanged(path: Path) -> bool:
    """The same of requests."""
    moments = moments_of(path, PAGE)
    try:
        first = requested(read(path), PAGE, path)
        others = futures(path, moments, CODES)
        # the index event of a moment stays, whatever the copies say
        return all(first.same(requested(read(other), PAGE, path)) for other in others)
    except ValueError:
        return False


def test_requests_see_nothing_later_and_are_caught_if_they_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(made_up(20), tmp_path / "events.parquet")
    assert request_unchanged(path)
    known: Callable[[Event, int], bool] = lambda e, at: e.time is None or e.time <= at  # noqa: E731
    happened: Callable[[Event, int], bool] = lambda e, at: (e.known or 0) <= at  # noqa: E731
    for mutant in (known, happened):
        monkeypatch.setattr(event_row, "usable_at", mutant)
        assert not request_unchanged(path)


def test_a_request_says_what_was_used_and_what_was_left_out() -> None:
    events = [
        event("a", 0, "ADMISSION"),
        event("a", 20, "HR", 70, unit="/min"),
        event("a", 20, "HR", 999, unit="/min"),
        event("a", 20, "HR", None, unit="/min"),
        event("a", 20, "HR", 70, unit="Hz"),
        event("a", 25, "HR", 70, unit="/min"),
        event("a", 20, "GLU", 100, unit="mg/dL", known=25),
        event("a", 20, "GLU", 100, unit="mg/dL"),
        event("a", -9e5, "GLU", 100, unit="mg/dL"),
        event("a", None, "SEX", 1),
    ]
    row = rows_of(spec(), events, START + 24 * HOUR)
    assert row.used == Used(
        used=3, later=2, population=1, unit=1, no_number=1, out_of_range=1, older=1
    )
    assert row.refusals == ()


def test_a_number_that_32_bits_cannot_hold_is_out_of_range_in_tables_and_requests(
    tmp_path: Path,
) -> None:
    stay = [event("a", 0, "ADMISSION"), event("a", 5000, "HR")]
    stay += [event("a", hour, "HR", value, unit="/min") for hour, value in ((1, 70), (2, 1e300))]
    path = tmp_path / "events.csv"
    lines = [
        f"{e.subject_id},{instant(e.time or 0)},{e.code},{e.numeric_value or ''},{e.unit}"
        for e in stay
    ]
    path.write_text("\n".join(["subject_id,time,code,numeric_value,unit", *lines]))
    table = read_events(EventFiles(path), tmp_path / "read").path
    page = spec(sequence=None)
    rows = window_rows(connect(table), page, moments_of(table, page))
    request = rows_of(page, stay, START + 24 * HOUR)
    assert request.used.out_of_range == 1
    assert rows.tobytes() == request.values.tobytes()


def test_a_moment_outside_the_population_is_refused_by_name() -> None:
    events = [event("a", 0, "ADMISSION"), event("a", -9 * 8766, "MEDS_BIRTH")]
    early = rows_of(PAGE, events, START + 23 * HOUR)
    assert early.refusals[0] == (
        "no ADMISSION at least 24h before the moment that was known by then"
    )
    assert rows_of(PAGE, events, START + 24 * HOUR).refusals == (
        "not eligible: five events",
        "not eligible: adults",
    )
    with pytest.raises(ValueError, match="more than one subject"):
        rows_of(PAGE, [*events, event("b", 0, "HR")], START)


def test_a_mixture_of_units_is_named_with_its_code_and_count(tmp_path: Path) -> None:
    events = [event("a", i, "GLU", 5, unit="mmol/L", row=i) for i in range(90)]
    events += [event("a", i, "GLU2", 90, unit="g", row=i) for i in range(10)]
    page = page_of({"glucose": {"code": ["GLU", "GLU2"], "unit": "mmol/L", "range": [1, 4.5]}})
    uses = code_uses(connect(write(events, tmp_path / "e.parquet")), page)
    assert [(u.code, u.events, u.not_converted, u.out_of_range) for u in uses] == [
        ("GLU", 90, 0, 90),
        ("GLU2", 10, 10, 0),
    ]
    with pytest.raises(UserError, match="10 of 100 events have the code GLU2 in g; state"):
        check_units(uses)
    check_units(uses[:1])


def test_a_code_without_an_event_is_an_error(tmp_path: Path) -> None:
    con = connect(write([event("a", 0, "HR", 5)], tmp_path / "e.parquet"))
    with pytest.raises(UserError, match="no event has the code LACT; correct it or remove it"):
        code_uses(con, page_of({"lactate": {"code": ["HR", "LACT"]}}))


def page_of(measured: dict[str, Any]) -> Spec:
    features = {"windows": ["12h"], "take": ["last"], "measured": measured}
    return spec(features=features, sequence=None)


@pytest.fixture
def visits(tmp_path: Path, downloaded: Any) -> tuple[Path, Spec]:
    """Synthea's Bundles as the reader writes them, and a page with a moment at each visit."""
    measured = {
        "weight": {"code": "LOINC/29463-7", "unit": "kg"},
        "systolic": {"code": "LOINC/8480-6", "unit": "mm[Hg]"},
        "flu shots": {"code": "CVX/140", "take": ["count", "hours_since"]},
        "findings": {"code": "SNOMED/*", "take": ["count", "hours_since"]},
        "age": {"code": "MEDS_BIRTH", "take": ["hours_since"], "windows": ["150y"]},
    }
    made = spec(
        index={"event": "ENCOUNTER_START/AMB", "plus": "0h", "which": "all"},
        eligible={"a visit before": {"some_of": "ENCOUNTER_END/*", "within": "5y"}},
        features={"windows": ["5y"], "take": list(TAKES), "measured": measured},
        sequence={"every": "52w", "length": "520w", "take": "mean"},
    )
    files = EventFiles(downloaded("fhir_synthea_r4"))
    return read_events(files, tmp_path / "read").path, made


def test_visits_of_synthea_give_the_same_bits_whatever_was_known_later(
    visits: tuple[Path, Spec], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, page = visits
    moments = moments_of(path, page)
    assert len(moments.at) == 119
    first = seen(path, page, moments)
    assert not np.isnan(first.rows).all(axis=0).any()
    request = requested(read(path, "true order by hash(row, code, subject_id)"), page, path)
    assert Seen(first.rows, first.grid, request.rules).same(request)
    codes = {"LOINC/29463-7": "kg", "CVX/140": "", "SNOMED/1": "", "ENCOUNTER_END/AMB": ""}
    # what is later differs from visit to visit, so each copy is for one visit of a patient
    for last in (False, True):
        one = last_or_first(moments, last)
        others = futures(path, one, codes)
        assert unchanged(path, others, page, one)
        with monkeypatch.context() as patch:
            patch.setattr(event_features, "HAPPENED", "true")
            patch.setattr(event_features, "KNOWN", "true")
            assert not unchanged(path, others, page, one)


def last_or_first(moments: Moments, last: bool) -> Moments:
    """One moment of each subject."""
    place = {}
    for i, subject in enumerate(moments.subject.tolist()):
        if last or subject not in place:
            place[subject] = i
    chosen = np.array(list(place.values()))
    return Moments(moments.subject[chosen], moments.at[chosen], moments.start[chosen])


@pytest.mark.slow
def test_4000_stays_of_physionet_give_the_same_bits_and_see_no_future(
    tmp_path: Path, downloaded: Any
) -> None:
    page = physionet_spec()
    path = view(downloaded("physionet2012") / "set-a.parquet", tmp_path / "a.parquet")
    moments = moments_of(path, page)
    assert len(moments.at) == 4_000
    first = seen(path, page, moments)
    request = requested(read(path, "true order by hash(row, code, subject_id)"), page, path)
    assert Seen(first.rows, first.grid, request.rules).same(request)
    # a day before the end, so that much lies after the moment
    early = type(moments)(moments.subject, moments.at - 24 * HOUR, moments.start)
    first = seen(path, page, early)
    for other in futures(path, early, dict.fromkeys(("HR", "pH", "MechVent", "GCS"), "")):
        assert first.same(seen(other, page, early))
