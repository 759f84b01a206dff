"""Is what practice asks complete, and does what its good answers name exist?"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from risk_model.app.command_table import COMMANDS, Command
from risk_model.app.hydra_settings import run_with_settings
from risk_model.config import FIRST_SOURCE, NETWORKS, SOURCES, Config, Model
from risk_model.config.bounds import check_settings
from risk_model.core.errors import UserError
from risk_model.core.optional import module_exists
from risk_model.lesson.concepts.cards import Card, cards
from risk_model.lesson.practice import questions as module
from risk_model.lesson.practice.design_cases import Case, Choice, cases
from risk_model.lesson.practice.questions import (
    CONCERNS,
    KINDS,
    Question,
    questions,
    traps,
    unknowns,
)
from risk_model.lesson.traps import TRAPS

DOCS = Path(__file__).parents[2] / "docs"
CASES = list(cases())
SPOKEN = 420  # words in three minutes
QUOTES = "''"  # no text, in YAML
COLUMNS = 76  # of a line of code, with the indent 80
# what good answers quote of this project's own figures, and where it stands
QUOTED = [
    ("breast_ultrasound", "model", ".89 to .92", "imaging.md"),
    ("breast_ultrasound", "model", ".84 to .87", "imaging.md"),
    ("emergency_triage", "model", ".97", "text.md"),
    ("emergency_triage", "model", ".75", "text.md"),
]


def choices(case: Case) -> dict[str, Choice]:
    return {concern: getattr(case, concern) for concern in CONCERNS}


def is_here(case: Case) -> bool:
    return case.modality == "tabular" or module_exists(f"config.{case.modality}")


def lines(shell: str) -> list[list[str]]:
    """The words of each line, as a shell takes them."""
    whole = shell.replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in whole if line.strip()]


def run_of(name: str) -> list[str]:
    """The settings of a case's five concerns together, as words after `run`."""
    return [w for c in choices(cases()[name]).values() for line in lines(c.settings) for w in line]


CASES_HERE = [name for name in CASES if is_here(cases()[name])]
# each once, of the cases whose data this project reads
COMMANDS_NAMED = sorted(
    {
        shlex.join(line)
        for name in CASES_HERE
        for choice in choices(cases()[name]).values()
        for line in lines(choice.commands)
    }
)


def settings_of(words: list[str]) -> Config:
    """The typed settings of overrides, in milliseconds; the slow tests take Hydra's second."""
    pairs = dict(word.split("=", 1) for word in words)
    source = SOURCES[pairs.pop("data", FIRST_SOURCE)]
    network = NETWORKS[pairs.pop("model/network", source.network)]
    typed = OmegaConf.structured(Config(data=source(), model=Model(network=network())))
    own = OmegaConf.from_dotlist([f"{key}={value or QUOTES}" for key, value in pairs.items()])
    settings = OmegaConf.to_object(OmegaConf.merge(typed, own))
    assert isinstance(settings, Config)
    check_settings(settings)
    return settings


