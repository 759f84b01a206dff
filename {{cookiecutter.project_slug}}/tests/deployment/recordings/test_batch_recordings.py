"""Does a listing of recordings get the risks the API would give, with a reason where it would give
none?
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from risk_model import config
from risk_model.app.commands import score as score_command
from risk_model.core.errors import UserError
from risk_model.core.package import ModelPackage
from risk_model.core.risk_step import rounded
from risk_model.deployment import batch_recordings
from risk_model.deployment.batch import score
from risk_model.deployment.table_stream import ADDED
from risk_model.signals import rows

from tests import made_signal
from tests.made_signal import SCHEMA

STRIP = [0.5, -1.0, 2.0, 0.0, 1.0, 3.5, -0.25, 1e-3]
SECRET = "Mustermann"  # noqa: S105
LISTED = [
    ("007", "a.txt"),
    ("008", "sub/b.txt"),
    ("009", "broken.txt"),
    ("010", "absent.txt"),
    ("011", None),
]


@pytest.fixture
def package(make_strip_package: Callable[..., ModelPackage], tmp_path: Path) -> ModelPackage:
    return make_strip_package(tmp_path / "package")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two strips, one in a folder of its own, and one file that is none."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.txt").write_text("\n".join(map(str, STRIP)))
    (tmp_path / "sub/b.txt").write_text("\n".join(["1"] * 8))
    (tmp_path / "broken.txt").write_text(SECRET)
    return tmp_path


@pytest.fixture
def texts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes strips texts: eight words, each the length of a number."""

    def received(value: Any, signal: Any) -> Any:
        if not value.split():
            raise UserError("is empty")
        return np.array([len(word) for word in value.split()][:8], dtype=np.float32)

    monkeypatch.setattr(made_signal, "FROM_FILE", False)
    monkeypatch.setattr(made_signal, "received", received)


def write(path: Path, columns: dict[str, list[Any]]) -> Path:
    if path.suffix == ".jsonl":
        lines = [
            dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
        ]
        path.write_text(
            "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8"
        )
    elif path.suffix == ".parquet":
        pq.write_table(pa.table(columns), path)
    else:
        pa.csv.write_csv(pa.table(columns), path)
    return path


def listing(path: Path, listed: list[Any] = LISTED) -> Path:
    return write(
        path, {"patient": [patient for patient, _ in listed], "file": [file for _, file in listed]}
    )


def risk(package: ModelPackage, strip: list[float]) -> float:
    exact = float(package.scorer(rows([np.array(strip, dtype=np.float32)], SCHEMA))[0][0])
    return rounded(exact, package.manifest.risk_step, package.threshold)


@pytest.mark.parametrize("name", ["list.csv", "list.parquet", "list.jsonl"])
@pytest.mark.parametrize("few", [1, 2, 64])
def test_every_file_of_a_listing_gets_its_risk_or_a_reason(
    package: ModelPackage, folder: Path, name: str, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_recordings, "FEW", few)
    done = score(package, listing(folder / name), folder / "out.parquet")
    scored = pq.read_table(folder / "out.parquet").to_pylist()
    assert (done.rows, done.refused) == (5, 3)
    assert list(scored[0]) == ["patient", "file", *ADDED]
    assert [row["patient"] for row in scored] == [patient for patient, _ in LISTED]
    expected = [risk(package, STRIP), risk(package, [1.0] * 8), None, None, None]
    assert [row["risk"] for row in scored] == expected
    assert [row["flagged"] for row in scored[:2]] == [
        value >= package.threshold for value in expected[:2] if value
    ]
    assert [bool(row["reason"]) for row in scored] == [False, False, True, True, True]
    assert "broken.txt: is not a strip" in scored[2]["reason"]
    assert "absent.txt" in scored[3]["reason"]
    assert scored[4]["reason"] == "file is required"
    assert SECRET not in "".join(row["reason"] or "" for row in scored)
    assert {row["model_version"] for row in scored} == {package.sha256}


