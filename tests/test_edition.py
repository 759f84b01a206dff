"""The edition `core`: what it leaves out, that the rest works, and that it can be added later."""

from __future__ import annotations

import ast
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import post_gen_project as hook
import pytest

from tests.conftest import MODALITIES, QUESTIONS, ROOT, TREE, Bake, BakedProject
from tests.test_modality import fetch_json, request, served

# Of a tabular project's source, blank lines and docstrings included. The aim is 10,000, for one
# person to own. A quarter of it reads and questions a hospital's file, the intervals, gates and
# comparisons of groups are a tenth, and a fifth is a service that others than its own machine may
# ask: a small project needs them as much as a large one.
CORE_LINES = 24_200
# Words of the paths of files that `core` does without.
LEFT_OUT = """
    lesson concept practice walkthrough stability instability optimism learning compare comparison
    checklists tripod probast documents internal external confounding underdiagnosis shift noise
    diabetes130
""".split()


def source_lines(project: BakedProject) -> dict[str, int]:
    """Lines of each Python file of the package, blank ones and comments included."""
    source = project.path / "src"
    return {
        path.relative_to(source).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in source.rglob("*.py")
    }


@pytest.mark.parametrize("question", hook.ONLY_FOR)
def test_every_pattern_of_a_choice_names_a_file_of_the_project(question: str) -> None:
    choices = hook.ONLY_FOR[question].values()
    patterns = [pattern for patterns in choices for pattern in patterns]
    assert [pattern for pattern in patterns if not list(TREE.glob(pattern))] == []


def left_out(modality: str, edition: str) -> set[Path]:
    """The files of the template's tree that a project with these answers does without."""
    chosen = {modality, edition}
    patterns = [
        pattern
        for question in hook.MARKING
        for keepers, patterns in hook.ONLY_FOR[question].items()
        for pattern in patterns
        if not chosen & set(keepers.split())
    ]
    tops = [path for pattern in patterns for path in TREE.glob(pattern)]
    return {path for top in tops for path in (top, *top.rglob("*")) if path.suffix == ".py"}


def module(path: Path) -> str:
    """The name under which a file of the tree is imported."""
    parts = path.relative_to(TREE).with_suffix("").parts
    return ".".join(parts[parts[0] == "src" :]).removesuffix(".__init__")


def imported(path: Path) -> set[str]:
    """Every name that a file could import a module by."""
    nodes = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.ImportFrom)]
    names = {f"{node.module}.{alias.name}" for node in nodes for alias in node.names}
    return names | {str(node.module) for node in nodes}


@pytest.mark.parametrize(
    ("modality", "edition"),
    [*itertools.product(MODALITIES, QUESTIONS["edition"]), ("tabular", hook.TAKE_HOME)],
)
def test_no_file_that_stays_imports_one_that_leaves(modality: str, edition: str) -> None:
    absent = left_out(modality, edition)
    names = {module(path) for path in absent}
    files = {*TREE.glob("src/**/*.py"), *TREE.glob("tests/**/*.py")} - absent
    strays = {path.relative_to(TREE).as_posix(): imported(path) & names for path in files}
    assert {file: sorted(wrong) for file, wrong in strays.items() if wrong} == {}


def test_core_holds_no_file_of_what_it_leaves_out(bake: Bake) -> None:
    names = bake(edition="core").files()
    assert [name for name in names if set(re.split(r"[^a-z0-9]+", name)) & set(LEFT_OUT)] == []


def test_both_editions_share_pipeline_and_tables(bake: Bake) -> None:
    core = bake(into="core", edition="core").files()
    reference = bake(into="reference").files()
    assert core.keys() < reference.keys()
    differing = {name for name in core if core[name] != reference[name]}
    # what has lines marked for one edition: extras, and the Prometheus that reads its metrics
    marked = {"pyproject.toml", "compose.yaml"}
    assert {name for name in differing if not name.endswith(".md")} <= marked


def test_core_is_small_enough_to_own(
    bake: Bake, record_property: Callable[[str, object], None]
) -> None:
    lines = source_lines(bake(edition="core"))
    record_property("figures", f"edition core, tabular: {sum(lines.values()):,} lines of source")
    longest = sorted(lines, key=lambda name: -lines[name])[:10]
    assert sum(lines.values()) <= CORE_LINES, {name: lines[name] for name in longest}


