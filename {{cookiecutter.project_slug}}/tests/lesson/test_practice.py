"""A session of practice: asked, timed, compared, ticked, logged, and ended at any moment."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from risk_model.app.cli import main
from risk_model.app.commands import practice as command
from risk_model.core.errors import UserError
from risk_model.lesson.practice import log
from risk_model.lesson.practice.candidates import (
    AtTerminal,
    FileAnswer,
    FromFile,
    Given,
    parse_ticks,
    read_answers,
)
from risk_model.lesson.practice.checklist import ENOUGH, checklist, points
from risk_model.lesson.practice.log import LOG, Attempt
from risk_model.lesson.practice.order import ordered
from risk_model.lesson.practice.questions import KINDS, Part, Question, questions
from risk_model.lesson.practice.session import Session, play, time_used

SIX = tuple(checklist().answer)
CONCEPT = Question("concept", "dropout", "Explain dropout.", (Part("principle", "It drops."),))
DESIGN = Question("design", "sepsis", "Design it.", (Part("data", "Rows.", "run data=csv"),))
Line = str | type[BaseException]


@dataclass
class Played:
    """What a session at a made-up terminal did: its end, its log, and the screen."""

    session: Session
    attempts: list[Attempt]
    screen: str


@dataclass
class Keyboard:
    """Lines to be typed, each after so many seconds; an exception's type is raised instead."""

    lines: Iterator[Line]
    seconds_a_line: float
    time: float = 0.0
    screen: list[str] = field(default_factory=list)

    def read(self, prompt: str) -> str:
        self.screen.append(prompt)
        self.time += self.seconds_a_line
        line = next(self.lines)
        if not isinstance(line, str):
            raise line
        return line


def at_terminal(
    lines: list[Line], path: Path, asked: tuple[Question, ...] = (CONCEPT,), seconds: float = 10.0
) -> Played:
    keyboard = Keyboard(iter(lines), seconds)
    candidate = AtTerminal(keyboard.read, keyboard.screen.append, lambda: keyboard.time)
    session = play(asked, candidate, 3.0, path, keyboard.screen.append)
    return Played(session, log.read(path), "\n".join(keyboard.screen))


