"""Change requests: one for each task and one for the findings."""

from __future__ import annotations

from pathlib import Path

import pytest

from risk_model.core.errors import UserError
from take_home.change_requests import FINDINGS, change_requests

from tests.take_home.graded_examples import TITLES


def test_each_task_and_the_findings_have_one() -> None:
    assert list(change_requests()) == [*TITLES, FINDINGS]


def test_each_is_short_enough_to_be_read_at_the_table() -> None:
    for request in change_requests().values():
        assert 8 <= len(request.ask.split()) <= 60
        assert all(20 <= len(text.split()) <= 70 for text in (request.shows, request.wrong))


def test_one_without_its_answer_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "requests.toml"
    path.write_text('[[requests]]\nabout = "split"\nask = "Change it."\nwrong = "All."\n')
    with pytest.raises(UserError, match=r"requests\.0\.shows.*each \[\[requests\]\] has"):
        change_requests(path)
