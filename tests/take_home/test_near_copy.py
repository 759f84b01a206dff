"""Near copies: said of the same long body under other names, and of nothing else."""

from __future__ import annotations

import re

import pytest

from take_home.near_copy import ALIKE, TOKENS, likeness, near_copy

from tests.conftest import TREE

REFERENCE = '''
def deal(subjects, cells, shares):
    """Deals subjects to parts."""
    order = sorted(set(subjects), key=lambda who: (cells[who], who))
    parts = {}
    for turn, who in enumerate(order):
        position = (turn * 0.618034) % 1
        total = 0.0
        for name, share in shares.items():
            total = total + share
            if position < total:
                parts[who] = name
                break
    return [parts[who] for who in subjects]
'''
SHORT = "def both(a, b):\n    return a + b\n"
OTHER_ROUTE = '''
import hashlib


def deal(subjects, cells, shares):
    """Deals subjects to parts."""
    groups = {}
    for who in set(subjects):
        groups.setdefault(cells[who], []).append(who)
    chosen = {}
    for members in groups.values():
        members.sort(key=lambda who: hashlib.sha256(str(who).encode()).digest())
        begin = 0
        for name, share in shares.items():
            end = begin + round(share * len(members))
            chosen.update({who: name for who in members[begin:end]})
            begin = end
        for who in members[begin:]:
            chosen[who] = name
    return [chosen[who] for who in subjects]
'''


def renamed(source: str) -> str:
    """The same code under other names, in another layout, with comments."""
    for old, new in (("who", "patient"), ("turn", "i"), ("parts", "out"), ("total", "edge")):
        source = re.sub(rf"\b{old}\b", new, source)
    return source.replace('"""Deals subjects to parts."""', "# mine").replace(" % 1", "%1  # wraps")


def test_a_renamed_copy_is_one() -> None:
    assert likeness(renamed(REFERENCE), REFERENCE, ["deal"]) == 1.0
    assert near_copy(renamed(REFERENCE), REFERENCE, ["deal"])


@pytest.mark.parametrize(
    "submitted",
    [
        OTHER_ROUTE,
        REFERENCE.replace("deal", "other"),
        "",
        "def deal(",
        "def deal(subjects, cells, shares):\n    raise NotImplementedError('task 1')\n",
        f"def deal():\n    return {'[' * 80}{']' * 80}\n",
        f"def deal():\n    return {'+'.join('1' * 20_000)}\n",
        f"def deal():\n    x = {'1, ' * 30_000}\n",
    ],
)
def test_other_answers_and_broken_files_are_none(submitted: str) -> None:
    assert not near_copy(submitted, REFERENCE, ["deal"])


def test_a_short_body_is_none_even_when_it_is_the_same() -> None:
    assert not near_copy(SHORT, SHORT, ["both"])


def test_one_missing_function_of_two_is_no_copy() -> None:
    assert not near_copy(REFERENCE, REFERENCE + SHORT, ["deal", "both"])
    assert near_copy(REFERENCE + SHORT, REFERENCE + SHORT, ["deal", "both"])


def test_a_method_is_found_by_its_class() -> None:
    method = "class A:\n" + "\n".join(f"    {line}" for line in REFERENCE.strip().splitlines())
    assert near_copy(method, method, ["A.deal"])
    assert not near_copy(method, method, ["deal"])


def test_a_few_changed_lines_are_below_the_bound() -> None:
    changed = REFERENCE.replace("(turn * 0.618034) % 1", "hash(who) / 2 ** 61").replace(
        "position < total", "total - position > 0"
    )
    assert likeness(changed, REFERENCE, ["deal"]) < ALIKE
    assert TOKENS == 70


@pytest.mark.parametrize(
    ("path", "functions", "long"),
    [
        ("data/split.py", ["_allot"], True),
        ("deployment/app.py", ["Service._answer"], True),
        ("model/score.py", ["score"], True),
        ("training/calibration.py", ["platt", "prior_correction"], True),
        ("training/loss.py", ["focal"], False),
        ("evaluation/metrics.py", ["expected_calibration_error"], False),
    ],
)
def test_bodies_of_one_formula_are_too_short_to_say_anything(
    path: str, functions: list[str], long: bool
) -> None:
    source = (TREE / "src" / "risk_model" / path).read_text(encoding="utf-8")
    assert near_copy(source, source, functions) == long