def attempt(key: str, ticks: int) -> Attempt:
    return Attempt("2024-05-01T10:00:00+00:00", key, 180.0, 60.0, 0, "", SIX[:ticks])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A log that is not there yet, in a folder that is not there either."""
    return tmp_path / "generated" / "practice.jsonl"


@pytest.mark.parametrize("end", ["", "  ", ".", " . "])
def test_a_typed_answer_ends_with_an_empty_line_or_a_dot_and_is_timed(end: str, path: Path) -> None:
    played = at_terminal(["", "It drops units", "in training.", end, "", "1 2 3 4 6"], path)
    assert played.attempts == list(played.session.attempts)
    [logged] = played.attempts
    assert logged.answer == "It drops units\nin training."
    assert (logged.seconds, logged.words) == (30.0, 5)
    assert logged.ticked == ("defined", "mechanism", "example", "pitfall", "short")
    assert "Time: 0:30 of 3:00, typed. 5 words: 0:02 spoken, at 140 a minute." in played.screen
    assert "5 of 6: passed." in played.screen
    assert "1 answer logged in" in played.screen.replace("\n", " ")


def test_a_spoken_answer_is_an_empty_line_and_its_time_is_all_that_is_known(path: Path) -> None:
    played = at_terminal(["", "", "", "none"], path, seconds=185.0)
    [logged] = played.attempts
    assert (logged.answer, logged.words, logged.seconds) == ("", 0, 185.0)
    assert "Time: 3:05 of 3:00, 0:05 too long." in played.screen
    assert "words" not in played.screen
    assert logged.ticked == ()
    assert logged.missed


def test_the_clock_starts_after_the_question_was_asked_for(path: Path) -> None:
    keyboard = Keyboard(iter(["", "", "", "all"]), 100.0)
    candidate = AtTerminal(keyboard.read, keyboard.screen.append, lambda: keyboard.time)
    play([CONCEPT], candidate, 3.0, path, keyboard.screen.append)
    [logged] = log.read(path)
    assert logged.seconds == 100.0  # of 400 at the keyboard
    shown = keyboard.screen.index("Explain dropout.")
    assert "Enter for the question" in keyboard.screen[shown - 2]
    assert keyboard.screen[shown + 1] == "> "


def test_the_good_answer_comes_after_the_own_one_and_before_the_checklist(path: Path) -> None:
    screen = at_terminal(["", "mine", "", "", "all"], path).screen
    order = ["Explain dropout.", "> ", "Time:", "Principle: It drops.", "  6  Did I stay", "6 of 6"]
    places = [screen.index(text) for text in order]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Given("", 59.9), "Time: 0:59 of 3:00."),
        (Given("", 200.0), "Time: 3:20 of 3:00, 0:20 too long."),
        (
            Given("word " * 140, 600.0),
            "Time: 10:00 of 3:00, typed. 140 words: 1:00 spoken, at 140 a minute.",
        ),
        (Given("word " * 490, None), "490 words: 3:30 spoken, at 140 a minute, 0:30 too long."),
        (Given("", None), "Spoken, and not timed."),
    ],
)
def test_the_time_used_stands_beside_the_minutes_allowed(given: Given, said: str) -> None:
    assert time_used(given, 3.0) == said


@pytest.mark.parametrize("typed", ["", "7", "0", "1 2 x", "one", "1-3", "all none", "12"])
def test_ticks_that_make_no_sense_are_asked_for_again(typed: str, path: Path) -> None:
    played = at_terminal(["", "", "", typed, "1,2 , 4"], path)
    assert "Write numbers from 1 to 6" in played.screen
    assert played.attempts[0].ticked == ("defined", "mechanism", "pitfall")


def test_a_design_has_the_clinical_bonus_which_makes_up_for_nothing(path: Path) -> None:
    played = at_terminal(["", "", "", "1 2 3 4 7 8 9 10 11"], path, (DESIGN,))
    [logged] = played.attempts
    assert logged.ticked[4:] == tuple(checklist().clinical)
    assert "4 of 6 and 5 bonus points: missed" in played.screen
    assert "clinical bonus" in played.screen
    assert "    run data=csv" in played.screen
    assert "clinical bonus" not in at_terminal(["", "", "", "all"], path).screen


@pytest.mark.parametrize(("stop", "interrupted"), [(EOFError, False), (KeyboardInterrupt, True)])
@pytest.mark.parametrize(
    "after", [["", "", "", "all"], ["", "", "", "all", ""], ["", "", "", "all", "", "words"]]
)
def test_the_end_comes_at_any_moment_and_what_was_ticked_is_kept(
    after: list[Line], stop: type[BaseException], interrupted: bool, path: Path
) -> None:
    played = at_terminal([*after, stop, stop], path, (CONCEPT, DESIGN))
    assert played.session.interrupted == interrupted
    assert [a.question for a in played.attempts] == ["concept/dropout"]
    assert "1 answer logged in" in played.screen.replace("\n", " ")


def test_a_good_answer_longer_than_the_screen_is_shown_page_by_page(path: Path) -> None:
    parts = tuple(Part(f"part {i}", "word " * 60) for i in range(4))  # five lines each
    long = Question("design", "long", "Design it.", parts)
    for rows, pages in [(80, 1), (24, 2), (12, 4), (5, 4)]:
        lines: list[Line] = [*[""] * (pages + 2), "all"]
        keyboard = Keyboard(iter(lines), 0.0)
        candidate = AtTerminal(keyboard.read, keyboard.screen.append, lambda: 0.0)
        play([long], candidate, 3.0, path, keyboard.screen.append, rows)
        screen = "\n".join(keyboard.screen)
        assert screen.count("Enter for more.") == pages - 1
        assert [screen.count(f"Part {i}: word") for i in range(4)] == [1] * 4


def test_control_d_behind_typed_words_ends_the_answer_and_loses_nothing(path: Path) -> None:
    played = at_terminal(["", "It drops units", EOFError, "", "all"], path)
    assert [a.answer for a in played.attempts] == ["It drops units"]


def test_an_end_before_any_tick_writes_nothing(path: Path) -> None:
    played = at_terminal(["", "an answer", "", "", EOFError], path)
    assert played.attempts == []
    assert not path.exists()
    assert "nothing was logged" in played.screen


def test_the_rule_of_what_is_missed_is_on_the_screen_and_is_kept(path: Path) -> None:
    for ticks in range(7):
        assert attempt("concept/dropout", ticks).missed == (ticks < ENOUGH)
    said = " ".join(at_terminal([EOFError], path).screen.split())
    assert f"With fewer than {ENOUGH} of the six points a question counts as missed" in said


def test_the_missed_come_first_the_longest_ago_first_and_the_passed_last() -> None:
    everything = questions()
    keys = [q.key for q in everything]
    attempts = [
        attempt(keys[5], 6),
        attempt(keys[3], 2),
        attempt(keys[8], 0),
        attempt(keys[1], 1),
        attempt(keys[3], 0),  # again, so later than 8 and 1
        attempt(keys[1], 6),  # and this time passed
        attempt("concept/no longer there", 0),
    ]
    order = [q.key for q in ordered(everything, attempts, random.Random(0))]
    assert order[:2] == [keys[8], keys[3]]
    assert order[-2:] == [keys[5], keys[1]]
    assert sorted(order) == sorted(keys)


def test_a_question_missed_before_is_announced(path: Path) -> None:
    log.append(path, attempt("concept/dropout", 1))
    log.append(path, attempt("design/sepsis", 6))
    played = at_terminal([*["", "", "", "all"] * 2], path, (CONCEPT, DESIGN))
    assert "1 of 2: concept, missed before" in played.screen
    assert "2 of 2: design -" in played.screen


def test_a_fresh_log_gets_one_question_of_each_kind_and_a_seed_the_same_ones() -> None:
    first = ordered(questions(), [], random.Random(7))
    assert [q.kind for q in first[:5]] == list(KINDS)
    assert first == ordered(questions(), [], random.Random(7))
    assert first != ordered(questions(), [], random.Random(8))


@pytest.mark.parametrize("broken", ["{", "[]", "", '{"at": "now"}', '{"at": 1}', "\xff"])
def test_a_broken_line_of_the_log_is_named_with_the_remedy(broken: str, path: Path) -> None:
    log.append(path, attempt("concept/dropout", 3))
    with path.open("ab") as file:
        file.write(f"{broken}\n".encode("latin-1"))
    with pytest.raises(UserError, match=r"practice\.jsonl: line 2 .*; delete that line, or move"):
        log.read(path)


def test_an_attempt_comes_back_from_the_log_as_it_was(path: Path) -> None:
    written = Attempt("2024-05-01T10:00:00+00:00", "trap/leak", 180.0, None, 2, "ä\nb", SIX[:2])
    log.append(path, written)
    log.append(path, written)
    assert log.read(path) == [written, written]
    assert len(path.read_text(encoding="utf-8").splitlines()) == 2


ANSWERS = '[[answers]]\ntext = "It drops."\nticks = [1, 2]\n'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "holds no answer; write for each question"),
        ("answers = []", "holds no answer; write for each question"),
        ("dropout drops", "is no TOML"),
        ("\xff", "is no TOML"),
        ('[[answers]]\ntext = "a"\n', r"answers.0.ticks: Field required; write for each"),
        ('[[answers]]\ntext = "a"\nticks = "all"\n', r"answers.0.ticks: "),
        (ANSWERS + 'extra = "x"\n', r"answers.0.extra: "),
        (ANSWERS.replace("2", "7"), "answer 1: ticks must be numbers from 1 to 6"),
        (ANSWERS * 3, "holds 3 answers for 2 questions; ask more with --questions 3"),
        (None, "cannot be read"),
    ],
)
def test_a_file_of_answers_with_a_mistake_is_refused_in_one_line(
    content: str | None, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "mine.toml"
    if content is not None:
        file.write_bytes(content.encode("latin-1"))
    with pytest.raises(UserError, match=rf"mine\.toml: {said}") as refused:
        read_answers(file, [CONCEPT, DESIGN])
    assert len(str(refused.value).splitlines()) == 1


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory in which the command is run."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_with_answers_from_a_file_a_seed_plays_the_same_session(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "mine.toml").write_text(ANSWERS * 4, encoding="utf-8")
    screens, logs = [], []
    for _ in range(2):
        assert main(["practice", "--seed", "3", "--answers", "mine.toml"]) == 0
        screens.append(capsys.readouterr().out)
        logs.append([a.question for a in log.read(LOG)])
        LOG.unlink()
    assert screens[0] == screens[1]
    assert logs[0] == logs[1]
    assert len(logs[0]) == 4
    assert "4 of 5" in screens[0]
    assert "4 answers logged in generated/practice.jsonl, 4 missed" in screens[0]


def test_what_was_missed_in_one_session_opens_the_next(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    passed = ANSWERS.replace("[1, 2]", "[1, 2, 3, 4, 5, 6]")
    (here / "mine.toml").write_text(passed + ANSWERS + passed, encoding="utf-8")
    main(["practice", "--seed", "3", "--answers", "mine.toml"])
    missed = log.read(LOG)[1].question
    (here / "one.toml").write_text(passed, encoding="utf-8")
    main(["practice", "--questions", "1", "--answers", "one.toml"])
    assert [a.question for a in log.read(LOG)][3:] == [missed]
    assert "missed before" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--minutes", "0"], "--minutes 0: must be above 0"),
        (["--minutes", "inf"], "--minutes inf: must be above 0"),
        (["--minutes", "nan"], "--minutes nan: must be above 0"),
        (["--questions", "0"], "--questions 0: must be at least 1"),
        (["--concern", "magic"], "invalid choice: 'magic'"),
        (["--answers", "gone.toml"], "gone.toml: cannot be read"),
    ],
)
def test_a_flag_that_makes_no_sense_is_refused_and_nothing_is_written(
    words: list[str], said: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["practice", *words]) == 2
    assert said in capsys.readouterr().err
    assert list(here.iterdir()) == []


def test_a_log_that_cannot_be_written_is_refused_before_anybody_answers(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "generated").write_text("a file", encoding="utf-8")
    assert main(["practice"]) == 2
    assert "generated is a file; name a folder" in capsys.readouterr().err


def test_an_empty_log_is_a_log_without_answers(here: Path) -> None:
    LOG.parent.mkdir()
    LOG.touch()
    (here / "one.toml").write_text(ANSWERS, encoding="utf-8")
    assert main(["practice", "--answers", "one.toml"]) == 0
    assert len(log.read(LOG)) == 1


@pytest.mark.parametrize(("stop", "code"), [(EOFError, 0), (KeyboardInterrupt, 130)])
def test_the_command_ends_without_an_error_line(
    stop: type[BaseException],
    code: int,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    keyboard = Keyboard(iter(["", "", "", "none", stop]), 0.0)
    monkeypatch.setattr("builtins.input", keyboard.read)
    monkeypatch.setattr(command, "time", SimpleNamespace(monotonic=lambda: 0.0))
    assert main(["practice", "--concern", "training"]) == code
    assert capsys.readouterr().err == ""
    assert len(log.read(here / LOG)) == 1


def test_input_that_is_no_terminal_ends_the_practice(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("\n" * 9 + "1 2\n"))
    assert main(["practice", "--seed", "0"]) == 0
    [line] = (here / LOG).read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["ticked"] == ["defined", "mechanism"]


def test_no_line_of_prose_is_wider_than_a_terminal_of_eighty_columns(path: Path) -> None:
    everything = questions()
    answers = [FileAnswer("words " * 500, list(range(1, len(points(q)) + 1))) for q in everything]
    screen: list[str] = []
    play(everything, FromFile(answers), 3.0, path, screen.append)
    lines = "\n".join(screen).splitlines()
    prose = [line for line in lines if not line.startswith("    ")]  # code stays as it is
    assert len(prose) > 1_000
    assert max(map(len, prose)) <= 79


def test_ticks_are_sorted_and_counted_once() -> None:
    assert parse_ticks("3 1 3", 6) == [1, 3]
    assert parse_ticks(" ALL ", 11) == list(range(1, 12))
