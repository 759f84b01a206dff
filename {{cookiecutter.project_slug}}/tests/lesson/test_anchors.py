"""Does an anchor lead to the code that it names, and is a dead one noticed?"""

from __future__ import annotations

from pathlib import Path

import pytest

from risk_model.core.errors import UserError
from risk_model.lesson import anchors
from risk_model.lesson.anchors import find

CODE = '''"""A module."""

RATE = 0.5


@decorated
class Loop:
    """A class."""

    size: int = 3

    def fit(self) -> int:
        """A method."""
        best = 0
        return best + 1
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with one module; each test has a path of its own, and so a cache of its own."""
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "loop.py").write_text(CODE, encoding="utf-8")
    monkeypatch.setattr(anchors, "PACKAGE", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("anchor", "lines"),
    [
        ("room/loop.py", (1, 15)),
        ("room/loop.py#RATE", (3, 3)),
        ("room/loop.py#Loop", (6, 15)),
        ("room/loop.py#Loop.size", (10, 10)),
        ("room/loop.py#Loop.fit", (12, 15)),
        ('room/loop.py#Loop.fit "best + 1"', (12, 15)),
    ],
)
def test_an_anchor_leads_to_its_lines(package: Path, anchor: str, lines: tuple[int, int]) -> None:
    place = find(anchor)
    assert (place.first, place.last) == lines
    assert place.code == "\n".join(CODE.splitlines()[lines[0] - 1 : lines[1]])
    assert place.name == anchor.partition(' "')[0]


def test_around_a_text_only_so_many_lines_are_shown_and_the_text_is_among_them(
    package: Path,
) -> None:
    long = "def f():\n" + "".join(f"    x = {i}\n" for i in range(100))
    (package / "room" / "long.py").write_text(long, encoding="utf-8")
    place = find('room/long.py#f "x = 50"')
    assert place.last - place.first + 1 == anchors.SHOWN
    assert "x = 50" in place.code


@pytest.mark.parametrize(
    ("anchor", "said"),
    [
        ("room/gone.py#fit", "no file room/gone.py"),
        ("room/loop.py#Loop.train", "has no 'Loop.train'"),
        ('room/loop.py#Loop.fit "worst"', "stands there 0 times"),
        ('room/loop.py#Loop.fit "best"', "stands there 2 times"),
    ],
)
def test_a_dead_anchor_is_an_error_that_names_it(package: Path, anchor: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        find(anchor)
