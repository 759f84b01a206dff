"""The pages: what each reader may see, and that a stranger's text is harmless on them."""

from __future__ import annotations

import json
import re
import time
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from take_home.graded import Graded, Missed
from take_home.report import PAGES, candidate_page, interviewer_page, write
from take_home.score import Part, Scored
from take_home.terminal import COLUMNS, table

from tests.take_home.graded_examples import (
    EXPECTED,
    LETTER_RUBRIC,
    RUBRIC,
    SEED,
    SUBMITTED,
    TRUTH,
    claim,
    graded,
    task,
)

ODDITY, MISSED = "fewer admissions at weekends", "31 readmissions expected at Hospital D"
# What may stand on no page but the interviewer's: the truth, hidden inputs, the seed.
SECRETS = [
    TRUTH, "10.13", "2019-04-02", EXPECTED, "[0.25, 0.125]", ODDITY, MISSED, str(SEED), "SEED=",
    *(level for criterion in (*RUBRIC, *LETTER_RUBRIC) for level in criterion.levels[1:]),
]  # fmt: skip
HOSTILE = [
    "<script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</pre></details><img src=x onerror=alert(1)>",
    '"><a href="javascript:alert(1)">x</a>',
    "{{ graded.seed }}{% raw %}",
    "\x1b[31mred\x1b[0m\x07\x00",
    "\u202edesrever\u2066\u200b",
    "\ud800",
    "e" + "\u0301" * 400,
    "x" * 10_000_000,
]


def everything() -> Graded:
    """A submission with something to show in every section."""
    return graded(
        missed=(Missed("outcome_gap", MISSED),),
        claims=(claim(), claim(truth=None, oddity=ODDITY), claim(truth=None)),
        ignored=("tests/test_task_split.py",),
    )


def said_everywhere(text: str) -> Graded:
    """A submission in which all that a candidate can write is this text."""
    written = dict.fromkeys(
        ("kind", "column", "site", "since", "until", "number", "decision", "why", "patients"), text
    )
    quoted = Scored("findings", (Part(text, 0, 1, text, text),), (text,))
    comment = f"{SUBMITTED}# TODO {text}\n"
    return graded(
        candidate=text,
        tasks=(
            task("split", comment, log=text),
            task("fit", text, scored=replace(quoted, name="fit")),
        ),
        findings=quoted,
        risks=quoted,
        letter=text,
        claims=(claim(**written),) * 12,
        ignored=(text,) * 40,
    )


