"""The truth about a candidate's tables, which stays with the interviewer."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from take_home.tables import Place


@dataclass(frozen=True)
class Plant:
    """A problem that was put into the cohort.

    Attributes:
        kind: one of the kinds of texts/kinds.toml.
        place: its column, hospital and dates.
        companion: a column that tells the same, and is accepted too; "" where there is none.
        number: as the assignment defines it, of the tables as handed out.
    """

    kind: str
    place: Place
    companion: str = ""
    number: float = 0.0


@dataclass(frozen=True)
class Oddity:
    """Something that looks strange in the cohort and harms nobody."""

    kind: str
    place: Place
    sentence: str


Item = TypeVar("Item", Plant, Oddity)


@dataclass(frozen=True)
class Ward:
    """The ward's admissions in the order of ward.csv, and who was readmitted [n, 0 or 1]."""

    admissions: tuple[str, ...]
    readmitted: npt.NDArray[np.int8]


@dataclass(frozen=True)
class Key:
    """What was planted for one seed, and what the risks are judged against.

    Attributes:
        honest_net_benefit: at the threshold, of risks learned from the tables with all problems
            mended, per patient.
    """

    seed: int
    plants: tuple[Plant, ...]
    oddities: tuple[Oddity, ...]
    ward: Ward
    honest_net_benefit: float

    def write(self, path: Path) -> None:
        """Writes the key as JSON."""
        facts = {
            "seed": self.seed,
            "plants": [asdict(plant) for plant in self.plants],
            "oddities": [asdict(oddity) for oddity in self.oddities],
            "honest_net_benefit": self.honest_net_benefit,
            "ward": {
                "admission_id": " ".join(self.ward.admissions),
                "readmitted": "".join(map(str, self.ward.readmitted.tolist())),
            },
        }
        path.write_text(json.dumps(facts, indent=1, default=str) + "\n", encoding="utf-8")

    @staticmethod
    def read(path: Path) -> Key:
        """Reads what `write` wrote.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is no key, in one sentence.
        """
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
            return Key(
                seed=int(facts["seed"]),
                plants=tuple(_placed(Plant(**plant)) for plant in facts["plants"]),
                oddities=tuple(_placed(Oddity(**oddity)) for oddity in facts["oddities"]),
                ward=_ward(facts["ward"]),
                honest_net_benefit=float(facts["honest_net_benefit"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} is no key of a take-home ({error}); make it again") from None


def _placed(item: Item) -> Item:
    """With its place as a Place: JSON gave a dictionary."""
    place: Any = item.place
    dates = {name: date.fromisoformat(place[name]) for name in ("since", "until") if place[name]}
    return replace(item, place=Place(place["column"], place["site"], **dates))


def _ward(facts: dict[str, str]) -> Ward:
    readmitted = np.array([int(digit) for digit in facts["readmitted"]], dtype=np.int8)
    admissions = tuple(facts["admission_id"].split())
    if len(admissions) != len(readmitted):
        raise ValueError("the ward's admissions and outcomes differ in number")
    return Ward(admissions, readmitted)
