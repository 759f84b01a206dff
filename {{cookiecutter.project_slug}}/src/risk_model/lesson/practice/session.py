"""A session: ask, time, show a good answer, tick, log; in a plain terminal of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from risk_model.lesson.practice import log
from risk_model.lesson.practice.candidates import Candidate, Given
from risk_model.lesson.practice.checklist import ENOUGH, checklist, points
from risk_model.lesson.practice.log import Attempt
from risk_model.lesson.practice.questions import Part, Question

WIDTH = 78
PACE = 140  # words a minute, spoken
AROUND = 7  # rows of a screen that time, heading and prompt take
Show = Callable[[str], None]


@dataclass(frozen=True)
class Session:
    """What was answered, and whether it was stopped by Ctrl-C."""

    attempts: tuple[Attempt, ...]
    interrupted: bool


def play(
    questions: Sequence[Question],
    candidate: Candidate,
    minutes: float,
    path: Path,
    show: Show,
    rows: int = 24,
) -> Session:
    """Asks the questions until the last, Ctrl-D, Ctrl-C or the end of the file of answers.

    A good answer that is longer than a screen of so many rows is shown in pages.

    Each answer is in the log at `path` once it has been ticked; one that was interrupted is not.
    """
    attempts: list[Attempt] = []
    interrupted = False
    missed = {key for key, attempt in log.latest(log.read(path)).items() if attempt.missed}
    show(_opening(len(questions), minutes))
    try:
        for number, question in enumerate(questions, 1):
            candidate.pause("\nEnter for the question, and the clock starts. ")
            again = ", missed before" if question.key in missed else ""
            show(_heading(f"{number} of {len(questions)}: {question.kind}{again}"))
            attempts.append(_ask(question, candidate, minutes, show, rows))
            log.append(path, attempts[-1])
    except EOFError:
        show("")
    except KeyboardInterrupt:
        interrupted = True
        show("")
    show(_closing(attempts, path))
    return Session(tuple(attempts), interrupted)


def _ask(
    question: Question, candidate: Candidate, minutes: float, show: Show, rows: int
) -> Attempt:
    show(_filled(question.ask))
    given = candidate.answer()
    show(_filled(time_used(given, minutes)))
    show(_heading("a good answer"))
    first, *others = _pages(list(map(_paragraph, question.good)), rows - AROUND)
    show(first)
    for page in others:
        candidate.pause("\nEnter for more. ")
        show(page)
    candidate.pause("\nEnter for the checklist. ")
    show(_checklist(question))
    names = list(points(question))
    ticked = tuple(names[i - 1] for i in candidate.ticks(len(names)))
    attempt = Attempt(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        question=question.key,
        allowed_seconds=minutes * 60,
        seconds=given.seconds,
        words=len(given.text.split()),
        answer=given.text,
        ticked=ticked,
    )
    show(_filled(_verdict(attempt)))
    return attempt


def _opening(number: int, minutes: float) -> str:
    asked = f"{number} question{'s' * (number != 1)}, {_clock(minutes * 60)} for each answer."
    how = (
        "Speak your answer and press Enter when you have ended; or type it, and end it with an "
        "empty line or a single dot. Then compare it with a good one and tick what it held. "
        f"With fewer than {ENOUGH} of the six points a question counts as missed and is asked "
        "again first. Ctrl-D ends the practice; what was ticked is kept."
    )
    return _filled(f"{asked} {how}")


def time_used(given: Given, minutes: float) -> str:
    """What the clock says of an answer, and of a typed one how long it would be spoken."""
    allowed, words = minutes * 60, len(given.text.split())
    said = []
    if given.seconds is not None:
        typed = ", typed" if words else ""
        over = given.seconds - allowed
        late = f", {_clock(over)} too long" if over > 0 and not words else ""
        said.append(f"Time: {_clock(given.seconds)} of {_clock(allowed)}{typed}{late}.")
    if words:
        aloud = words / PACE * 60
        late = f", {_clock(aloud - allowed)} too long" if aloud > allowed else ""
        number = f"{words} word{'s' * (words != 1)}"
        said.append(f"{number}: {_clock(aloud)} spoken, at {PACE} a minute{late}.")
    return " ".join(said) or "Spoken, and not timed."


def _checklist(question: Question) -> str:
    lists = {"your answer": checklist().answer}
    if len(points(question)) > len(checklist().answer):
        lists["clinical bonus: did you mention ..."] = checklist().clinical
    lines, number = [], 0
    for title, own in lists.items():
        lines.append(_heading(title))
        for text in own.values():
            number += 1
            lines.append(_filled(text, f"{number:3}  "))
    return "\n".join(lines)


def _verdict(attempt: Attempt) -> str:
    of_answer, of_bonus = (
        len(own.keys() & set(attempt.ticked)) for own in (checklist().answer, checklist().clinical)
    )
    bonus = f" and {of_bonus} bonus point{'s' * (of_bonus != 1)}" if of_bonus else ""
    end = "missed, it will be asked again first" if attempt.missed else "passed"
    return f"{of_answer} of {len(checklist().answer)}{bonus}: {end}."


def _closing(attempts: Sequence[Attempt], path: Path) -> str:
    if not attempts:
        return "No answer was ticked, so nothing was logged."
    missed = [attempt.question for attempt in attempts if attempt.missed]
    again = f" ({'; '.join(missed)})" if missed else ""
    answers = f"{len(attempts)} answer{'s' * (len(attempts) != 1)}"
    return _filled(f"{answers} logged in {path}, {len(missed)} missed{again}.")


def _heading(title: str) -> str:
    return f"\n--- {title} ".ljust(WIDTH, "-")


def _paragraph(part: Part) -> str:
    label = part.label[:1].upper() + part.label[1:]
    code = f"\n\n{textwrap.indent(part.code, '    ')}" if part.code else ""
    return f"{_filled(f'{label}: {part.text}')}{code}"


def _pages(paragraphs: Sequence[str], rows: int) -> list[str]:
    """The paragraphs in pages of so many rows at most; a longer one has a page of its own."""
    pages: list[str] = []
    for text in paragraphs:
        longer = f"{pages[-1]}\n\n{text}" if pages else text
        if pages and longer.count("\n") < rows:
            pages[-1] = longer
        else:
            pages.append(text)
    return pages


def _filled(text: str, start: str = "") -> str:
    indent = " " * len(start)
    words = " ".join(text.split())
    return textwrap.fill(
        words, WIDTH, initial_indent=start, subsequent_indent=indent, break_on_hyphens=False
    )


def _clock(seconds: float) -> str:
    """Minutes and seconds, rounded down: 2:05."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