class Elements(HTMLParser):
    """The names of a page's elements and of their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: dict[str, set[str]] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, set()).add(value or "")


def visible_entries(folder: Path) -> str:
    """All of results.json but its hidden entries."""
    content: dict[str, Any] = json.loads((folder / "results.json").read_text())
    content["tests"] = [t for t in content["tests"] if t["visibility"] != "hidden"]
    return json.dumps(content, ensure_ascii=False)


def test_the_candidate_reads_no_truth_no_hidden_input_and_no_seed(tmp_path: Path) -> None:
    write(tmp_path, everything())
    page = Text((tmp_path / "candidate.html").read_text()).text
    results = visible_entries(tmp_path)
    assert [secret for secret in SECRETS if secret in page or secret in results] == []


def test_the_interviewer_reads_all_of_it() -> None:
    page = Text(interviewer_page(everything())).text
    assert [secret for secret in SECRETS if secret not in page] == []


def test_what_a_person_can_give_is_the_same_whether_a_problem_was_found_or_missed() -> None:
    found, missed = graded(), graded(claims=(), missed=(Missed("unit_change", TRUTH, RUBRIC),))
    for page in (interviewer_page(found), interviewer_page(missed)):
        assert "of 7 for reasons and letter" in Text(page).text


def test_the_candidate_reads_every_sentence_and_every_points() -> None:
    page = Text(candidate_page(everything())).text
    for _, scored in everything().sections:
        assert all(part.sentence in page and part.name in page for part in scored.parts)
        assert f"{scored.points:.1f} of {scored.most:.1f}" in page
    assert "tests/test_task_split.py" in page


class Text(Elements):
    """What a page shows, without its style."""

    def __init__(self, page: str) -> None:
        self.text = ""
        super().__init__(re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("page", [interviewer_page, candidate_page])
def test_hostile_text_adds_no_element_and_cannot_hide(page: Any, text: str) -> None:
    harmless, hostile = Elements(page(said_everywhere("x"))), page(said_everywhere(text))
    assert set(Elements(hostile).elements) <= set(harmless.elements) | {"ul", "li", "details"}
    assert set(Elements(hostile).attributes) <= set(harmless.attributes)
    assert not re.search(
        "[\u0000-\u0008\u000b-\u001f\u007f\u200b-\u200f\u2028-\u202e\u2066-\u2069]", hostile
    )
    assert "\u0301" * 5 not in hostile
    hostile.encode()


def test_a_line_of_ten_megabytes_is_cut_with_a_note_and_costs_no_time(tmp_path: Path) -> None:
    start = time.perf_counter()
    paths = write(tmp_path, said_everywhere(HOSTILE[-1]))
    assert time.perf_counter() - start < 30
    assert max(path.stat().st_size for path in paths) < 1_000_000
    assert "more characters)" in (tmp_path / "interviewer.html").read_text()


def test_control_characters_are_written_as_numbers() -> None:
    page = interviewer_page(said_everywhere("\u202e\x1b[31m"))
    assert "‹U+202E›‹U+001B›[31m" in page


@pytest.mark.parametrize("page", [interviewer_page, candidate_page])
def test_a_page_runs_no_script_and_loads_nothing(page: Any) -> None:
    html = page(everything())
    elements = Elements(html)
    assert not {"script", "img", "iframe", "link", "object", "form", "svg"} & set(elements.elements)
    assert all(link.startswith("#") for link in elements.attributes.get("href", set()))
    assert not {"src", "style", "onclick", "onload"} & set(elements.attributes)
    assert not re.search(r"url\(|@import|https?:", html)


@pytest.mark.parametrize("page", [interviewer_page, candidate_page])
def test_the_policy_allows_the_page_s_own_style_and_nothing_else(page: Any) -> None:
    html = page(everything())
    [policy] = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    [style] = re.findall(r"<style>(.*?)</style>", html, flags=re.DOTALL)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert policy.split("; ") == [
        "default-src 'none'", f"style-src 'sha256-{digest}'", "base-uri 'none'",
        "form-action 'none'",
    ]  # fmt: skip


def test_no_template_marks_text_as_safe() -> None:
    for path in PAGES.glob("*.j2"):
        assert not re.search(r"\|\s*safe|autoescape|\|\s*e\b", path.read_text()), path.name


def test_results_have_the_format_that_gradescope_reads(tmp_path: Path) -> None:
    write(tmp_path, everything())
    content = json.loads((tmp_path / "results.json").read_text())
    assert set(content) == {"score", "output", "output_format", "visibility", "extra_data", "tests"}
    keys = "name number score max_score status output output_format visibility".split()
    assert all(list(test) == keys for test in content["tests"])
    assert {test["visibility"] for test in content["tests"]} == {"after_published", "hidden"}
    assert {test["output_format"] for test in content["tests"]} == {"text"}
    for test in content["tests"]:
        assert (test["status"] == "passed") == (test["score"] == test["max_score"])
    earned = sum(test["score"] for test in content["tests"])
    assert content["score"] == pytest.approx(earned) == pytest.approx(everything().points)


def test_the_hidden_entry_holds_the_truth_and_no_points(tmp_path: Path) -> None:
    write(tmp_path, everything())
    tests = json.loads((tmp_path / "results.json").read_text())["tests"]
    [hidden] = [test for test in tests if test["visibility"] == "hidden"]
    assert hidden["score"] == hidden["max_score"] == 0
    assert all(secret in hidden["output"] for secret in (TRUTH, EXPECTED, MISSED, str(SEED)))


@pytest.mark.parametrize("points", [float("nan"), float("inf")])
def test_points_that_are_no_number_leave_the_old_pages(tmp_path: Path, points: float) -> None:
    paths = write(tmp_path, everything())
    old = [path.read_bytes() for path in paths]
    broken = Scored("risks", (Part("slope", points, 5.0, "Not computed."),))
    with pytest.raises(ValueError, match="JSON"):
        write(tmp_path, graded(candidate="eve", risks=broken))
    assert [path.read_bytes() for path in paths] == old
    assert sorted(tmp_path.iterdir()) == sorted(paths)


def test_the_interviewer_reads_the_functions_asked_for_and_not_the_rest_of_a_long_file() -> None:
    source = SUBMITTED + "\n\n" + "\n".join(f"other_{i} = {i}" for i in range(1_000))
    page = Text(interviewer_page(graded(tasks=(task("split", source),)))).text
    assert "   8      return np.sum(values * weight) / 2" in page
    assert "other_1 = 1" not in page
    broken = Text(interviewer_page(graded(tasks=(task("split", "def asked(:\n"),)))).text
    assert "def asked(:" in broken


def test_nothing_handed_in_still_makes_pages(tmp_path: Path) -> None:
    nothing = Scored("findings", (), ("findings.toml is not in the archive",))
    tasks = tuple(replace(each, submitted="", log="") for each in graded().tasks)
    empty = graded(
        tasks=tasks, findings=nothing, risks=replace(nothing, name="risks"), letter="", claims=(),
        letter_rubric=(),
    )  # fmt: skip
    write(tmp_path, empty)
    page = (tmp_path / "interviewer.html").read_text()
    assert "No letter came." in page
    assert "No finding could be read." in page
    assert "findings.toml is not in the archive" in (tmp_path / "candidate.html").read_text()


def test_the_table_names_each_task_its_points_and_the_first_reason() -> None:
    lines = table(everything()).splitlines()
    assert lines[1].startswith("2. A logistic regression from its rows alone ")
    assert lines[1].endswith("   6.0 of   7.0  Wrong where a column is missing for …")
    assert lines[7].rstrip().endswith("35.0 of  35.0")
    assert f"SEED={SEED}" in lines[-1]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_the_table_sends_no_control_character_to_the_terminal(text: str) -> None:
    printed = table(said_everywhere(text))
    assert all(letter.isprintable() or letter == "\n" for letter in printed)
    assert max(map(len, printed.splitlines()[:-1])) <= COLUMNS
