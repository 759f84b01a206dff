"""Do anybody's notes become a cohort, and is a note that cannot be used named by file and line?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from risk_model.config.text import MtsDialog, Notes, SyntheticNotes
from risk_model.core.errors import UserError
from risk_model.data.sources import mtsdialog, notes
from risk_model.data.sources.notes import signal_of
from risk_model.signals import rows, text

from tests.made_signal import texts_of

ROWS: list[dict[str, Any]] = [
    {
        "patient_id": i // 2,
        "died": i % 3 == 0,
        "hospital": "AB"[i % 2],
        "age": 40 + i,
        "date": f"2021-03-{i + 1:02d}",
        "text": f"Note {'abcdefghijkl'[i]}.\nDenies pain, reports »Übelkeit«.",
    }
    for i in range(12)
]


def asked(path: Path, **settings: Any) -> Notes:
    return Notes(
        path=str(path),
        outcome="died",
        **{"encoder": "", "windows": 2, "tokens": 16, "columns": 64, **settings},
    )


def json_lines(path: Path, records: Sequence[Any] = ROWS) -> Path:
    lines = [
        r if isinstance(r, bytes) else json.dumps(r, ensure_ascii=False).encode() for r in records
    ]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def test_json_lines_csv_and_parquet_give_one_cohort(tmp_path: Path) -> None:
    json_lines(tmp_path / "notes.jsonl")
    pd.DataFrame(ROWS).to_csv(tmp_path / "notes.csv", index=False)
    pd.DataFrame(ROWS).to_parquet(tmp_path / "notes.parquet")
    cohorts = [
        notes.load(asked(tmp_path / f"notes.{suffix}")) for suffix in ("jsonl", "csv", "parquet")
    ]
    assert len({cohort.fingerprint() for cohort in cohorts}) == 1
    first = cohorts[0]
    assert texts_of(first) == [row["text"] for row in ROWS]
    assert first.labels.tolist() == [int(row["died"]) for row in ROWS]
    assert first.index["subject_id"].tolist() == [str(row["patient_id"]) for row in ROWS]
    assert list(first.inputs) == [f.name for f in text.FIELDS]
    assert set(first.index) == {"subject_id", "prediction_time", "site", "age"}


def test_notes_may_stand_in_files_of_their_own(tmp_path: Path) -> None:
    for i, row in enumerate(ROWS):
        (tmp_path / f"{i}.txt").write_text(row["text"], encoding="utf-8")
    table = pd.DataFrame(ROWS).drop(columns="text").assign(report=[f"{i}.txt" for i in range(12)])
    table.to_csv(tmp_path / "labels.csv", index=False)
    cohort = notes.load(asked(tmp_path / "labels.csv", file="report"))
    assert texts_of(cohort) == [row["text"] for row in ROWS]
    (tmp_path / "3.txt").write_text(" ")
    with pytest.raises(UserError, match=r"3\.txt: is empty"):
        notes.load(asked(tmp_path / "labels.csv", file="report"))


BROKEN = {
    "empty": ({**ROWS[4], "text": " "}, "is empty"),
    "null": ({**ROWS[4], "text": None}, "is empty"),
    "number": ({**ROWS[4], "text": 12}, "must be a text"),
    "50,000 words": ({**ROWS[4], "text": "pain " * 50_000}, "more than 20,000 words"),
    "another encoding": ('{"died": 1, "text": "Übelkeit"}'.encode("windows-1252"), "is not UTF-8"),
    "control characters": ({**ROWS[4], "text": "pain\x00"}, "control characters"),
    "half a character": (b'{"died": 1, "text": "pain \\ud800"}', "lone surrogate"),
    "cut short": (b'{"died": 1, "text": "pai', "is not JSON"),
    "no object": (b'["pain"]', "no object"),
    "another member": ({"died": 1, "note": "pain"}, "no member 'text'"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_note_that_cannot_be_used_is_named_by_file_and_line_or_set_aside(
    name: str, tmp_path: Path
) -> None:
    line, why = BROKEN[name]
    path = json_lines(tmp_path / "notes.jsonl", [*ROWS[:4], line, *ROWS[5:]])
    with pytest.raises(UserError, match=rf"notes\.jsonl, line 5: .*{why}") as told:
        notes.load(asked(path))
    assert "\n" not in str(told.value)
    assert "pain" not in str(told.value)
    cohort = notes.load(asked(path, set_aside=1))
    assert texts_of(cohort) == [row["text"] for i, row in enumerate(ROWS) if i != 4]
    assert cohort.labels.tolist() == [int(row["died"]) for i, row in enumerate(ROWS) if i != 4]
    assert any(note.kind == "set aside" and "line 5" in note.message for note in cohort.notes)


def test_an_empty_note_of_a_table_is_named_by_its_line(tmp_path: Path) -> None:
    frame = pd.DataFrame(ROWS)
    frame.loc[4, "text"] = None
    frame.to_csv(tmp_path / "notes.csv", index=False)
    with pytest.raises(
        UserError, match=r"notes\.csv, line 10: is empty"
    ):  # each note before it takes two lines
        notes.load(asked(tmp_path / "notes.csv"))


def test_blank_lines_and_a_byte_order_mark_are_no_notes(tmp_path: Path) -> None:
    path = json_lines(
        tmp_path / "notes.jsonl", [b"\xef\xbb\xbf" + json.dumps(ROWS[0]).encode(), b"", *ROWS[1:]]
    )
    assert len(notes.load(asked(path))) == 12


def test_a_file_that_is_no_json_lines_gets_one_line(tmp_path: Path) -> None:
    (tmp_path / "array.json").write_text(json.dumps(ROWS))
    (tmp_path / "empty.jsonl").write_text("\n")
    for name, why in (
        ("array.json", "one JSON array"),
        ("empty.jsonl", "is empty"),
        ("none.jsonl", "no file"),
    ):
        with pytest.raises(UserError, match=why):
            notes.load(asked(tmp_path / name))


def test_a_column_that_is_not_there_is_asked_for_by_its_setting(tmp_path: Path) -> None:
    pd.DataFrame(ROWS).to_csv(tmp_path / "notes.csv", index=False)
    with pytest.raises(UserError, match=r"data\.text.*'note'"):
        notes.load(asked(tmp_path / "notes.csv", text="note"))
    with pytest.raises(UserError, match=r"data\.path is not set"):
        notes.load(Notes())


def test_signs_of_mixed_encodings_are_told_once_with_their_number(tmp_path: Path) -> None:
    broken = [
        {**row, "text": row["text"].encode().decode("latin-1")} if i < 3 else row
        for i, row in enumerate(ROWS)
    ]
    cohort = notes.load(asked(json_lines(tmp_path / "notes.jsonl", broken)))
    told = [note.message for note in cohort.notes if note.kind == "mixed encodings"]
    assert len(told) == 1
    assert told[0].startswith("3 recordings")


def test_what_names_a_person_is_out_of_the_cohort_and_of_a_request_alike(tmp_path: Path) -> None:
    secret = [{**row, "text": f"{row['text']} Seen by Dr Maria Keller."} for row in ROWS]
    settings = asked(json_lines(tmp_path / "notes.jsonl", secret))
    cohort = notes.load(settings)
    assert not any("Keller" in note for note in texts_of(cohort))
    request = text.received(secret[0]["text"], signal_of(settings))
    np.testing.assert_array_equal(rows([request], cohort.schema)[0], cohort.encoded()[0])
    unscrubbed = notes.load(asked(tmp_path / "notes.jsonl", scrub=False))
    assert all("Keller" in note for note in texts_of(unscrubbed))


def test_too_small_an_array_is_refused() -> None:
    with pytest.raises(UserError, match=r"data\.tokens=2"):
        signal_of(SyntheticNotes(tokens=2))


def test_mts_dialog_has_its_published_test_in_a_part_of_its_own(downloaded: Any) -> None:
    folder = downloaded("mtsdialog")
    cohort = mtsdialog.load(MtsDialog(encoder="", cache=str(folder.parent)))
    assert len(cohort) == 1_701
    part = cohort.index["part"]
    assert (part == "published test").sum() == 400
    assert part.isna().sum() == 1_301
    train = pd.read_csv(folder / "MTS-Dialog-TrainingSet.csv")
    assert (
        cohort.labels[:1_201].tolist()
        == (train["section_header"] == "FAM/SOCHX").astype(int).tolist()
    )
