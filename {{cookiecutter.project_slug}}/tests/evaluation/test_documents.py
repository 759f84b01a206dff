"""The documents of a run say what the run knows, point to where it stands, and leave open what it
cannot know.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from risk_model.core.files import read_json
from risk_model.core.findings import Finding
from risk_model.reporting.checklists import probast, tripod
from risk_model.reporting.documents import write_documents
from risk_model.reporting.markdown import anchor

from tests.made_run import Run

Facts = dict[str, Any]
NAMES = ("data_card.md", "tripod_ai.md", "probast_ai.md")
LETTERS = {3: "abc", 5: "ab", 6: "abc", 8: "abc", 9: "abc", 12: "abcdefg"}
LETTERS |= {18: "abcdef", 20: "abc", 23: "ab", 27: "abc"}
OFFICIAL = [f"{item}{letter}" for item in range(1, 28) for letter in LETTERS.get(item, " ")]
QUESTIONS = {"development": (3, 4, 4, 5), "evaluation": (3, 4, 4, 7)}  # by domain
FOUND = Finding("warning", "leaking column", "dose", "AUROC 0.95 by itself").to_json()


def inside(content: Any, path: str) -> list[Any]:
    """What stands at a path of a JSON value; "*" goes everywhere."""
    found = [content]
    for key in path.split("."):
        found = [value for c in found for k, value in c.items() if key in ("*", k)]
    return found


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


def test_every_place_that_a_checklist_names_exists(run: Run, complete: Facts) -> None:
    rows = [*tripod(complete), *probast(complete)]
    places = {place for row in rows for place in row["at"]}
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
    numbers = [item["number"] for item in tripod(run.facts)]
    assert len(OFFICIAL) == 52
    assert numbers == [number.strip() for number in OFFICIAL]
    text = (run.directory / "tripod_ai.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| (\d+[a-g]?) \|", text, re.M) == numbers


def test_every_question_of_probast_ai_stands_once_and_in_order(run: Run) -> None:
    for part, counts in QUESTIONS.items():
        wanted = [f"{d}.{q + 1}" for d, count in enumerate(counts, 1) for q in range(count)]
        assert [row["number"] for row in probast(run.facts) if row["part"] == part] == wanted
    assert Counter(row["part"] for row in probast(run.facts)) == {
        "development": 16,
        "evaluation": 18,
    }
    assert (run.directory / "probast_ai.md").read_text(encoding="utf-8").count(
        "### Applicability"
    ) == 2


def test_what_is_not_wholly_answered_says_what_is_left(complete: Facts) -> None:
    for facts in ({}, complete):
        for item in tripod(facts):
            assert bool(item["left"]) == (item["state"] != "Answered"), item
            assert bool(item["at"]) == (item["state"] != "Not answered"), item


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
    write_documents(tmp_path, {})
    assert {path.name for path in tmp_path.iterdir()} == set(NAMES)
    assert {item["state"] for item in tripod({})} == {"Not answered"}
    assert {row["answer"] for row in probast({})} == {"Unknown"}
    assert "**0 answered of 52**" in (tmp_path / "tripod_ai.md").read_text(encoding="utf-8")
    assert "**0 answered of 34**." in (tmp_path / "probast_ai.md").read_text(encoding="utf-8")
    assert "None" not in (tmp_path / "data_card.md").read_text(encoding="utf-8")


def test_the_data_card_tells_what_the_run_knows(run: Run) -> None:
    text = (run.directory / "data_card.md").read_text(encoding="utf-8")
    assert run.facts["cohort"]["source"] in text
    assert run.prepared.cohort.fingerprint() in text
    train = run.prepared.splits.train
    events = int(run.prepared.cohort.labels[train].sum())
    assert re.search(rf"^\| train \| {len(train):,} \| [\d,]+ \| {events:,} \|", text, re.M)
    for field in run.prepared.cohort.schema.fields:
        share = run.prepared.cohort.inputs[field.name].isna().mean()
        (line,) = re.findall(rf"^\| {re.escape(field.name)} \|.*$", text, re.M)
        assert f"| {share:.1%} |" in line or f"| {share:.0%} |" in line
        assert field.unit in line
    assert "site: Hospital E" in text.split("## Held out")[1]
    assert "age band: 65–79" in text.split("## Demographics")[1]
    assert "consent: Unknown" in text


def test_the_data_card_says_who_accepted_nothing_and_why(complete: Facts, tmp_path: Path) -> None:
    declared = {
        "accept": {"dose": "known at noon"},
        "recorded_after": ["stay"],
        "exclude": ["ward"],
    }
    complete["provenance"]["settings"]["data"] |= declared
    write_documents(tmp_path, complete)
    text = (tmp_path / "data_card.md").read_text(encoding="utf-8")
    assert "| dose | known at noon | Unknown |" in text
    assert "| stay | known only after the prediction moment" in text
    assert "| ward | data.exclude; the reason is Unknown |" in text


def test_no_value_breaks_a_document(complete: Facts, tmp_path: Path) -> None:
    complete["cohort"] |= {"source": "a\n# b <script>", "name": "x | y"}
    complete["title"] = "x | y"
    complete["findings"] = [{**FOUND, "message": "one\n\n| two <b>"}]
    write_documents(tmp_path, complete)
    for name in NAMES:
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "<" not in text.replace("&lt;", "")
        assert "\n# b" not in text
    assert r"one \| two &lt;b>" in (tmp_path / "data_card.md").read_text(encoding="utf-8")


def test_no_patient_stands_in_a_document(run: Run) -> None:
    texts = [(run.directory / name).read_text(encoding="utf-8") for name in NAMES]
    texts += [path.read_text(encoding="utf-8") for path in run.directory.rglob("model_card.md")]
    assert len(texts) == 6
    words = {word for text in texts for word in re.findall(r"[\w.:-]+", text)}
    assert words.isdisjoint(set(run.prepared.cohort.subjects))
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
    write_documents(tmp_path, run.facts)
    for name in NAMES:
        assert (tmp_path / name).read_bytes() == (run.directory / name).read_bytes()
