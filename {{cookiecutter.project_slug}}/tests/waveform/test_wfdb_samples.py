"""Is every record that instruments and databases write read with the values that wfdb gives, or
refused with a reason that is true?
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wfdb

from risk_model.config.waveform import Waveforms
from risk_model.core.errors import UserError
from risk_model.data.sources.waveforms import signal_of
from risk_model.signals import waveform
from risk_model.signals.waveform_records import wfdb_record

from tests.waveform.made_records import write

SAMPLES = "wfdb_samples"
MIMIC = "multi-segment/s25047/"

# each header of the folder: the rates of its leads, their units; "" for what wfdb has as mV
READ: dict[str, tuple[list[float], list[str]]] = {
    "03700181": ([500, 125, 125], ["mV", "mmHg", "mV"]),
    "310derive": ([250, 250], ["mV", "mV"]),
    "310derive_2": ([360], ["mV"]),
    "310derive_3": ([360], ["mV"]),
    "311derive": ([250], ["mV"]),
    "311derive_2": ([360], ["mV"]),
    "311derive_3": ([360], ["mV"]),
    "311derive_4": ([360], ["mV"]),
    "a103l": ([250] * 3, ["mV", "mV", "NU"]),
    "a103l-no-len": ([250] * 3, ["mV", "mV", "NU"]),
    "binformats": ([200] * 10, ["mV"] * 10),
    "flac_3_constant": ([250] * 3, ["mV"] * 3),
    "flacformats": ([200] * 3, ["mV"] * 3),
    "mixedsignals": (
        [249.89, 249.89, 249.89, 124.945, 124.945, 62.4725],
        ["mV", "mV", "mV", "mmHg", "NU", "Ohm"],
    ),
    "test01_00s": ([500] * 4, ["mV"] * 4),
    "test01_00s_frame": ([500, 1000, 500], ["mV"] * 3),
    "test01_00s_skew": ([500] * 4, ["mV"] * 4),
    "test01_00s_skewframe": ([500, 1000, 500], ["mV"] * 3),
    **{f"{MIMIC}3234460_{number:04}": ([125] * 2, ["mV"] * 2) for number in range(1, 17)},
    **{f"{MIMIC}3234460_{n:04}": ([125] * 3, ["mV", "mV", "mmHg"]) for n in (17, 18)},
    f"{MIMIC}s25047-2704-05-04-10-44n": (
        [0.0166666666667] * 7,
        ["bpm", "bpm", "pm", "%", "mmHg", "mmHg", "mmHg"],
    ),
}
UNREAD = {
    f"{MIMIC}3234460_layout": "the header says that it holds no samples",
    f"{MIMIC}s25047-2704-05-04-10-44": "begins with an empty segment",
}

# what a model that reads so many seconds at 60 Hz is told: leads, seconds, a reason or ""
FOR_A_MODEL: list[tuple[str, list[str], float, str]] = [
    ("03700181", ["MCL1", "ABP", "RESP"], 10, ""),
    ("310derive", ["col 0", "col 1"], 4, ""),
    ("310derive_2", ["col 1"], 2.8, ""),
    ("310derive_3", ["ch1"], 3, "lasts less than the 3 s"),
    ("311derive", ["col 0"], 4, ""),
    ("311derive_4", ["ch1"], 2.8, ""),
    ("a103l", ["II", "V", "PLETH"], 10, ""),
    ("a103l.mat", ["II", "V", "PLETH"], 10, ""),
    ("a103l-no-len", ["II", "V", "PLETH"], 10, ""),
    ("binformats", ["sig 3, fmt 80"], 2.4, ""),
    ("binformats.d3", ["sig 3, fmt 80"], 2.4, ""),
    ("binformats", ["sig 8, fmt 24"], 2.4, "wrong gain: lead sig 8, fmt 24 reaches more than 20"),
    ("binformats", ["sig 9, fmt 32"], 2.4, "wrong gain: lead sig 9, fmt 32 reaches more than 20"),
    ("flac_3_constant", ["col 0", "col 1", "col 2"], 10, "all leads are flat"),
    ("flacformats", ["sig 0, fmt 508"], 2.4, ""),
    ("flacformats", ["sig 2, fmt 524"], 2.4, "wrong gain: lead sig 2, fmt 524 reaches"),
    ("mixedsignals", ["II", "ABP"], 10, "lead II has a gap of more than 0.1 s"),
    ("mixedsignals", ["ABP"], 10, "lead ABP has a gap of more than 0.1 s"),
    ("mixedsignals", ["Pleth", "Resp"], 10, ""),
    ("test01_00s", ["ECG 1", "ECG 4"], 8, ""),
    ("test01_00s_frame", ["ECG_1", "ECG_2", "ECG_3"], 8, ""),
    ("test01_00s_skew", ["ECG_1", "ECG_2"], 8, ""),
    (f"{MIMIC}3234460_0002", ["II"], 2, "lasts less than the 2 s"),
    (f"{MIMIC}3234460_0006", ["II", "V"], 10, "lead II has a gap of more than 0.1 s"),
    (f"{MIMIC}3234460_0017", ["II", "V", "ABP"], 10, ""),
    (f"{MIMIC}s25047-2704-05-04-10-44", ["II"], 10, "begins with an empty segment"),
    (f"{MIMIC}s25047-2704-05-04-10-44n", ["HR"], 10, "lead HR is sampled at less than 60 Hz"),
]


@pytest.fixture(scope="module")
def folder(downloaded: Callable[[str], Path]) -> Path:
    return downloaded(SAMPLES)


def of_wfdb(stem: Path, **asked: Any) -> Any:
    return wfdb.rdrecord(str(stem), smooth_frames=False, **asked)


def assert_same(ours: Any, theirs: Any) -> None:
    """Each lead has wfdb's values, and gaps where wfdb has them."""
    for lead, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(lead, other[: len(lead)], rtol=1e-9, atol=1e-6, equal_nan=True)


