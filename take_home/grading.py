"""`make grade`: one submission graded in the sandbox, with a page for each side and a table.

Nothing of the candidate's runs outside of the sandbox, and nothing is graded before the sandbox has
held against the probe.
"""

from __future__ import annotations

import contextlib
import secrets
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from take_home import make, probe, report, submitted
from take_home.findings import (
    ClaimBesideTruth,
    beside_truth,
    claim_points,
    plant_in_words,
    score_findings,
    score_risks_file,
)
from take_home.grade import grade_task
from take_home.graded import ClaimView, Graded, GradedTask, Missed
from take_home.key import Key
from take_home.sandbox import Sandbox, SandboxError
from take_home.submitted import Submitted
from take_home.tasks import PACKAGE, TASKS, Task
from take_home.terminal import table
from take_home.texts import rubric

FINDINGS, RISKS, LETTER = "findings.toml", "risks.csv", "LETTER.md"
NAMES = (*(f"src/{PACKAGE}/{task.file}" for task in TASKS), FINDINGS, RISKS, LETTER)
SEED_BITS = 53
USAGE = "make grade SUBMISSION=submission.zip CANDIDATE=ada"
STOPPED = 2  # exit code


class GradingError(Exception):
    """Why nothing was graded, and the remedy, in one line."""


@dataclass(frozen=True)
class Trees:
    """The project with its solutions, over which submitted files are put, and as handed out."""

    reference: Path
    handed_out: Path


def grade_submission(
    archive: Path, candidate: str, seed: int | None = None, candidates: Path = make.CANDIDATES
) -> Graded:
    """Grades an archive of `make submit` and writes the pages into the candidate's folder.

    Args:
        archive: submission.zip.
        candidate: whose key it is held against.
        seed: of the inputs, to repeat a grading; drawn if None.
        candidates: the folder of the candidates' folders.

    Raises:
        GradingError: there is no such candidate, or no archive that can be read.
        SandboxError: the sandbox does not hold or does not start; nothing was graded.
    """
    folder = _candidate_folder(candidate, candidates)
    key = Key.read(folder / "key.json")
    try:
        handed_in = submitted.read(archive, NAMES)
    except (submitted.SubmissionError, OSError) as error:
        raise GradingError(_one_line(error)) from error
    seed = secrets.randbits(SEED_BITS) if seed is None else seed
    with tempfile.TemporaryDirectory(prefix="grade-") as own:
        trees = _trees(Path(own))
        probe.probe(trees.reference, folder)
        tasks = tuple(_graded(task, handed_in, trees, seed) for task in TASKS)
        command = f"make grade SUBMISSION={archive} CANDIDATE={candidate} SEED={seed}"
        graded = _with_findings(handed_in, key, Path(own), candidate, seed, tasks, command)
    report.write(folder, graded)
    return graded


def _candidate_folder(candidate: str, candidates: Path) -> Path:
    if not make.NAME.fullmatch(candidate) or not (candidates / candidate / "key.json").is_file():
        there = sorted(path.parent.name for path in candidates.glob("*/key.json"))
        known = f"those known here: {', '.join(there)}" if there else "none is known here"
        raise GradingError(
            f"no take-home was made here for candidate {candidate!r} ({known}): grade where "
            "`make take-home` was run, or copy its candidates/ folder here"
        )
    return candidates / candidate


def _trees(folder: Path) -> Trees:
    """Both projects, readable by the user that the sandbox changes to."""
    reference, handed_out = folder / "reference", folder / "handed-out"
    trees = Trees(make.reference_tree(reference), make.hand_out(handed_out))
    for path in (folder, reference, *reference.rglob("*")):
        path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
    return trees


def _graded(task: Task, handed_in: Submitted, trees: Trees, seed: int) -> GradedTask:
    """One task graded in a sandbox of its own, and the three versions of its file."""
    path = f"src/{PACKAGE}/{task.file}"
    file = handed_in.files.get(path)
    log: list[str] = []

    @contextlib.contextmanager
    def start(task: Task, file: bytes) -> Iterator[Sandbox]:
        audit = task.name == "answer"
        with Sandbox(trees.reference, {path: file}, task.name, audit=audit) as sandbox:
            yield sandbox
        log.append(sandbox.log)

    scored = grade_task(task, file, start, seed)
    return GradedTask(
        scored=scored,
        title=task.title,
        path=task.file,
        functions=task.functions,
        submitted=(file or b"").decode("utf-8", errors="replace"),
        handed_out=(trees.handed_out / path).read_text(encoding="utf-8"),
        reference=(trees.reference / path).read_text(encoding="utf-8"),
        log="".join(log),
    )


def _with_findings(
    handed_in: Submitted,
    key: Key,
    work: Path,
    candidate: str,
    seed: int,
    tasks: tuple[GradedTask, ...],
    command: str,
) -> Graded:
    """The whole submission: to the tasks come claims, risks and letter."""
    findings, risks = work / FINDINGS, work / RISKS
    for path in (findings, risks):
        if path.name in handed_in.files:
            path.write_bytes(handed_in.files[path.name])
    beside = beside_truth(findings, key)
    named = [item.plant for item in beside]
    reasons = rubric().reasons
    return Graded(
        candidate=candidate,
        seed=seed,
        tasks=tasks,
        findings=score_findings(findings, key),
        risks=score_risks_file(risks, key),
        letter=handed_in.files.get(LETTER, b"").decode("utf-8", errors="replace"),
        claims=tuple(_claim_view(item, key) for item in beside),
        missed=tuple(
            Missed(plant.kind, plant_in_words(plant), reasons[plant.kind])
            for plant in key.plants
            if plant not in named
        ),
        letter_rubric=rubric().letter,
        ignored=handed_in.mistakes,
        command=command,
    )


def _claim_view(item: ClaimBesideTruth, key: Key) -> ClaimView:
    claim, points = item.claim, claim_points(item, key)
    return ClaimView(
        position=claim.position,
        kind=claim.kind,
        column=claim.column,
        site=claim.site,
        since=str(claim.since or ""),
        until=str(claim.until or ""),
        number="" if claim.number is None else f"{claim.number:g}",
        decision=claim.decision,
        why=claim.why,
        patients=claim.patients,
        truth=item.truth if item.plant else None,
        oddity=item.oddity,
        points=points.points,
        most=points.most,
        rubric=rubric().reasons[item.plant.kind] if item.plant and item.true else (),
    )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def main(arguments: list[str]) -> int:
    """Grades and prints the table and where the pages are; 2 after one line that says why not."""
    submission, candidate, seed = [*arguments, "", "", ""][:3]
    try:
        if not submission or not candidate:
            raise GradingError(f"name the archive and the candidate: {USAGE}")
        graded = grade_submission(Path(submission), candidate, _seed(seed))
    except (GradingError, SandboxError) as error:
        print(f"make grade: {_one_line(error)}", file=sys.stderr)
        return STOPPED
    print(table(graded))
    for name in (report.INTERVIEWER, report.CANDIDATE, report.RESULTS):
        print(f"  {make.CANDIDATES / candidate / name}")
    return 0


def _seed(text: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or not 0 <= int(text) < 2**SEED_BITS:
        raise GradingError(f"SEED={text} is no seed: give the whole number that a grading printed")
    return int(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
