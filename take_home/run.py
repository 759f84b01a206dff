"""`make grade`: reads a submission, runs its tasks in the sandbox, grades all, writes the pages.

Nothing is graded where the sandbox does not hold; the reason and the remedy are one line.
"""

from __future__ import annotations

import secrets
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from take_home import grade
from take_home.make import CANDIDATES, NAME, reference_tree
from take_home.score import Scored
from take_home.tasks import PACKAGE, TASKS, Task

USAGE = "make grade SUBMISSION=submission.zip CANDIDATE=ada"
WRITTEN = ("findings.toml", "risks.csv", "LETTER.md")
HANDED_IN = {task.file: f"src/{PACKAGE}/{task.file}" for task in TASKS}
Logs = dict[str, str]  # the end of what each task's process printed


class GradeError(Exception):
    """Why nothing is graded, and what to do, in one line."""


def grade_submission(
    submission: Path, candidate: str, seed: int, candidates: Path = CANDIDATES
) -> tuple[Scored, ...]:
    """The points of tasks, findings and risks; the pages are in the candidate's folder.

    Args:
        submission: the archive of `make submit`.
        candidate: whose take-home it answers.
        seed: of the tasks' inputs.
        candidates: where the take-homes were left.

    Raises:
        GradeError: there is no such take-home.
        SubmissionError: the archive cannot be read.
        SandboxError: the sandbox does not start or does not hold.
    """
    if not NAME.fullmatch(candidate) or not (candidates / candidate / "key.json").is_file():
        raise GradeError(f"no take-home was made for {candidate!r}; those that were: {candidates}")
    folder = candidates / candidate
    names = [*HANDED_IN.values(), *WRITTEN]
    submitted = import_module("take_home.submitted").read(submission, names)
    files = {file: submitted.files.get(name) for file, name in HANDED_IN.items()}
    present = {file: content for file, content in files.items() if content is not None}
    logs: Logs = {}
    with tempfile.TemporaryDirectory() as work:
        tree = _open_to_all(reference_tree(Path(work) / "tree"))
        import_module("take_home.probe").probe(tree, folder / "key.json")
        tasks = grade.grade(present, sandboxed(tree, logs), seed)
        findings, risks, beside = _written(Path(work), submitted.files, folder / "key.json")
    report = import_module("take_home.report")
    graded = report.Graded(
        candidate=candidate,
        seed=seed,
        tasks=tasks,
        findings=findings,
        risks=risks,
        letter=submitted.files.get("LETTER.md", b"").decode("utf-8", "replace"),
        claims=beside,
        files={t.name: _text(present.get(t.file)) for t in TASKS},
        tampered=submitted.mistakes,
        log=logs,
    )
    report.write(folder, graded)
    return (*tasks, findings, risks)


def _text(content: bytes | None) -> str:
    return (content or b"").decode("utf-8", "replace")


def _open_to_all(tree: Path) -> Path:
    """The tree, readable by the user that the sandbox runs as."""
    for path in (tree.parent, tree, *tree.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return tree


def sandboxed(
    tree: Path, logs: Logs
) -> Callable[[Task, bytes], AbstractContextManager[grade.Process]]:
    """What starts a file in the sandbox; what it printed is kept under the task's name."""
    sandbox = import_module("take_home.sandbox").Sandbox

    @contextmanager
    def start(task: Task, file: bytes) -> Iterator[grade.Process]:
        files = {HANDED_IN[task.file]: file}
        with sandbox(tree, files, task.name, audit=task.name == "answer") as process:
            yield process
            logs[task.name] = process.log

    return start


def _written(work: Path, files: dict[str, bytes], key: Path) -> tuple[Scored, Scored, Any]:
    """The points of findings and risks, and each claim beside the truth."""
    findings = import_module("take_home.findings")
    for name in WRITTEN:
        if name in files:
            (work / name).write_bytes(files[name])
    read = import_module("take_home.key").Key.read(key)
    claims, risks = work / "findings.toml", work / "risks.csv"
    return (
        findings.score_findings(claims, read),
        findings.score_risks_file(risks, read),
        findings.beside_truth(claims, read),
    )


def table(graded: tuple[Scored, ...]) -> str:
    """A line for each task, the findings and the risks, and the sum."""
    lines = [f"  {each.name:14} {each.points:5.1f} of {each.most:4.0f}" for each in graded]
    points, most = sum(e.points for e in graded), sum(e.most for e in graded)
    return "\n".join([*lines, f"  {'in all':14} {points:5.1f} of {most:4.0f}"])


def main(arguments: list[str]) -> int:
    """Grades; 0, or 2 after one line that says why not."""
    submission, candidate, seed = [*arguments, "", "", ""][:3]
    try:
        if not submission or not candidate:
            raise GradeError(f"name the archive and the candidate: {USAGE}")
        if seed and not seed.isdecimal():
            raise GradeError(f"the seed is a whole number: {USAGE} SEED=5")
        drawn = int(seed) if seed else secrets.randbits(32)
        graded = grade_submission(Path(submission), candidate, drawn)
    except Exception as error:
        if type(error).__name__ not in ("GradeError", "SubmissionError", "SandboxError"):
            raise
        print(f"make grade: {error}", file=sys.stderr)
        return 2
    print(f"{table(graded)}\n\nThe inputs' seed was {drawn}: SEED={drawn} gives the same points.")
    print(f"Pages: {CANDIDATES / candidate}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
