"""Openings of the test split: counted by data, told by run, and gone with the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from risk_model.core.errors import UserError
from risk_model.core.openings import FILE, OpeningCount, count_openings, protocol, record_opening
from risk_model.reporting.wording import openings_note as told

DATA, OTHER = "d" * 64, "e" * 64


def opened(runs: Path, *names: tuple[str, str, str]) -> None:
    for name, fingerprint, settings in names:
        record_opening(runs / name, fingerprint, settings)


def test_only_other_runs_on_the_same_data_and_before_are_counted(tmp_path: Path) -> None:
    opened(tmp_path, ("a", DATA, "p"), ("x", OTHER, "p"), ("b", DATA, "q"), ("c", DATA, "q"))
    counts = {n: count_openings(tmp_path / n, DATA, t) for n, t in zip("abc", "pqq", strict=True)}
    assert counts["a"] == OpeningCount(before=0, protocols=1, changed=False)
    assert counts["b"] == OpeningCount(before=1, protocols=2, changed=False)
    assert counts["c"] == OpeningCount(before=2, protocols=2, changed=False)


def test_opening_again_changes_nothing_that_was_told(tmp_path: Path) -> None:
    opened(tmp_path, ("a", DATA, "p"), ("b", DATA, "p"))
    before = count_openings(tmp_path / "a", DATA, "p")
    opened(tmp_path, ("a", DATA, "p"))
    assert count_openings(tmp_path / "a", DATA, "p") == before
    assert len((tmp_path / FILE).read_text().splitlines()) == 3  # each opening is a line


def test_settings_that_were_changed_after_training_show(tmp_path: Path) -> None:
    opened(tmp_path, ("a", DATA, "q"))
    count = count_openings(tmp_path / "a", DATA, trained="p")
    assert count is not None
    assert count.changed
    assert "changed between training and opening" in told(count)


def test_without_the_file_nothing_is_claimed(tmp_path: Path) -> None:
    opened(tmp_path, ("a", DATA, "p"))
    first = told(count_openings(tmp_path / "a", DATA, "p"))
    assert "for the first time" in first
    assert "can be deleted" in first
    (tmp_path / FILE).unlink()
    assert told(count_openings(tmp_path / "a", DATA, "p")) == ""


def test_that_others_looked_before_is_told_with_their_number(tmp_path: Path) -> None:
    opened(tmp_path, ("a", DATA, "p"), ("b", DATA, "q"))
    text = told(count_openings(tmp_path / "b", DATA, "q"))
    assert "opened by 1 earlier runs, 2 different settings" in text
    assert "first time" not in text


def test_a_line_that_was_edited_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"fingerprint": "d"}\n')
    with pytest.raises(UserError, match="Opening"):
        count_openings(tmp_path / "a", DATA, "p")


def test_where_files_lie_decides_nothing_and_a_bound_does() -> None:
    settings = {"seed": 0, "runs": "runs", "evaluation": {"minimum_auroc": 0.6}}
    assert protocol(settings) == protocol({**settings, "runs": "elsewhere"})
    assert protocol(settings) != protocol({**settings, "evaluation": {"minimum_auroc": 0.5}})
    assert protocol(settings) != protocol({**settings, "seed": 1})
