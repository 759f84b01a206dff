"""Every other value is no event: is 9 = unknown among them told, and left out when asked?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.data.cases.ward import ROWS, applied, question, read, remedies, some, told, ward, written

DIED = ward()["died"]
WORDS = np.where(DIED == 1, "dead", "alive")


@pytest.mark.parametrize("share", [0.02, 0.1, 0.4, 0.7])
@pytest.mark.parametrize(
    ("values", "code", "positive"),
    [
        (DIED, 9, "1"),
        (DIED.astype(float), 9, "1"),
        (DIED, -1, "1"),
        (WORDS, "unknown", "dead"),
        (np.where(DIED == 1, "ja", "nein"), "k.A.", "ja"),
    ],
)
def test_what_is_neither_the_event_nor_its_opposite_is_told_and_left_out_by_the_setting(
    tmp_path: Path, values: Any, code: Any, positive: str, share: float
) -> None:
    rows = some(share)
    path = written(ward(died=np.where(rows, code, values)), tmp_path / "t.csv")
    cohort = read(path, positive=positive)
    (note,) = told(cohort, "outcome")
    assert note.message.startswith(f"{rows.sum():,} rows hold neither")
    assert f"({code})" in note.message
    answer = applied(remedies(note.remedy), {"positive": positive})
    kept = read(path, **answer)
    assert len(kept) == ROWS - rows.sum()
    assert kept.labels.tolist() == DIED[~rows].tolist()
    assert told(kept, "outcome") == []


def test_in_parquet_too(tmp_path: Path) -> None:
    path = written(ward(died=DIED.mask(some(0.1), 9)), tmp_path / "t.parquet")
    (note,) = told(read(path, positive="1"), "outcome")
    kept = read(path, **applied(remedies(note.remedy), {"positive": "1"}))
    assert len(kept) == ROWS - some(0.1).sum()


def test_two_codes_are_named_together(tmp_path: Path) -> None:
    died = DIED.mask(some(0.1), 9).mask(some(0.1, seed=7), 8)
    path = written(ward(died=died), tmp_path / "t.csv")
    (note,) = told(read(path, positive="1"), "outcome")
    kept = read(path, **applied(remedies(note.remedy), {"positive": "1"}))
    assert len(kept) == died.isin([0, 1]).sum()


def test_one_row_is_counted_and_its_value_not_repeated(tmp_path: Path) -> None:
    path = written(ward(died=DIED.where(DIED.index != 3, 4711)), tmp_path / "t.csv")
    (note,) = told(read(path, positive="1"), "outcome")
    assert note.message.startswith("1 rows hold")
    assert "4711" not in note.line()


@pytest.mark.parametrize("values", [DIED.mask(some(0.1), 9), np.where(some(0.3), "unknown", WORDS)])
def test_without_a_word_for_the_event_the_run_stops(tmp_path: Path, values: Any) -> None:
    line = question(written(ward(died=values), tmp_path / "t.csv"))
    assert "3 different values" in line
    assert "data.positive" in line


@pytest.mark.parametrize(
    ("values", "positive"),
    [
        (DIED, "1"),
        (DIED, ""),
        (np.where(some(0.4), DIED.astype(str) + ".0", DIED.astype(str)), "1"),
        (WORDS, "dead"),
        (np.where(some(0.4), np.char.upper(WORDS), WORDS), "dead"),
        (DIED.astype(float).mask(some(0.1)), "1"),
    ],
)
def test_two_values_however_spelt_are_no_reason_to_warn(
    tmp_path: Path, values: Any, positive: str
) -> None:
    cohort = read(written(ward(died=values), tmp_path / "t.csv"), positive=positive)
    assert told(cohort, "outcome") == []
    kept = ~np.array([str(value) == "nan" for value in values])
    assert cohort.labels.tolist() == DIED[kept].tolist()
