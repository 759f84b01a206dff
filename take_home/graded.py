"""What grading found out about one submission, as the pages, the questions and the table read it.

Every text that a candidate wrote is held as it came; whoever shows it makes it safe (`untrusted`).
"""

from __future__ import annotations

from dataclasses import dataclass

from take_home.score import Scored
from take_home.texts import Criterion


@dataclass(frozen=True)
class GradedTask:
    """A task: its points, the file that came back, and the reference's beside it.

    Attributes:
        scored: the points; its name is the task's name, such as "split".
        title: the task in a few words.
        path: of its file within the package.
        functions: that the task asks for, as "name" or "Class.name".
        submitted: source of the file that came back; "" when none came or none could be read.
        handed_out: source of the file as the candidate got it.
        reference: source of the file in the reference project.
        log: the end of what the file printed while it was graded.
    """

    scored: Scored
    title: str
    path: str
    functions: tuple[str, ...]
    submitted: str
    handed_out: str
    reference: str
    log: str = ""


@dataclass(frozen=True)
class ClaimView:
    """One claim of `findings.toml` as the candidate wrote it, and what is true there.

    Attributes:
        position: among the findings of the file, from 1; those that could not be read count too.
        kind: of problem; as written, like all up to `patients`.
        truth: what was planted there; None where nothing was.
        oddity: the harmless peculiarity that the claim took for a problem, or "".
        points: earned automatically, of `most`.
        rubric: by which a person scores the reasons; empty where nothing was planted, or an
            earlier claim named it.
    """

    position: int
    kind: str
    column: str
    site: str
    since: str
    until: str
    number: str
    decision: str
    why: str
    patients: str
    truth: str | None
    oddity: str = ""
    points: float = 0.0
    most: float = 0.0
    rubric: tuple[Criterion, ...] = ()


@dataclass(frozen=True)
class Missed:
    """A planted problem that no claim names, with the rubric that a claim would have been given."""

    kind: str
    truth: str
    rubric: tuple[Criterion, ...] = ()


@dataclass(frozen=True)
class Graded:
    """A whole submission, graded.

    Attributes:
        candidate: the name of the candidate's folder.
        seed: from which the inputs of this grading were made; it stays with the interviewer.
        tasks: in the order of the assignment.
        findings: points of the claims; `claims` and `missed` show them one by one.
        risks: points of `risks.csv`.
        letter: `LETTER.md`, or "".
        letter_rubric: by which a person scores the letter.
        ignored: files of the archive that are not taken, or differ from what was handed out.
        command: that gives the same points again.
    """

    candidate: str
    seed: int
    tasks: tuple[GradedTask, ...]
    findings: Scored
    risks: Scored
    letter: str
    claims: tuple[ClaimView, ...]
    missed: tuple[Missed, ...]
    letter_rubric: tuple[Criterion, ...]
    ignored: tuple[str, ...]
    command: str

    @property
    def sections(self) -> tuple[tuple[str, Scored], ...]:
        """All that has points, with its title: the tasks, the findings and the risks."""
        tasks = [(f"{i}. {task.title}", task.scored) for i, task in enumerate(self.tasks, 1)]
        return (*tasks, ("Findings", self.findings), ("Risks for the ward", self.risks))

    @property
    def points(self) -> float:
        """Earned automatically, without the letter and the reasons."""
        return sum(scored.points for _, scored in self.sections)

    @property
    def most(self) -> float:
        """That can be earned automatically."""
        return sum(scored.most for _, scored in self.sections)
