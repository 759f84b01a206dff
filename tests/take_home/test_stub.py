"""Emptied functions: what stays, what goes, and what is refused."""

from __future__ import annotations

import textwrap

import pytest

from take_home.stub import stubbed

SOURCE = '''
"""A module."""

from __future__ import annotations

import math
from collections import OrderedDict, deque

import numpy as np

# of a circle
RADIUS = 2.0


def area(radius: float) -> float:
    """Square metres."""
    # the answer
    return math.pi * radius**2
    # and why


@staticmethod
def _half(value: float) -> float:
    return value / 2


class Box:
    """A box."""

    async def fill(self, things: deque[int]) -> np.ndarray:
        # in their order
        return np.array([*things, RADIUS])
'''.lstrip()


def test_signature_decorators_and_docstring_stay_and_the_body_goes_with_its_comments() -> None:
    text = stubbed(SOURCE, {"area": "task 1"})
    assert (
        'def area(radius: float) -> float:\n    """Square metres."""\n'
        '    raise NotImplementedError("task 1")\n\n\n@staticmethod' in text
    )
    assert "the answer" not in text
    assert "and why" not in text


def test_a_method_without_a_docstring_is_emptied_from_its_first_comment_on() -> None:
    text = stubbed(SOURCE, {"Box.fill": "task 2"})
    assert text.endswith(
        "    async def fill(self, things: deque[int]) -> np.ndarray:\n"
        '        raise NotImplementedError("task 2")\n'
    )


def test_imports_that_nothing_uses_any_more_go_and_the_others_stay() -> None:
    text = stubbed(SOURCE, {"area": "task 1"})
    assert "import math" not in text
    assert "from collections import deque\n\nimport numpy as np\n\n# of a circle" in text


def test_helpers_and_constants_go_with_their_comment_and_decorators() -> None:
    text = stubbed(SOURCE, {"area": "x", "Box.fill": "y"}, ["_half", "RADIUS"])
    for word in ("RADIUS", "of a circle", "_half", "staticmethod"):
        assert word not in text
    assert "import numpy as np\n\n\ndef area" in text
    assert '("x")\n\n\nclass Box' in text


def test_an_import_left_with_many_names_is_written_as_the_formatter_does() -> None:
    names = [f"name_number_{i}" for i in range(9)]
    used = "".join(f"    {name}()\n" for name in names[1:])
    source = (
        f"from somewhere import {', '.join(names)}\n\n\ndef f() -> None:\n    {names[0]}()\n\n\n"
    )
    text = stubbed(f"{source}def g() -> None:\n{used}", {"f": "task"})
    assert text.startswith("from somewhere import (\n    name_number_1,\n")
    assert "    name_number_8,\n)\n\n\ndef f" in text


def test_a_body_on_the_line_of_its_signature_is_refused() -> None:
    with pytest.raises(ValueError, match="f stands on one line with its body"):
        stubbed("def f(): return 1\n", {"f": "task"})


@pytest.mark.parametrize("name", ["volume", "Box.empty", "Bag.fill"])
def test_a_function_that_the_file_lacks_is_named(name: str) -> None:
    with pytest.raises(LookupError, match=name.rpartition(".")[2]):
        stubbed(SOURCE, {name: "task"})
    with pytest.raises(LookupError, match="no function or constant nothing"):
        stubbed(textwrap.dedent(SOURCE), {}, ["nothing"])
