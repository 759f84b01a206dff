"""Events tables from MEDS, a long CSV and FHIR: the same events, and a count of what is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from risk_model.config.events import Events
from risk_model.core.errors import UserError
from risk_model.data.sources import synthetic_events
from risk_model.data.sources.event_codes import (
    code_lines,
    describe_codes,
    mixture_lines,
    skeleton,
    write_skeleton,
)
from risk_model.data.sources.event_long_tables import Columns
from risk_model.data.sources.event_tables import EventFiles, EventTable, read_events
from risk_model.data.sources.events import load
from risk_model.signals.events import COLUMNS
from risk_model.signals.events_reasons import Reason

HEADER = "subject_id,time,code,numeric_value,unit"


def fetched(query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as con:
        return con.execute(query).fetchall()


def rows_of(table: EventTable, columns: str = "*") -> list[tuple[object, ...]]:
    query = f"select {columns} from read_parquet('{table.path}') order by row, code"  # noqa: S608
    return fetched(query)


def read_csv(folder: Path, *lines: str, header: str = HEADER, **stated: object) -> EventTable:
    path = folder / "events.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return read_events(EventFiles(path, **stated), folder / "work")  # type: ignore[arg-type]


def meds(folder: Path, query: str, name: str = "0.parquet") -> Path:
    path = folder / "meds" / "data"
    path.mkdir(parents=True, exist_ok=True)
    duckdb.sql(f"copy ({query}) to '{path / name}' (format parquet)")
    return folder / "meds"


def test_a_long_csv_keeps_ids_as_text_and_dates_end_with_their_day(tmp_path: Path) -> None:
    lines = (
        "007,2020-05-01 12:00,HR,92,/min",
        "007,2020-05-01T14:00:00+02:00,HR,93,/min",
        "007,2020-05-01,MEDS_DEATH,,",
        "007,,SEX,1,",
    )
    table = read_csv(tmp_path, *lines)
    read = rows_of(table, "subject_id, epoch_us(time), numeric_value, day_only, row")
    noon = 1_588_334_400_000_000
    assert read == [
        ("007", noon, 92, False, 0),
        ("007", noon, 93, False, 1),
        ("007", noon + 12 * 3_600_000_000 - 1, None, True, 2),
        ("007", None, 1, False, 3),
    ]
    assert (table.events, table.subjects, table.left_out) == (4, 1, {})


def test_bad_rows_are_left_out_and_counted_by_reason(tmp_path: Path) -> None:
    good = [f"1,2020-01-01 {h:02d}:{m:02d},HR,80," for h in range(24) for m in range(60)]
    bad = (
        "1,01/05/2020,HR,92,",
        "1,2020-02-30,HR,92,",
        ",2020-05-01,HR,92,",
        "1,2020-05-01,,92,",
        "1,2020-05-01,HR,high,",
        "1,2020-05-01,HR,inf,",
        "1,2119-05-01,HR,92,",
        "1,2020-01-01 00:00,HR,80,",
    )
    table = read_csv(tmp_path, *good, *bad, end="2021-01-01")
    assert table.events == len(good)
    assert table.left_out == {
        Reason.BAD_TIME: 2,
        Reason.NO_SUBJECT: 1,
        Reason.NO_CODE: 1,
        Reason.BAD_VALUE: 2,
        Reason.LATER: 1,
        Reason.SAME: 1,
    }


@pytest.mark.parametrize(
    ("zone", "instant"),
    [
        ("UTC", "2012-01-05 23:59:59.999999"),
        ("America/New_York", "2012-01-06 04:59:59.999999"),
        ("Asia/Tokyo", "2012-01-05 14:59:59.999999"),
    ],
)
def test_a_date_at_midnight_ends_with_its_day_in_the_stated_zone(
    tmp_path: Path, zone: str, instant: str
) -> None:
    path = meds(tmp_path, "select 1 as subject_id, timestamp '2012-01-05' as time, 'D' as code")
    table = read_events(EventFiles(path, zone, day_only=("D",)), tmp_path / "work")
    assert rows_of(table, "time::varchar, known::varchar, day_only") == [(instant, instant, True)]


def test_naive_times_are_of_the_stated_zone_and_instants_stay(tmp_path: Path) -> None:
    lines = ("1,2012-07-05 12:00,A,,", "1,2012-07-05T12:00:00Z,B,,")
    table = read_csv(tmp_path, *lines, timezone="Europe/Berlin")
    assert rows_of(table, "time::varchar") == [
        ("2012-07-05 10:00:00",),
        ("2012-07-05 12:00:00",),
    ]


def test_shards_of_meds_are_one_table_in_the_order_of_their_names(tmp_path: Path) -> None:
    one = "select 1 as subject_id, timestamp '2012-01-05' as time, 'A' as code, 2.5::float as {}"
    meds(tmp_path, one.format("numeric_value") + " union all " + one.format("numeric_value"))
    path = meds(tmp_path, one.format("numeric_value").replace("'A'", "'B'"), "1.parquet")
    table = read_events(EventFiles(path), tmp_path / "work")
    assert rows_of(table, "code, numeric_value, unit, row") == [
        ("A", 2.5, "", 0),
        ("B", 2.5, "", 2),
    ]
    assert table.left_out == {Reason.SAME: 1}
    columns = fetched(f"describe select * from '{table.path}'")  # noqa: S608
    assert tuple(column[0] for column in columns) == COLUMNS


ERRORS: dict[str, tuple[str, str]] = {
    "select 1 as subject_id, 'A' as code": ("column 'time' not found", "code"),
    "select 1.5::double as subject_id, timestamp '2012-01-05' as time, 'A' as code": (
        "whole numbers or text",
        "subject_id",
    ),
    "select 1 as subject_id, timestamp '2012-01-05' as time, 'A' as code limit 0": (
        "holds no events",
        "no rows",
    ),
    "select 1 as subject_id, timestamp '2112-01-05' as time, 'A' as code": (
        "later than the end",
        "data.end",
    ),
}


@pytest.mark.parametrize("query", ERRORS)
def test_an_unfit_table_is_refused_in_one_line(tmp_path: Path, query: str) -> None:
    path = meds(tmp_path, query)
    with pytest.raises(UserError) as error:
        read_events(EventFiles(path), tmp_path / "work")
    assert all(part in str(error.value) for part in ERRORS[query])
    assert "\n" not in str(error.value)
    assert list((tmp_path / "work").glob("*.parquet")) == []


def test_unfit_files_and_settings_are_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 and no more")
    (tmp_path / "bad.ndjson.gz").write_bytes(b"not gzip")
    cases = {
        EventFiles(tmp_path / "absent"): "no file or folder",
        EventFiles(tmp_path / "none"): "holds no Parquet",
        EventFiles(tmp_path / "bad.parquet"): "cannot be read",
        EventFiles(tmp_path / "bad.ndjson.gz"): "cannot be read",
    }
    for files, words in cases.items():
        with pytest.raises(UserError, match=words) as error:
            read_events(files, tmp_path / "work")
        assert "\n" not in str(error.value)
    for stated, words in ({"end": "soon"}, "data.end=soon"), ({"timezone": "Mars/X"}, "Mars/X"):
        with pytest.raises(UserError, match=words):
            read_csv(tmp_path, "1,2020-01-01,HR,80,", **stated)
    with pytest.raises(UserError, match=r"data.columns.code: column 'kind' not found"):
        read_csv(tmp_path, "1,2020-01-01,HR,80,", columns=Columns(code="kind"))
    with pytest.raises(UserError, match=r"data.columns.unit: column 'einheit' not found"):
        read_csv(tmp_path, "1,2020-01-01,HR,80,", columns=Columns(unit="einheit"))


def test_numbers_in_a_column_value_are_read_and_what_is_not_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = "1,2020-01-01 08:00,HR,80,/min,a", "1,never,HR,81,/min,b"
    table = read_csv(tmp_path, *lines, header="subject_id,time,code,value,unit,ward")
    assert rows_of(table, "numeric_value, unit") == [(80.0, "/min")]
    assert table.unread == ("ward",)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"events\.yaml was written"):
        load(Events(path="events.csv"))
    told = capsys.readouterr().out
    assert "columns that are not read: ward\n" in told
    assert f"left out, {Reason.BAD_TIME}: 1\n" in told
    usual = read_csv(tmp_path, "1,2020-01-01,HR,80,/min")
    assert usual.unread == ()


def test_columns_of_parquet_files_may_be_named_and_of_fhir_not(tmp_path: Path) -> None:
    folder = meds(
        tmp_path,
        """select 'a' as pid, timestamp '2020-01-01 08:00' as "charted ""at\""", 'HR' as code,
        80.0 as value, 'x' as ward""",
    )
    columns = Columns(subject_id="pid", time='charted "at"')
    table = read_events(EventFiles(folder, columns=columns), tmp_path / "work")
    assert rows_of(table, "subject_id, code, numeric_value") == [("a", "HR", 80.0)]
    assert table.unread == ("ward",)
    with pytest.raises(UserError, match=r"data.columns.subject_id: column 'subject_id' not found"):
        read_events(EventFiles(folder), tmp_path / "work")
    (tmp_path / "p.ndjson").write_text('{"resourceType": "Patient", "id": "p"}\n')
    with pytest.raises(UserError, match="FHIR names its own elements"):
        read_events(EventFiles(tmp_path / "p.ndjson", columns=columns), tmp_path / "work")


def test_broken_lines_of_ndjson_are_counted_exactly(tmp_path: Path) -> None:
    good = json.dumps({"resourceType": "Patient", "id": "p", "birthDate": "1950-01-01"})
    broken = ['{"resourceType": "Pat', "\xff", "[1]", "nonsense", '{"a": NaN}']
    lines = [good, *broken[:3], "", *broken[3:], good.replace("1950", "1951")]
    path = tmp_path / "Patient.ndjson"
    path.write_bytes("\n".join(lines).encode("latin-1"))
    table = read_events(EventFiles(path), tmp_path / "work")
    assert table.left_out == {Reason.NOT_JSON: 4, Reason.MALFORMED: 1, Reason.AGAIN: 1}
    # the later version of one resource counts
    assert rows_of(table, "year(time)") == [(1951,)]


def test_patients_of_two_servers_are_not_merged(tmp_path: Path) -> None:
    lines = [
        {
            "resourceType": "Immunization",
            "status": "completed",
            "vaccineCode": {"coding": [{"code": "140"}]},
            "patient": {"reference": f"https://{host}/Patient/1"},
            "occurrenceDateTime": "2020-01-01",
        }
        for host in ("a.org", "b.org")
    ]
    path = tmp_path / "all.ndjson"
    path.write_text("\n".join(map(json.dumps, lines)))
    with pytest.raises(UserError, match="2 servers"):
        read_events(EventFiles(path), tmp_path / "work")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "stays"
    synthetic_events.write(folder, 200, 1)
    return folder


def test_made_up_stays_are_the_same_events_from_meds_and_from_fhir(
    made: Path, tmp_path: Path
) -> None:
    tables = [read_events(EventFiles(made / kind), tmp_path / kind) for kind in ("meds", "fhir")]
    assert rows_of(tables[0]) == rows_of(tables[1])
    assert tables[0].left_out == tables[1].left_out == {}


def test_a_planted_mixture_of_units_is_named_with_its_code_and_count(
    made: Path, tmp_path: Path
) -> None:
    codes = describe_codes(read_events(EventFiles(made / "meds"), tmp_path))
    truth = json.loads((made / "truth.json").read_text())
    [line] = mixture_lines(codes)
    assert line.startswith("LOINC/2345-7: several units: ")
    assert f"{truth['glucose_in_mg']:,} in mg/dL" in line
    assert 0.07 < truth["glucose_in_mg"] / truth["glucose"] < 0.13
    assert line in code_lines(codes)
    written = yaml.safe_load(skeleton(codes))
    assert written["index"]["event"] == "ENCOUNTER_START/IMP"
    assert written["outcome"]["not_followed"] is None
    assert written["features"]["measured"]["loinc_8867_4"]["unit"] == "/min"
    assert write_skeleton(codes, tmp_path / "spec.yaml")
    assert not write_skeleton([], tmp_path / "spec.yaml")
    assert yaml.safe_load((tmp_path / "spec.yaml").read_text()) == written


def test_what_is_known_only_after_the_end_of_the_data_is_left_out(tmp_path: Path) -> None:
    good = [f"1,2020-01-01 {h:02d}:{m:02d},HR,80,,2020-01-02" for h in range(24) for m in range(9)]
    late = "1,2020-01-01,LAB,80,,2119-01-01"
    table = read_csv(tmp_path, *good, late, header=f"{HEADER},known", end="2021-01-01")
    assert table.left_out == {Reason.LATER: 1}
    assert {known for (known,) in rows_of(table, "known::varchar")} == {
        "2020-01-02 23:59:59.999999"
    }


def test_the_percentiles_of_a_code_are_close_to_the_exact_ones(tmp_path: Path) -> None:
    lines = [f"{i % 7},2020-01-01 00:{i % 60:02d},HR,{i}," for i in range(1001)]
    [code] = describe_codes(read_csv(tmp_path, *lines, "9,2020-01-01,SEX,,"))[:1]
    assert (code.code, code.events, code.subjects, code.share) == ("HR", 1001, 7, 7 / 8)
    assert code.low == pytest.approx(10, abs=2)
    assert code.high == pytest.approx(990, abs=2)


def test_spellings_of_one_unit_are_no_mixture(tmp_path: Path) -> None:
    table = read_csv(tmp_path, "1,2020-01-01,BP,120,mmHg", "1,2020-01-02,BP,121,mm[Hg]")
    assert mixture_lines(describe_codes(table)) == []


@pytest.mark.parametrize(("name", "events"), [("set-a", 1_757_633), ("set-c", 1_765_988)])
def test_physionet_is_read_whole_and_deaths_end_with_their_day(
    name: str, events: int, tmp_path: Path, downloaded: Callable[[str], Path]
) -> None:
    path = downloaded(f"physionet2012/{name}.parquet")
    table = read_events(EventFiles(path, day_only=("MEDS_DEATH",)), tmp_path)
    source = fetched(
        f"""select count(*) from (select distinct subject_id, time, code, numeric_value
        from '{path}')"""  # noqa: S608
    )[0][0]
    assert (table.events, table.subjects) == (source, 4000)
    assert table.events == events
    hours = fetched(
        f"""select distinct time::time::varchar from '{table.path}'
        where code = 'MEDS_DEATH'"""  # noqa: S608
    )
    assert hours == [("23:59:59.999999",)]
