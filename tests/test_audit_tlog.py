"""Proofs and checkpoints of the audit log, checked by Go's own golang.org/x/mod/sumdb.

Needs Debian's golang-go and golang-golang-x-mod-dev; no network.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from risk_model.deployment.audit.checkpoint import Checkpoint, Signer
from risk_model.deployment.audit.proofs import Leaves
from risk_model.deployment.audit.tree import Tree, leaf_hash

SIZES = (1, 2, 3, 7, 8, 9, 64, 65, 100)
SOURCE = Path(__file__).parent / "tlog" / "main.go"
DEBIAN = "/usr/share/gocode"  # where golang-golang-x-mod-dev lies


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, built."""
    place = tmp_path_factory.mktemp("go")
    package = place / "src" / "check"
    package.mkdir(parents=True)
    shutil.copy(SOURCE, package)
    settings = {"GO111MODULE": "off", "GOPATH": f"{place}:{DEBIAN}", "GOCACHE": str(place / "c")}
    command = ["go", "build", "-o", str(place / "check"), "."]
    done = subprocess.run(
        command, cwd=package, env={**os.environ, **settings}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return place / "check"


def encoded(value: object) -> Any:
    """As Go's encoding/json reads bytes."""
    if isinstance(value, list):
        return [encoded(item) for item in value]
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def answers(checker: Path, questions: list[dict[str, object]]) -> list[str]:
    lines = "".join(
        json.dumps({name: encoded(value) for name, value in question.items()}) + "\n"
        for question in questions
    )
    done = subprocess.run([checker], input=lines, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def bodies() -> list[bytes]:
    return [b"record %d" % number for number in range(max(SIZES))]


def trees() -> dict[int, Tree]:
    tree, made = Tree(), {}
    for body in bodies():
        tree.push(leaf_hash(body))
        made[tree.size] = tree.copy()
    return made


def questions(before: int = 0) -> Iterator[dict[str, object]]:
    """Every proof between the sizes, from a log whose first records are in another segment."""
    made = {0: Tree(), **trees()}
    hashes = [leaf_hash(body) for body in bodies()]
    leaves = Leaves(made[before], hashes[before:])
    for size in [size for size in SIZES if size > before]:
        root = made[size].root
        for index in range(before, size):
            proof = leaves.inclusion(index, size)
            yield {"Kind": "inclusion", "Body": bodies()[index], "Index": index, "Size": size,
                   "Root": root, "Proof": proof}  # fmt: skip
        for old in range(max(1, before), size + 1):
            yield {"Kind": "consistency", "Size": size, "Root": root, "Old": old,
                   "OldRoot": made[old].root, "Proof": leaves.consistency(old, size)}  # fmt: skip
        signer = Signer("ward.example.org/risk", b"\7" * 32)
        note = signer.sign(Checkpoint("ward.example.org/risk", size, root).text).decode()
        yield {"Kind": "note", "Vkey": signer.verifier.vkey, "Note": note, "Size": size,
               "Root": root}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("before", [0, 1, 5, 64, 77])
def test_proofs_and_checkpoints_are_accepted_by_an_implementation_that_is_not_ours(
    checker: Path, before: int
) -> None:
    asked = list(questions(before))
    assert len(asked) > 40
    assert answers(checker, asked) == ["ok"] * len(asked)


@pytest.mark.slow
def test_what_is_not_in_the_tree_is_refused_by_it(checker: Path) -> None:
    asked = [
        {**question, "Root": bytes(reversed(question["Root"]))}
        for question in questions()
        if isinstance(question["Root"], bytes)
    ]
    assert "ok" not in answers(checker, asked)
