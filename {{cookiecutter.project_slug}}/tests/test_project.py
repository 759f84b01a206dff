"""The project's own rules: layers, documentation, and the hour's path in the README."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "risk_model"
# From the floor up; README.md names them in the same words. An edition may lack some.
LAYERS = [
    "core",
    "config",
    "signals",
    "data",
    "model",
    "training",
    "evaluation",
    "deployment",
    "reporting",
    "artifacts",
    "validation",
    "lesson",
    "pipeline",
    "app",
]
SOURCES = sorted(PACKAGE.rglob("*.py"))
HOUR = 7_000  # words a reader is asked to read
MARKED = re.compile(r"(?ms)^<!-- only ([a-z ]+) -->\n(.*?)^<!-- end -->\n")
MODALITIES = {"image", "imaging", "waveform", "text", "tabular"}
HEAVY = {"torch", "pandas", "sklearn", "mlflow", "scipy", "shap", "xgboost", "matplotlib", "hydra"}


def named(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def imported(path: Path) -> set[tuple[str, ...]]:
    """What a file imports from the package, as parts below its name: also inside functions, and for
    types.
    """
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{named(path)}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {tuple(name.split(".")[1:]) for name in found if name.split(".")[0] == PACKAGE.name}


def layer(path: Path) -> str:
    """The folder or file of the package that a source file belongs to."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


INSIDE = [path for path in SOURCES if not layer(path).startswith("__")]


def test_every_file_belongs_to_a_layer() -> None:
    assert {layer(path) for path in INSIDE} <= set(LAYERS)


def test_the_readme_names_the_layers_in_order() -> None:
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"Layers, from the floor up: {', '.join(LAYERS)}." in readme


@pytest.mark.parametrize("path", INSIDE, ids=named)
def test_no_import_runs_upward(path: Path) -> None:
    allowed = {*LAYERS[: LAYERS.index(layer(path)) + 1], "__version__"}
    assert {parts for parts in imported(path) if parts and parts[0] not in allowed} == set()


def modules_imported(path: Path) -> set[Path]:
    """The files of the package that a file imports, for types too."""
    found = set()
    for parts in imported(path):
        for length in (len(parts), len(parts) - 1):
            target = PACKAGE.joinpath(*parts[:length])
            if target.with_suffix(".py").is_file():
                found.add(target.with_suffix(".py"))
                break
            if length and (target / "__init__.py").is_file():
                found.add(target / "__init__.py")
                break
    return found - {path}


def test_no_two_files_import_each_other_in_a_circle() -> None:
    graph = {path: modules_imported(path) for path in SOURCES}
    free: set[Path] = set()
    while ready := {path for path, needs in graph.items() if path not in free and needs <= free}:
        free |= ready
    assert sorted(named(path) for path in graph.keys() - free) == []


def of_a_modality(path: Path) -> list[str]:
    """Where a file decides by the name of a modality: in a comparison, a match, or a dictionary of
    choices.
    """
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        parts: list[ast.AST | None] = []
        if isinstance(node, ast.Compare):
            parts = [part for side in (node.left, *node.comparators) for part in ast.walk(side)]
        elif isinstance(node, ast.MatchValue):
            parts = [node.value]
        elif isinstance(node, ast.Dict):
            parts = list(node.keys)
        constants = [part for part in parts if isinstance(part, ast.Constant)]
        found += [
            f"{part.value!r}, line {part.lineno}" for part in constants if part.value in MODALITIES
        ]
    return found


@pytest.mark.parametrize("room", ["data", "training", "evaluation"])
def test_no_room_but_the_readers_the_networks_and_the_explainers_knows_a_modality(
    room: str,
) -> None:
    readers_and_drawings = {"sources", "examples"}
    files = [
        path
        for path in (PACKAGE / room).rglob("*.py")
        if not readers_and_drawings & set(path.parts)
    ]
    assert len(files) > 5
    assert {named(path): of_a_modality(path) for path in files if of_a_modality(path)} == {}


def undocumented(node: ast.AST, prefix: str = "") -> list[str]:
    """Public classes, functions and methods below `node` without a docstring."""
    found = []
    for child in ast.iter_child_nodes(node):
        kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        if isinstance(child, kinds) and not child.name.startswith("_"):
            found += [] if ast.get_docstring(child) else [prefix + child.name]
            found += (
                undocumented(child, f"{prefix}{child.name}.")
                if isinstance(child, ast.ClassDef)
                else []
            )
    return found


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_every_public_name_is_documented(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "the module has no docstring"
    assert undocumented(tree) == []


def hour_paths() -> dict[str, list[Path]]:
    """The files that the README asks to read, in order; by modality, where it names several."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.split("## The hour's path")[1].split("\n##")[0]
    words = {word for mark in MARKED.finditer(section) for word in mark[1].split()}
    modalities = words - {"reference", "core"}

    def links(modality: str) -> list[Path]:
        own = MARKED.sub(lambda mark: mark[2] if modality in mark[1].split() else "", section)
        return [ROOT / link for link in re.findall(r"\]\((src/[^)#]+)\)", own)]

    return {modality: links(modality) for modality in sorted(modalities) or ["this project's"]}


@pytest.mark.parametrize("modality", hour_paths())
def test_the_hours_path_exists_and_takes_an_hour(modality: str) -> None:
    path = hour_paths()[modality]
    words = {named(file): len(file.read_text(encoding="utf-8").split()) for file in path}
    assert len(words) >= 8
    assert sum(words.values()) <= HOUR, words


@pytest.mark.parametrize("modality", hour_paths())
def test_the_hours_path_answers_all_five_questions(modality: str) -> None:
    rooms = [layer(file) for file in hour_paths()[modality]]
    assert [room for room in dict.fromkeys(rooms) if room != "pipeline"] == [
        "data",
        "model",
        "training",
        "evaluation",
        "deployment",
    ]


def test_every_link_of_the_readme_leads_somewhere() -> None:
    links = re.findall(
        r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / "README.md").read_text(encoding="utf-8")
    )
    assert links
    assert [
        link for link in links if not (ROOT / link).exists() and not link.startswith("runs/")
    ] == []


def run_python(program: str, **environment: str) -> str:
    """What a fresh interpreter prints when it runs `program` on the package."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "src"), **environment}
    run = subprocess.run(
        [sys.executable, "-c", program], env=variables, capture_output=True, text=True, check=True
    )
    return run.stdout


def test_serving_imports_nothing_that_only_training_needs() -> None:
    program = """
import sys
import risk_model.deployment.application
print(*sys.modules)
"""
    printed = run_python(program)
    assert {module.split(".")[0] for module in printed.split()} & HEAVY == set()


@pytest.mark.parametrize("library", ["MLFLOW", "ORT", "HF_HUB"])
def test_importing_the_package_turns_telemetry_off(library: str) -> None:
    name = f"{library}_DISABLE_TELEMETRY"
    program = f"import os, risk_model\nprint(os.environ['{name}'])"
    assert run_python(program, **{name: "false"}).strip() in ("true", "1")