def test_the_tables_name_every_record_of_the_folder(folder: Path) -> None:
    there = {p.relative_to(folder).with_suffix("").as_posix() for p in folder.rglob("*.hea")}
    assert there == READ.keys() | UNREAD.keys()


@pytest.mark.parametrize("name", READ)
def test_a_record_has_the_values_rates_and_units_that_wfdb_gives(folder: Path, name: str) -> None:
    rates, units = READ[name]
    theirs = of_wfdb(folder / name)
    ours = wfdb_record(folder / name, theirs.sig_name, theirs.sig_len / theirs.fs)
    assert list(ours.units) == units
    assert list(ours.rates) == pytest.approx(rates)
    assert [len(lead) for lead in ours.leads] == [len(lead) for lead in theirs.e_p_signal]
    assert_same(ours.leads, theirs.e_p_signal)


@pytest.mark.parametrize("name", UNREAD)
def test_a_record_that_is_not_read_is_refused_with_a_true_reason(folder: Path, name: str) -> None:
    with pytest.raises(UserError, match=UNREAD[name]):
        wfdb_record(folder / name, ["II"], 10)


@pytest.mark.parametrize(("name", "leads", "seconds", "reason"), FOR_A_MODEL)
def test_a_model_gets_a_recording_or_the_reason_why_not(
    folder: Path, name: str, leads: list[str], seconds: float, reason: str
) -> None:
    asked = Waveforms(leads=leads, seconds=seconds, rate=60.0)
    signal, path = signal_of(asked), folder / name
    told = ""
    try:
        signal = signal_of(asked, waveform.record(path, signal).units)
        recording = waveform.read(path, signal).recording
        assert recording.shape == signal.shape
        assert np.isfinite(recording).all()
        assert np.isfinite(waveform.describe(recording, signal)).all()
    except UserError as error:
        told = str(error)
        assert "\n" not in told
    assert reason in told
    assert bool(reason) == bool(told), told


def test_the_gaps_of_a_record_at_the_rate_of_the_model_are_bridged_and_nothing_else_changed(
    folder: Path,
) -> None:
    asked = Waveforms(leads=["ABP", "RESP"], seconds=10, rate=125)
    signal = signal_of(asked, ["mmHg", "mV"])
    theirs = of_wfdb(folder / "03700181", sampto=1250, channels=[1, 2])
    read = waveform.read(folder / "03700181.dat", signal).recording
    for lead, other in zip(read, theirs.e_p_signal, strict=True):
        there = ~np.isnan(other)
        np.testing.assert_allclose(lead[there], other[there], rtol=1e-6)


