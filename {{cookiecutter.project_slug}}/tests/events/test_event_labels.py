"""Can a file of labels take the place of rules, and a CSV file have its own names of columns?"""

from __future__ import annotations

from pathlib import Path

import pytest

from risk_model.config.events import Events
from risk_model.core.errors import UserError
from risk_model.data.sources.events import EventCohort, load

from tests.events.made_events import event, write

PAGE = """
labels: LABELS
end_of_data: "2025-12-31"
features:
  windows: [48h]
  take: [last, count]
  measured:
    heart_rate: {code: HR}
"""


def cohort(labels: str, folder: Path, timezone: str = "") -> EventCohort:
    """Two stays with heart rates at hours 10, 20 and 30, and a file of labels."""
    events = [event(name, hour, "HR", 60 + hour) for name in "ab" for hour in (10, 20, 30)]
    path = write(events, folder / "stays.parquet")
    (folder / "labels.csv").write_text(labels, encoding="utf-8")
    (folder / "page.yaml").write_text(PAGE.replace("LABELS", str(folder / "labels.csv")))
    return load(Events(path=str(path), spec=str(folder / "page.yaml"), timezone=timezone))


HEAD = "subject_id,prediction_time,boolean_value\n"


def test_the_moments_of_a_file_see_what_was_known_by_them(tmp_path: Path) -> None:
    labels = f"{HEAD}a,2024-01-01 20:00:00,true\nb,2024-01-01T20:59:59+01:00,0\n"
    made = cohort(labels, tmp_path)
    assert made.labels.tolist() == [1, 0]
    # at the moment counts, a second before it does not
    assert made.inputs["heart_rate last 48h"].tolist() == [80, 70]


def test_a_date_counts_from_its_end_in_the_stated_zone(tmp_path: Path) -> None:
    labels = f"{HEAD}a,2024-01-01,true\nb,2024-01-02,false\n"
    # the day ends at 22 o'clock UTC in Helsinki, and the event at 30 hours is a day later
    made = cohort(labels, tmp_path, timezone="Europe/Helsinki")
    assert made.inputs["heart_rate count 48h"].tolist() == [2, 3]


def test_moments_without_a_label_or_without_events_are_counted(tmp_path: Path) -> None:
    labels = f"{HEAD}a,2024-01-02,true\na,2024-01-03,\nc,2024-01-02,false\nb,2024-01-02,false\n"
    made = cohort(labels, tmp_path)
    assert made.flow is not None
    assert made.flow.sentence() == (
        "4 possible moments; left out: 1 no events of the subject, 1 no label; cohort 2, 1 outcome"
    )
    assert [step.subjects for step in made.flow.steps] == [3, 1, 0, 2]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ("subject_id,boolean_value\na,1\n", "column 'prediction_time' not found"),
        (f"{HEAD}a,2024-01-02,maybe\n", "1 labels are neither true nor false"),
        (f"{HEAD}a,soon,true\n", "1 times cannot be read"),
    ],
)
def test_a_file_that_is_no_file_of_labels_is_refused(
    tmp_path: Path, labels: str, said: str
) -> None:
    with pytest.raises(UserError, match=said):
        cohort(labels, tmp_path)


def test_columns_of_a_csv_file_are_named_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text("pid,time,item\na,2024-01-01,A\na,2024-03-01,B\n", encoding="utf-8")
    page = tmp_path / "page.yaml"
    page.write_text(
        "{index: {event: A, which: first}, outcome: {event: B, horizon: 99d, not_followed: "
        "exclude}, features: {windows: [1d], take: [count], measured: {a: {code: A}}}}"
    )
    columns = ["subject_id=pid", "code=item"]
    made = load(Events(path=str(path), spec=str(page), columns=columns))
    assert made.labels.tolist() == [1]
    with pytest.raises(UserError, match=r"data\.columns: 'patient' names no column"):
        load(Events(path=str(path), spec=str(page), columns=["patient=pid"]))
