"""Small stand-ins for the cohort, its findings, the sandbox and the pages, for tests of the ways
through them that need none of what these can do.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from take_home import grade
from take_home.score import Part, Scored
from take_home.tasks import BY_NAME, PACKAGE

COHORT = """\
admission_id,patient_id,hospital,discharge_date,age,readmitted
{rows}
"""
READER = """\
def read(path):
    class Claims:
        claims = [line for line in path.read_text().splitlines() if line == "[[finding]]"]
        mistakes = ["finding 1: a mistake"] if claims else []

    return Claims
"""


@dataclass(frozen=True)
class Made:
    """What one seed gives, and the files of both of its halves."""

    seed: int

    @property
    def tables(self) -> Made:
        return self

    @property
    def key(self) -> Made:
        return self

    def write(self, path: Path) -> None:
        """The key to a file, the tables to a folder."""
        if path.suffix == ".json":
            path.write_text(f'{{"secret": {self.seed}}}')
            return
        rows = [
            f"a{i},p{i // 2},{'AB'[i % 2]},2020-0{1 + i % 9}-03,{30 + i % 50},{int(i % 7 == 0)}"
            for i in range(400)
        ]
        (path / "cohort.csv").write_text(COHORT.format(rows="\n".join(rows)))
        (path / "ward.csv").write_text("admission_id,age\nw1,50\nw2,60\n")
        (path / "dictionary.csv").write_text("column,meaning\nage,years\n")


def module(monkeypatch: pytest.MonkeyPatch, name: str, **members: Any) -> None:
    """Makes these members a module of the package until the test ends."""
    made = ModuleType(f"take_home.{name}")
    vars(made).update(members)
    monkeypatch.setitem(sys.modules, made.__name__, made)


def install_cohort(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """The cohort's side: tables, key, the text of the assignment and the reader of findings."""
    texts = folder / "texts"
    texts.mkdir()
    for name in ("kinds.toml", "columns.toml"):
        (texts / name).write_text("# closed lists\n")
    reader = folder / "claims.py"
    reader.write_text(READER)
    module(monkeypatch, "plants", make=Made)
    module(
        monkeypatch, "assignment", assignment_text=lambda: "## Findings (70 minutes)\n\nKinds.\n"
    )
    module(monkeypatch, "claims", __file__=str(reader), TEXTS=texts)


@dataclass
class Graded:
    """What the pages are made from."""

    candidate: str
    seed: int
    tasks: tuple[Scored, ...]
    findings: Scored
    risks: Scored
    letter: str
    claims: Any
    files: dict[str, str]
    tampered: tuple[str, ...]
    log: dict[str, str]


def install_grading(
    monkeypatch: pytest.MonkeyPatch, start: grade.Start, files: dict[str, bytes]
) -> list[Graded]:
    """The grading's side, with what was submitted; returns what pages were written from."""
    written: list[Graded] = []

    @contextmanager
    def sandbox(tree: Path, put: dict[str, bytes], task: str, audit: bool) -> Iterator[Any]:
        [(name, content)] = put.items()
        assert name == f"src/{PACKAGE}/{BY_NAME[task].file}"
        assert audit == (task == "answer")
        with start(BY_NAME[task], content) as process:
            vars(process)["log"] = f"log of {task}"
            yield process

    scored = Scored("findings", (Part("a problem", 20.0, 35.0, "Right."),))
    risks = Scored("risks", (Part("slope", 0.0, 15.0, "Missing."),))
    read = {"files": files, "mistakes": ("risks.csv is missing",)}
    module(monkeypatch, "sandbox", Sandbox=sandbox)
    module(monkeypatch, "probe", probe=lambda tree, hidden: None)
    module(monkeypatch, "submitted", read=lambda path, names: type("Submitted", (), read))
    module(monkeypatch, "key", Key=type("Key", (), {"read": staticmethod(lambda path: "key")}))
    module(
        monkeypatch,
        "findings",
        score_findings=lambda path, key: scored,
        score_risks_file=lambda path, key: risks,
        beside_truth=lambda path, key: (),
    )
    module(
        monkeypatch, "report", Graded=Graded, write=lambda folder, graded: written.append(graded)
    )
    return written