# --- segments


def segments(folder: Path, name: str, lines: list[str]) -> Path:
    """Writes the header of a record of segments."""
    (folder / f"{name}.hea").write_text("\n".join(lines) + "\n")
    return folder / name


@pytest.fixture
def mimic(folder: Path, tmp_path: Path) -> Path:
    """The segments of the ward's record, to be listed otherwise."""
    for path in (folder / MIMIC).glob("3234460_*"):
        (tmp_path / path.name).symlink_to(path)
    return tmp_path


def test_segments_of_a_variable_layout_are_joined_with_their_gaps_and_gains(mimic: Path) -> None:
    lines = ["cut/5 3 125 1880", "3234460_layout 0", "3234460_0003 636", "3234460_0004 512"]
    stem = segments(mimic, "cut", [*lines, "~ 5", "3234460_0006 727"])
    theirs = of_wfdb(stem, channels=[0, 1])
    ours = wfdb_record(stem, ["II", "V"], 10)
    assert np.isnan(ours.leads[0][1148:1153]).all()
    assert_same(ours.leads, theirs.e_p_signal)
    with pytest.raises(UserError, match="segment 3234460_0003: lead ABP is missing"):
        wfdb_record(stem, ["II", "ABP"], 10)


def test_segments_of_a_fixed_layout_are_joined(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, count in (("one", 1200), ("two", 900), ("three", 700)):
        write(tmp_path / name, rng.normal(size=(3, count)), 250.0)
    lines = ["all/4 3 250 2800", "one 1200", "two 900", "~ 0", "three 700"]
    stem = segments(tmp_path, "all", lines)
    ours = wfdb_record(stem, ["V2", "I"], 10)
    theirs = of_wfdb(segments(tmp_path, "same", ["same/3 3 250 2800", *lines[1:3], lines[4]]))
    assert_same(ours.leads, [theirs.e_p_signal[2], theirs.e_p_signal[0]])
    assert "longer" in {remark.kind for remark in ours.remarks}


def test_a_segment_that_is_cut_short_is_named(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(tmp_path / name, np.random.default_rng(1).normal(size=(3, 1250)), 250.0)
    (tmp_path / "two.dat").write_bytes((tmp_path / "two.dat").read_bytes()[:-10])
    stem = segments(tmp_path, "all", ["all/2 3 250 2500", "one 1250", "two 1250"])
    with pytest.raises(UserError, match=r"segment two: two\.dat is cut short"):
        wfdb_record(stem, ["I"], 10)
    assert len(wfdb_record(stem, ["I"], 5).leads[0]) == 1250


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["all/3 3 250 2500", "one 1250", "two 1250"], "not list as many segments as it announces"),
        (["all/2 3 500 2500", "one 1250", "two 1250"], "segment one: is sampled at another rate"),
        (["all/2 3 250 2500", "one 1250", "inner 1250"], "segment inner: has segments of its own"),
        (["all/2 3 250 2500", "one 1250", "gone 1250"], "segment gone: there is no header"),
        (["all/2 3 250 2500", "one 1250", "other 1250"], "segments with other units or samples"),
        (["all/2 3 250 2400", "one 1250", "two 1150"], "lasts less than the 10 s"),
    ],
)
def test_segments_that_do_not_fit_are_refused_by_their_reason(
    tmp_path: Path, lines: list[str], reason: str
) -> None:
    samples = np.random.default_rng(1).normal(size=(3, 1250))
    for name in ("one", "two"):
        write(tmp_path / name, samples, 250.0)
    write(tmp_path / "other", samples, 250.0, units=["mV", "uV", "mV"])
    segments(tmp_path, "inner", ["inner/1 3 250 1250", "two 1250"])
    with pytest.raises(UserError, match=reason):
        wfdb_record(segments(tmp_path, "all", lines), ["I", "II"], 10)
