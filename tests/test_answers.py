"""The answers: each that cannot be used is refused in one clear line, with nothing left behind."""

from __future__ import annotations

import importlib.metadata
import json
import re
import tomllib
from pathlib import Path

import pre_gen_project as hook
import pytest
from cookiecutter.exceptions import FailedHookException, OutputDirExistsException
from jinja2 import TemplateSyntaxError

from tests.conftest import QUESTIONS, ROOT, TREE, Bake

REFUSED = {
    "a keyword": ("project_slug", "class", "is a Python keyword"),
    "a soft keyword": ("project_slug", "match", "is a Python keyword"),
    "a module of the standard library": ("project_slug", "statistics", "standard library"),
    "the standard library's tests": ("project_slug", "test", "standard library"),
    "a module of another Python": ("project_slug", "annotationlib", "standard library"),
    "a module that later Pythons lack": ("project_slug", "distutils", "standard library"),
    "a module that Python starts with": ("project_slug", "site", "standard library"),
    "a module that Python starts with, of the user": (
        "project_slug",
        "sitecustomize",
        "something the project uses",
    ),
    "a device of Windows": ("project_slug", "con", "Windows"),
    "another device of Windows": ("project_slug", "lpt1", "Windows"),
    "a device of Windows, in capitals": ("project_slug", "NUL", "lower-case"),
    "a folder that git ignores": ("project_slug", "audit", "something the project uses"),
    "a folder of packages": ("project_slug", "dist", "something the project uses"),
    "a folder of MLflow": ("project_slug", "mlruns", "something the project uses"),
    "an installer": ("project_slug", "setuptools", "something the project uses"),
    "a word of the shell": ("project_slug", "time", "standard library"),
    "a command of the shell": ("project_slug", "printf", "command of the shell"),
    "an underline alone": ("project_slug", "_", "lower-case"),
    "a private name": ("project_slug", "_icu", "lower-case"),
    "a dependency": ("project_slug", "torch", "something the project uses"),
    "a dependency's distribution": ("project_slug", "scikit-learn", "something the project uses"),
    "a word of the project's layout": ("project_slug", "risk", "something the project uses"),
    "capital letters": ("project_slug", "ICU", "lower-case"),
    "a space": ("project_slug", "icu risk", "lower-case"),
    "a leading digit": ("project_slug", "30-day-risk", "lower-case"),
    "a leading hyphen": ("project_slug", "-risk", "lower-case"),
    "a dot": ("project_slug", "icu.risk", "lower-case"),
    "accents in the slug": ("project_slug", "müller", "lower-case"),
    "a trailing line break in the slug": ("project_slug", "icu-risk\n", "lower-case"),
    "one letter": ("project_slug", "x", "use 3 to 32"),
    "a slug too long": ("project_slug", "very-" * 20 + "long", "use 3 to 32"),
    "a double quote": ("description", 'the "best" model', "quotation mark"),
    "a backslash": ("description", "C:\\models", "reverse solidus"),
    "a line break": ("description", "one\ntwo", "U+000A"),
    "a tab": ("author", "Ada\tLovelace", "U+0009"),
    "an escape sequence": ("author", "\x1b[31mAda", "U+001B"),
    "emoji": ("project_name", "Sepsis 🚑", "ambulance"),
    "an old emoji": ("project_name", "I ❤ ICU", "heavy black heart"),
    "a lone surrogate": ("author", "Ada \ud800", "U+D800"),
    "a change of writing direction": ("author", "Ada \u202e", "right-to-left override"),
    "a line separator": ("description", "one\u2028two", "line separator"),
    "braces of a template": ("description", "of {" + "% raw", "look like a template"),
    "nothing": ("author", "", "is empty"),
    "only spaces": ("author", "   ", "is empty"),
    "a leading space": ("description", " of death", "begins or ends with a space"),
    "a trailing space": ("author", "Ada ", "begins or ends with a space"),
    "a name too long": ("project_name", "x" * 61, "use at most 60"),
    "a description too long": ("description", "x" * 201, "use at most 200"),
}
WELCOME = {
    "an umlaut": {"author": "Jürgen Müller"},
    "a Chinese name": {"author": "李小龙"},
    "a rare ideograph": {"author": "𠮷野"},
    "an apostrophe": {
        "author": "Siobhán O'Brien",
        "description": "Alzheimer's disease within five years",
    },
    "triple apostrophes": {"description": "an '''odd''' text"},
    "a Persian name with a joiner": {"author": "نیک\u200cپی"},
    "symbols of the trade": {"description": "BNP ≥ 400 ng/l & age > 65 at 37 °C; µg, ±2 %, #1 <b>"},
    "a shell's symbols": {"description": "$(rm -rf ~) `id` $HOME; true"},
    "a name in Chinese": {"project_name": "重症风险"},
}


