"""The comparison of two runs: which is better, and what was done differently?

It reads what both wrote down and runs no model. Metrics are subtracted only where both champions
were evaluated on the same rows, and then paired: see `paired_differences`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from risk_model import artifacts
from risk_model.core.errors import UserError
from risk_model.core.files import read_json
from risk_model.core.runs import not_evaluated
from risk_model.evaluation.paired_differences import paired_differences, why_not
from risk_model.reporting.comparison import in_text, parts, write_comparison
from risk_model.reporting.comparison_run import ComparedRun, PairedDifferences


def compare(first: Path, second: Path) -> tuple[Path, str]:
    """Writes `compare-<first>-<second>.html` beside the first run.

    Args:
        first: The directory of an evaluated run.
        second: That of another.

    Returns:
        The page's path, and the same as text.

    Raises:
        UserError: A directory holds no evaluated run, or both are the same.
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


def _opened(directory: Path, page: Path) -> ComparedRun:
    if not (directory / artifacts.TRAINING).is_file():
        raise UserError(f"compare: {directory} holds no trained run; name a directory below runs/")
    if not (directory / artifacts.EVALUATION).is_file():
        raise not_evaluated("compare", directory)
    config = directory / "config.json"
    return ComparedRun(
        name=directory.name,
        report=quote(os.path.relpath(directory / "report.html", page.parent)),
        settings=_read(config, lambda: read_json(config)),
        training=_read(directory / artifacts.TRAINING, lambda: artifacts.read_training(directory)),
        evaluation=_read(
            directory / artifacts.EVALUATION, lambda: artifacts.read_evaluation(directory)
        ),
    )


def _read(path: Path, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read; train and evaluate the run again") from error


def _champions_rows(directory: Path, run: ComparedRun) -> pd.DataFrame:
    path = directory / artifacts.PREDICTIONS
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read; evaluate the run again") from error
    return table.loc[table["model"] == run.champion]


def _pair(part: str, runs: list[ComparedRun], tables: list[pd.DataFrame]) -> PairedDifferences:
    first, second = (table[table["split"] == part] for table in tables)
    reason = _unlike(part, runs) or why_not(first, second)
    if reason:
        return PairedDifferences(reason, {})
    stated = all("net_benefit" in run.metrics(part) for run in runs)
    threshold = _threshold(runs) if stated else None
    resamples, seed = _resamples(runs), int(runs[0].settings["seed"])
    differences = paired_differences(first, second, threshold, resamples, seed)
    unlike = "Net benefits at different thresholds are not subtracted."
    return PairedDifferences("", differences, unlike if stated and threshold is None else "")


def _unlike(part: str, runs: list[ComparedRun]) -> str:
    if len({run.training.outcome for run in runs}) > 1:
        return "the runs predict different outcomes"
    return "" if all(run.part(part) for run in runs) else "only one of the runs has this part"


def _threshold(runs: list[ComparedRun]) -> float | None:
    """The operating threshold of both; None where they differ and weigh false alerts otherwise."""
    one, other = (run.training.threshold for run in runs)
    return one if math.isclose(one, other) else None


def _resamples(runs: list[ComparedRun]) -> int:
    return max(run.evaluation.resamples for run in runs)
