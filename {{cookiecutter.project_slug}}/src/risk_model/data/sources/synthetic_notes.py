"""Made-up emergency notes of four hospitals whose truth is known, as JSON Lines.

The outcome is deterioration within 48 hours. It happens to 96 % of the patients of whom the note
*affirms* an alarming symptom, and to 4 % of the others: no model's AUROC can pass about .95. Every
note mentions two or three alarming symptoms; what counts is whether the patient has them now, or
denies them, had them years ago, or a relative had them. Harmless symptoms fill the same lists, so
that no word tells anything by itself, a pair of words tells some of it, and which symptom goes with
which verb needs a reader of sentences.

Each note has its hospital's header and names, dates, telephone numbers, addresses and record
numbers from built-in lists. `truth.jsonl` beside `notes.jsonl` gives, per note, where the decisive
words stand (the alarming symptom and the verb that affirms it; characters of the note as written)
and where what names a person does, by category.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import partial
from pathlib import Path
from string import Formatter
from typing import Any

import numpy as np

from risk_model.config.text import Notes, SyntheticNotes, Words
from risk_model.core.cohort import Cohort
from risk_model.core.errors import UserError
from risk_model.data.sources import notes

Record = dict[str, Any]  # what is known of a person or a file: a row of a table that is written

# share of notes that affirm an alarming symptom, and both risks
FLAGGED, IF_FLAGGED, ELSE = 0.35, 0.96, 0.04
AGAIN = 0.08  # of the patients have a second note
SITES = {
    "Northgate Hospital": 0.32,
    "St Anne Infirmary": 0.28,
    "Harbour General": 0.24,
    "Millbrook Hospital": 0.16,
}
ALARMING = "chest pain|melaena|haemoptysis|syncope|confusion".split("|")
HARMLESS = (
    "nausea|headache|sore throat|back pain|constipation|dry cough|itching|ankle swelling|poor "
    "sleep|heartburn|earache|"
    "joint stiffness|runny nose|hiccups"
).split("|")
AFFIRMING = ("Reports", "Complains of")
DENYING = ("Denies", "Negative for")
EARLIER = (
    "Years ago had {item}, since resolved.|Past history of {item}, none now.|Admitted once "
    "for {item} in youth."
)
FAMILY = "Mother had {item}.|Brother was treated for {item}.|An aunt died after {item}."
EXAMINED = (
    "BP 132/84, pulse 88.|Room air 97 %.|Murphy sign negative.|Glasgow Coma Scale 15.|Oxycodone "
    "5/325 given once.|"
    "Lungs clear.|Abdomen soft.|Wells score 2.|Temp 37.4.|Gait steady."
).split("|")
HEADERS = {
    "Northgate "
    "Hospital": "NORTHGATE HOSPITAL - Emergency Department\nPatient: {NAME}  MRN: {ID}\nSeen "
    "{DATE}\n",
    "St Anne Infirmary": "St Anne Infirmary, Acute Unit\nName: {NAME}\nHospital number {ID}, "
    "arrival {DATE}\n"
    "Address: {ADDRESS}\n",
    "Harbour General": "HARBOUR GENERAL / ED NOTE / {DATE}\nRE: {NAME}, tel {PHONE}\n",
    "Millbrook Hospital": "Millbrook Hospital | Triage and assessment | {DATE}\n"
    "Patient name: {NAME} | Record no. {ID}\n",
}
OPENINGS = "{AGE}-year-old {who}.|Patient aged {AGE}, {who}.|{TITLE} is a {AGE} year old {who}."
REMARKS = (
    "Lives with {NAME}.|Discussed with Dr {NAME}.|Daughter can be reached on {PHONE}.|Last seen "
    "{DATE}.|"
    "Letter to {EMAIL}.|Referred by Dr {NAME} on {DATE}.|Moved to {ADDRESS} last year.|Walks with "
    "a stick.|"
    "Neighbour {NAME} brought the drugs.|Retired teacher.|Does not smoke."
).split("|")
SIGNED = "Signed by {NAME}, MD|Dictated by Dr {NAME}, ext. {PHONE}|{NAME}, RN|Attending: {NAME}"
FIRST = (
    "Maria John Amira Peter Chloe Samuel Ingrid Tomas Leila Victor Naomi Oscar Priya Hugo Elena "
    "Kwame Sofia Daniel "
    "Yuki Ahmed Grace Pavel Rosa Liam Fatima Anders Mei Carlos Hannah Dmitri"
).split()
LAST = (
    "Keller O'Brien Nakamura Lindqvist Okafor Reyes Petrov Hassan Whitfield Moreau Santos "
    "Johansson Patel Novak "
    "Brennan Castillo Dubois Fischer Garcia-Lopez Ivanov Khan Larsen Mbeki Nguyen Ortega Quinn "
    "Rossi Schmidt Tanaka "
    "Weber"
).split()
STREETS = (
    "Maple Street|Oak Avenue|Station Road|Church Lane|Park Drive|Queens Road|Mill Lane|Harbour View"
).split("|")
TOWNS = "Ashford|Riverton|Lakewood|Eastfield".split("|")
MONTHS = (
    "January February March April May June July August September October November December".split()
)


def load(settings: SyntheticNotes) -> Cohort:
    """The notes of `settings.subjects` patients, from files written on the first call.

    UserError for fewer than 100 patients, or when the files cannot be read.
    """
    if settings.subjects < 100:
        raise UserError(
            f"data.subjects={settings.subjects}: too few to make a cohort of; use at least 100"
        )
    folder = Path("generated") / f"synthetic_notes-{settings.subjects}-{settings.seed}"
    if not folder.exists():
        write(folder, settings.subjects, settings.seed)
    shared = {f.name: getattr(settings, f.name) for f in fields(Words)}
    source = Notes(path=str(folder / "notes.jsonl"), outcome="deteriorated", **shared)
    return notes.of_file(source, "synthetic_notes", "made-up notes of four hospitals")


def write(folder: Path, subjects: int, seed: int) -> None:
    """Writes `notes.jsonl` and `truth.jsonl`; the folder appears whole or not at all."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(subjects), 1 + (rng.random(subjects) < AGAIN))
    people = [_person(i, rng) for i in range(subjects)]
    drafts = [_note(number, people[i], rng) for number, i in enumerate(who)]
    partial = folder.with_name(f".{folder.name}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for name, rows in zip(("notes.jsonl", "truth.jsonl"), zip(*drafts, strict=True), strict=True):
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        (partial / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    partial.rename(folder)


class Draft:
    """A text that grows, and where its marked pieces stand."""

    def __init__(self) -> None:
        self.text = ""
        self.marked: list[tuple[str, int, int]] = []

    def add(self, words: str, mark: str = "") -> None:
        """Appends words, as a piece of that mark if one is given."""
        if mark:
            self.marked.append((mark, len(self.text), len(self.text) + len(words)))
        self.text += words

    def fill(self, template: str, values: Mapping[str, Callable[[], str]]) -> None:
        """Appends a template; what stands for a name in capitals is marked with it."""
        for words, name, _, _ in Formatter().parse(template):
            self.add(words)
            if name:
                self.add(values[name](), name if name.isupper() else "")


def _pick(rng: np.random.Generator, choices: list[str] | tuple[str, ...] | str) -> str:
    options = choices.split("|") if isinstance(choices, str) else choices
    return str(options[rng.integers(len(options))])


def _person(number: int, rng: np.random.Generator) -> Record:
    return {
        "patient_id": f"N{number:05d}",
        "site": str(rng.choice(list(SITES), p=list(SITES.values()))),
        "age": int(np.clip(rng.normal(62, 18), 18, 99)),
        "sex": _pick(rng, ("F", "M")),
        "name": (_pick(rng, FIRST), _pick(rng, LAST)),
    }


def _note(number: int, person: Record, rng: np.random.Generator) -> tuple[Record, Record]:
    """A note's line of `notes.jsonl` and of `truth.jsonl`."""
    day = np.datetime64("2021-01-01") + int(rng.integers(3 * 365))
    flagged = bool(rng.random() < FLAGGED)
    draft = _draft(person, str(day), flagged, rng)
    outcome = int(rng.random() < (IF_FLAGGED if flagged else ELSE))
    identity = {key: person[key] for key in ("patient_id", "site", "age", "sex")}
    row = {
        "note_id": number,
        **identity,
        "date": str(day),
        "text": draft.text,
        "deteriorated": outcome,
    }
    decisive = [[start, end] for mark, start, end in draft.marked if mark == "decisive"]
    phi = [[mark, start, end] for mark, start, end in draft.marked if mark != "decisive"]
    return row, {"note_id": number, "affirmed": flagged, "decisive": decisive, "phi": phi}


def _draft(person: Record, day: str, flagged: bool, rng: np.random.Generator) -> Draft:
    draft, values = Draft(), _identity(person, day, rng)
    own = {**values, "NAME": lambda: " ".join(person["name"])}
    draft.fill(HEADERS[person["site"]], own)
    _opening(draft, person, rng)
    statements = _statements(flagged, rng)
    remarks: list[str] = rng.choice(REMARKS, 2, replace=False).tolist()
    statements += [partial(Draft.fill, template=remark, values=values) for remark in remarks]
    for i in rng.permutation(len(statements)):
        draft.add(" ")
        statements[i](draft)
    draft.add("\nExamination: " + " ".join(rng.choice(EXAMINED, 3, replace=False)) + "\n")
    draft.fill(_pick(rng, SIGNED), values)
    return draft


def _opening(draft: Draft, person: Record, rng: np.random.Generator) -> None:
    """Who it is; an age above 89 names a person, as the HIPAA rule has it."""
    template, title = _pick(rng, OPENINGS), "Ms" if person["sex"] == "F" else "Mr"
    for words, name, _, _ in Formatter().parse(template):
        draft.add(words)
        if name == "AGE":
            draft.add(str(person["age"]), "AGE" if person["age"] > 89 else "")
        elif name == "TITLE":
            draft.add(f"{title} ")
            draft.add(person["name"][1], "NAME")
        elif name:
            draft.add("woman" if person["sex"] == "F" else "man")


def _statements(flagged: bool, rng: np.random.Generator) -> list[Callable[[Draft], None]]:
    """What is affirmed, denied, long past and a relative's.

    There are as many symptoms whether or not one is affirmed.
    """
    affirmed, denied = (int(size) for size in rng.integers(1, 4, 2))
    alarming = rng.permutation(ALARMING)[: rng.integers(2, 4)].tolist()
    harmless = rng.permutation(HARMLESS).tolist()
    now = (
        [alarming.pop() for _ in range(1 + int(affirmed > 1 and rng.random() < 0.3))]
        if flagged
        else []
    )
    elsewhere = alarming + [harmless.pop() for _ in range(denied + 2 - len(alarming))]
    elsewhere = rng.permutation(elsewhere).tolist()
    present = rng.permutation(now + [harmless.pop() for _ in range(affirmed - len(now))]).tolist()
    past, family, absent = elsewhere[0], elsewhere[1], elsewhere[2:]
    yes, no = _pick(rng, AFFIRMING), _pick(rng, DENYING)
    earlier, relative = _pick(rng, EARLIER), _pick(rng, FAMILY)
    return [
        lambda draft: _list_items(draft, yes, present, now),
        lambda draft: _list_items(draft, no, absent, []),
        lambda draft: draft.fill(earlier, {"item": lambda: past}),
        lambda draft: draft.fill(relative, {"item": lambda: family}),
    ]


def _list_items(draft: Draft, verb: str, items: list[str], decisive: list[str]) -> None:
    draft.add(verb, "decisive" if decisive else "")
    for position, item in enumerate(items):
        draft.add(" " if position == 0 else " and " if position == len(items) - 1 else ", ")
        draft.add(item, "decisive" if item in decisive else "")
    draft.add(".")


def _identity(person: Record, day: str, rng: np.random.Generator) -> dict[str, Callable[[], str]]:
    """Makers of what names a person, each called once for each place it stands at."""

    def digits(count: int) -> str:
        return "".join(map(str, rng.integers(1, 10, count)))

    year, month, date = (int(part) for part in day.split("-"))
    dates = [
        day,
        f"{month}/{date}/{year}",
        f"{date} {MONTHS[month - 1]} {year}",
        f"{MONTHS[month - 1]} {date}, {year}",
        f"{date:02d}.{month:02d}.{year}",
        f"{month}/{date}",
    ]
    return {
        "NAME": lambda: f"{_pick(rng, FIRST)} {_pick(rng, LAST)}",
        "DATE": lambda: _pick(rng, dates),
        "PHONE": lambda: _pick(
            rng, (f"({digits(3)}) {digits(3)}-{digits(4)}", f"{digits(3)}-{digits(3)}-{digits(4)}")
        ),
        "EMAIL": lambda: f"{_pick(rng, LAST).lower()}.{digits(2)}@example.org",
        "ID": lambda: _pick(rng, (digits(7), digits(8), f"{digits(3)}-{digits(4)}")),
        "ADDRESS": lambda: f"{digits(2)} {_pick(rng, STREETS)}, {_pick(rng, TOWNS)}",
    }