def test_lint_passes_in_core(bake: Bake) -> None:
    project = bake(project_slug="sepsis-watch", edition="core")
    project.passes("ruff", "check", ".")
    project.passes("ruff", "format", "--check", ".")


def test_every_command_that_core_offers_can_be_imported(bake: Bake) -> None:
    project = bake(project_slug="sepsis-watch", edition="core")
    listed = project.passes(project.package, "--help")
    assert "run" in listed
    assert "serve" in listed
    assert "traps" not in listed
    assert "practice" not in listed
    assert "concept" not in listed
    assert "stability" not in listed
    assert "optimism" not in listed
    assert "learning_curve" not in listed


@pytest.mark.slow
def test_types_and_fast_tests_pass_in_core(bake: Bake) -> None:
    project = bake(project_slug="sepsis-watch", edition="core")
    project.passes("mypy", "src", "tests")
    project.passes("pytest", "-q", "-n", "2", "--dist", "loadfile", "-m", "not slow")


@pytest.mark.slow
def test_core_runs_registers_and_serves(bake: Bake) -> None:
    project = bake(project_slug="sepsis-watch", edition="core")
    project.passes(project.package, "run")
    [report] = (project.path / "runs").glob("*/report.html")
    assert report.stat().st_size > 10_000
    assert list((project.path / "runs").glob("*/packages/*/model_card.md"))
    with served(project) as url:
        card = fetch_json(f"{url}/v1/model")
        risk = fetch_json(f"{url}/v1/predict", request(project, card))["risk"]
    assert 0 < risk < 1


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The template as a repository of its own, which cruft reads without a network."""
    identity = {"NAME": "Test", "EMAIL": "test@example.org"}
    for role in ("AUTHOR", "COMMITTER"):
        for key, value in identity.items():
            monkeypatch.setenv(f"GIT_{role}_{key}", value)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    config = tmp_path / "cookiecutter.yaml"
    config.write_text(f'replay_dir: "{tmp_path / "r"}"\ncookiecutters_dir: "{tmp_path / "c"}"\n')
    monkeypatch.setenv("COOKIECUTTER_CONFIG", str(config))
    template = tmp_path / "template"
    ignored = shutil.ignore_patterns(".git", ".venv", ".cache", "demo", "__pycache__", ".*_cache")
    shutil.copytree(ROOT, template, ignore=ignored)
    commit_all(template)
    return template


def commit_all(directory: Path) -> None:
    """Puts everything in a directory under version control."""
    if not (directory / ".git").exists():
        call(directory, "git", "init", "-q", "-b", "main")
    call(directory, "git", "add", "-A")
    call(directory, "git", "commit", "-q", "-m", "state")


def call(directory: Path, *command: str) -> None:
    """Runs a command there; fails with what it printed."""
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_core_becomes_reference_later_and_a_users_edit_is_kept(
    repository: Path, tmp_path: Path, bake: Bake
) -> None:
    cruft = [sys.executable, "-m", "cruft"]
    answers = json.dumps({"project_slug": "sepsis-watch", "edition": "core"})
    call(tmp_path, *cruft, "create", "--no-input", "--extra-context", answers, str(repository))
    project = BakedProject(tmp_path / "sepsis-watch")
    edited = project.path / "src/sepsis_watch/core/cohort.py"
    edited.write_text(edited.read_text() + "\n# our own line\n")
    (project.path / "runs").mkdir()
    (project.path / "runs" / "mine.txt").write_text("mine")
    commit_all(project.path)
    later = json.dumps({"edition": "reference"})
    call(project.path, *cruft, "update", "--skip-apply-ask", "--variables-to-update", later)
    expected = bake(project_slug="sepsis-watch").files()
    ours = {n: c for n, c in project.files().items() if n in expected}
    name = edited.relative_to(project.path).as_posix()
    assert ours.pop(name) == expected.pop(name) + b"\n# our own line\n"
    assert ours == expected
    assert (project.path / "runs" / "mine.txt").read_text() == "mine"
