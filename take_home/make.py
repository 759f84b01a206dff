"""`make take-home`: a project with seven holes and a cohort for one candidate, in one archive.

What the interviewer keeps, the seed and the key to the cohort, never enters the archive.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

from cookiecutter.main import cookiecutter

from take_home import claims, plants
from take_home.assignment import assignment_text
from take_home.served import make_package
from take_home.stub import stubbed
from take_home.tasks import PACKAGE, TASKS

ROOT = Path(__file__).parent.parent
CANDIDATES = ROOT / "candidates"
PROJECT = Path(__file__).parent / "project"
FINDINGS = "<!-- findings -->"  # where the assignment tells of the cohort
SERVED = "served"  # the folder of the package that task 7 serves
READER = "findings_reader"  # the folder of what reads findings.toml, here and when it is graded
ADAPTERS = ("adapters.py", "service_adapter.py")
TOLD = ("name", "number", "title", "minutes", "points", "file")  # of a task, to the candidate
_CACHES = shutil.ignore_patterns("__pycache__", "*.pyc", ".*_cache")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
ANSWERS = {
    "project_name": "Risk model",
    "project_slug": "risk-model",
    "description": "A clinical risk model with seven functions to write",
    "author": "Clinical AI team",
    "__edition": "take_home",
}


class MakeError(Exception):
    """Why there is no take-home, and what to do, in one line."""


def bake(folder: Path) -> Path:
    """The edition `take_home` of the project, solutions included, baked below a folder."""
    with tempfile.TemporaryDirectory() as own:
        config = Path(own) / "cookiecutter.yaml"
        config.write_text(f'replay_dir: "{own}"\ncookiecutters_dir: "{own}"\n', encoding="utf-8")
        path = cookiecutter(
            str(ROOT),
            no_input=True,
            extra_context=ANSWERS,
            output_dir=str(folder),
            config_file=str(config),
        )
    return Path(path)


def reference_tree(folder: Path) -> Path:
    """The tree that submitted files are put over: the package, what task 7 serves, the adapters."""
    project = bake(folder)
    make_package(project / SERVED)
    for name in ADAPTERS:
        shutil.copyfile(Path(__file__).parent / name, project / name)
    return project


def empty(project: Path) -> None:
    """Takes the solutions out of a baked project."""
    package = project / "src" / PACKAGE
    for task in TASKS:
        for name in task.absent:
            (package / name).unlink()
    for name, (bodies, left_out) in _emptied().items():
        path = package / name
        path.write_text(
            stubbed(path.read_text(encoding="utf-8"), bodies, left_out), encoding="utf-8"
        )


def _emptied() -> dict[str, tuple[dict[str, str], tuple[str, ...]]]:
    """Of each file: what its empty functions raise, and what is left out."""
    files: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {}
    for task in TASKS:
        bodies = dict.fromkeys(task.functions, f"task {task.number}: see ASSIGNMENT.md")
        files[task.file] = ({**bodies, **dict.fromkeys(task.unasked, NOT_ASKED)}, task.helpers)
    for task in TASKS:
        for name, function in task.elsewhere:
            files.setdefault(name, ({}, ()))[0][function] = NOT_ASKED
    return files


NOT_ASKED = "not asked for: see ASSIGNMENT.md"


def hand_out(folder: Path) -> Path:
    """What the candidate gets, without the cohort: holes, assignment, tests, served package."""
    project = bake(folder)
    empty(project)
    shutil.copytree(PROJECT, project, dirs_exist_ok=True, ignore=_CACHES)
    make_package(project / SERVED)
    told = [{name: getattr(task, name) for name in TOLD} for task in TASKS]
    (project / "tasks.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return project


def make(candidate: str, candidates: Path = CANDIDATES) -> Path:
    """The folder of one candidate: `seed.json` and `key.json` to keep, `project.zip` to hand out.

    Raises:
        MakeError: no usable name, or the candidate has a folder already.
    """
    if not NAME.fullmatch(candidate):
        raise MakeError(
            "name the candidate in letters, digits, dots and hyphens: make take-home CANDIDATE=ada"
        )
    folder = candidates / candidate
    if folder.exists():
        raise MakeError(
            f"{folder} exists already; another take-home would not match what was handed out. "
            "Choose another name, or remove the folder if nothing was handed out"
        )
    candidates.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=candidates, prefix=".") as own:
        made = Path(own) / "made"
        made.mkdir()
        _fill(made, Path(own), secrets.randbits(53))
        made.rename(folder)
    return folder


def _fill(folder: Path, work: Path, seed: int) -> None:
    cohort = plants.make(seed)
    project = hand_out(work)
    cohort.tables.write(project)
    assignment = project / "ASSIGNMENT.md"
    text = assignment.read_text(encoding="utf-8").replace(FINDINGS, assignment_text().strip())
    assignment.write_text(text, encoding="utf-8")
    copy_reader(project / READER)
    cohort.key.write(folder / "key.json")
    (folder / "seed.json").write_text(json.dumps({"seed": seed}) + "\n", encoding="utf-8")
    zip_folder(project, folder / "project.zip")


def copy_reader(folder: Path) -> None:
    """What reads findings.toml, so that `make check` reads as the grading does."""
    (folder / "texts").mkdir(parents=True)
    shutil.copyfile(claims.__file__, folder / "claims.py")
    for name in ("kinds.toml", "columns.toml"):
        shutil.copyfile(claims.TEXTS / name, folder / "texts" / name)


def zip_folder(project: Path, archive: Path) -> None:
    """Every file of a folder in an archive, below the folder's own name."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(project.rglob("*")):
            if path.is_file():
                file.write(path, Path(project.name) / path.relative_to(project))


def main(arguments: list[str]) -> int:
    """Makes the take-home of the candidate named; 0, or 2 after one line that says why not."""
    try:
        folder = make(arguments[0] if arguments else "")
    except MakeError as error:
        print(f"make take-home: {error}", file=sys.stderr)
        return 2
    print(f"Hand out {folder / 'project.zip'}; keep the rest of {folder}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
