"""Do the papers for the review point at code and tests that exist?"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "risk_model"
PAPERS = ("threat_model", "data_protection", "runbook")
ANCHOR = re.compile(r"`((?:[\w.-]+/)*[\w.-]+)(?:::([\w.]+))?`")
OPERATOR = "**the operator**"
ROWS = {"threat_model": 45, "data_protection": 45, "runbook": 15}  # at least


def text(paper: str) -> str:
    """A paper as it stands, without the marks of what only some editions keep."""
    content = (ROOT / "docs" / f"{paper}.md").read_text(encoding="utf-8")
    return re.sub(r"(?m)^<!-- .* -->\n", "", content)


def rows(paper: str) -> list[str]:
    """The rows of its tables of duties: those with a column of tests."""
    tables = re.findall(r"(?m)^\|[^\n]*\| test \|\n\|[-|]+\|\n((?:\|[^\n]*\n)+)", text(paper))
    return [row for table in tables for row in table.splitlines()]


def file(path: str) -> Path:
    """The file that an anchor names, from the project's folder or from the package's."""
    inside = PACKAGE / path
    return inside if inside.exists() and not path.startswith("tests/") else ROOT / path


def names(path: Path) -> set[str]:
    """Functions, classes, methods and constants of a file, as the papers name them."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        found |= _named(node)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{name}" for inner in node.body for name in _named(inner)}
    return found


def _named(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


def broken(content: str) -> list[str]:
    """The anchors that lead nowhere: a file that is not there, or no such name in it."""
    found = []
    for path, name in ANCHOR.findall(content):
        target = file(path)
        if name and not (target.is_file() and name in names(target)):
            found.append(f"{path}::{name}")
        elif not name and path.endswith((".py", ".yaml", ".yml", ".toml")) and not target.is_file():
            found.append(path)
    return found


@pytest.mark.parametrize("paper", PAPERS)
def test_every_anchor_leads_to_code_or_a_test(paper: str) -> None:
    assert broken(text(paper)) == []


@pytest.mark.parametrize("paper", PAPERS)
def test_every_duty_names_code_and_test_or_the_operator(paper: str) -> None:
    assert len(rows(paper)) >= ROWS[paper]
    loose = []
    for row in rows(paper):
        anchors = [path for path, _ in ANCHOR.findall(row) if file(path).exists()]
        tested = [path for path in anchors if path.startswith("tests/")]
        if OPERATOR not in row and not (tested and len(anchors) > len(tested)):
            loose.append(row)
    assert loose == []


@pytest.mark.parametrize("paper", PAPERS)
def test_every_link_of_a_paper_leads_somewhere(paper: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text(paper))
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


@pytest.mark.parametrize("anchor", ["`core/package.py::seals`", "`nowhere/app.py`"])
def test_an_anchor_that_leads_nowhere_is_named(anchor: str) -> None:
    assert broken(f"as {anchor} says") == [anchor.strip("`")]
