"""Does a table of patients get the same risks as the API gives, in bounded memory, and nothing
half-written?
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from risk_model.core.errors import UserError
from risk_model.core.package import ModelPackage
from risk_model.core.schema import encode
from risk_model.deployment import table_stream
from risk_model.deployment.batch import column_encoder, score
from risk_model.deployment.requests import RefusedError, request_reader, under_policy
from risk_model.deployment.table_stream import ADDED

from tests.made_service import request_body

ROWS: list[dict[str, Any]] = [
    {
        "age": 71,
        "heart_rate": 96.5,
        "lactate": 2.1,
        "sex": "female",
        "ward/unit": "ICU",
        "diabetes": False,
    },
    {
        "age": 18,
        "heart_rate": None,
        "lactate": None,
        "sex": None,
        "ward/unit": None,
        "diabetes": None,
    },
    {
        "age": 120,
        "heart_rate": 20,
        "lactate": 0,
        "sex": "male",
        "ward/unit": "Ärzte",
        "diabetes": True,
    },
    {
        "age": 17,
        "heart_rate": 96,
        "lactate": 1,
        "sex": "male",
        "ward/unit": "ICU",
        "diabetes": True,
    },
    {
        "age": 50,
        "heart_rate": 301,
        "lactate": -1,
        "sex": "male",
        "ward/unit": "ICU",
        "diabetes": True,
    },
    {
        "age": 50,
        "heart_rate": 90,
        "lactate": 1,
        "sex": "other",
        "ward/unit": "ICU",
        "diabetes": True,
    },
    {
        "age": None,
        "heart_rate": 90,
        "lactate": 1,
        "sex": "male",
        "ward/unit": 'surgery "B"',
        "diabetes": True,
    },
    {
        "age": 64.25,
        "heart_rate": 88,
        "lactate": 3.5,
        "sex": "male",
        "ward/unit": 'surgery "B"',
        "diabetes": True,
    },
]


def table(times: int = 1) -> pa.Table:
    rows = [{"patient": f"00{i}", **row} for i, row in enumerate(ROWS * times)]
    kinds = {
        "age": pa.float64(),
        "heart_rate": pa.float32(),
        "lactate": pa.float64(),
        "diabetes": pa.bool_(),
    }
    fields = [(name, kinds.get(name, pa.string())) for name in rows[0]]
    return pa.Table.from_pylist(rows, pa.schema(fields))


def write(path: Path, content: pa.Table) -> Path:
    pq.write_table(content, path) if path.suffix == ".parquet" else pa.csv.write_csv(content, path)
    return path


def rules(broken: dict[str, Any]) -> list[str]:
    """The rules that some row breaks."""
    return [rule for rule, mask in broken.items() if mask.any()]


def read(path: Path) -> list[dict[str, Any]]:
    content = pq.read_table(path) if path.suffix == ".parquet" else pa.csv.read_csv(path)
    rows: list[dict[str, Any]] = content.to_pylist()
    return rows


@pytest.mark.parametrize("source", ["in.parquet", "in.csv"])
@pytest.mark.parametrize("target", ["out.parquet", "out.csv"])
def test_every_row_gets_what_the_api_would_answer(
    package: ModelPackage, tmp_path: Path, source: str, target: str
) -> None:
    done = score(package, write(tmp_path / source, table()), tmp_path / target)
    scored = read(tmp_path / target)
    assert (done.rows, done.refused) == (8, 5)
    assert list(scored[0]) == ["patient", *ADDED]
    ask = under_policy(request_reader(package.schema), package.input_check)
    for row, got in zip(ROWS, scored, strict=True):
        try:
            request = ask(json.dumps(request_body(row)).encode())
            risk = package.scorer(request.row)[0][0]
        except RefusedError as refused:
            assert got["risk"] is got["flagged"] is None
            assert got["input_warnings"] is None or not got["input_warnings"]
            named = [pointer.removeprefix("/inputs").strip("/") for pointer, _ in refused.errors]
            assert all(name.replace("~1", "/") in got["reason"] for name in named)
            assert got["reason"].count(";") == len(named) - 1
        else:
            assert got["risk"] == round(float(risk), 2)
            warned = "; ".join(warning["detail"] for warning in request.warnings)
            assert sorted((got["input_warnings"] or "").split("; ")) == sorted(warned.split("; "))
            assert got["flagged"] is bool(risk >= package.threshold)
            assert not got["reason"]
        assert got["model_version"] == package.sha256
        assert got["input_units"] == "assumed"


def test_identifiers_in_a_csv_stay_text(package: ModelPackage, tmp_path: Path) -> None:
    score(package, write(tmp_path / "in.csv", table()), tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet")["patient"].to_pylist()[:2] == ["000", "001"]


def test_columns_of_a_file_are_encoded_as_training_encodes_them(package: ModelPackage) -> None:
    good = [row for i, row in enumerate(ROWS) if i in (0, 1, 2, 7)]
    schema = package.schema
    piece = pa.Table.from_pylist(good).to_batches()[0]
    features, broken = column_encoder(schema)(piece)
    assert not rules(broken)
    assert np.array_equal(
        features, encode({f.name: [r[f.name] for r in good] for f in schema.inputs}, schema), True
    )


@pytest.mark.parametrize("kind", [pa.float32(), pa.float64(), pa.int8(), pa.int64(), pa.uint16()])
def test_any_numeric_column_will_do(package: ModelPackage, kind: pa.DataType) -> None:
    whole = {
        "age": pa.array([20, 71, None], kind),
        "heart_rate": pa.array([None] * 3),
        "lactate": pa.array([1, 2, 3], kind),
    }
    rest = {"sex": pa.array(["male"] * 3).dictionary_encode(), "ward/unit": pa.array([None] * 3)}
    batch_of = pa.RecordBatch.from_pydict(
        {**whole, **rest, "diabetes": pa.array([0, 1, None], pa.int8())}
    )
    features, broken = column_encoder(package.schema)(batch_of)
    assert features[:2, 0].tolist() == [20, 71]
    assert rules(broken) == ["age is required"]
    assert features[:, package.schema.features.index("diabetes")][:2].tolist() == [0, 1]
    assert features[:, package.schema.features.index("diabetes missing")].tolist() == [0, 0, 1]


def test_a_truth_value_that_is_neither_0_nor_1_gets_no_risk(
    package: ModelPackage, tmp_path: Path
) -> None:
    columns = (
        table()
        .slice(0, 3)
        .drop_columns(["diabetes"])
        .append_column("diabetes", pa.array([0.0, 0.5, 2.0]))
    )
    assert (
        score(package, write(tmp_path / "in.parquet", columns), tmp_path / "out.parquet").refused
        == 2
    )
    assert read(tmp_path / "out.parquet")[1]["reason"] == "diabetes must be true or false"


def test_a_table_of_many_pieces_keeps_its_order(
    package: ModelPackage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_stream, "PIECE", 7)
    monkeypatch.setattr(table_stream, "GROUP", 2)
    for name in ("in.parquet", "in.csv"):
        done = score(package, write(tmp_path / name, table(10)), tmp_path / f"out-{name}")
        scored = read(tmp_path / f"out-{name}")
        assert done.rows == len(scored) == 80
        assert [int(row["patient"]) for row in scored] == list(range(80))
        assert [row["risk"] for row in scored[:8]] == [row["risk"] for row in scored[72:]]


def test_missing_columns_are_all_named_at_once(package: ModelPackage, tmp_path: Path) -> None:
    for name in ("in.parquet", "in.csv"):
        path = write(tmp_path / name, table().drop_columns(["age", "ward/unit"]))
        with pytest.raises(
            UserError, match=r"columns missing that the model needs: age, ward/unit"
        ):
            score(package, path, tmp_path / "out.parquet")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (
            b"age,heart_rate,lactate,sex,ward/unit,diabetes\n70,1,1,m\xff,ICU,true\n",
            r"\(line 2\) is not UTF-8",
        ),
        (
            b"age,heart_rate,lactate,sex,ward/unit,diabetes\n70,1,1,male\n",
            r"the header's 6 values \(line 2\)",
        ),
        (
            b"age,heart_rate,lactate,sex,ward/unit,diabetes,age\n70,1,1,male,ICU,true,9\n",
            "column names must differ; 'age'",
        ),
        (
            b"age,heart_rate,lactate,sex,ward/unit,diabetes,risk\n70,1,1,male,ICU,true,9\n",
            "named like results: risk",
        ),
    ],
)
def test_an_unreadable_table_is_one_clear_line_without_values(
    package: ModelPackage, tmp_path: Path, content: bytes, words: str
) -> None:
    (tmp_path / "in.csv").write_bytes(content)
    with pytest.raises(UserError, match=words) as refused:
        score(package, tmp_path / "in.csv", tmp_path / "out.csv")
    assert "\n" not in str(refused.value)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["in.csv"]


@pytest.mark.parametrize(
    ("field", "cell", "rule"),
    [
        ("age", "7O", "age must be at least 18"),
        ("lactate", "1,5", "lactate must be"),
        ("lactate", "<0.5", "lactate must be"),
        ("diabetes", "maybe", "diabetes must be true or false"),
        ("sex", "F\0", "sex must be a category of the schema"),
    ],
)
def test_a_bad_cell_refuses_its_row_and_not_the_file(
    package: ModelPackage, tmp_path: Path, field: str, cell: str, rule: str
) -> None:
    rows = pd.DataFrame([ROWS[0]] * 3).astype(object)
    rows.loc[1, field] = cell
    rows.to_csv(tmp_path / "in.csv", index=False)
    assert score(package, tmp_path / "in.csv", tmp_path / "out.csv").refused == 1
    reasons = [row["reason"] for row in read(tmp_path / "out.csv")]
    assert [bool(reason) for reason in reasons] == [False, True, False]
    assert reasons[1].startswith(rule)
    assert cell not in reasons[1]


def test_a_row_without_any_value_gets_a_reason_as_the_api_gives(
    package: ModelPackage, tmp_path: Path
) -> None:
    blank = pd.DataFrame([ROWS[0], dict.fromkeys(ROWS[0])])
    blank.to_parquet(tmp_path / "in.parquet")
    score(package, tmp_path / "in.parquet", tmp_path / "out.parquet")
    assert "at least one field must have a value" in read(tmp_path / "out.parquet")[1]["reason"]


def test_a_table_that_breaks_in_the_middle_leaves_nothing(
    package: ModelPackage, tmp_path: Path
) -> None:
    lines = [
        "age,heart_rate,lactate,sex,ward/unit,diabetes",
        *["70,80,1,male,ICU,true"] * 100_000,
        "80,1,male,ICU,true",
    ]
    (tmp_path / "in.csv").write_text("\n".join(lines))
    with pytest.raises(UserError, match="line 100002"):
        score(package, tmp_path / "in.csv", tmp_path / "out.parquet")
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["in.csv"]


def test_files_that_cannot_be_scored_are_refused(package: ModelPackage, tmp_path: Path) -> None:
    good = write(tmp_path / "in.parquet", table())
    (tmp_path / "broken.parquet").write_bytes(good.read_bytes()[:300])
    (tmp_path / "there.csv").touch()
    for source, target, words in (
        (good, "there.csv", "exists already"),
        (good, "out.xlsx", "neither"),
        (tmp_path / "in.xlsx", "out.csv", "there is no file"),
        (tmp_path / "broken.parquet", "out.csv", "copied whole"),
    ):
        with pytest.raises(UserError, match=words):
            score(package, source, tmp_path / target)
    assert (tmp_path / "there.csv").read_bytes() == b""


def test_a_table_without_rows_is_refused(package: ModelPackage, tmp_path: Path) -> None:
    for name in ("in.parquet", "in.csv"):
        with pytest.raises(UserError, match="has no rows"):
            score(package, write(tmp_path / name, table().slice(0, 0)), tmp_path / f"out-{name}")
    assert not list(tmp_path.glob("*out*"))


def test_a_package_scores_what_pandas_wrote(package: ModelPackage, tmp_path: Path) -> None:
    frame = pd.DataFrame([row for i, row in enumerate(ROWS) if i in (0, 2, 7)]).assign(
        when=pd.Timestamp("2026-01-01")
    )
    frame.astype({"sex": "category"}).to_parquet(tmp_path / "in.parquet")
    frame.astype({"diabetes": float}).to_csv(tmp_path / "in.csv")
    for name in ("in.csv", "in.parquet"):
        assert score(package, tmp_path / name, tmp_path / f"out-{name}").refused == 0
    assert "when" in pq.read_table(tmp_path / "out-in.parquet").column_names


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows(
    make_package: Callable[..., ModelPackage], tmp_path: Path
) -> None:
    code = """
import sys
from pathlib import Path
from risk_model.deployment.batch import score
from risk_model.core.package import ModelPackage
score(ModelPackage.open(Path(sys.argv[1])), Path(sys.argv[2]), Path(sys.argv[3]))
print(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""  # not ru_maxrss, which counts what the parent process held as well
    package = make_package(tmp_path / "package").directory
    peaks = []
    for i, rows in enumerate((40_000, 2_000_000)):
        source, target = tmp_path / f"in{i}.parquet", tmp_path / f"out{i}.parquet"
        pq.write_table(pa.concat_tables([table(1_000)] * (rows // 8_000)), source)
        command = [sys.executable, "-c", code, str(package), str(source), str(target)]
        path = str(Path(__file__).parents[2] / "src")
        run = subprocess.run(
            command, capture_output=True, text=True, env={"PYTHONPATH": path}, check=True
        )
        peaks.append(int(run.stdout) // 1024)
        assert pq.read_metadata(target).num_rows == rows
    assert peaks[1] < min(1_000, peaks[0] + 200), f"{peaks} MB"
