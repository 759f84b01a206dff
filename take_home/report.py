"""The pages: one for the interviewer, one for the candidate, and the points for Gradescope.

The candidate's page is filled from a view that holds points and sentences and nothing else, so that
no change of its template can show the truth, the seed or what the reference does.
"""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from risk_model.core.files import write_atomically
from take_home.change_requests import FINDINGS, change_requests
from take_home.graded import Graded
from take_home.gradescope import results
from take_home.questions import questions
from take_home.score import Scored
from take_home.source import excerpt
from take_home.untrusted import cut, cut_start, visible

PAGES = Path(__file__).parent / "pages"
INTERVIEWER, CANDIDATE, RESULTS = "interviewer.html", "candidate.html", "results.json"
MOST = 20_000  # characters of any one text on a page


@dataclass(frozen=True)
class Line:
    """A part as the candidate sees it."""

    name: str
    points: float
    most: float
    sentence: str


@dataclass(frozen=True)
class Section:
    """A task, the findings or the risks as the candidate sees them."""

    title: str
    points: float
    most: float
    lines: tuple[Line, ...]
    mistakes: tuple[str, ...]

    @property
    def reason(self) -> str:
        """What cost points first; "" with all of them."""
        lost = [line.sentence for line in self.lines if line.points < line.most]
        return next(iter([*self.mistakes, *lost]), "")


@dataclass(frozen=True)
class CandidateView:
    """Everything that the candidate's page may hold."""

    candidate: str
    points: float
    most: float
    sections: tuple[Section, ...]
    ignored: tuple[str, ...]


def write(folder: Path, graded: Graded) -> tuple[Path, ...]:
    """Writes interviewer.html, candidate.html and results.json, each in one step.

    All three are made before the first is written, so a mistake leaves the old ones.

    Returns:
        Where they stand, in that order.

    Raises:
        UserError: the texts of the questions or change requests cannot be read.
        KeyError: a task has no change request.
        ValueError: points that are no number.
    """
    contents = {
        INTERVIEWER: interviewer_page(graded),
        CANDIDATE: candidate_page(graded),
        RESULTS: json.dumps(results(graded), indent=1, allow_nan=False) + "\n",
    }
    for name, content in contents.items():
        write_atomically(folder / name, content.encode())
    return tuple(folder / name for name in contents)


def interviewer_page(graded: Graded) -> str:
    """The page with the truth: evidence, questions and change requests."""
    requests = change_requests()
    return _page(
        "interviewer.html.j2",
        graded=graded,
        overview=candidate_view(graded).sections,
        questions=questions(graded),
        requests={task.scored.name: requests[task.scored.name] for task in graded.tasks},
        request_of_findings=requests[FINDINGS],
        written={t.scored.name: excerpt(t.submitted, t.functions) for t in graded.tasks},
        by_person=_by_person(graded),
    )


def candidate_page(graded: Graded) -> str:
    """The page with points and sentences alone."""
    return _page("candidate.html.j2", view=candidate_view(graded))


def candidate_view(graded: Graded) -> CandidateView:
    """What a candidate may read of the grading."""
    sections = tuple(_section(title, scored) for title, scored in graded.sections)
    return CandidateView(graded.candidate, graded.points, graded.most, sections, graded.ignored)


def _section(title: str, scored: Scored) -> Section:
    lines = tuple(Line(p.name, p.points, p.most, p.sentence) for p in scored.parts)
    return Section(title, scored.points, scored.most, lines, scored.mistakes)


def _by_person(graded: Graded) -> int:
    """The points that a person can give: the best level of every criterion, missed ones too."""
    rubrics = [claim.rubric for claim in graded.claims] + [each.rubric for each in graded.missed]
    criteria = [criterion for rubric in rubrics for criterion in rubric] + [*graded.letter_rubric]
    return sum(criterion.most for criterion in criteria)


def _page(template: str, **values: Any) -> str:
    """A page that holds its style; a policy in it lets no script run and nothing be loaded."""
    base = (files("risk_model.reporting") / "report.css").read_text(encoding="utf-8")
    css = base + (PAGES / "page.css").read_text(encoding="utf-8")
    digest = b64encode(sha256(css.encode()).digest()).decode()
    environment = Environment(
        loader=FileSystemLoader(PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        finalize=_printed,
    )
    environment.filters |= {"cut": cut, "cut_start": cut_start, "points": _points}
    style = Markup(css)  # noqa: S704 the template's own files
    return environment.get_template(template).render(css=style, digest=digest, **values)


def _printed(value: Any) -> Any:
    """Every value on its way to the page: no text comes past here unseen or without end."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return visible(cut(value, MOST))
    return value


def _points(value: float) -> str:
    return f"{value:.1f}"
