"""Questions: each asked where its condition holds, shown beside what it is made from, else not."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from take_home import choices, questions
from take_home.graded import Graded, Missed
from take_home.questions import EACH, FILE, Question
from take_home.score import Part, Scored

from tests.take_home.graded_examples import HANDED_OUT, SUBMITTED, TRUTH, claim, graded, task

TEXTS = {text["rule"]: text for text in tomllib.loads(FILE.read_text())["questions"]}
LONG = "\n".join(f"    v{i} = values[{i % 2}] + weight * v{i - 1}" for i in range(1, 12))
REFERENCE = f"def asked(values, weight):\n    v0 = values\n{LONG}\n    return v11\n"


def code(body: str, before: str = "") -> Graded:
    """A submission whose first task has this body."""
    source = before + SUBMITTED.replace("    return np.sum(values * weight) / 2\n", f"    {body}\n")
    return graded(tasks=(task("split", source),))


def claims(*made: Any, **changes: Any) -> Graded:
    return graded(claims=made, **changes)


def risks(points: float) -> Graded:
    return graded(risks=Scored("risks", (Part("slope", points, 5.0, "The slope is low."),)))


def copied(source: str) -> Graded:
    return graded(tasks=(task("split", source, reference=REFERENCE),))


# By rule: a submission in which it must appear, with what it must show; one in which it must not.
EXAMPLES: dict[str, tuple[Graded, str, Graded]] = {
    "unstarted": (
        graded(tasks=(task("split", HANDED_OUT),)),
        "line 6: def asked(values, weight=2.0):",
        code("raise ValueError(values)"),
    ),
    "copied": (
        copied(REFERENCE.replace("values", "rows").replace("weight", "w")),
        "asked: at least 95% of the tokens, names not compared",
        copied(REFERENCE.replace("+ weight *", "- weight[0] /")),
    ),
    "unfinished": (
        code("return values  # TODO ties"),
        "line 8: return values  # TODO ties",
        code('return "TODO"  # done'),
    ),
    "caught": (
        code("try:\n        return 0\n    except Exception:\n        return 1"),
        "line 10: except Exception:",
        code("try:\n        return 0\n    except ValueError:\n        return 1"),
    ),
    "filled": (
        code("return np.clip(values, 0, 1)"),
        "line 8: return np.clip(values, 0, 1)",
        code("return np.sum(values)"),
    ),
    "random": (
        code("return np.random.default_rng().normal(values)"),
        "line 8: return np.random.default_rng().normal(values)",
        code("return np.random.default_rng(weight).normal(values)"),
    ),
    "library": (
        code("return optimize.minimize(sum, values)", "from scipy import optimize\n"),
        "line 9: return optimize.minimize(sum, values)",
        code("return np.minimum(values, weight)", "from scipy import optimize\n"),
    ),
    "constant": (
        code("return values * 0.37"),
        "line 8: return values * 0.37",
        code("raise HTTPError(500) if values[3] + True else JSONResponse(404)"),
    ),
    "silenced": (
        code("return values  # type: ignore"),
        "line 8: return values  # type: ignore",
        code('return "type: ignore"'),
    ),
    "loop": (
        code("for i in range(len(values)):\n        pass"),
        "line 8: for i in range(len(values)):",
        code("for i in range(2):\n        pass"),
    ),
    "missed": (graded(missed=(Missed("outcome_gap", TRUTH),)), TRUTH, graded()),
    "harmless": (
        claims(claim(truth=None, oddity="fewer at weekends")),
        "fewer at weekends",
        claims(claim(truth=None)),
    ),
    "not_planted": (
        claims(claim(truth=None, why="It looks odd.")),
        "why: It looks odd.",
        claims(claim(truth=None, oddity="fewer at weekends")),
    ),
    "partly_right": (
        claims(claim(points=3.0)),
        "number 9.9, since 2019-04-01, until not said",
        claims(claim(points=0.0, truth=None)),
    ),
    "left_out": (
        claims(claim(decision="drop_rows", number="412")),
        "decision drop_rows, number 412",
        claims(claim(decision="set_missing", number="412")),
    ),
    "kept": (
        claims(claim(decision="keep")),
        "decision keep",
        claims(claim(decision="keep", truth=None)),
    ),
    "same_decision": (
        claims(claim(), claim(), claim()),
        "3 findings with the decision repair",
        claims(claim(), claim(), claim(decision="set_missing")),
    ),
    "no_reason": (claims(claim(why=" \n")), "why is empty", claims(claim(why="11.9"))),
    "all_claims": (
        claims(*[claim()] * 10),
        "unit_change, haemoglobin, Hospital B; unit_change",
        claims(*[claim()] * 9),
    ),
    "risks_lost": (risks(2.5), "The slope is low.", risks(5.0)),
    "no_letter": (graded(letter=" \n"), "LETTER.md is missing or empty", graded()),
    "no_number": (
        graded(letter="Dear colleague, look at it."),
        "Dear colleague, look at it.",
        graded(letter=""),
    ),
    "jargon": (
        graded(letter="Dear colleague,\nthe AUROC is .71.\n1"),
        "the AUROC is .71.",
        graded(letter="Dear colleague, Aurora has 3 beds."),
    ),
}


def asked(submission: Graded, rule: str) -> list[Question]:
    """The questions of one rule."""
    listen = TEXTS[rule]["listen"].strip()
    return [each for each in questions.questions(submission) if each.listen == listen]


@pytest.mark.parametrize("rule", TEXTS)
def test_it_is_asked_where_its_condition_holds_with_what_it_is_made_from(rule: str) -> None:
    submission, seen, _ = EXAMPLES[rule]
    [question] = asked(submission, rule)[:1]
    assert question.seen.startswith(" ".join(seen.split()))
    assert "{" not in question.ask


@pytest.mark.parametrize("rule", TEXTS)
def test_it_is_not_asked_elsewhere(rule: str) -> None:
    assert asked(EXAMPLES[rule][2], rule) == []


def test_every_rule_has_one_text_and_every_text_a_rule() -> None:
    assert sorted(TEXTS) == sorted([*choices.RULES, *questions.RULES]) == sorted(EXAMPLES)


def test_a_submission_that_shows_no_choice_is_asked_nothing() -> None:
    assert questions.questions(graded()) == ()


def test_lines_that_were_handed_out_are_nobody_s_choice() -> None:
    given = HANDED_OUT.replace("import numpy as np", "import numpy as np\n\nLEAST = 0.01  # TODO")
    own = given.replace('raise NotImplementedError("task 1: see ASSIGNMENT.md")', "return LEAST")
    assert questions.questions(graded(tasks=(task("split", own, handed_out=given),))) == ()


def test_one_question_is_asked_once_and_few_of_one_task() -> None:
    body = "return np.clip(np.random.rand(3), 0.1, 0.9)  # TODO noqa"
    first = code(body).tasks[0]
    made = questions.questions(graded(tasks=(first, task("fit", first.submitted))))
    assert len({question.ask for question in made}) == len(made)
    assert [question.about for question in made].count(first.title) == EACH


@pytest.mark.parametrize(
    ("body", "call"),
    [
        ("return random.random()", "random.random"),
        ("return rand(3)", "torch.rand"),
        ("return np.random.normal()", "numpy.random.normal"),
    ],
)
def test_draws_without_a_seed_are_known_by_their_import(body: str, call: str) -> None:
    [question] = asked(code(body, "import random\nfrom torch import rand\n"), "random")
    assert f'"{call}"' in question.ask


def test_a_method_of_that_name_is_no_draw() -> None:
    assert asked(code("return model.random() + generator.normal()"), "random") == []


@pytest.mark.parametrize(
    "source",
    [
        "",
        "def asked(",
        "\x00",
        "(" * 20_000,
        "-" * 20_000 + "1",
        "a = " + "+".join("1" * 20_000),
        "a = " + "x." * 20_000 + "y()",
        "\\\n" * 20_000,
        "x = 0.5 " * 100_000,
        "# TODO " + "x" * 10_000_000,
    ],
    ids=range(10),
)
def test_a_file_that_cannot_be_read_raises_nothing(source: str) -> None:
    for question in questions.questions(graded(tasks=(task("split", source),))):
        assert len(question.seen) < 500