def composed(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads a command's words as the command line does; nothing is run."""
    taken: list[Config] = []
    monkeypatch.setattr(Command, "load", lambda _: taken.append)
    run_with_settings(COMMANDS[words[0]], words[1:])
    assert taken


def named(kind: str) -> dict[str, Question]:
    return {q.name: q for q in questions() if q.kind == kind}


def words_of(question: Question) -> int:
    return sum(len(part.text.split()) for part in question.good)


def test_there_are_enough_cases_and_every_modality_has_some() -> None:
    assert len(CASES) >= 12
    modalities = Counter(case.modality for case in cases().values())
    assert min(modalities.values()) >= 3
    assert len(modalities) == 4


@pytest.mark.parametrize("name", CASES)
def test_a_good_design_is_spoken_in_three_minutes_and_says_how_each_concern_is_done(
    name: str,
) -> None:
    case = cases()[name]
    assert 180 <= sum(len(c.answer.split()) for c in choices(case).values()) <= 380
    for concern, choice in choices(case).items():
        assert lines(choice.settings) or lines(choice.commands), concern
        shown = [*choice.settings.splitlines(), *choice.commands.splitlines()]
        assert max(map(len, shown)) <= COLUMNS


@pytest.mark.parametrize("name", CASES)
def test_a_design_says_what_this_project_does_not_do(name: str) -> None:
    said = " ".join(cases()[name].deployment.answer.split())
    assert re.search("the project leaves (this )?to you", said)


@pytest.mark.parametrize("name", CASES_HERE)
def test_the_settings_of_a_case_exist_and_its_threshold_lies_within_its_range(name: str) -> None:
    decision = settings_of(run_of(name)).data.decision
    assert decision.threshold_low <= 1 / (1 + decision.harm_ratio) <= decision.threshold_high
    assert decision.reason


@pytest.mark.parametrize("line", COMMANDS_NAMED)
def test_the_commands_that_cases_name_exist_and_take_these_words(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command, *rest = shlex.split(line)
    assert command in COMMANDS
    flags = {word for word in rest if word.startswith("-")}
    if not COMMANDS[command].flags:
        settings_of(rest)
    elif flags:
        with pytest.raises(SystemExit):
            COMMANDS[command].load()(["--help"])
        assert flags <= set(re.findall(r"--[a-z-]+", capsys.readouterr().out))


@pytest.mark.parametrize("word", ["training.patients=4", "training.epochs=many", "seed=-1"])
def test_a_setting_that_is_gone_or_makes_no_sense_would_be_noticed(word: str) -> None:
    with pytest.raises((OmegaConfBaseException, UserError)):
        settings_of([word])


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES_HERE)
def test_the_command_line_reads_the_run_of_a_case(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    composed(["run", *run_of(name)], monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("line", COMMANDS_NAMED)
def test_the_command_line_reads_the_commands_of_cases(
    line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = shlex.split(line)
    if not COMMANDS[words[0]].flags:
        composed(words, monkeypatch)


@pytest.mark.parametrize(("name", "concern", "figure", "page"), QUOTED)
def test_a_figure_that_a_case_quotes_stands_where_it_was_measured(
    name: str, concern: str, figure: str, page: str
) -> None:
    assert figure in getattr(cases()[name], concern).answer
    if (DOCS / page).is_file():
        assert figure in (DOCS / page).read_text(encoding="utf-8")


def test_every_trap_has_its_question_and_every_question_its_trap() -> None:
    assert set(traps()) == set(TRAPS)


@pytest.mark.parametrize("name", [name for name in traps() if name in TRAPS])
def test_the_damage_of_a_trap_is_what_was_measured(name: str) -> None:
    measured = (DOCS / "traps.md").read_text(encoding="utf-8")
    figures = re.findall(r"(?<!\d)\.\d+", traps()[name].damage)
    assert [figure for figure in figures if figure not in measured] == []


@pytest.mark.parametrize("name", list(traps()))
def test_a_trap_is_told_in_three_parts_and_names_its_command(name: str) -> None:
    question = named("trap")[name]
    assert [p.label for p in question.good] == ["what goes wrong", "by how much", "the guard"]
    assert 60 <= words_of(question) <= SPOKEN
    assert question.good[1].code == f"traps {name}"


def test_unknown_questions_have_no_card() -> None:
    known = {n for name, card in cards().items() for n in (name, card.title, *card.aliases)}
    plain = {re.sub(r"[\W_]+", "", name.casefold()) for name in known}
    assert len(unknowns()) >= 8
    assert [name for name in unknowns() if name.replace("_", "") in plain] == []


@pytest.mark.parametrize("name", list(unknowns()))
def test_an_unknown_question_is_answered_in_the_four_steps(name: str) -> None:
    question = named("unknown")[name]
    assert [part.label for part in question.good] == [
        "what I know",
        "first principles",
        "a related example",
        "the gap, and why it matters",
    ]
    assert 100 <= words_of(question) <= SPOKEN
    assert re.search(r"\bI (have|do|would|cannot|could)\b", question.good[3].text)


def test_a_concept_is_told_in_the_lessons_order_and_a_clinician_hears_four_sentences() -> None:
    concept, simple = named("concept")["dropout"], named("explain to a clinician")["dropout"]
    card = cards()["dropout"]
    assert [part.label for part in concept.good] == [
        "principle",
        "reason",
        "example",
        "pitfall",
        "for patients",
    ]
    assert [part.text for part in concept.good] == [
        card.what,
        card.why,
        card.how,
        card.pitfall,
        card.patients,
    ]
    assert concept.good[2].code == card.snippet.strip()
    assert [part.text for part in simple.good] == list(vars(card.clinician).values())


def test_each_kind_is_asked_and_no_two_questions_share_a_key() -> None:
    everything = questions()
    assert {q.kind for q in everything} == set(KINDS)
    assert len({q.key for q in everything}) == len(everything)
    assert len(named("concept")) == len(cards()) == len(named("explain to a clinician"))


@pytest.mark.parametrize("concern", CONCERNS)
def test_of_one_concern_only_its_questions_come_and_of_a_design_that_part(concern: Any) -> None:
    asked = questions(concern)
    concerns: dict[str, Card] = {n: c for n, c in cards().items() if c.concern == concern}
    assert {q.name for q in asked if q.kind == "concept"} == set(concerns)
    designs = [q for q in asked if q.kind == "design"]
    assert len(designs) == len(CASES)
    for question in designs:
        assert question.good[0].label == concern
        assert not {part.label for part in question.good[1:]} & set(CONCERNS)
        assert question.ask.endswith(f"alone: {concern}.")
    assert {q.kind for q in asked} >= {"design", "unknown"}


@pytest.mark.parametrize("here", [True, False])
def test_a_case_of_another_modality_says_that_its_settings_are_not_of_this_project(
    here: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "module_exists", lambda name: here)
    labels = {q.name: [part.label for part in q.good] for q in questions() if q.kind == "design"}
    for name, case in cases().items():
        absent = case.modality != "tabular" and not here
        assert ("not in this project" in labels[name]) == absent
