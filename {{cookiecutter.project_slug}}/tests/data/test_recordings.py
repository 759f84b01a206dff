"""Does a table of files become a cohort, and what of the files that cannot be read?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from risk_model.config.recordings import Recordings
from risk_model.core.cohort import Cohort
from risk_model.core.errors import UserError
from risk_model.data.sources.recording_readings import read_all
from risk_model.data.sources.recordings import cohort_of, listing, schema_of
from risk_model.signals import reader

from tests import made_signal
from tests.made_signal import SIGNAL, recordings_of

BROKEN = ("s003.txt", "s005.txt")


@pytest.fixture(autouse=True)
def _in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    made_signal.put_in_place(monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve strips of six patients, two of them broken, and their table."""
    rng = np.random.default_rng(0)
    names = [f"s{i:03d}.txt" for i in range(12)]
    for name in names:
        numbers = rng.normal(size=8) if name not in BROKEN else rng.normal(size=5)
        (tmp_path / name).write_text("\n".join(map(str, numbers)))
    table = {
        "file": names,
        "patient_id": np.arange(12) // 2,
        "died": np.arange(12) % 2,
        "site": ["A"] * 12,
    }
    pd.DataFrame(table).to_csv(tmp_path / "labels.csv", index=False)
    return tmp_path


def load(
    folder: Path, set_aside: int = 0, table: str = "labels.csv", subject: str = "auto"
) -> Cohort:
    path = folder / table
    settings = Recordings(
        name="strips", path=str(path), outcome="died", set_aside=set_aside, subject=subject
    )
    listed = listing(settings, settings.file, "strip")
    readings = read_all(
        listed.recordings,
        lambda name: reader(SIGNAL).read(folder / name, SIGNAL),
        SIGNAL,
        set_aside,
    )
    schema = schema_of("strips", "died", SIGNAL)
    return cohort_of(listed, readings, schema, "made", readings.notes())


def test_a_recording_that_cannot_be_read_stops_the_run_and_is_named(folder: Path) -> None:
    with pytest.raises(
        UserError, match=r"s003\.txt: must hold 8 numbers; or leave out .* data\.set_aside="
    ) as told:
        load(folder)
    assert "\n" not in str(told.value)


def test_one_more_than_the_stated_number_stops_the_run(folder: Path) -> None:
    with pytest.raises(UserError, match=r"more than 1 recordings .*data\.set_aside=1.*s005\.txt"):
        load(folder, set_aside=1)


def test_the_stated_number_is_set_aside_and_told(folder: Path) -> None:
    cohort = load(folder, set_aside=2)
    assert len(cohort) == 10
    told = [note.message for note in cohort.notes if note.kind == "set aside"]
    assert len(told) == 2
    assert all(name in message for name, message in zip(BROKEN, told, strict=True))


def test_outcome_and_index_stay_with_their_recording_when_others_are_set_aside(
    folder: Path,
) -> None:
    cohort = load(folder, set_aside=2)
    kept = [i for i in range(12) if f"s{i:03d}.txt" not in BROKEN]
    assert cohort.labels.tolist() == [i % 2 for i in kept]
    assert cohort.index["subject_id"].tolist() == [str(i // 2) for i in kept]
    first = made_signal.read(folder / "s000.txt", SIGNAL).recording
    np.testing.assert_array_equal(recordings_of(cohort)[0], first)


def test_what_the_header_says_fills_the_index_where_the_table_is_silent(folder: Path) -> None:
    assert load(folder, set_aside=2).index["age"].tolist() == [50.0] * 10
    table = pd.read_csv(folder / "labels.csv").assign(age=np.arange(12) + 30)
    table.to_csv(folder / "older.csv", index=False)
    assert load(folder, set_aside=2, table="older.csv").index["age"].min() == 30


def test_what_many_recordings_share_is_told_once_with_their_number(folder: Path) -> None:
    cohort = load(folder, set_aside=2)
    negative = sum(recordings_of(cohort)[row][0] < 0 for row in range(len(cohort)))
    assert [n.message for n in cohort.notes if n.kind == "polarity"] == [
        f"{negative} recordings: begin below zero"
    ]


def test_a_table_without_the_column_of_files_gets_one_line(folder: Path) -> None:
    pd.read_csv(folder / "labels.csv").drop(columns="file").to_csv(folder / "no.csv", index=False)
    with pytest.raises(UserError, match=r"data\.file"):
        load(folder, table="no.csv")


def test_rows_without_outcome_subject_or_file_are_left_out_and_counted(folder: Path) -> None:
    table = pd.read_csv(folder / "labels.csv").astype(object)
    table.loc[0, "died"], table.loc[1, "patient_id"], table.loc[2, "file"] = None, None, None
    table.to_csv(folder / "gaps.csv", index=False)
    cohort = load(folder, set_aside=2, table="gaps.csv")
    assert len(cohort) == 7
    assert any(
        "3 rows have no outcome, no subject or nothing in 'file'" in note.message
        for note in cohort.notes
    )


def test_a_table_that_was_not_named_is_asked_for() -> None:
    with pytest.raises(UserError, match=r"data\.path is not set"):
        listing(Recordings(name="strips"), "file", "strip")


@pytest.mark.parametrize(
    ("column", "subject", "unit"),
    [
        ("patient_id", "auto", "patients"),
        ("patient_id", "none", "patients"),
        ("nothing", "auto", "recordings"),
        ("nothing", "none", "patients"),
    ],
)
def test_recordings_are_patients_where_a_column_or_the_user_says_so(
    folder: Path, column: str, subject: str, unit: str
) -> None:
    table = pd.read_csv(folder / "labels.csv").rename(columns={"patient_id": column})
    table.drop(columns="nothing", errors="ignore").to_csv(folder / "labels.csv", index=False)
    assert load(folder, set_aside=2, subject=subject).unit == unit
