"""Points for findings.toml and risks.csv, without anybody's judgement."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np

from take_home import claims as reader
from take_home.claims import KINDS, Claim, Kind, regular_file
from take_home.key import Key, Plant
from take_home.risks import (
    THRESHOLD,
    Risks,
    best_without_model,
    net_benefit,
    observed_over_expected,
    slope,
)
from take_home.score import Part, Scored

CLAIM_POINTS, RISK_POINTS = 35.0, 15.0
DATES_WITHIN = 60  # days
PLACE_SHARE, DATES_SHARE, NUMBER_SHARE = 0.4, 0.2, 0.4  # of a problem's points
FREE_FALSE, FALSE_COST = 1, 0.25  # false claims that cost nothing; the cost of each other
LARGEST_RISKS = 2_000_000  # bytes
HEADER = ["admission_id", "risk"]


@dataclass(frozen=True)
class Band:
    """Full points from `full[0]` to `full[1]`, half of them from `half[0]` to `half[1]`."""

    name: str
    full: tuple[float, float]
    half: tuple[float, float]

    def share(self, value: float) -> float:
        """Of the points: 1, .5 or 0."""
        if self.full[0] <= value <= self.full[1]:
            return 1.0
        return 0.5 if self.half[0] <= value <= self.half[1] else 0.0

    def sentence(self, value: float) -> str:
        """Where the value lies, without the value."""
        words = {1.0: "within the band of full points", 0.5: "within the band of half points"}
        return words.get(self.share(value), "outside both bands")


# Of the gain in net benefit over treating all or none, the share of what an honest answer gains.
BENEFIT = Band("net benefit", (0.9, math.inf), (0.8, math.inf))
RATIO = Band("observed over expected", (0.87, 1.15), (0.8, 1.25))
SLOPE = Band("calibration slope", (0.82, 1.2), (0.7, 1.4))


@dataclass(frozen=True)
class ClaimBesideTruth:
    """A claim, the planted problem that it names, and in a sentence what is true of its place.

    `plant` is None where nothing was planted that it names; `oddity` is then the harmless
    peculiarity of that place, or ""; `repeat` where an earlier claim named the problem already.
    """

    claim: Claim
    plant: Plant | None
    truth: str
    oddity: str = ""
    repeat: bool = False

    @property
    def true(self) -> bool:
        """Whether it is the first to name a planted problem."""
        return self.plant is not None and not self.repeat


def beside_truth(path: Path, key: Key) -> tuple[ClaimBesideTruth, ...]:
    """Each claim of findings.toml beside the truth, in the order of the file."""
    return _beside(reader.read(path).claims, key)


def plant_in_words(plant: Plant) -> str:
    """The truth about a planted problem in one line, for the interviewer."""
    place = plant.place
    columns = " or ".join(filter(None, (place.column, plant.companion)))
    at = [columns, place.site, f"since {place.since}" if place.since else ""]
    at.append(f"until {place.until}" if place.until else "")
    return f"{KINDS[plant.kind].title}: {', '.join(filter(None, at))}; number {plant.number:.4g}"


def score_findings(path: Path, key: Key) -> Scored:
    """Points of findings.toml: a fifth a planted problem, less what false claims cost."""
    read = reader.read(path)
    beside = _beside(read.claims, key)
    parts = tuple(_problem(number, plant, beside, key) for number, plant in _by_position(key))
    false = [item for item in beside if not item.true]
    each = CLAIM_POINTS / len(key.plants)
    cost = FALSE_COST * each * max(0, len(false) - FREE_FALSE)
    mistakes = [*read.mistakes, *_false_in_words(false, cost)]
    return Scored("findings", _less(parts, cost), tuple(mistakes))


def _by_position(key: Key) -> list[tuple[int, Plant]]:
    return list(enumerate(key.plants, start=1))


def _beside(read: Sequence[Claim], key: Key) -> tuple[ClaimBesideTruth, ...]:
    earlier: set[int] = set()
    beside = []
    for claim in read:
        matches = [number for number, plant in _by_position(key) if _names(claim, plant)]
        if matches:
            plant = key.plants[matches[0] - 1]
            repeat = matches[0] in earlier
            truth = plant_in_words(plant)
            beside.append(ClaimBesideTruth(claim, plant, truth, repeat=repeat))
            earlier.add(matches[0])
        else:
            nothing = "nothing of the kind was planted there"
            beside.append(ClaimBesideTruth(claim, None, nothing, _oddity(claim, key)))
    return tuple(beside)


def _names(claim: Claim, plant: Plant) -> bool:
    """Whether kind and place are right; without column or hospital the date is the place."""
    if claim.kind != plant.kind or claim.site != plant.place.site:
        return False
    if not KINDS[plant.kind].column and not KINDS[plant.kind].site:
        return _near(claim.since, plant.place.since)
    return claim.column in (plant.place.column, plant.companion)


def _oddity(claim: Claim, key: Key) -> str:
    """What is odd at the claim's place and harms nobody."""
    for oddity in key.oddities:
        if claim.column == oddity.place.column and claim.site == oddity.place.site:
            return oddity.sentence
    return ""


def _near(claimed: date | None, true: date | None) -> bool:
    if true is None:
        return True
    return claimed is not None and abs((claimed - true).days) <= DATES_WITHIN


def _within(claimed: float | None, kind: Kind, true: float) -> bool:
    if claimed is None:
        return False
    allowed = kind.tolerance if kind.absolute else kind.tolerance * abs(true)
    return abs(claimed - true) <= allowed


