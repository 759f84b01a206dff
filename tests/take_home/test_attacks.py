"""Hostile answers: each scores nothing, harms nothing and leaves nothing running."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.take_home.attacks import Outcome, attack
from tests.take_home.hostile import ATTACKS
from tests.take_home.ordinary_user import as_ordinary_user


def assert_harmless(name: str, outcome: Outcome) -> None:
    assert outcome.right == 0
    assert not outcome.harm
    assert not outcome.left
    assert outcome.problems[0].startswith(ATTACKS[name].problem)


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_scores_and_harms_and_leaves_nothing(name: str) -> None:
    assert_harmless(name, attack(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_on_an_ordinary_user_does_no_more(name: str) -> None:
    command = [*as_ordinary_user(), sys.executable, "-m", "tests.take_home.attacks", name]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert process.returncode == 0, process.stderr
    fields: dict[str, Any] = json.loads(process.stdout)
    assert fields.pop("user") != 0
    assert_harmless(name, Outcome(**fields))
