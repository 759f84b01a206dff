"""A made-up ward's table, spoilt by a test in one way, and what the reader asks about it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from risk_model import config
from risk_model.app.setting_words import ADDED, accepted, hydra_words
from risk_model.core.cohort import Cohort
from risk_model.core.errors import UserError
from risk_model.core.findings import Finding
from risk_model.data import load

ROWS = 600
# a setting within a sentence, quoted for a shell or not
WORD = re.compile(r"""(?:'data\.[^']*'|data\.[a-z_]+=)(?:"[^"]*"|'[^']*'|[^\s;,'"])*""")

Settings = dict[str, Any]


def ward(rows: int = ROWS, /, **columns: Any) -> pd.DataFrame:
    """Ordinary patients, a row each, with what the test adds or replaces."""
    draw = np.random.default_rng(0)
    known = {
        "age": draw.normal(62, 15, rows).clip(18, 99).round().astype(int),
        "sex": draw.choice(["F", "M"], rows),
        "creatinine": draw.lognormal(0, 0.4, rows).round(2),
        "crp": draw.lognormal(2, 1.2, rows).round(1) + 0.1,
        "sbp": draw.normal(125, 18, rows).round().astype(int),
        "diabetes": draw.choice(["no", "yes"], rows, p=[0.75, 0.25]),
        "died": (draw.random(rows) < 0.25).astype(int),
    }
    return pd.DataFrame({**known, **columns})


def some(share: float, rows: int = ROWS, seed: int = 1) -> Any:
    """Which rows a fault is put in: so large a share of them, at least three."""
    chosen = np.zeros(rows, dtype=bool)
    count = max(3, round(share * rows))
    chosen[np.random.default_rng(seed).permutation(rows)[:count]] = True
    return chosen


def written(frame: pd.DataFrame, path: Path) -> Path:
    """The table as CSV or Parquet, by the path's ending."""
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False)
    return path


def read(path: Path, **settings: Any) -> Cohort:
    """The cohort of that file."""
    return load(config.Table(path=str(path), **{"outcome": "died", **settings}))


def questions(path: Path, **settings: Any) -> list[str]:
    """What stops the run: a line each."""
    with pytest.raises(UserError) as caught:
        read(path, **settings)
    first, *lines = str(caught.value).split("\n  ")
    return lines if first.endswith("before anything is learned:") else [first, *lines]


def question(path: Path, **settings: Any) -> str:
    """The one line that stops the run."""
    (line,) = questions(path, **settings)
    assert len(line) < 500
    return line


def remedies(text: str) -> list[str]:
    """The settings that a message prints, as a shell would hand them over."""
    return [word for quoted in WORD.findall(text) for word in shlex.split(quoted)]


def applied(words: list[str], settings: Settings | None = None) -> Settings:
    """Settings with those words, read by the grammar of the command line."""
    result = dict(settings or {})
    for override in OverridesParser.create().parse_overrides(hydra_words(words)):
        name, value = override.key_or_group.removeprefix("data."), override.value()
        if isinstance(value, list):
            known = result.get(name, getattr(config.Table(), name))
            result[name] = [*known, *(text for text in map(str, value) if text != ADDED)]
        else:
            result[name] = str(value)
    if reasons := accepted(words):
        result["accept"] = {**result.get("accept", {}), **reasons}
    return result


def answered(path: Path, *needed: str, asks: str = "", **settings: Any) -> Cohort:
    """The cohort when the one question, which matches `asks`, is answered by the printed settings.

    Taken are the first of each name in `needed`.
    """
    line = question(path, **settings)
    assert re.search(asks, line), line
    offered = {w.partition("=")[0].removeprefix("data."): w for w in reversed(remedies(line))}
    assert offered.keys() >= set(needed), line
    return read(path, **applied([offered[name] for name in needed], settings))


def told(cohort: Cohort, kind: str = "") -> list[Finding]:
    """What a cohort is warned of, of one kind if any."""
    warnings = [note for note in cohort.notes if note.severity != "note"]
    return [note for note in warnings if not kind or note.kind == kind]
