"""The documents of a run say what the run knows, point to where it stands, and leave open what it
cannot know.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from risk_model.config import Table
from risk_model.core.decision import Decision
from risk_model.core.files import read_json
from risk_model.core.findings import Finding
from risk_model.evaluation.results import RunEvaluation
from risk_model.reporting.checklists import probast, tripod
from risk_model.reporting.content import CohortSummary, ReportContent
from risk_model.reporting.documents import write_documents
from risk_model.reporting.markdown import anchor
from risk_model.training.record import ChampionChoice

from tests.made_run import Run

NAMES = ("data_card.md", "tripod_ai.md", "probast_ai.md")
LETTERS = {3: "abc", 5: "ab", 6: "abc", 8: "abc", 9: "abc", 12: "abcdefg"}
LETTERS |= {18: "abcdef", 20: "abc", 23: "ab", 27: "abc"}
OFFICIAL = [f"{item}{letter}" for item in range(1, 28) for letter in LETTERS.get(item, " ")]
QUESTIONS = {"development": (3, 4, 4, 5), "evaluation": (3, 4, 4, 7)}  # by domain
NO_CHAMPION = ChampionChoice("", "", [])
EMPTY = ReportContent(
    "", NO_CHAMPION, RunEvaluation(0.5, Decision(), 0, 0, {}, "", {}, {}, [])
)  # of a run that recorded nothing


def inside(content: Any, path: str) -> list[Any]:
    """What stands at a path of a JSON value; "*" goes everywhere."""
    values = [content]
    for key in path.split("."):
        values = [value for v in values for k, value in v.items() if key in ("*", k)]
    return values


def resolves(place: str, directory: Path) -> bool:
    """Whether a place of a checklist exists: its file, and what is named inside it."""
    file, _, path = place.partition(": ")
    name, _, identifier = file.partition("#")
    if not (directory / name).is_file():
        return False
    if path:
        return bool(inside(read_json(directory / name), path))
    if not identifier:
        return True
    content = (directory / name).read_text(encoding="utf-8")
    if name.endswith(".md"):
        return identifier in [
            anchor(heading) for heading in re.findall(r"^#+ (.+)$", content, re.M)
        ]
    return f'id="{identifier}"' in content


def test_every_place_that_a_checklist_names_exists(run: Run, complete: ReportContent) -> None:
    locations = [row.locations for row in tripod(complete)]
    locations += [row.locations for row in probast(complete)]
    places = {place for row in locations for place in row}
    assert len(places) > 30
    assert [place for place in places if not resolves(place, run.directory)] == []


def test_a_place_that_does_not_exist_is_noticed(run: Run) -> None:
    for place in (
        "no.md",
        "report.html#nowhere",
        "data_card.md#nowhere",
        "config.json: data.decision.nowhere",
    ):
        assert not resolves(place, run.directory)


def test_every_item_of_tripod_ai_stands_once_and_in_order(run: Run) -> None:
    numbers = [reported.item.number for reported in tripod(run.content)]
    assert len(OFFICIAL) == 52
    assert numbers == [number.strip() for number in OFFICIAL]
    text = (run.directory / "tripod_ai.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| (\d+[a-g]?) \|", text, re.M) == numbers


def test_every_question_of_probast_ai_stands_once_and_in_order(run: Run) -> None:
    items = [assessed.item for assessed in probast(run.content)]
    for part, counts in QUESTIONS.items():
        wanted = [f"{d}.{q + 1}" for d, count in enumerate(counts, 1) for q in range(count)]
        assert [item.number for item in items if item.part == part] == wanted
    assert Counter(item.part for item in items) == {
        "development": 16,
        "evaluation": 18,
    }
    assert (run.directory / "probast_ai.md").read_text(encoding="utf-8").count(
        "### Applicability"
    ) == 2


def test_what_is_not_wholly_answered_says_what_is_left(complete: ReportContent) -> None:
    for content in (EMPTY, complete):
        for reported in tripod(content):
            assert bool(reported.remaining) == (reported.state != "Answered"), reported
            assert bool(reported.locations) == (reported.state != "Not answered"), reported


def test_the_line_on_top_counts_what_is_below(run: Run) -> None:
    text = (run.directory / "tripod_ai.md").read_text(encoding="utf-8")
    states = [line.split(" | ")[3] for line in text.splitlines() if re.match(r"\| \d", line)]
    assert (
        f"**{states.count('Answered')} answered of 52**, {states.count('In part')} in part" in text
    )
    text = (run.directory / "probast_ai.md").read_text(encoding="utf-8")
    answers = [line.split(" | ")[2] for line in text.splitlines() if re.match(r"\| \d", line)]
    assert f"**{34 - answers.count('Unknown')} answered of 34**" in text
    assert 0 < answers.count("Unknown") < 34


def test_without_facts_everything_is_unknown(tmp_path: Path) -> None:
    write_documents(tmp_path, EMPTY)
    assert {path.name for path in tmp_path.iterdir()} == set(NAMES)
    assert {reported.state for reported in tripod(EMPTY)} == {"Not answered"}
    assert {assessed.assessment.answer for assessed in probast(EMPTY)} == {"Unknown"}
    assert "**0 answered of 52**" in (tmp_path / "tripod_ai.md").read_text(encoding="utf-8")
    assert "**0 answered of 34**." in (tmp_path / "probast_ai.md").read_text(encoding="utf-8")
    assert "None" not in (tmp_path / "data_card.md").read_text(encoding="utf-8")


def test_the_data_card_tells_what_the_run_knows(run: Run) -> None:
    text = (run.directory / "data_card.md").read_text(encoding="utf-8")
    assert run.prepared.cohort.source in text
    assert run.prepared.cohort.fingerprint() in text
    train = run.prepared.splits.train
    events = int(run.prepared.cohort.labels[train].sum())
    assert re.search(rf"^\| development \| {len(train):,} \| [\d,]+ \| {events:,} \|", text, re.M)
    for field in run.prepared.cohort.schema.fields:
        share = run.prepared.cohort.inputs[field.name].isna().mean()
        (line,) = re.findall(rf"^\| {re.escape(field.name)} \|.*$", text, re.M)
        assert f"| {share:.1%} |" in line or f"| {share:.0%} |" in line
        assert field.unit in line
    assert "site: Hospital E" in text.split("## Held out")[1]
    assert "age band: 65–79" in text.split("## Demographics")[1]
    assert "consent: Unknown" in text


def test_the_data_card_says_who_accepted_nothing_and_why(
    complete: ReportContent, tmp_path: Path
) -> None:
    declared: dict[str, Any] = {
        "accept": {"dose": "known at noon"},
        "recorded_after": ["stay"],
        "exclude": ["ward"],
    }
    assert complete.provenance is not None
    complete.provenance.settings.data = Table(**declared)
    write_documents(tmp_path, complete)
    text = (tmp_path / "data_card.md").read_text(encoding="utf-8")
    assert "| dose | known at noon | Unknown |" in text
    assert "| stay | known only after the prediction moment" in text
    assert "| ward | data.exclude; the reason is Unknown |" in text


def test_no_value_breaks_a_document(complete: ReportContent, tmp_path: Path) -> None:
    cohort = CohortSummary("x | y", "a\n# b <script>", 10)
    finding = Finding("warning", "leaking column", "dose", "one\n\n| two <b>")
    content = replace(complete, title="x | y", cohort=cohort, findings=[finding])
    write_documents(tmp_path, content)
    for name in NAMES:
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "<" not in text.replace("&lt;", "")
        assert "\n# b" not in text
    assert r"one \| two &lt;b>" in (tmp_path / "data_card.md").read_text(encoding="utf-8")


def test_no_patient_stands_in_a_document(run: Run) -> None:
    texts = [(run.directory / name).read_text(encoding="utf-8") for name in NAMES]
    texts += [path.read_text(encoding="utf-8") for path in run.directory.rglob("model_card.md")]
    assert len(texts) == 6
    tokens = {token for text in texts for token in re.findall(r"[\w.:-]+", text)}
    assert tokens.isdisjoint(set(run.prepared.cohort.subjects))
    numbers = run.prepared.cohort.inputs.select_dtypes("number")
    rows = [
        {f"{v:g}" for v in row if pd.notna(v) and v not in (0, 1)} for row in numbers.to_numpy()
    ]
    lines = [
        set(re.findall(r"-?\d+(?:\.\d+)?", line)) for text in texts for line in text.splitlines()
    ]
    crowded = [line for line in lines if len(line) > 3]
    assert not [row for row in rows if len(row) > 3 for line in crowded if row <= line]


def test_the_same_facts_write_the_same_documents(run: Run, tmp_path: Path) -> None:
    write_documents(tmp_path, run.content)
    for name in NAMES:
        assert (tmp_path / name).read_bytes() == (run.directory / name).read_bytes()
