"""The recipes of docs/extending.md, followed word for word on a copy of the project."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import TREE, Bake, BakedProject

RECIPES = (TREE / "docs" / "extending.md").read_text(encoding="utf-8")
STEP = re.compile(
    r"(?m)^(?P<how>New file|At the end of|In) `(?P<path>[^`]+)`"
    r"(?:, above (?P<row>the row of )?`(?P<anchor>.+)`)?:\n\n```python\n(?P<code>(?s:.*?))```\n"
)
AUTOMATIC = ("Add a metric", "Add a linear model", "Add a source")


def section(title: str, text: str = RECIPES) -> str:
    """The recipe of this title."""
    return text.split(f"## {title}\n")[1].split("\n## ")[0]


def follow(project: Path, recipe: str) -> list[str]:
    """Makes the edits of a recipe; returns the files that were touched."""
    steps = list(STEP.finditer(recipe))
    for step in steps:
        path = project / step["path"]
        if step["how"] == "New file":
            assert not path.exists(), f"{path} is there already"
            path.write_text(step["code"], encoding="utf-8")
        else:
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            at = (
                position(lines, step["anchor"], bool(step["row"])) if step["anchor"] else len(lines)
            )
            path.write_text("".join([*lines[:at], step["code"], *lines[at:]]), encoding="utf-8")
    return sorted({step["path"] for step in steps})


def position(lines: list[str], anchor: str, row: bool) -> int:
    """The line that is equal to the anchor; of a row, the line that opens it."""
    texts = [f'"{anchor}",', f'name="{anchor}",'] if row else [anchor]
    matches = [number for number, line in enumerate(lines) if line.strip() in texts]
    assert len(matches) == 1 or row, f"{anchor}: stands {len(matches)} times in the file"
    return matches[0] - row


def proofs(recipe: str) -> list[str]:
    """The tests that tell that a recipe is done."""
    names: list[str] = re.findall(r"Done when these pass: `([^`]+)`", recipe)
    assert len(names) == 1
    return names[0].split()


def test_every_recipe_says_when_it_is_done() -> None:
    recipes = RECIPES.split("\n## ")[1:]
    assert len(recipes) == 9
    assert [recipe.splitlines()[0] for recipe in recipes if "Done when" not in recipe] == []


@pytest.mark.parametrize("title", AUTOMATIC)
def test_a_recipes_steps_fit_the_project(bake: Bake, title: str) -> None:
    project = bake(project_slug="sepsis-watch")
    recipe = section(title, project.read("docs/extending.md"))
    touched = follow(project.path, recipe)
    assert 2 <= len(touched) <= 4
    project.passes("ruff", "check", *touched)
    project.passes("ruff", "format", "--check", *touched)


@pytest.mark.slow
@pytest.mark.parametrize("title", AUTOMATIC)
def test_a_recipe_that_is_followed_passes_its_tests(bake: Bake, title: str) -> None:
    project = bake(project_slug="sepsis-watch")
    recipe = section(title, project.read("docs/extending.md"))
    follow(project.path, recipe)
    project.passes("pytest", "-q", *proofs(recipe))
    record = "training.json" if title == "Add a source" else "evaluation.json"
    assert {record, "report.html", "model_card.md"} <= set(appearances(project, title))


def appearances(project: BakedProject, title: str) -> list[str]:
    """The files of a run in which what was added appears."""
    name = {"Add a metric": "ouden", "Add a linear model": "elastic", "Add a source": "stroke"}
    settings = ["data=heart_disease", "evaluation.resamples=100"]
    if title == "Add a source":
        settings = ["data=stroke", f"data.path={stroke(project.path)}", *settings[1:]]
    project.passes(project.package, "run", *settings)
    files = [path for path in (project.path / "runs").rglob("*") if path.is_file()]
    texts = {path.name: path.read_text(errors="ignore") for path in sorted(files)}
    return [
        file
        for file in ("training.json", "evaluation.json", "report.html", "model_card.md")
        if name[title] in texts[file]
    ]


def stroke(folder: Path) -> Path:
    """A made-up extract of a stroke unit: 600 admissions, whose severity tells the outcome."""
    rows = []
    for k in range(600):
        sex, severity = ("female", "male")[k % 2], k * 7 % 43
        died = int(severity + 2 * (k * 31 % 41) > 85 or k % 13 == 0)
        rows.append(f"{k},{40 + k % 50},{sex},{severity},{died}")
    path = folder / "stroke.csv"
    path.write_text("\n".join(["patient,age,sex,nihss,died", *rows]))
    return path
