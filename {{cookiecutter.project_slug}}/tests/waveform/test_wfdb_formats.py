"""Is each sample format that wfdb can write read with the values that were written?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wfdb

from risk_model.core.errors import UserError
from risk_model.signals import waveform
from risk_model.signals.waveform_records import Record, wfdb_record

from tests.waveform.made_records import NAMES, SIGNAL, beating, in_header, write

# steps of the converter for one mV: as fine as the format holds two millivolts
FORMATS = {
    "80": 60.0,
    "212": 1000.0,
    "16": 15_000.0,
    "24": 4e6,
    "32": 1e9,
    "508": 60.0,
    "516": 15_000.0,
    "524": 4e6,
}
FLAC = {"508", "516", "524"}
SECONDS, RATE = 10.0, 250.0


def written(path: Path, form: str, **changed: Any) -> Path:
    gains = {"fmt": [form] * 3, "adc_gain": [FORMATS[form]] * 3}
    return write(path, beating(RATE), RATE, **gains, **changed)


def read(path: Path, seconds: float = SECONDS) -> Record:
    return wfdb_record(path, NAMES, seconds)


@pytest.mark.parametrize("form", FORMATS)
def test_a_format_is_read_as_wfdb_reads_it_and_as_it_was_written(tmp_path: Path, form: str) -> None:
    path = written(tmp_path / "made", form)
    theirs = wfdb.rdrecord(str(path)).p_signal.T
    np.testing.assert_allclose(read(path).leads, theirs, atol=1e-6)
    np.testing.assert_allclose(read(path).leads, beating(RATE), atol=1 / FORMATS[form])
    assert waveform.read(path, SIGNAL).recording.shape == SIGNAL.shape


@pytest.mark.parametrize("form", FORMATS)
def test_a_gap_is_one_in_each_format(tmp_path: Path, form: str) -> None:
    leads = beating(RATE)
    leads[1, 500:510] = np.nan
    gains = {"fmt": [form] * 3, "adc_gain": [FORMATS[form]] * 3}
    path = write(tmp_path / "made", leads, RATE, **gains)
    np.testing.assert_array_equal(np.isnan(read(path).leads), np.isnan(leads))


@pytest.mark.parametrize("form", FORMATS)
def test_leads_of_several_rates_are_read_each_at_its_own(tmp_path: Path, form: str) -> None:
    frames = [2, 2, 2] if form in FLAC else [4, 1, 2]
    made = [lead[:: 4 // n] for lead, n in zip(beating(1000), frames, strict=True)]
    fields = {"units": ["mV"] * 3, "sig_name": list(NAMES), "baseline": [0] * 3}
    gains = {"fmt": [form] * 3, "adc_gain": [FORMATS[form]] * 3}
    wfdb.wrsamp(
        "made",
        fs=RATE,
        e_p_signal=made,
        samps_per_frame=frames,
        write_dir=str(tmp_path),
        **fields,
        **gains,
    )
    theirs = wfdb.rdrecord(str(tmp_path / "made"), smooth_frames=False).e_p_signal
    ours = read(tmp_path / "made")
    assert list(ours.rates) == [RATE * n for n in frames]
    for lead, other in zip(ours.leads, theirs, strict=True):
        np.testing.assert_allclose(lead, other, atol=1e-6)
    recording = waveform.read(tmp_path / "made", SIGNAL).recording
    beats = beating(100, noise=0.0)[:, 50:-50]
    np.testing.assert_allclose(recording[:, 50:-50], beats, atol=0.04)


def test_gain_and_format_that_wfdb_chooses_itself_are_read(tmp_path: Path) -> None:
    made = beating(RATE).T
    fields = {"units": ["mV"] * 3, "sig_name": list(NAMES)}
    wfdb.wrsamp("made", fs=RATE, p_signal=made, write_dir=str(tmp_path), **fields)
    wfdb.wrsamp("large", fs=RATE, p_signal=made, fmt=["32"] * 3, write_dir=str(tmp_path), **fields)
    assert min(wfdb.rdheader(str(tmp_path / "large")).adc_gain) > 1e7
    for name in ("made", "large"):
        np.testing.assert_allclose(read(tmp_path / name).leads, made.T, atol=1e-3)


@pytest.mark.parametrize("form", FORMATS)
def test_samples_that_are_missing_or_of_another_record_are_noticed(
    tmp_path: Path, form: str
) -> None:
    path = written(tmp_path / "made", form)
    samples = path.with_name("made.dat")
    whole = samples.read_bytes()
    in_header(path, " 250 2500", " 250 2600")
    with pytest.raises(UserError, match=r"made\.dat is cut short"):
        read(path)
    in_header(path, " 250 2600", " 250 2500")
    changed = 0.9 * beating(RATE)
    gains = {"fmt": [form] * 3, "adc_gain": [FORMATS[form]] * 3}
    write(tmp_path / "other", changed, RATE, **gains)
    samples.write_bytes((tmp_path / "other.dat").read_bytes())
    with pytest.raises(UserError, match="checksum"):
        read(path)
    samples.write_bytes(whole)
    assert len(read(path).leads[0]) == 2500


@pytest.mark.parametrize("form", FORMATS)
def test_a_header_without_length_is_filled_from_the_file_where_its_format_tells(
    tmp_path: Path, form: str
) -> None:
    path = in_header(written(tmp_path / "made", form), " 250 2500", " 250")
    if form in FLAC:
        with pytest.raises(UserError, match="gives no length, without which FLAC is not read"):
            read(path)
        return
    theirs = wfdb.rdrecord(str(path)).p_signal.T
    np.testing.assert_allclose(read(path).leads, theirs, atol=1e-6)
    with pytest.raises(UserError, match="lasts less than the 11 s"):
        read(path, 11.0)


@pytest.mark.parametrize("form", FORMATS)
def test_a_skewed_lead_is_moved_and_its_end_is_a_gap(tmp_path: Path, form: str) -> None:
    path = written(tmp_path / "made", form)
    header = path.with_name("made.hea")
    lines = header.read_text().splitlines()
    lines[2] = lines[2].replace(f"made.dat {form} ", f"made.dat {form}:7 ")
    header.write_text("\n".join(lines) + "\n")
    if form in FLAC:
        with pytest.raises(UserError, match=r"made\.dat holds a skewed lead as FLAC"):
            read(path)
        return
    ours, theirs = read(path).leads, wfdb.rdrecord(str(path)).p_signal.T
    np.testing.assert_allclose(ours, theirs, atol=1e-6, equal_nan=True)
    assert np.isnan(ours[1][-7:]).all()
    assert not np.isnan(ours[1][:-7]).any()


def test_a_skewed_lead_of_several_samples_a_frame_has_no_made_up_end(tmp_path: Path) -> None:
    """Version 4.3 of wfdb leaves zeros there but for the last samples."""
    made = [beating(500)[0], beating(250)[1]]
    wfdb.wrsamp(
        "made",
        fs=RATE,
        e_p_signal=made,
        samps_per_frame=[2, 1],
        units=["mV"] * 2,
        sig_name=["I", "II"],
        fmt=["16"] * 2,
        adc_gain=[1000.0] * 2,
        baseline=[0] * 2,
        write_dir=str(tmp_path),
    )
    path = in_header(tmp_path / "made", "16x2 ", "16x2:5 ")
    lead = wfdb_record(path, ["I"], SECONDS).leads[0]
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(lead)), np.arange(4990, 5000))


def test_leads_of_one_file_that_the_header_lists_apart_are_refused(tmp_path: Path) -> None:
    """Version 4.3 of wfdb gives the third lead of that file for its second."""
    path = written(tmp_path / "made", "16")
    write(tmp_path / "other", beating(RATE)[:1], RATE, sig_name=["V9"])
    header = path.with_name("made.hea")
    first, one, *rest = header.read_text().splitlines()
    between = (tmp_path / "other.hea").read_text().splitlines()[1]
    lines = [first.replace("made 3", "made 4"), one, between, *rest]
    header.write_text("\n".join(lines) + "\n")
    with pytest.raises(UserError, match=r"other leads between those of made\.dat"):
        read(path)


def test_a_format_that_nobody_knows_is_refused_as_such(tmp_path: Path) -> None:
    path = in_header(written(tmp_path / "made", "16"), "made.dat 16 ", "made.dat 99 ")
    with pytest.raises(UserError, match=r"made\.dat is in a format that is not known"):
        read(path)


def test_a_flac_file_that_is_none_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "made", "516")
    path.with_name("made.dat").write_bytes(b"no sound")
    with pytest.raises(UserError, match=r"made\.dat is no FLAC file"):
        read(path)
