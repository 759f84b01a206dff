"""A column that is compared with is judged and never learnt from, or is refused in one line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from risk_model import config
from risk_model.core.cohort import Cohort
from risk_model.core.errors import UserError
from risk_model.core.predictions import COLUMNS, SCORE, prediction_table
from risk_model.data import load
from risk_model.data.split import split


def test_support2_is_compared_with_its_own_model_and_the_physicians() -> None:
    cohort = load(config.Support2())
    assert list(cohort.scores) == ["1-surv2m", "1-prg2m"]
    both = cohort.scores["1-surv2m"] + cohort.inputs["surv2m"]
    assert np.allclose(both.dropna(), 1)
    assert cohort.scores["1-prg2m"].isna().sum() == cohort.inputs["prg2m"].isna().sum() > 0


def test_a_score_is_no_input_though_nobody_calls_it_later() -> None:
    settings = config.Support2(recorded_after=["death"], compare_with=["1-prg2m"])
    cohort = load(settings)
    names = [field.name for field in cohort.schema.inputs]
    assert "prg2m" not in names
    assert "surv2m" in names  # this one was neither
    assert "prg2m" not in cohort.schema.served().names


def table(folder: Path, **columns: Any) -> config.Table:
    """Sixty patients, one measurement, an outcome and these columns, as a file of a user."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"crp": rng.normal(20, 5, 60).round(1), "died": np.arange(60) % 3 == 0})
    path = folder / "table.csv"
    frame.assign(**columns).to_csv(path, index=False)
    return config.Table(path=str(path), outcome="died")


def compared(folder: Path, entries: list[str], **columns: Any) -> Cohort:
    return load(replace(table(folder, **columns), compare_with=entries))


def test_a_users_score_is_read_as_it_is_and_said_to_be_no_input(tmp_path: Path) -> None:
    risk = np.round(np.linspace(0, 1, 60), 3)
    cohort = compared(
        tmp_path, ["news", "1-alive"], news=risk, alive=np.where(risk > 0.5, risk, np.nan)
    )
    assert cohort.scores["news"].tolist() == pytest.approx(risk.tolist())
    assert cohort.scores["1-alive"].count() == (risk > 0.5).sum()
    assert [field.name for field in cohort.schema.inputs] == ["crp"]
    told = {c.column: c.read_as for c in cohort.columns}
    assert told["news"] == told["alive"] == "existing score"
    assert cohort.take(np.array([5, 3])).scores["news"].tolist() == risk[[5, 3]].tolist()


def test_a_column_that_is_really_called_so_is_taken_as_it_is(tmp_path: Path) -> None:
    cohort = compared(tmp_path, ["1-alive"], **{"1-alive": np.linspace(0.1, 0.9, 60)})
    assert cohort.scores["1-alive"].iloc[0] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (["new"], "data.compare_with: there is no column 'new' in table; did you mean 'news'"),
        (["1-new"], "there is no column 'new'"),
        (["points"], "'points' holds 60 of 60 values outside 0 to 1; .* divided by 100"),
        (["word"], "'word' holds words; name a column of risks"),
        (["died"], "'died' is read as: outcome"),
        (["row"], "'row' is read as: left out"),
        (["news", "points2"], "there is no column 'points2'"),
    ],
)
def test_a_wrong_column_is_one_line_with_the_remedy(
    entries: list[str], message: str, tmp_path: Path
) -> None:
    columns = {
        "news": np.linspace(0, 1, 60),
        "points": np.random.default_rng(1).normal(30, 5, 60).round(1),
        "row": np.arange(60),
        "word": np.where(np.arange(60) % 2 == 0, "high", "low"),
    }
    with pytest.raises(UserError, match=message) as refusal:
        compared(tmp_path, entries, **columns)
    assert "\n" not in str(refusal.value)


def test_a_table_read_by_a_packages_schema_still_brings_its_score(tmp_path: Path) -> None:
    risk = np.linspace(0, 1, 60)
    first = compared(tmp_path, ["news"], news=risk)
    schema = tmp_path / "schema.json"
    schema.write_text(first.schema.served().to_json(), encoding="utf-8")
    settings = replace(table(tmp_path, news=risk), compare_with=["news"], schema=str(schema))
    again = load(settings)
    assert again.scores["news"].tolist() == pytest.approx(risk.tolist())
    assert again.schema.served().features == first.schema.served().features


def test_the_prediction_table_holds_the_score_of_each_row_and_nothing_without_one() -> None:
    cohort = load(config.Support2())
    splits = split(cohort, config.Split(), config.Support2(), 0)
    risks = {"xgboost": np.full(len(cohort), 0.2)}
    rows = prediction_table(cohort, splits, risks, risks)
    assert list(rows) == [*COLUMNS, f"{SCORE}1-surv2m", f"{SCORE}1-prg2m"]
    assert rows[f"{SCORE}1-prg2m"].isna().sum() == cohort.scores["1-prg2m"].isna().sum()
    bare = load(config.Support2(compare_with=[]))
    assert list(prediction_table(bare, splits, risks, risks)) == list(COLUMNS)