def answered(**changed: str) -> dict[str, str]:
    """The default answers, as the hook receives them, with these changed."""
    answers = {
        "project_name": "Risk of sepsis",
        "project_slug": "sepsis-risk",
        "description": "Of sepsis",
        "author": "Ada",
    }
    answers |= changed
    return answers | {"__package": answers["project_slug"].replace("-", "_")}


@pytest.mark.parametrize(("question", "answer", "reason"), REFUSED.values(), ids=REFUSED)
def test_an_unusable_answer_is_named_with_its_remedy(
    question: str, answer: str, reason: str
) -> None:
    [line] = hook.problems(answered(**{question: answer}))
    assert line.startswith(f"  {question}: ")
    assert reason in line
    assert line.isprintable()


@pytest.mark.parametrize("answers", WELCOME.values(), ids=WELCOME)
def test_an_unusual_answer_works(bake: Bake, answers: dict[str, str]) -> None:
    project = bake(**answers)
    settings = tomllib.loads(project.read("pyproject.toml"))["project"]
    assert settings["description"] == answers.get("description", QUESTIONS["description"])
    assert settings["authors"][0]["name"] == answers.get("author", QUESTIONS["author"])
    assert answers.get("author", "") in project.read("LICENSE")


def test_all_problems_are_told_at_once_and_nothing_is_left_behind(
    bake: Bake, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    answers = {
        "project_slug": "class",
        "description": 'a "quoted" text',
        "author": "🙂",
        "project_name": "a\\b",
    }
    with pytest.raises(FailedHookException):
        bake(**answers)
    told = capfd.readouterr().err
    assert [name for name in answers if f"  {name}: " in told] == list(answers)
    assert "Traceback" not in told.split("author")[0]
    assert list((tmp_path / "baked").iterdir()) == []


@pytest.mark.parametrize(("question", "answer", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_refused_bake_leaves_no_file(
    bake: Bake, tmp_path: Path, question: str, answer: str, reason: str
) -> None:
    with pytest.raises((FailedHookException, TemplateSyntaxError)):
        bake(**{question: answer})
    assert [p for p in (tmp_path / "baked").rglob("*") if p.is_file()] == []


def test_a_choice_that_is_not_offered_is_refused(bake: Bake, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="choices are"):
        bake(licence="GPL")
    assert not (tmp_path / "baked").exists()


def test_an_existing_directory_is_named_and_left_alone(bake: Bake, tmp_path: Path) -> None:
    mine = tmp_path / "baked" / "sepsis-risk" / "notes.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(OutputDirExistsException, match=r"sepsis-risk.*already exists"):
        bake(project_slug="sepsis-risk")
    assert [p.name for p in mine.parent.iterdir()] == ["notes.txt"]


def pinned() -> set[str]:
    """Names of the distributions that a project installs."""
    return set(
        re.findall(r"^([a-z0-9-]+)==", (TREE / "constraints.txt").read_text(), flags=re.MULTILINE)
    )


@pytest.mark.parametrize("distribution", sorted(pinned()))
def test_no_project_can_take_the_name_of_what_it_installs(distribution: str) -> None:
    assert hook.package_problem(distribution.replace("-", "_"))


def test_no_project_can_hide_a_module_that_it_installs() -> None:
    provided = importlib.metadata.packages_distributions()
    modules = [
        module
        for module, distributions in provided.items()
        if {re.sub(r"[-_.]+", "-", name).lower() for name in distributions} & pinned()
    ]
    public = [module for module in modules if hook.SLUG.fullmatch(module)]
    assert len(public) > 100
    assert [module for module in public if not hook.package_problem(module)] == []


def test_no_project_can_take_a_name_that_its_own_tree_uses() -> None:
    ignored = (TREE / ".gitignore").read_text(encoding="utf-8").splitlines()
    names = {line.strip("/*") for line in ignored} | {path.name for path in TREE.iterdir()}
    names = {name for name in names if hook.SLUG.fullmatch(name)}
    assert names >= {"audit", "runs", "build", "src", "docs", "licences"}
    assert [name for name in names if not hook.slug_problem(name)] == []


def test_there_are_at_most_eight_questions_with_plain_labels() -> None:
    context = json.loads((ROOT / "cookiecutter.json").read_text())
    labels = context["__prompts__"]
    assert len(QUESTIONS) <= 8
    assert labels.keys() == QUESTIONS.keys()
    assert "[" not in str(labels), "Rich would swallow what stands in square brackets"
    for question, choices in QUESTIONS.items():
        if isinstance(choices, list):
            assert labels[question].keys() == {"__prompt__", *choices}
