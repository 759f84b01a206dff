"""Is a WFDB record read as what it says, and is a broken one refused by name instead of being
guessed at?
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import wfdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from risk_model.config.waveform import TWELVE, Waveforms
from risk_model.core.errors import UserError
from risk_model.core.schema import Signal
from risk_model.data.sources import waveforms
from risk_model.signals import Reading
from risk_model.signals.waveform import read

from tests.waveform.made_records import NAMES, SIGNAL, beating, in_header, write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A good record at 250 Hz."""
    return write(tmp_path / "good", beating(250))


def kinds(reading: Reading) -> set[str]:
    return {remark.kind for remark in reading.remarks}


def refusal(path: Path, signal: Signal = SIGNAL) -> str:
    """The one line with which a record is refused; it names the file."""
    with pytest.raises(UserError) as told:
        read(path, signal)
    assert "\n" not in str(told.value)
    assert str(path) in str(told.value)
    return str(told.value)


def test_a_record_at_the_rate_of_the_model_is_read_as_wfdb_reads_it(tmp_path: Path) -> None:
    path = write(tmp_path / "plain", beating(100), 100.0)
    expected = wfdb.rdrecord(str(path)).p_signal.T
    np.testing.assert_allclose(read(path, SIGNAL).recording, expected, atol=1e-6)


@pytest.mark.parametrize("suffix", ["", ".hea", ".dat"])
def test_a_record_may_be_named_by_either_of_its_files(path: Path, suffix: str) -> None:
    assert read(path.with_name(f"good{suffix}"), SIGNAL).recording.shape == SIGNAL.shape


@pytest.mark.parametrize(("unit", "factor"), [("uV", 1e3), ("µV", 1e3), ("μV", 1e3), ("V", 1e-3)])
def test_a_known_unit_is_converted_and_noticed(
    tmp_path: Path, path: Path, unit: str, factor: float
) -> None:
    other = write(
        tmp_path / "other", beating(250) * factor, units=["unit"] * 3, adc_gain=[1000 / factor] * 3
    )
    header = tmp_path / "other.hea"
    header.write_text(header.read_text().replace("/unit", f"/{unit}"), encoding="utf-8")
    other_reading = read(other, SIGNAL)
    np.testing.assert_allclose(other_reading.recording, read(path, SIGNAL).recording, atol=2e-3)
    assert "unit" in kinds(other_reading)


def test_the_micro_sign_of_an_older_encoding_is_known(path: Path) -> None:
    header = path.with_name("good.hea")
    header.write_bytes(header.read_bytes().replace(b"1000.0(0)/mV", b"1.0(0)/\xb5V"))
    assert "unit" in kinds(read(path, SIGNAL))


def test_another_unit_is_refused(path: Path) -> None:
    assert "lead I is in another unit than V, mV or uV" in refusal(in_header(path, "/mV", "/mmHg"))


def test_leads_are_found_by_name_in_any_order_and_case(tmp_path: Path, path: Path) -> None:
    turned = write(tmp_path / "turned", beating(250)[::-1], sig_name=["v2", "ii", "I"])
    np.testing.assert_allclose(
        read(turned, SIGNAL).recording, read(path, SIGNAL).recording, atol=1e-6
    )


def test_a_missing_lead_is_named(path: Path) -> None:
    assert "lead V2 is missing; needed are I, II, V2" in refusal(in_header(path, " V2\n", " V3\n"))


def test_a_lead_that_is_there_twice_is_refused(path: Path) -> None:
    assert "lead I is there 2 times" in refusal(in_header(path, " II\n", " i\n"))


@pytest.mark.parametrize("gain", ["0(0)/mV", "0", "1e-9(0)/mV", "-0.0(0)/mV"])
def test_a_record_without_a_gain_that_can_be_is_refused(path: Path, gain: str) -> None:
    assert "wrong gain" in refusal(in_header(path, "1000.0(0)/mV", gain))


@pytest.mark.parametrize("gain", ["10.0(0)/mV", "500000.0(0)/mV"])
def test_amplitudes_that_no_heart_has_are_a_wrong_gain(path: Path, gain: str) -> None:
    assert "wrong gain" in refusal(in_header(path, "1000.0(0)/mV", gain))


def test_a_short_gap_is_bridged_and_noticed_and_a_long_one_refused(tmp_path: Path) -> None:
    leads = beating(250)
    leads[1, 500:520] = np.nan
    short = read(write(tmp_path / "short", leads), SIGNAL)
    assert "gaps" in kinds(short)
    assert np.isfinite(short.recording).all()
    leads[1, 500:600] = np.nan
    assert "lead II has a gap of more than 0.1 s" in refusal(write(tmp_path / "long", leads))


def test_many_short_gaps_are_refused(tmp_path: Path) -> None:
    leads = beating(250)
    leads[2, ::8] = np.nan
    assert "lead V2 lacks more than 5%" in refusal(write(tmp_path / "holes", leads))


def test_a_lead_without_any_sample_is_refused(tmp_path: Path) -> None:
    leads = beating(250)
    leads[0] = np.nan
    assert "lead I has a gap" in refusal(write(tmp_path / "none", leads))


