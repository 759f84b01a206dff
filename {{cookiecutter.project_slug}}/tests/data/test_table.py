"""What is made of a table nobody described: kinds, ranges, roles, and what is left out and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from risk_model import config
from risk_model.core.cohort import Cohort
from risk_model.core.errors import UserError
from risk_model.core.reading_rules import ReadingRules
from risk_model.data import load
from risk_model.data.sources.inference import clean, infer_schema

ROWS = 60


def table(rows: int = ROWS, /, **columns: Any) -> pd.DataFrame:
    """A small table with an outcome, a number and a category, and what the test adds."""
    draw = np.random.default_rng(0)
    known = {
        "died": np.arange(rows) % 3 == 0,
        "lactate": draw.normal(2, 0.5, rows).round(2),
        "unit": np.where(np.arange(rows) % 2, "icu", "ward"),
    }
    return pd.DataFrame({**known, **columns}).assign(died=lambda t: t["died"].astype(int))


def loaded(tmp_path: Path, frame: pd.DataFrame, name: str = "table.csv", **settings: Any) -> Cohort:
    path = tmp_path / name
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False)
    return load(config.Table(path=str(path), **{"outcome": "died", **settings}))


def left_out(cohort: Cohort) -> dict[str, str]:
    return {
        note.where: note.message.split(":")[0] for note in cohort.notes if note.kind == "left out"
    }


def roles(cohort: Cohort) -> dict[str, str]:
    """The columns that were taken for something else than an input, and for what."""
    inputs = ("number", "words", "yes or no", "left out", "outcome")
    return {c.column: c.read_as for c in cohort.columns if c.read_as not in inputs}


@pytest.mark.parametrize(
    "name", ["table.csv", "two words.csv", "a,b=c.csv", "table.parquet", "table.csv.gz"]
)
def test_a_path_and_an_outcome_are_enough(tmp_path: Path, name: str) -> None:
    cohort = loaded(tmp_path, table(), name)
    assert [(f.name, f.kind) for f in cohort.schema.fields] == [
        ("lactate", "number"),
        ("unit", "category"),
    ]
    assert cohort.labels.tolist() == table()["died"].tolist()
    assert list(cohort.index) == []
    assert cohort.schema.features == ["lactate", "unit=icu", "unit=ward"]
    assert cohort.source == f"{name}, supplied by the user"


def test_csv_and_parquet_of_one_table_are_one_cohort(tmp_path: Path) -> None:
    frame = table(
        patient_id=[f"{i:03d}" for i in range(ROWS)],
        age=np.arange(ROWS) + 20.5,
        seen=[True, False] * 30,
    )
    from_csv, from_parquet = (
        loaded(tmp_path, frame, name) for name in ("table.csv", "table.parquet")
    )
    assert from_csv.fingerprint() == from_parquet.fingerprint()


@pytest.mark.parametrize(("separator", "mark"), [(";", ""), ("\t", ""), ("|", ""), (",", "\ufeff")])
def test_separators_and_byte_order_marks_are_understood(
    tmp_path: Path, separator: str, mark: str
) -> None:
    path = tmp_path / "table.csv"
    path.write_text(mark + table().to_csv(index=False, sep=separator), encoding="utf-8")
    assert load(config.Table(path=str(path), outcome="died")).schema.names == ["lactate", "unit"]


def test_none_is_a_category_and_a_question_mark_is_missing(tmp_path: Path) -> None:
    cohort = loaded(tmp_path, table(test=["None"] * 20 + ["?"] * 20 + [" Norm "] * 20))
    assert cohort.schema.field("test").categories == ("None", "Norm")
    assert cohort.inputs["test"].isna().sum() == 20
    assert cohort.schema.field("test").missing_flag


@pytest.mark.parametrize("token", ["", " ", "NA", "NaN", "null", ".", "?"])
def test_what_means_not_recorded_is_missing_in_a_number(tmp_path: Path, token: str) -> None:
    cohort = loaded(tmp_path, table(hb=[token, *map(str, range(2, ROWS + 1))]))
    assert cohort.schema.field("hb").kind == "number"
    assert cohort.inputs["hb"].isna().tolist() == [True] + [False] * (ROWS - 1)


def test_texts_that_mean_missing_can_be_set(tmp_path: Path) -> None:
    cohort = loaded(tmp_path, table(hb=["-9", *map(str, range(2, ROWS + 1))]), missing=["-9"])
    assert cohort.inputs["hb"].isna().sum() == 1


def test_an_identifier_keeps_its_leading_zeros_and_its_digits(tmp_path: Path) -> None:
    identifiers = [f"{i:03d}" for i in range(ROWS - 1)] + ["12345678901234567890"]
    cohort = loaded(tmp_path, table(mrn=identifiers))
    assert cohort.subjects.tolist() == identifiers


def test_roles_are_recognised_by_name_and_told(tmp_path: Path) -> None:
    columns: dict[str, Any] = {
        "Patient ID": np.repeat(np.arange(ROWS // 2), 2),
        "admission_date": pd.date_range("2020-01-01", periods=ROWS).strftime("%Y-%m-%d"),
        "Hospital": np.repeat(["North", "South"], ROWS // 2),
        "Age": np.repeat(np.arange(ROWS // 2), 2) + 20,
        "gender": np.repeat(["F", "M"], ROWS // 2),
        "race": ["black", "white", "asian"] * (ROWS // 3),
    }
    cohort = loaded(tmp_path, table(**columns))
    assert list(cohort.index) == [
        "subject_id",
        "prediction_time",
        "site",
        "age",
        "sex",
        "ethnicity",
    ]
    assert cohort.index["prediction_time"].dtype.kind == "M"
    assert list(roles(cohort)) == list(columns)
    assert cohort.schema.names == ["lactate", "unit", "Age", "gender"]


def test_a_role_is_switched_off_by_none_and_set_by_name(tmp_path: Path) -> None:
    frame = table(
        age=np.arange(ROWS) + 20,
        mrn=np.repeat(np.arange(ROWS // 2), 2),
        house=["a", "b"] * (ROWS // 2),
    )
    cohort = loaded(tmp_path, frame, age="none", subject="none", site="house")
    assert list(cohort.index) == ["site"]
    assert roles(cohort) == {"house": "site"}
    assert "age" in cohort.schema.names
    assert "house" not in cohort.schema.names


def test_a_repeated_number_of_a_patient_is_the_subject_though_nobody_named_it(
    tmp_path: Path,
) -> None:
    cohort = loaded(tmp_path, table(id=np.repeat(np.arange(ROWS // 3), 3)))
    assert len(set(cohort.subjects)) == ROWS // 3
    assert "id" not in cohort.schema.names
    assert roles(cohort) == {"id": "patient"}


def test_a_column_called_date_without_dates_stops_until_somebody_says_what_it_is(
    tmp_path: Path,
) -> None:
    frame = table(date=np.random.default_rng(1).normal(size=ROWS))
    with pytest.raises(UserError, match=r"no dates I can read.*data\.time=none"):
        loaded(tmp_path, frame)
    cohort = loaded(tmp_path, frame, time="none", exclude=["date"])
    assert not cohort.recorded("prediction_time")
    assert "date" not in cohort.schema.names


def test_a_year_can_be_the_time(tmp_path: Path) -> None:
    cohort = loaded(tmp_path, table(year=[1999, 2001] * (ROWS // 2)), time="year")
    assert cohort.index["prediction_time"].dt.year.tolist() == [1999, 2001] * (ROWS // 2)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2021-03-25", 25),
        ("25/03/2021", 25),
        ("03/25/2021", 25),
        ("25.03.2021", 25),
        ("2021-03-25T10:30:00Z", 25),
    ],
)
def test_dates_are_read_as_they_are_written(tmp_path: Path, written: str, day: int) -> None:
    cohort = loaded(tmp_path, table(date=[written] * ROWS))
    assert set(cohort.index["prediction_time"].dt.normalize()) == {pd.Timestamp(2021, 3, day)}


def test_columns_no_model_should_see_are_left_out_with_the_reason(tmp_path: Path) -> None:
    frame = table(
        row=np.arange(ROWS) + 1,
        accession_nr=np.random.default_rng(2).permutation(ROWS) * 7,
        letter=[f"S{i}" for i in range(ROWS)],
        note=["the patient was admitted with chest pain and sent home"] * 30
        + ["no news since then, all is well"] * 30,
        same=[1] * ROWS,
        empty=[None] * ROWS,
        born=pd.date_range("1950-01-01", periods=ROWS).strftime("%Y-%m-%d"),
        rare=[f"kind {i % 20}" for i in range(ROWS)],
    )
    assert left_out(loaded(tmp_path, frame)) == {
        "row": "a saved row number",
        "accession_nr": "an identifier",
        "letter": "an identifier",
        "note": "free text",
        "same": "constant",
        "empty": "nothing is recorded",
        "born": "a date",
        "rare": "no value occurs in 10 rows",
    }


def test_a_measurement_that_never_repeats_stays(tmp_path: Path) -> None:
    weight = np.random.default_rng(3).choice(np.arange(40_000, 120_000), ROWS, replace=False)
    assert "grams" in loaded(tmp_path, table(grams=weight)).schema.names


def test_excluded_columns_are_neither_fields_nor_read_for_sense(tmp_path: Path) -> None:
    cohort = loaded(tmp_path, table(bad=["x", *map(str, range(1, ROWS))]), exclude=["bad", "unit"])
    assert cohort.schema.names == ["lactate"]


def test_recorded_after_hides_a_column_and_keeps_it_in_the_schema(tmp_path: Path) -> None:
    cohort = loaded(tmp_path, table(los=np.arange(ROWS) % 7), recorded_after=["los"])
    assert "los" in cohort.schema.names
    assert "los" not in cohort.schema.features


def test_codes_among_numbers_are_categories_and_no_slip(tmp_path: Path) -> None:
    cohort = loaded(tmp_path, table(code=(["250.83", "428", "V57"] * 20)))
    assert cohort.schema.field("code").categories == ("250.83", "428", "V57")


def test_a_frequent_word_among_few_numbers_is_a_category(tmp_path: Path) -> None:
    cohort = loaded(tmp_path, table(children=["0", "1", "2", "3+"] * 15))
    assert cohort.schema.field("children").categories == ("0", "1", "2", "3+")


def test_rows_without_an_outcome_or_a_subject_are_left_out_with_a_warning(tmp_path: Path) -> None:
    frame = table(mrn=[None, *map(str, range(1, ROWS))]).assign(
        died=[0.0, np.nan] + [0.0, 1.0] * (ROWS // 2 - 1)
    )
    frame.to_csv(tmp_path / "t.csv", index=False)
    cohort = load(config.Table(path=str(tmp_path / "t.csv"), outcome="died"))
    assert len(cohort) == ROWS - 2
    assert [(n.severity, n.message.split(" ")[0]) for n in cohort.notes[:2]] == [
        ("warning", "1"),
        ("warning", "1"),
    ]


def test_a_schema_that_somebody_wrote_is_used_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_text(
        '{"name": "mine", "outcome": "died", "fields": ['
        '{"name": "lactate", "kind": "number", "unit": "mmol/L", "minimum": 1, "maximum": 3},'
        '{"name": "code", "kind": "category", "categories": ["1", "2"]},'
        '{"name": "vent", "kind": "boolean"}]}'
    )
    frame = table(code=[1, 2, 3] * 20, vent=["yes", "no"] * 30, race=["a", "b"] * 30)
    cohort = loaded(tmp_path, frame, schema=str(tmp_path / "schema.json"))
    assert cohort.schema.field("lactate").unit == "mmol/L"
    assert cohort.inputs["vent"].tolist() == [1.0, 0.0] * 30
    assert cohort.schema.features == ["lactate", "code=1", "code=2", "vent"]
    assert cohort.encoded()[:3, 1:3].tolist() == [[1, 0], [0, 1], [0, 0]]
    assert cohort.recorded("ethnicity")
    assert {note.kind for note in cohort.notes} >= {"implausible values", "unlisted categories"}


def test_the_inferred_schema_reads_its_own_table_again(tmp_path: Path) -> None:
    frame = table(age=np.arange(ROWS) + 20, sex=["F", "M"] * 30, vent=[0, 1] * 30)
    first = loaded(tmp_path, frame)
    (tmp_path / "schema.json").write_text(first.schema.to_json())
    second = loaded(tmp_path, frame, schema=str(tmp_path / "schema.json"))
    assert second.schema == first.schema
    np.testing.assert_array_equal(second.encoded(), first.encoded())


def test_line_order_changes_nothing_but_the_order(tmp_path: Path) -> None:
    frame = table(age=np.arange(ROWS) + 20)
    shuffled = frame.sample(frac=1, random_state=0)
    assert loaded(tmp_path, frame).fingerprint() == loaded(tmp_path, shuffled).fingerprint()


def test_a_hundred_columns_are_no_trouble(tmp_path: Path) -> None:
    wide = np.random.default_rng(4).normal(size=(500, 100)).round(3)
    frame = table(500).join(pd.DataFrame(wide, columns=[f"lab {i}" for i in range(100)]))
    assert loaded(tmp_path, frame).encoded().shape == (500, 103)


def test_a_schema_can_be_inferred_without_a_file() -> None:
    frame = clean(table().drop(columns="died"), ReadingRules())
    schema, notes = infer_schema(frame, "demo", "died")
    assert schema.names == ["lactate", "unit"]
    assert notes == ()


def test_nothing_left_to_learn_from_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no column is left to learn from"):
        loaded(tmp_path, table(), exclude=["lactate", "unit"])


@pytest.mark.slow
def test_a_million_rows_load(tmp_path: Path) -> None:
    rows = 1_000_000
    draw = np.random.default_rng(5)
    numbers = pd.DataFrame(
        draw.normal(size=(rows, 18)).round(2), columns=[f"x{i}" for i in range(18)]
    )
    cohort = loaded(
        tmp_path, numbers.assign(died=draw.random(rows) < 0.1, sex=draw.choice(["F", "M"], rows))
    )
    assert cohort.encoded().shape == (rows, 20)
