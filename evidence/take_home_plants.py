"""The take-home's problems: objectively there, fair to an honest answer, of no use to a blind one.

Does the statistic of each planted problem put its place first, and does none accuse what was not
planted: harmless oddities, kinds that were not drawn, tables without problems? What earn an honest
answer, made from the tables alone; a fixed list; the dictionary alone; the findings of the
reference project's `data`, copied; and risks from the table as it came? Each seed is a candidate.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from pathlib import Path

from risk_model import config
from risk_model.core.findings import Finding
from risk_model.data import load
from risk_model.data.leakage import check
from risk_model.data.quality import assess
from risk_model.data.split import split
from take_home import honest
from take_home.cohort import CONTACTS, DATE, GROUPS, OUTCOME, SERIALS, SITES
from take_home.detect import STATISTICS, accusation, suspects
from take_home.findings import DATES_WITHIN, score_findings, score_risks_file
from take_home.key import Key, Plant
from take_home.plant_kinds import UNITS
from take_home.plants import SILENT, Made, make, tables_with
from take_home.tables import Place, Tables

SEEDS, SAMPLE = 50, 1
NEAR = 0.02  # another machine's rounding may move a risk across the threshold
MOST_OF_THE_BLIND = 0.4  # of the automatic points
BOUNDS = {
    "planted place first": (1.0, 1.0),
    "kinds not planted accused": (0.0, 0.0),
    "tables without problems accused": (0.0, 0.0),
    "silent problems named by the data command": (0.0, 0.0),
    "silent problems drawn": (3.0, 5.0),
    "honest claims": (1.0, 1.0),
    "honest risks": (1.0, 1.0),
    "risks from the table as it came": (0.0, 0.4),
    "fixed list, claims": (0.0, 0.2),
    "dictionary alone, claims": (0.0, 0.2),
    "data command copied, claims": (0.0, 0.2),
    "best of the blind, all points": (0.0, 0.3),
}
# The likeliest places that need no hospital, and the middle of what their numbers can be.
FIXED = (
    Plant("numbered_later", Place("letter_number"), number=1_000),
    Plant("counted_later", Place("nurse_visits"), number=4.0),
    Plant("second_registration", Place(site="Abbey"), number=90),
    Plant("missing_by_outcome", Place("heart_rate"), number=0.44),
    Plant("outcome_redefined", Place(since=date(2021, 8, 8)), number=0.16),
)
LISTS = ("least alike in two rows", "Most often missing: ")
# What a reader of dictionary.csv would suspect: counts from monthly files, and running numbers.
SUSPECT = (
    *(Plant("counted_later", Place(name), number=4.0) for name in CONTACTS),
    *(Plant("numbered_later", Place(name), number=1_000) for name in SERIALS),
    *(Plant("group_under_recorded", Place(name), number=150) for name in GROUPS),
)


@dataclass(frozen=True)
class Said:
    """What the data command says: its findings, and its answers to the questions about the data."""

    findings: tuple[Finding, ...]
    answers: tuple[str, ...]


def study(seeds: Sequence[int]) -> dict[str, list[float]]:
    """By seed: shares of the problems, counts of accusations, and shares of points."""
    columns: dict[str, list[float]] = {name: [] for name in BOUNDS}
    for seed in seeds:
        made = make(seed)
        said = data_command(made.tables)
        answer = honest.answer(made.tables)
        row = {**objective(made, said, answer), **points(made, said, answer)}
        for name, values in columns.items():
            values.append(row[name])
    return columns


def objective(made: Made, said: Said, answer: honest.Answer) -> dict[str, float]:
    """What the statistics and the data command say of the tables."""
    tables, plants = made.tables, made.key.plants
    kinds = {plant.kind for plant in plants}
    clean = tables_with(made.key.seed, (), tuple(o.kind for o in made.key.oddities))[0]
    silent = [plant for plant in plants if plant.kind in SILENT]
    return {
        "planted place first": sum(first(plant, tables) for plant in plants) / len(plants),
        "kinds not planted accused": count(c for c in answer.findings if c.kind not in kinds),
        "tables without problems accused": count(k for k in STATISTICS if accusation(k, clean)),
        "silent problems named by the data command": count(
            p for p in silent if names_place(p, said)
        ),
        "silent problems drawn": float(len(silent)),
    }


def points(made: Made, said: Said, answer: honest.Answer) -> dict[str, float]:
    """The share of the automatic points that each way to answer earns."""
    tables, key = made.tables, made.key
    claims, risks = grade(key, tables, answer)
    came = honest.as_it_came(tables)
    lists = {
        "fixed list, claims": FIXED,
        "dictionary alone, claims": SUSPECT,
        "data command copied, claims": tuple(as_claims(said)),
    }
    blind = {name: grade(key, tables, honest.Answer(c, came)) for name, c in lists.items()}
    return {
        "honest claims": claims,
        "honest risks": risks,
        "risks from the table as it came": blind["fixed list, claims"][1],
        **{name: share for name, (share, _) in blind.items()},
        "best of the blind, all points": max(0.7 * c + 0.3 * r for c, r in blind.values()),
    }


def first(plant: Plant, tables: Tables) -> bool:
    """Whether the kind's statistic is highest at the planted place, and names its dates."""
    place = suspects(plant.kind, tables)[0].place
    near = all(
        claimed and abs((claimed - true).days) <= DATES_WITHIN
        for claimed, true in ((place.since, plant.place.since), (place.until, plant.place.until))
        if true
    )
    columns = (plant.place.column, plant.companion)
    return near and place.site == plant.place.site and place.column in columns


