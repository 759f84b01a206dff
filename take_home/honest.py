"""An honest full answer, from the tables alone: findings, mended tables, risks.

No key is read. `reachable_net_benefit` alone knows what was planted: it is the mark that risks are
measured against.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from take_home.cohort import (
    ADMISSION,
    DATE,
    OUTCOME,
    PATIENT,
    SERIALS,
    SITE,
)
from take_home.detect import STATISTICS, accusation
from take_home.key import Plant
from take_home.numbers import lowest_group, number, repeats, same_person
from take_home.risks import THRESHOLD, net_benefit
from take_home.tables import Place, Tables
from take_home.texts import rubric

Risks = npt.NDArray[np.float64]
NO_INPUTS = (ADMISSION, PATIENT, SITE, DATE, OUTCOME)
DECISIONS = {
    "unit_change": "repair",
    "outcome_gap": "drop_rows",
    "missing_by_outcome": "drop_column",
    "counted_later": "drop_column",
    "numbered_later": "drop_column",
    "default_value": "set_missing",
    "second_registration": "merge_patients",
    "carried_forward": "set_missing",
    "shifted_rows": "set_missing",
    "outcome_redefined": "drop_rows",
    "capped_values": "set_missing",
    "group_under_recorded": "drop_rows",
}


@dataclass(frozen=True)
class Answer:
    """A full answer: what was found, and a risk for each of the ward's admissions [n]."""

    findings: tuple[Plant, ...]
    risks: Risks

    def write(self, folder: Path, tables: Tables) -> None:
        """Writes findings.toml and risks.csv into a folder that is there."""
        (folder / "findings.toml").write_text(findings_toml(self.findings), encoding="utf-8")
        (folder / "risks.csv").write_text(risks_csv(tables, self.risks), encoding="utf-8")


def answer(tables: Tables) -> Answer:
    """The honest answer, from the tables alone."""
    claims = findings(tables)
    return Answer(claims, risks(tables, claims))


def findings_toml(claims: Iterable[Plant]) -> str:
    """findings.toml with those claims and the rubric's best reasons."""
    return "\n".join(_claim(plant) for plant in claims)


def _claim(plant: Plant) -> str:
    place = plant.place
    why, _, patients = (criterion.levels[-1] for criterion in rubric().reasons[plant.kind])
    lines = ["[[finding]]", f'kind = "{plant.kind}"']
    lines += [f'column = "{place.column}"'] if place.column else []
    lines += [f'site = "{place.site}"'] if place.site else []
    lines += [f"since = {place.since}"] if place.since else []
    lines += [f"until = {place.until}"] if place.until else []
    lines += [f"number = {plant.number:.6f}", f'decision = "{DECISIONS[plant.kind]}"']
    return "\n".join([*lines, f'why = "{why}"', f'patients = "{patients}"', ""])


def risks_csv(tables: Tables, risk: Risks) -> str:
    """risks.csv with a risk for each of the ward's admissions [n]."""
    rows = zip(tables.ward[ADMISSION], risk, strict=True)
    return "admission_id,risk\n" + "".join(f"{name},{value:.6f}\n" for name, value in rows)


def findings(tables: Tables) -> tuple[Plant, ...]:
    """What the statistics accuse, with the number of each: one claim a kind at most."""
    places = {kind: accusation(kind, tables) for kind in STATISTICS}
    return tuple(
        Plant(kind, place, number=number(kind, tables, place))
        for kind, place in places.items()
        if place is not None
    )


def risks(tables: Tables, claims: Iterable[Plant]) -> Risks:
    """The ward's risks [n] by logistic regression on the mended tables."""
    train, dropped = mend(tables, claims)
    return ward_risks(train, tables.ward, {*dropped, *SERIALS})


def as_it_came(tables: Tables) -> Risks:
    """The ward's risks [n] by the same regression on the table as it came."""
    return ward_risks(tables.cohort, tables.ward, set())


def reachable_net_benefit(
    tables: Tables, plants: tuple[Plant, ...], outcome: npt.NDArray[np.int8]
) -> float:
    """Net benefit at the threshold, per patient, of the risks from the mended tables."""
    return round(net_benefit(outcome, risks(tables, plants), THRESHOLD), 6)


def ward_risks(train: pd.DataFrame, ward: pd.DataFrame, dropped: set[str]) -> Risks:
    """Logistic regression with medians and flags for what is missing, applied to the ward."""
    columns = [name for name in train.columns if name not in {*NO_INPUTS, *dropped}]
    both = pd.get_dummies(pd.concat([train[columns], ward[columns]], ignore_index=True))
    both = both.astype(np.float64)
    numeric = [name for name in both if train.get(name, pd.Series(dtype=object)).isna().any()]
    for name in numeric:
        both[f"{name}_missing"] = both[name].isna()
    inputs = both.fillna(both.iloc[: len(train)].median()).to_numpy(dtype=np.float64)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1_000))
    model.fit(inputs[: len(train)], train[OUTCOME])
    return np.asarray(model.predict_proba(inputs[len(train) :])[:, 1])


def mend(tables: Tables, claims: Iterable[Plant]) -> tuple[pd.DataFrame, set[str]]:
    """The cohort without what was found wrong, and the columns that no model may see."""
    table, kept = tables.cohort.copy(), np.ones(len(tables.cohort), dtype=bool)
    dropped: set[str] = set()
    for plant in claims:
        place, rows = plant.place, plant.place.rows(tables.cohort)
        if plant.kind == "unit_change":
            table.loc[rows, place.column] *= plant.number
        elif plant.kind in ("outcome_gap", "outcome_redefined"):
            kept &= ~rows
        elif plant.kind in ("missing_by_outcome", "counted_later", "numbered_later"):
            dropped.add(place.column)
        elif plant.kind == "group_under_recorded":
            lowest = lowest_group(tables.cohort, place.column)
            kept &= (tables.cohort[place.column] != lowest).to_numpy()
            dropped.add(place.column)
        elif plant.kind == "second_registration":
            kept &= ~same_person(tables.cohort)
        else:
            table.loc[_wrong_values(tables.cohort, plant.kind, place), place.column] = np.nan
    return table[kept].reset_index(drop=True), dropped


def _wrong_values(table: pd.DataFrame, kind: str, place: Place) -> npt.NDArray[np.bool_]:
    """Rows whose value of the place's column is not the patient's own."""
    rows, values = place.rows(table), table[place.column]
    if kind == "default_value":
        return np.asarray(rows & (values == values[rows].mode().iloc[0]))
    if kind == "carried_forward":
        return np.asarray(rows & repeats(table, place.column)[1])
    return rows  # shifted rows, capped values
