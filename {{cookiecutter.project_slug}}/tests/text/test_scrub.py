"""How much of what names a person is taken out, and how much that names nobody?"""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_model.data.sources.synthetic_notes import write
from risk_model.signals.text_scrub import CATEGORIES, identifying, scrub

RECALL = {
    "NAME": 0.99,
    "DATE": 0.98,
    "PHONE": 0.99,
    "EMAIL": 0.99,
    "ID": 0.99,
    "ADDRESS": 0.99,
    "AGE": 0.99,
}
PRECISION = 0.99


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Seen by Dr. Anna-Maria O'Brien on 3/14/2021.", "Seen by Dr. [NAME] on [DATE]."),
        (
            "Patient: Keller, Maria\nMs Keller denies pain.",
            "Patient: [NAME]\nMs [NAME] denies pain.",
        ),
        ("Signed by John A. Weber, MD", "Signed by [NAME], MD"),
        ("Call (555) 123-4567 or ana.li@example.org", "Call [PHONE] or [EMAIL]"),
        ("MRN: 12345678, SSN 123-45-6789", "MRN: [ID], SSN [ID]"),
        ("Admitted 14 March 2021, discharged March 20, 2021", "Admitted [DATE], discharged [DATE]"),
        ("Lives at 12 Maple Street, Ashford.", "Lives at [ADDRESS]."),
        (
            "A 92-year-old man and his 71-year-old wife",
            "A [AGE]-year-old man and his 71-year-old wife",
        ),
    ],
)
def test_what_names_a_person_is_replaced_by_what_it_was(written: str, expected: str) -> None:
    assert scrub(written) == expected


@pytest.mark.parametrize(
    "written",
    [
        "BP 132/84, pulse 88, SpO2 97 %, temp 37.4.",
        "Murphy sign negative. Glasgow Coma Scale 15. Parkinson disease.",
        "Oxycodone 5/325 given, then 2.5 mg three times a day.",
        "The 89-year-old woman may walk home.",
        "Patient denies chest pain. Reports nausea.",
    ],
)
def test_what_names_nobody_stays(written: str) -> None:
    assert scrub(written) == written


def test_a_name_found_once_is_taken_out_everywhere_in_the_note() -> None:
    assert "Okafor" not in scrub("Name: Chloe Okafor\nOkafor slept badly. Discussed Okafor's plan.")


@given(st.text(alphabet=st.sampled_from("DrMs. AnaKel:0123/-@,[]NAME\n'"), max_size=120))
def test_scrubbing_twice_is_as_scrubbing_once(written: str) -> None:
    assert scrub(scrub(written)) == scrub(written)


def test_places_do_not_overlap_and_have_a_known_category() -> None:
    found = identifying(
        "Dr Maria Keller, maria.keller@example.org, tel 555-123-4567, 3/14/2021, Keller"
    )
    assert {category for category, _ in found} <= set(CATEGORIES)
    assert all(before[1] <= after[0] for (_, before), (_, after) in pairwise(found))


def test_recall_and_precision_on_generated_notes_are_as_stated(
    tmp_path: Path, record_property: Any
) -> None:
    write(tmp_path / "made", subjects=600, seed=1)
    told, hit, right, found = counts(tmp_path / "made")
    recall = {category: hit[category] / told[category] for category in told}
    precision = {category: right[category] / found[category] for category in found}
    lines = [
        f"{c}: {told[c]} planted, recall {recall[c]:.3f}, precision {precision[c]:.3f}"
        for c in RECALL
    ]
    record_property("figures", "scrubbing of generated notes\n" + "\n".join(lines))
    assert set(told) == set(RECALL)  # nobody's web address is written
    for category, least in RECALL.items():
        assert recall[category] >= least, category
        assert precision[category] >= PRECISION, category


def counts(folder: Path) -> tuple[Counter[str], Counter[str], Counter[str], Counter[str]]:
    """Of each category: planted, planted and wholly found, found where something was planted,
    found.
    """
    told, hit, right, found = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for note, truth in zip(
        lines(folder / "notes.jsonl"), lines(folder / "truth.jsonl"), strict=True
    ):
        text, places = note["text"], identifying(note["text"])
        covered = {i for _, (start, end) in places for i in range(start, end)}
        planted = {i for _, start, end in truth["phi"] for i in range(start, end)}
        for category, start, end in truth["phi"]:
            told[category] += 1
            hit[category] += all(i in covered for i in range(start, end) if text[i].isalnum())
        for category, (start, end) in places:
            found[category] += 1
            right[category] += any(i in planted for i in range(start, end))
    return told, hit, right, found


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