def test_a_flat_line_is_noticed_and_nothing_but_flat_lines_refused(tmp_path: Path) -> None:
    leads = beating(250)
    leads[0, 1000:1400] = leads[0, 1000]
    assert "flat lines" in kinds(read(write(tmp_path / "loose", leads), SIGNAL))
    leads[:] = 0.3
    assert "all leads are flat" in refusal(write(tmp_path / "flat", leads))


def test_a_good_record_has_nothing_noticed_but_its_rate(path: Path) -> None:
    assert kinds(read(path, SIGNAL)) == {"resampled"}


@pytest.mark.parametrize("left", [0, 1, 3000, 14_998, 14_999])
def test_a_record_that_is_cut_short_is_refused(path: Path, left: int) -> None:
    samples = path.with_name("good.dat")
    assert samples.stat().st_size == 15_000
    samples.write_bytes(samples.read_bytes()[:left])
    assert "good.dat is cut short" in refusal(path)


def test_samples_of_another_record_are_refused(path: Path) -> None:
    write(path.with_name("other"), 0.9 * beating(250))
    path.with_name("good.dat").write_bytes(path.with_name("other.dat").read_bytes())
    assert "checksum" in refusal(path)


def test_missing_files_are_named(path: Path) -> None:
    path.with_name("good.dat").unlink()
    assert "there is no good.dat beside the header" in refusal(path)
    assert "there is no header nobody.hea" in refusal(path.with_name("nobody"))


def test_samples_in_another_folder_are_not_looked_for(path: Path) -> None:
    assert "the header cannot be read" in refusal(in_header(path, "good.dat", "../good.dat"))


def test_a_record_shorter_than_the_model_reads_is_refused_and_a_longer_one_cut(
    tmp_path: Path,
) -> None:
    assert "lasts less than the 10 s" in refusal(write(tmp_path / "short", beating(250, 9.9)))
    longer = read(write(tmp_path / "longer", beating(100, 12.0), 100.0), SIGNAL)
    assert "longer" in kinds(longer)
    np.testing.assert_allclose(longer.recording, beating(100, 12.0)[:, :1000], atol=1e-3)


def test_a_record_slower_than_the_model_is_refused(tmp_path: Path) -> None:
    assert "sampled at less than 100 Hz" in refusal(write(tmp_path / "slow", beating(50), 50.0))


def test_age_and_sex_in_the_header_fill_the_index_and_no_name_does(path: Path) -> None:
    header = path.with_name("good.hea")
    header.write_text(header.read_text() + "# Name: Mustermann, Erika\n# age: 63  sex: Female\n")
    assert read(path, SIGNAL).header == {"age": 63.0, "sex": "F"}


def table(folder: Path, names: list[str]) -> Path:
    rows = {
        "file": names,
        "patient_id": range(len(names)),
        "died": [i % 2 for i in range(len(names))],
    }
    pd.DataFrame(rows).to_csv(folder / "labels.csv", index=False)
    return folder / "labels.csv"


def test_a_stated_number_of_broken_records_is_set_aside_and_told(tmp_path: Path) -> None:
    names = [write(tmp_path / f"r{i}", beating(250)).name for i in range(6)]
    in_header(tmp_path / "r2", "1000.0(0)/mV", "0(0)/mV")
    (tmp_path / "r4.dat").write_bytes(b"")
    asked: dict[str, Any] = {
        "path": str(table(tmp_path, names)),
        "outcome": "died",
        "leads": list(NAMES),
    }
    with pytest.raises(UserError, match=r"r2: wrong gain.*data\.set_aside"):
        waveforms.load(Waveforms(**asked))
    cohort = waveforms.load(Waveforms(**asked, set_aside=2))
    told = [note.message for note in cohort.notes if note.kind == "set aside"]
    assert len(cohort) == 4
    assert len(told) == 2
    assert "r4.dat is cut short" in told[1]


def test_a_signal_in_which_no_beat_could_be_seen_is_refused() -> None:
    unfit: list[dict[str, Any]] = [
        {"leads": []},
        {"leads": ["I", "i"]},
        {"rate": 20.0},
        {"seconds": 1.0},
    ]
    for settings_of in unfit:
        with pytest.raises(UserError, match=r"data\.(leads|rate|seconds)"):
            waveforms.signal_of(Waveforms(**settings_of))
    assert waveforms.signal_of(Waveforms()).channels == TWELVE


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["good.hea", "good.dat"]),
    cut=st.floats(0, 1),
    place=st.floats(0, 1),
    garbage=st.binary(max_size=6),
)
def test_whatever_a_record_holds_it_is_read_or_refused(
    tmp_path: Path, name: str, cut: float, place: float, garbage: bytes
) -> None:
    write(tmp_path / "good", beating(250))
    broken = tmp_path / name
    content = broken.read_bytes()[: int(cut * broken.stat().st_size) + 1]
    at = int(place * len(content))
    broken.write_bytes(content[:at] + garbage + content[at + len(garbage) :])
    told, finite = "good", True
    try:
        finite = bool(np.isfinite(read(tmp_path / "good", SIGNAL).recording).all())
    except UserError as error:
        told = str(error)
    assert "good" in told
    assert finite
