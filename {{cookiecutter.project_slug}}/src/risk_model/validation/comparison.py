"""Which of two runs is better, and what was done differently? Reads what both wrote down and runs
no model.

Figures are subtracted only where both champions were judged on the same rows, and then paired: see
`paired`.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from risk_model.core.errors import UserError
from risk_model.core.files import read_json
from risk_model.evaluation import plain
from risk_model.evaluation.paired_differences import differences, why_not
from risk_model.reporting.comparison import Pair, Run, in_text, parts, write_comparison


def compare(first: Path, second: Path) -> tuple[Path, str]:
    """Writes `compare-<first>-<second>.html` beside the first run; returns its path and the same as
    text.

    UserError when a directory holds no evaluated run, or both are the same.
    """
    one, other = first.resolve(), second.resolve()
    if one == other:
        raise UserError(f"compare: {first} stands there twice; name two different runs")
    page = one.parent / f"compare-{one.name}-{other.name}.html"
    ours, theirs = (_opened(directory, page) for directory in (one, other))
    tables = [_champions_rows(directory, run) for directory, run in ((one, ours), (other, theirs))]
    paired = {part: _pair(part, [ours, theirs], tables) for part in parts(ours, theirs)}
    write_comparison(page, ours, theirs, paired, _resamples([ours, theirs]))
    return page, in_text(ours, theirs, paired)


def _opened(directory: Path, page: Path) -> Run:
    if not (directory / "training.json").is_file():
        raise UserError(f"compare: {directory} holds no trained run; name a directory below runs/")
    if not (directory / "evaluation.json").is_file():
        raise UserError(f"compare: {directory} is not evaluated; write evaluate run={directory}")
    report = quote(os.path.relpath(directory / "report.html", page.parent))
    return Run(
        directory.name,
        report,
        *(_read(directory / f"{n}.json") for n in ("config", "training", "evaluation")),
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = read_json(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read; train and evaluate the run again") from error
    return content


def _champions_rows(directory: Path, run: Run) -> pd.DataFrame:
    path = directory / "predictions.parquet"
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read; evaluate the run again") from error
    return table[table["model"] == run.champion]


def _pair(part: str, runs: list[Run], tables: list[pd.DataFrame]) -> Pair:
    first, second = (table[table["split"] == part] for table in tables)
    reason = _unlike(part, runs) or why_not(first, second)
    if reason:
        return Pair(reason, {})
    told = all("net_benefit" in run.figures(part) for run in runs)
    threshold = _threshold(runs) if told else None
    found = differences(first, second, threshold, _resamples(runs), runs[0].settings["seed"])
    unlike = "Net benefits at different thresholds are not subtracted."
    return Pair("", plain(found), unlike if told and threshold is None else "")


def _unlike(part: str, runs: list[Run]) -> str:
    outcomes = {run.training["outcome"] for run in runs}
    if len(outcomes) > 1:
        return "the runs predict different outcomes"
    return "" if all(run.part(part) for run in runs) else "only one of the runs has this part"


def _threshold(runs: list[Run]) -> float | None:
    """The operating threshold of both runs; None where they differ: each then weighs false alerts
    otherwise.
    """
    one, other = (float(run.training["threshold"]) for run in runs)
    return one if math.isclose(one, other) else None


def _resamples(runs: list[Run]) -> int:
    return max(int(run.evaluation["resamples"]) for run in runs)