def _problem(position: int, plant: Plant, beside: Sequence[ClaimBesideTruth], key: Key) -> Part:
    """The points of one planted problem, before false claims are paid for."""
    name = f"problem {position}"
    for item in beside:
        if item.true and item.plant == plant:
            return replace(claim_points(item, key), name=name)
    each = CLAIM_POINTS / len(key.plants)
    return Part(name, 0.0, each, "no finding names it", plant_in_words(plant))


def claim_points(item: ClaimBesideTruth, key: Key) -> Part:
    """What a claim earns, before false claims are paid for: 0 of 0 where it is one of these."""
    claim, plant = item.claim, item.plant
    name = f"finding {claim.position}"
    if plant is None or item.repeat:
        return Part(name, 0.0, 0.0, "names no planted problem, or one named before", item.truth)
    each, kind = CLAIM_POINTS / len(key.plants), KINDS[plant.kind]
    dates = _near(claim.since, plant.place.since) and _near(claim.until, plant.place.until)
    number = _within(claim.number, kind, plant.number)
    shares = [(PLACE_SHARE, True), (NUMBER_SHARE, number)]
    said = ["kind and place are right"]
    if kind.since:
        shares.append((DATES_SHARE, dates))
        said.append("dates within 60 days" if dates else "dates off by more than 60 days, or none")
    said.append("number within its tolerance" if number else "number outside its tolerance")
    share = sum(part for part, right in shares if right) / sum(part for part, _ in shares)
    return Part(name, each * share, each, f"{name}: {', '.join(said)}", item.truth)


def _less(parts: tuple[Part, ...], cost: float) -> tuple[Part, ...]:
    """The parts after the cost of false claims, taken from the first ones until it is paid."""
    left = []
    for part in parts:
        taken = min(cost, part.points)
        cost -= taken
        paid = f"; {taken:.2f} points less for false claims" if taken else ""
        left.append(replace(part, points=part.points - taken, sentence=part.sentence + paid))
    return tuple(left)


def _false_in_words(false: Sequence[ClaimBesideTruth], cost: float) -> list[str]:
    if not false:
        return []
    positions = ", ".join(str(item.claim.position) for item in false)
    price = f"they cost {cost:.2f} points" if cost else "the first costs nothing"
    return [f"findings {positions} name no planted problem, or one named before: {price}"]


def score_risks_file(path: Path, key: Key) -> Scored:
    """Points of risks.csv: net benefit, observed over expected, calibration slope, in that order.

    Each counts only where the one before earns points: one risk for everybody may match the sum of
    events and helps nobody, and a slope means little where that sum is wrong.
    """
    bands, each = (BENEFIT, RATIO, SLOPE), RISK_POINTS / 3
    try:
        risk = risks_of(path, key)
    except ValueError as error:
        nothing = tuple(Part(band.name, 0.0, each, "risks.csv was not read") for band in bands)
        return Scored("risks", nothing, (f"risks.csv: {error}",))
    outcome = key.ward.readmitted
    without = best_without_model(outcome, THRESHOLD)
    benefit = net_benefit(outcome, risk, THRESHOLD)
    reached = (benefit - without) / (key.honest_net_benefit - without)
    values = (reached, observed_over_expected(outcome, risk), slope(outcome, risk))
    parts: list[Part] = []
    for band, value in zip(bands, values, strict=True):
        share, sentence = band.share(value), band.sentence(value)
        if parts and not parts[-1].points:
            share, sentence = 0.0, f"counts only where {parts[-1].name} earns points"
        parts.append(Part(band.name, each * share, each, sentence, f"{value:.2f}"))
    return Scored("risks", tuple(parts))


def risks_of(path: Path, key: Key) -> Risks:
    """The risks of risks.csv in the order of the ward's admissions [n].

    Raises:
        ValueError: it cannot be read, or is not one risk for each admission, in one sentence that
            repeats nothing of the file.
    """
    try:
        text = regular_file(path, LARGEST_RISKS).decode("utf-8-sig")
    except FileNotFoundError:
        raise ValueError("there is no such file; write a risk for each row of ward.csv") from None
    except OSError:
        raise ValueError("it cannot be opened as a plain file; hand in a plain file") from None
    except UnicodeDecodeError:
        raise ValueError("it is no UTF-8 text; save it as UTF-8") from None
    try:
        rows = [row for row in csv.reader(io.StringIO(text), strict=True) if row]
    except csv.Error:
        raise ValueError("it is no CSV; write two columns separated by a comma") from None
    if not rows or rows[0] != HEADER:
        raise ValueError(f"its first line is not {','.join(HEADER)}; write that line")
    if any(len(row) != len(HEADER) for row in rows):
        raise ValueError("a row has not two cells; write admission_id,risk in each")
    risk = {admission: _risk(cell) for admission, cell in rows[1:]}
    if len(risk) != len(rows) - 1 or set(risk) != set(key.ward.admissions):
        raise ValueError("it has not each admission of ward.csv once; write all of them, once")
    return np.array([risk[admission] for admission in key.ward.admissions], dtype=np.float64)


def _risk(cell: str) -> float:
    try:
        risk = float(cell) if len(cell) <= 40 else math.nan
    except ValueError:
        risk = math.nan
    if not 0 <= risk <= 1:
        raise ValueError("a risk is no number from 0 to 1; write 0.12, say")
    return risk