def data_command(tables: Tables) -> Said:
    """What the reference project's `data` says of cohort.csv, told its date and a grouping."""
    with tempfile.TemporaryDirectory() as folder:
        tables.write(Path(folder))
        path = str(Path(folder) / "cohort.csv")
        settings = config.Table(path=path, outcome=OUTCOME, time=DATE, ethnicity="insurance")
        cohort = load(settings)
        splits = split(cohort, config.Split(), settings, seed=0)
        leaks, quality = check(cohort, splits), assess(cohort, splits)
    found = tuple(f for f in leaks + quality.findings if f.kind != "left out")
    return Said(found, tuple(chain.from_iterable(quality.answers.values())))


def names_place(plant: Plant, said: Said) -> bool:
    """Whether a sentence names the planted column; without one, the hospital and the kind.

    Not counted are two lists of the first three columns, which clean tables have too.
    """
    texts = [finding.line() for finding in said.findings]
    texts += [text for text in said.answers if not any(name in text for name in LISTS)]
    if plant.place.column:
        return any(plant.place.column in text for text in texts)
    kind = "duplicated patient" if plant.kind == "second_registration" else "outcome"
    return any(plant.place.site in text and kind in text for text in texts)


def as_claims(said: Said) -> list[Plant]:
    """The findings as somebody would copy them: kind and place, and a number nobody gave."""
    claims = [Plant("missing_by_outcome", Place(most_missing(said)))]
    for finding in said.findings:
        where = [*finding.where.split(", "), *finding.message.replace(":", " ").split()]
        if finding.kind == "site shift":
            sites = [name for name in SITES if name in where]
            columns = [name for name in UNITS if name in where]
            claims += [Plant("unit_change", Place(c, s)) for c in columns for s in sites]
        elif finding.kind == "drift" and "outcome" in where:
            claims.append(Plant("outcome_redefined", Place(since=date(2020, 1, 1))))
        elif finding.kind == "drift":
            claims += [Plant("numbered_later", Place(name)) for name in SERIALS if name in where]
        elif finding.kind == "under-diagnosis":
            claims.append(Plant("group_under_recorded", Place("insurance")))
        elif finding.kind == "strong predictor":
            claims.append(Plant("missing_by_outcome", Place(finding.where)))
        elif finding.kind == "duplicated patient":
            claims.append(Plant("second_registration", Place(site="Abbey")))
    return claims


def most_missing(said: Said) -> str:
    """The column that the data command names as most often missing."""
    texts = [text for text in said.answers if text.startswith("Most often missing: ")]
    return texts[0].removeprefix("Most often missing: ").split(" ")[0] if texts else "crp"


def grade(key: Key, tables: Tables, answer: honest.Answer) -> tuple[float, float]:
    """The share of the points that claims and risks earn, as the grader reads the files."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        answer.write(folder, tables)
        scores = (
            score_findings(folder / "findings.toml", key),
            score_risks_file(folder / "risks.csv", key),
        )
    return scores[0].points / scores[0].most, scores[1].points / scores[1].most


def count(items: Iterable[object]) -> float:
    """How many there are."""
    return float(sum(1 for _ in items))
