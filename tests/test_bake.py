"""A baked project: whole, whatever was answered and from whatever clone."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import post_gen_project as hook
import pytest
import yaml

from tests.conftest import DEPENDING, MODALITIES, QUESTIONS, ROOT, TREE, Bake, BakedProject

CHOICES = {name: value for name, value in QUESTIONS.items() if isinstance(value, list)}
COMBINATIONS = [
    dict(zip(CHOICES, answers, strict=True)) for answers in itertools.product(*CHOICES.values())
]
SHORT, LONG = "icu", "zurich-readmission-in-ninety-day"
TEXT = {".py", ".toml", ".md", ".yml", ".yaml", ".txt", ".j2", ".css", ""}
CACHES = {"__pycache__", ".ruff_cache", ".mypy_cache", ".pytest_cache", ".hypothesis"}


@pytest.mark.parametrize("answers", COMBINATIONS, ids=lambda answers: "-".join(answers.values()))
def test_every_combination_bakes_whole(bake: Bake, answers: dict[str, str]) -> None:
    project = bake(**answers)
    assert project.has_file("src/clinical_risk_model/pipeline.py")
    assert project.has_file("LICENSE")
    assert not (project.path / "licences").exists()
    licence = tomllib.loads(project.read("pyproject.toml"))["project"]["license"]
    assert licence.removeprefix("LicenseRef-") == answers["licence"]


def test_nothing_of_the_template_is_left_in_a_project(bake: Bake) -> None:
    left = re.compile(r"\brisk_model\b|cookiecutter")
    for name, content in bake(project_slug="sepsis-watch").files().items():
        assert not left.search(name), name
        if Path(name).suffix in TEXT:
            assert not left.search(content.decode()), name


def test_python_is_copied_and_only_the_package_is_renamed(bake: Bake) -> None:
    baked = bake(hooks=False).files()
    for path in [p for p in TREE.rglob("*.py") if not CACHES & set(p.parts)]:
        name = path.relative_to(TREE).as_posix()
        assert baked[name] == path.read_bytes(), name
    renamed = bake(into="named", project_slug="icu").files()
    assert renamed["src/icu/core/schema.py"].decode() == re.sub(
        r"\brisk_model\b", "icu", (TREE / "src/risk_model/core/schema.py").read_text()
    )


def in_git(project: BakedProject, *command: str) -> list[str]:
    """The lines that git prints in the project, by NUL so that no name is quoted."""
    done = subprocess.run(["git", *command], cwd=project.path, capture_output=True, check=True)
    return done.stdout.decode().split("\0")[:-1]


@pytest.mark.parametrize("package", ["audit", "build", "dist", "models", "mlruns", "runs"])
def test_git_tracks_every_file_of_the_code_whatever_its_folders_are_called(
    bake: Bake, package: str
) -> None:
    project = bake(hooks=False)
    (project.path / "src/risk_model").rename(project.path / "src" / package)
    (project.path / "tests" / package).mkdir()
    (project.path / "tests" / package / "test_it.py").touch()
    (project.path / "src" / package / "__pycache__").mkdir(exist_ok=True)
    (project.path / "src" / package / "__pycache__/it.py").touch()
    in_git(project, "init", "--quiet")
    in_git(project, "add", "--all")
    files = {name for name in project.files() if not name.startswith(".git/")}
    ignored = files - set(in_git(project, "ls-files", "-z"))
    assert f"src/{package}/__pycache__/it.py" in ignored
    assert [name for name in ignored if "__pycache__" not in name] == []


@pytest.mark.parametrize("folder", [".", "notebooks", "a/deep folder"])
def test_git_ignores_what_a_run_leaves_wherever_it_ran(bake: Bake, folder: str) -> None:
    project = bake()
    left = "runs/csv-1/config.json models/csv/champion.json audit/audit.db mlflow.db mlruns/0/meta "
    left += "mlartifacts/1/f generated/cohort/table.csv .mlflow.db-x/mlflow.db cache/a/arrays.f32"
    for name in left.split():
        path = project.path / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    in_git(project, "init", "--quiet")
    in_git(project, "add", "--all")
    tracked = in_git(project, "ls-files", "-z")
    assert "src/clinical_risk_model/pipeline.py" in tracked
    assert [
        name for name in tracked if Path(name).name in {Path(n).name for n in left.split()}
    ] == []


def test_workflows_reach_the_project_as_they_are(bake: Bake) -> None:
    workflow = (TREE / ".github/workflows/ci.yml").read_text()
    assert "${{" in workflow
    assert bake().read(".github/workflows/ci.yml") == workflow


def test_every_settings_file_can_be_read(bake: Bake) -> None:
    project = bake()
    for name in project.files():
        if name.endswith(".toml"):
            tomllib.loads(project.read(name))
        elif name.endswith((".yml", ".yaml")):
            list(yaml.safe_load_all(project.read(name)))
    assert tomllib.loads(project.read("pyproject.toml"))["project"]["scripts"] == {
        "clinical-risk-model": "clinical_risk_model.app.cli:main"
    }


def test_two_bakes_are_the_same_bytes(bake: Bake) -> None:
    assert bake(into="first").files() == bake(into="second").files()


@pytest.mark.parametrize("edition", QUESTIONS["edition"])
@pytest.mark.parametrize("modality", MODALITIES)
def test_the_last_hook_changes_nothing_when_it_runs_again(
    bake: Bake, modality: str, edition: str
) -> None:
    answers = {"licence": "BSD-3-Clause", "modality": modality, "edition": edition}
    project = bake(project_slug="sepsis-watch", **answers)
    before = project.files()
    run_last_hook(project, **answers)
    assert project.files() == before


def run_last_hook(
    project: BakedProject, licence: str, modality: str = "tabular", edition: str = "reference"
) -> None:
    """Runs post_gen_project again, rendered with the answers that matter to it."""
    answers = {"project_slug": project.path.name, "__package": project.package, "licence": licence}
    answers |= {"modality": modality, "edition": edition}
    source = (ROOT / "hooks" / "post_gen_project.py").read_text()
    rendered = re.sub(r"\{\{.*?\}\}", str(answers).replace("'", '"'), source)
    subprocess.run(
        [sys.executable, "-c", rendered], cwd=project.path, check=True, capture_output=True
    )


def test_a_project_made_over_itself_keeps_what_its_user_made(bake: Bake, tmp_path: Path) -> None:
    project = bake(project_slug="sepsis-watch")
    for name in (
        "runs/one/report.html",
        "models/champion.json",
        "generated/labels.csv",
        ".venv/lib/risk_model.py",
    ):
        (project.path / name).parent.mkdir(parents=True)
        (project.path / name).write_text("risk_model")
    run_last_hook(project, licence="MIT")
    assert (
        project.read("runs/one/report.html")
        == project.read(".venv/lib/risk_model.py")
        == "risk_model"
    )


def test_without_hooks_the_project_works_under_its_first_name(bake: Bake) -> None:
    project = bake(hooks=False)
    project.passes("risk_model", "--help")
    project.passes("pytest", "-q", "tests/core/test_schema.py", "tests/core/test_cohort.py")


def test_a_used_clone_bakes_like_a_fresh_one(bake: Bake, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    shutil.copytree(
        ROOT, clone, ignore=shutil.ignore_patterns(".git", ".venv", ".cache", "demo", *CACHES)
    )
    fresh = bake(template=clone, into="fresh").files()
    litter(clone / TREE.name)
    assert bake(template=clone, into="used").files() == fresh


def test_recordings_kept_in_a_used_clone_are_not_taken_for_a_template(
    bake: Bake, tmp_path: Path
) -> None:
    clone, name = tmp_path / "clone", "cache/0a1b/arrays.f32"
    ignored = shutil.ignore_patterns(".git", ".venv", ".cache", "demo", *CACHES)
    shutil.copytree(ROOT, clone, ignore=ignored)
    (clone / TREE.name / name).parent.mkdir(parents=True, exist_ok=True)
    content = b"\x80 {{ risk_model {% not a template"
    (clone / TREE.name / name).write_bytes(content)
    assert bake(template=clone, into="used").files()[name] == content


def litter(tree: Path) -> None:
    """Leaves what Python, ruff, mypy, pytest and pip leave in a tree when their caches are not kept
    elsewhere.
    """
    environment = {
        n: v for n, v in os.environ.items() if n not in ("PYTHONPYCACHEPREFIX", "RUFF_CACHE_DIR")
    }
    for command in (
        ["compileall", "-q", "src", "tests"],
        ["ruff", "check", "--quiet", "--exit-zero", "src"],
    ):
        subprocess.run([sys.executable, "-m", *command], cwd=tree, env=environment, check=True)
    for name in (
        ".mypy_cache/3.11/a.json",
        ".hypothesis/a",
        ".pytest_cache/v/a",
        "src/risk_model.egg-info/PKG-INFO",
    ):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(b"\x80 {{ risk_model {% not a template")
    assert list(tree.rglob("*.pyc"))
    assert (tree / ".ruff_cache").exists()


@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("slug", [SHORT, LONG])
def test_lint_passes_under_a_short_and_a_long_name(bake: Bake, slug: str, modality: str) -> None:
    project = bake(project_slug=slug, modality=modality)
    project.passes("ruff", "check", ".")
    project.passes("ruff", "format", "--check", ".")


@pytest.mark.parametrize("indent", ["", "    "])
def test_an_import_that_its_new_name_makes_too_long_is_wrapped_as_the_formatter_does(
    bake: Bake, tmp_path: Path, indent: str
) -> None:
    names = ", ".join(f"measurement_{i}" for i in range(4))
    line = f"{indent}from risk_model.evaluation import {names}"
    source = tmp_path / "module.py"
    source.write_text(f"if True:\n{line}\n" if indent else f"{line}\n")
    assert len(line) <= hook.LINE_LENGTH
    hook._rename_within(source, LONG.replace("-", "_"))
    assert len(source.read_text().splitlines()) > 5
    BakedProject(tmp_path).passes(
        "ruff", "format", "--check", "--line-length", str(hook.LINE_LENGTH), "module.py"
    )


def test_types_and_fast_tests_pass_under_another_name(bake: Bake) -> None:
    """All tests of a project run where it is of edition core; here those that see its name."""
    project = bake(project_name="Sepsis Watch")
    project.passes("mypy", "src", "tests")
    project.passes("pytest", "-q", "--collect-only")
    named = [f"tests/{folder}" for folder in DEPENDING if folder != "signals"]
    project.passes("pytest", "-q", "-n", "2", "--dist", "loadfile", "-m", "not slow", *named)


def test_what_is_installed_holds_every_file_of_the_package(bake: Bake, tmp_path: Path) -> None:
    project = bake(project_slug="sepsis-watch")
    project.passes(
        "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(tmp_path), "."
    )
    [wheel] = tmp_path.glob("*.whl")
    project.passes(
        "pip", "install", "-q", "--no-deps", "--target", str(tmp_path / "site"), str(wheel)
    )
    installed = tmp_path / "site" / "sepsis_watch"
    for source in (project.path / "src/sepsis_watch").rglob("*"):
        if source.is_file() and not CACHES & set(source.parts):
            copy = installed / source.relative_to(project.path / "src/sepsis_watch")
            assert digest(copy) == digest(source), copy


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
