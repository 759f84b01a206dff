"""practice: questions as an interviewer asks them, timed, with good answers and a log."""

from __future__ import annotations

import contextlib
import math
import random
import shutil
import time

from risk_model.app.flags import FlagParser
from risk_model.core.errors import UserError
from risk_model.core.files import user_path
from risk_model.lesson.practice.candidates import AtTerminal, Candidate, read_answers
from risk_model.lesson.practice.log import LOG, check_writable, read
from risk_model.lesson.practice.order import ordered
from risk_model.lesson.practice.questions import CONCERNS, questions
from risk_model.lesson.practice.session import play

STOPPED = 130  # the exit code of Ctrl-C


def practice(arguments: list[str]) -> int:
    """Plays one session at the terminal, or with answers from a file; returns the exit code."""
    parser = FlagParser("practice")
    parser.add_argument("--minutes", type=float, default=3.0, help="for each answer (default: 3)")
    only = "questions of one concern only"
    parser.add_argument("--concern", choices=CONCERNS, help=only)
    number = "how many are asked (default: 5, one of each kind unless some were missed before)"
    parser.add_argument("--questions", type=int, default=5, metavar="N", help=number)
    again = "the same questions in the same order, as long as the log is the same"
    parser.add_argument("--seed", type=int, metavar="N", help=again)
    file = "a TOML file of answers instead of the keyboard: docs/lesson.md"
    parser.add_argument("--answers", type=user_path, metavar="FILE", help=file)
    flags = parser.parse_args(arguments)
    if not 0 < flags.minutes < math.inf:
        raise UserError(f"practice: --minutes {flags.minutes:g}: must be above 0")
    if flags.questions < 1:
        raise UserError(f"practice: --questions {flags.questions}: must be at least 1")
    check_writable(LOG)
    rng = random.Random(flags.seed)  # noqa: S311 - chooses questions
    asked = ordered(questions(flags.concern), read(LOG), rng)[: flags.questions]
    candidate: Candidate = AtTerminal(input, print, time.monotonic)
    if flags.answers:
        candidate = read_answers(flags.answers, asked)
    _edit_lines()
    session = play(asked, candidate, flags.minutes, LOG, print, shutil.get_terminal_size().lines)
    return STOPPED if session.interrupted else 0


def _edit_lines() -> None:
    """Lets `input` know arrow keys and take a pasted text whole, where the system can."""
    with contextlib.suppress(ImportError):
        import readline

        readline.parse_and_bind("set enable-bracketed-paste on")
