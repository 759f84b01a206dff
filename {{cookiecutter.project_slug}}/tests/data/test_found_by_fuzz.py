"""What a fuzz over made-up tables found: values read wrongly, and remedies that did not help."""

from __future__ import annotations

import shlex
import warnings
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from risk_model import config
from risk_model.app.hydra_settings import run_with_settings
from risk_model.core.cohort import Cohort
from risk_model.core.errors import UserError
from risk_model.core.setting_syntax import setting
from risk_model.data import load
from risk_model.data.sources.doubts import accepted, missing_in
from risk_model.data.tables.csv_file import csv_pieces, read_header

ROWS = 200
DRAW = np.random.default_rng(0)
DIED = DRAW.integers(0, 2, ROWS)
AGE, SEX = DRAW.integers(18, 95, ROWS // 2), DRAW.choice(["F", "M"], ROWS // 2)
NAMES = ("crp, mg [a]", "größe", "it's", 'so-called "risk"', "x=y", "a:b", "null", "100", "a b")


class Settings:
    """A command that keeps its settings."""

    name, acts_on_run, own_settings = "data", False, ()
    seen: list[config.Config] = []  # noqa: RUF012

    @classmethod
    def load(cls) -> object:
        return cls.seen.append


def read(tmp_path: Path, columns: dict[str, Any], **settings: Any) -> Cohort:
    pd.DataFrame({"died": DIED, **columns}).to_csv(tmp_path / "t.csv", index=False)
    return load(config.Table(path=str(tmp_path / "t.csv"), outcome="died", **settings))


@pytest.mark.parametrize("name", NAMES)
def test_a_printed_setting_of_any_column_can_be_pasted(name: str) -> None:
    words = [setting("data.numbers", [name]), missing_in(name, ["n.d.", "-9"])]
    words.append(accepted(name, "ok"))
    told = ["data=csv", "data.path=t.csv", "data.outcome=died"]
    run_with_settings(Settings, told + shlex.split(" ".join(words)))  # type: ignore[arg-type]  # a command for a test
    data = Settings.seen[-1].data
    assert data.numbers == [name]
    assert data.missing_in == [f"{name}=n.d.", f"{name}=-9"]
    assert data.accept == {name: "ok"}


def test_the_remedy_for_a_word_keeps_the_usual_words_for_not_recorded(tmp_path: Path) -> None:
    numbers = [f"{v:.2f}" for v in DRAW.normal(4, 1, ROWS)]
    lab = np.where(np.arange(ROWS) < 20, "n.d.", numbers)
    with pytest.raises(UserError, match=r"data\.missing_in=\[\"lab=n\.d\.\"\]"):
        read(tmp_path, {"lab": lab})


@pytest.mark.parametrize(
    ("write", "remedy", "settings"),
    [
        (lambda v: f"<{v:.1f}".replace(".", ","), "data.censored=limit data.decimal=,", {}),
        (lambda v: f"{v:.1f} mg/L".replace(".", ","), "data.decimal=, data.numbers=[lab]", {}),
        (lambda v: f"{v * 1000:,.1f}", "data.thousands=,", {}),
        (lambda v: f"{v * 1000:,.1f}".replace(",", " ").replace(".", ","), "data.thousands= ", {}),
        (lambda v: f"{v:.1f}".replace(".", ","), "write all of them as", {"thousands": ","}),
    ],
)
def test_a_remedy_names_every_setting_that_is_needed(
    tmp_path: Path, write: Callable[[float], str], remedy: str, settings: dict[str, object]
) -> None:
    texts = [write(v) for v in DRAW.normal(40, 8, ROWS)]
    with pytest.raises(UserError) as error:
        read(tmp_path, {"lab": texts}, **settings)
    assert remedy in " ".join(shlex.split(str(error.value).replace("column 'lab'", "")))


def test_age_bands_with_a_rare_word_are_no_limits(tmp_path: Path) -> None:
    bands = DRAW.choice(["40-49", "50-59", "60-69", "70+"], ROWS)
    bands[0] = "not asked"
    assert read(tmp_path, {"band": bands}).schema.field("band").kind == "category"


def test_decimals_of_parquet_are_the_numbers_of_a_csv_file(tmp_path: Path) -> None:
    texts = [f"{v:.2f}" for v in DRAW.normal(4, 9, ROWS)]
    decimals = pa.array([Decimal(text) for text in texts], pa.decimal128(12, 2))
    pq.write_table(pa.table({"died": DIED, "lab": decimals}), tmp_path / "t.parquet")
    cohort = load(config.Table(path=str(tmp_path / "t.parquet"), outcome="died"))
    assert cohort.inputs["lab"].tolist() == list(map(float, texts))


def test_a_date_in_parquet_is_read_without_a_warning(tmp_path: Path) -> None:
    days = pa.array(DRAW.integers(12000, 18000, ROWS).astype(np.int32)).cast(pa.date32())
    lab = pa.array(DRAW.normal(size=ROWS))
    table = pa.table({"died": DIED, "admission_date": days, "lab": lab})
    pq.write_table(table, tmp_path / "t.parquet")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cohort = load(config.Table(path=str(tmp_path / "t.parquet"), outcome="died"))
    assert cohort.recorded("prediction_time")


def test_codes_for_an_age_do_not_hide_that_rows_are_of_one_person(tmp_path: Path) -> None:
    who = DRAW.integers(0, ROWS // 2, ROWS)
    age = np.where(DRAW.random(ROWS) < 0.2, 999, AGE[who])
    columns = {"kodnr": who + 1000, "sex": SEX[who], "age": age, "lab": DRAW.normal(size=ROWS)}
    with pytest.raises(UserError, match=r"kodnr: .* does it name patients"):
        read(tmp_path, columns, age="none")


def test_a_rare_spelling_of_a_site_is_not_repeated(tmp_path: Path) -> None:
    site = DRAW.choice(["North", "South"], ROWS).astype(object)
    site[3] = "NORTH."
    with pytest.raises(UserError, match="hospital: 1 sites stand under several spellings;"):
        read(tmp_path, {"hospital": site, "lab": DRAW.normal(size=ROWS)})


def rows_of_text(path: Path, lines: list[str]) -> list[object]:
    path.write_text("\n".join(["note,a,b", *lines]) + "\n")
    return [piece.num_rows for piece in csv_pieces(path, read_header(path))]


def test_a_quote_that_swallows_rows_and_closes_at_the_next_one_is_told(tmp_path: Path) -> None:
    plain = [f"text {i},{i},2" for i in range(150)]
    broken = [*plain[:70], '"open,3,4', *plain[70:100], '"closed",5,6', *plain[100:]]
    with pytest.raises(UserError, match="a quote that opens in line 72 is never closed"):
        rows_of_text(tmp_path / "t.csv", broken)


def test_lines_within_a_value_are_no_swallowed_rows(tmp_path: Path) -> None:
    plain = [f"text {i},{i},2" for i in range(150)]
    assert rows_of_text(tmp_path / "t.csv", [*plain, '"Dear, sir,\nwell",5,6']) == [151]


def test_a_quote_that_swallows_a_long_file_is_told(tmp_path: Path) -> None:
    plain = [f"text {i},{i},2" for i in range(20_000)]
    broken = [*plain[:100], '5,6,"open', *plain[100:]]
    with pytest.raises(UserError, match="a quote that opens in line 102 is never closed"):
        rows_of_text(tmp_path / "t.csv", broken)