@pytest.mark.usefixtures("texts")
@pytest.mark.parametrize("name", ["notes.csv", "notes.parquet", "notes.jsonl"])
def test_texts_are_scored_and_left_out_of_the_answer(
    package: ModelPackage, tmp_path: Path, name: str
) -> None:
    words = f'a bb ccc\n"{SECRET}", d ee f g'
    notes = write(tmp_path / name, {"visit": ["1", "2"], "text": [words, " "], "file": ["x", "y"]})
    done = score(package, notes, tmp_path / "out.csv")
    scored = pa.csv.read_csv(tmp_path / "out.csv").to_pylist()
    assert (done.rows, done.refused) == (2, 1)
    assert list(scored[0]) == ["visit", "file", *ADDED]
    assert scored[0]["risk"] == pytest.approx(risk(package, [len(word) for word in words.split()]))
    assert scored[1]["reason"] == ("is empty" if name != "notes.csv" else scored[1]["reason"])
    assert SECRET not in (tmp_path / "out.csv").read_text()


@pytest.mark.usefixtures("texts")
def test_a_long_note_in_a_csv_is_one_row(package: ModelPackage, tmp_path: Path) -> None:
    long = "word\n" * 400_000
    assert (
        score(package, write(tmp_path / "n.csv", {"text": [long] * 3}), tmp_path / "out.csv").rows
        == 3
    )


def test_other_values_of_json_lines_are_kept_as_they_were_written(
    package: ModelPackage, folder: Path
) -> None:
    (folder / "list.jsonl").write_text(
        '\ufeff{"id": 7, "tags": ["x", 1], "file": "a.txt"}\n\n{"file": "sub/b.txt"}\n'
    )
    assert score(package, folder / "list.jsonl", folder / "out.parquet").rows == 2
    scored = pq.read_table(folder / "out.parquet").to_pylist()
    assert [(row["id"], row["tags"]) for row in scored] == [("7", '["x",1]'), (None, None)]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("list.csv", b"", "is empty"),
        ("list.csv", b"patient\n7\n", "columns missing that the model needs: file"),
        ("list.csv", b"file\n", "has no rows"),
        ("list.csv", b"file,risk\na.txt,1\n", "named like results: risk"),
        ("list.csv", b"file,name\na.txt,Mustermann\xff\n", r"\(line 2\) is not UTF-8"),
        ("list.jsonl", b"", "columns missing"),
        ("list.jsonl", b'{"file": "a.txt"}\n{"file": "Mustermann', "line 2 is no JSON object"),
        ("list.jsonl", b'{"file": "a.txt"}\n["Mustermann"]', "line 2 is no JSON object"),
        ("list.jsonl", b'{"file": "Mustermann\xff"}', "line 1 is no JSON object"),
        ("list.jsonl", b'{"file": "\\ud800"}', "line 1 is no JSON object"),
        (
            "list.jsonl",
            b'{"file": "a.txt"}\n{"file": "a.txt", "Mustermann": 1}',
            "members that the first has not",
        ),
        ("list.parquet", b"PAR1", "copied whole"),
        ("list.xlsx", b"PK\x03\x04", "a workbook or an archive"),
    ],
)
def test_a_listing_that_is_none_is_one_clear_line_without_values(
    package: ModelPackage, folder: Path, name: str, content: bytes, words: str
) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(UserError, match=words) as refused:
        score(package, folder / name, folder / "out.csv")
    assert "\n" not in str(refused.value)
    assert SECRET not in str(refused.value)
    assert not list(folder.glob("*out*"))


def test_numbers_may_be_file_names_and_a_file_that_is_not_there_gets_a_reason(
    package: ModelPackage, folder: Path
) -> None:
    pq.write_table(pa.table({"file": [1, 2]}), folder / "list.parquet")
    assert score(package, folder / "list.parquet", folder / "out.csv").refused == 2


def test_the_command_scores_a_listing_with_a_package_of_recordings(
    package: ModelPackage, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, listed = folder / "out.csv", listing(folder / "list.csv")
    settings = config.Config(package=str(package.directory), input=str(listed), output=str(out))
    score_command.score(settings)
    assert "5 rows, 3 without a risk" in capsys.readouterr().out
    assert out.is_file()
