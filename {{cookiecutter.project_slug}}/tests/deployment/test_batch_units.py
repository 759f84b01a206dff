"""Are the units of a file to score stated once, checked, and else said to be assumed?"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from risk_model.app.cli import main
from risk_model.core.errors import UserError
from risk_model.core.package import ModelPackage
from risk_model.deployment.batch import BatchCounts, score

from tests.made_service import PATIENT, UNITS

IN_HEADERS = {name: f"{name} [{unit}]" for name, unit in UNITS.items()}


def written(folder: Path, names: dict[str, str], suffix: str = ".csv") -> Path:
    """A file of one patient, whose columns have other names."""
    path = folder / f"in{suffix}"
    table = pa.table({names.get(name, name): [value] for name, value in PATIENT.items()})
    pq.write_table(table, path) if suffix == ".parquet" else pa.csv.write_csv(table, path)
    return path


def scored(
    package: ModelPackage, path: Path, units: dict[str, str] | None = None
) -> tuple[BatchCounts, dict[str, object]]:
    output = path.with_name(f"out-{path.stem}-{len(list(path.parent.iterdir()))}.parquet")
    counts = score(package, path, output, units)
    [row] = pq.read_table(output).to_pylist()
    return counts, row


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_units_in_the_headers_are_stated_and_change_no_risk(
    package: ModelPackage, tmp_path: Path, suffix: str
) -> None:
    counts, row = scored(package, written(tmp_path, IN_HEADERS, suffix))
    assert (row["input_units"], counts.assumed) == ("stated", [])
    assert not set(IN_HEADERS.values()) & set(row), (
        "inputs are not copied, whatever they are called"
    )
    counts, plain = scored(package, written(tmp_path, {}, suffix))
    assert (plain["input_units"], counts.assumed) == ("assumed", list(UNITS))
    assert row["risk"] == plain["risk"]


def test_units_of_the_setting_count_like_headers_and_may_stand_beside_them(
    package: ModelPackage, tmp_path: Path
) -> None:
    counts, row = scored(package, written(tmp_path, {}), UNITS)
    assert (row["input_units"], counts.assumed) == ("stated", [])
    some = {"age": "age [a]"}
    counts, row = scored(package, written(tmp_path, some), {"lactate": "mmol/L"})
    assert (row["input_units"], counts.assumed) == ("assumed", ["heart_rate"])


@pytest.mark.parametrize(
    ("names", "units", "words"),
    [
        ({"lactate": "lactate [mg/dL]"}, {}, "lactate is stated in mg/dL, not mmol/L"),
        ({}, {"lactate": "mg/dL"}, "lactate is stated in mg/dL, not mmol/L"),
        ({"lactate": "lactate [mmol/L]"}, {"lactate": "mg/dL"}, "stated in mg/dL, not mmol/L"),
        ({"age": "age [years]"}, {}, "age is stated in years, not a"),
        ({"diabetes": "diabetes [%]"}, {}, "diabetes is stated in %, not 1"),
        ({}, {"height": "cm"}, "units: height: no field of this model"),
    ],
)
def test_another_unit_is_refused_before_a_row_is_scored(
    package: ModelPackage, tmp_path: Path, names: dict[str, str], units: dict[str, str], words: str
) -> None:
    path = written(tmp_path, names)
    with pytest.raises(UserError, match=words) as refused:
        score(package, path, tmp_path / "out.csv", units)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "out.csv").exists()


def test_a_column_that_is_no_field_keeps_its_brackets(
    package: ModelPackage, tmp_path: Path
) -> None:
    path = tmp_path / "in.csv"
    path.write_text(
        "stay [d],age,heart_rate,lactate,sex,ward/unit,diabetes\n3,71,96,2,male,ICU,true\n"
    )
    _, row = scored(package, path)
    assert row["stay [d]"] is not None


def test_one_field_in_two_columns_is_refused(package: ModelPackage, tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text(
        "age,age [a],heart_rate,lactate,sex,ward/unit,diabetes\n3,71,96,2,male,ICU,true\n"
    )
    with pytest.raises(UserError, match="age stands in two columns"):
        score(package, path, tmp_path / "out.csv")


def test_the_command_takes_units_and_says_which_it_assumed(
    package: ModelPackage,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path, {"age": "age [a]"})
    words = ["score", f"package={package.directory}", f"input={path}"]
    assert main([*words, "output=a.csv", "units={lactate: mmol/L}"]) == 0
    told = capsys.readouterr().out
    assert "the package's units were assumed for heart_rate; state them" in told
    assert main([*words, "output=b.csv", "units={lactate: mmol/L, heart_rate: /min}"]) == 0
    assert "assumed" not in capsys.readouterr().out
    assert main([*words, "output=c.csv", "units=lactate mmol/L"]) == 2
    assert not (tmp_path / "c.csv").exists()
