"""Is an electrocardiogram in DICOM read with the values that pydicom gives, or refused by its
reason?
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file

from risk_model.config.waveform import TWELVE, Waveforms
from risk_model.core.errors import UserError
from risk_model.core.schema import Signal
from risk_model.data.sources.waveforms import signal_of
from risk_model.signals import waveform
from risk_model.signals.waveform_dicom import dicom_record

FILE = "waveform_ecg.dcm"
SIGNAL = signal_of(Waveforms(rate=1000.0))


def original() -> Any:
    """The electrocardiogram among pydicom's own test files: twelve leads, ten seconds, 1,000 Hz."""
    return pydicom.dcmread(str(get_testdata_file(FILE, download=False)))


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[Callable[[Any], object]], Path]:
    """Writes the file after a change to its data set."""

    def write(change: Callable[[Any], object]) -> Path:
        dataset = original()
        change(dataset)
        dataset.save_as(tmp_path / "changed.dcm")
        return tmp_path / "changed.dcm"

    return write


def group(dataset: Any) -> Any:
    return dataset.WaveformSequence[0]


def channel(dataset: Any, place: int = 0) -> Any:
    return group(dataset).ChannelDefinitionSequence[place]


def each(dataset: Any, **values: Any) -> None:
    """Sets values of every channel; None takes them away."""
    for one in group(dataset).ChannelDefinitionSequence:
        for name, value in values.items():
            delattr(one, name) if value is None else setattr(one, name, value)


def refusal(path: Path, signal: Signal = SIGNAL) -> str:
    with pytest.raises(UserError) as told:
        waveform.read(path, signal)
    assert "\n" not in str(told.value)
    assert str(path) in str(told.value)
    return str(told.value)


def test_a_dicom_ecg_has_the_values_that_pydicom_gives() -> None:
    path = Path(str(get_testdata_file(FILE, download=False)))
    theirs = original().waveform_array(0).T / 1000  # the file's unit is uV
    record = dicom_record(path, TWELVE, 10.0)
    np.testing.assert_allclose(record.leads, theirs, atol=1e-6)
    assert (set(record.rates), set(record.units)) == ({1000.0}, {"mV"})
    read = waveform.read(path, SIGNAL)
    np.testing.assert_allclose(read.recording, theirs, atol=1e-6)
    assert {remark.kind for remark in read.remarks} >= {"unit"}


def test_leads_are_found_by_their_code_in_any_order(
    changed: Callable[[Callable[[Any], object]], Path],
) -> None:
    def in_mdc(dataset: Any) -> None:
        for one in group(dataset).ChannelDefinitionSequence:
            source = one.ChannelSourceSequence[0]
            source.CodeValue = f"2:{source.CodeValue.rpartition('-')[2]}"
            source.CodeMeaning = "channel"

    signal = signal_of(Waveforms(leads=["V6", "avr", "I"], rate=1000.0))
    theirs = original().waveform_array(0).T / 1000
    read = waveform.read(changed(in_mdc), signal).recording
    np.testing.assert_allclose(read, theirs[[11, 3, 0]], atol=1e-6)


def test_another_unit_stays_and_is_refused_where_the_model_reads_millivolts(
    changed: Callable[[Callable[[Any], object]], Path],
) -> None:
    def pressure(dataset: Any) -> None:
        units = channel(dataset).ChannelSensitivityUnitsSequence[0]
        units.CodeValue = "mm[Hg]"

    path = changed(pressure)
    assert dicom_record(path, ["I", "II"], 10.0).units == ("mm[Hg]", "mV")
    assert "lead I is in another unit than V, mV or uV" in refusal(path)


CHANGES: list[tuple[Callable[[Any], object], str]] = [
    (lambda d: delattr(d, "WaveformSequence"), "is a DICOM file without a waveform"),
    (lambda d: each(d, ChannelSensitivity=None), "wrong gain: lead I has no sensitivity"),
    (lambda d: each(d, ChannelSensitivityUnitsSequence=None), "wrong gain: lead I has no sens"),
    (lambda d: setattr(channel(d, 3), "ChannelSampleSkew", "2"), "lead aVR is shifted against"),
    (lambda d: setattr(group(d), "WaveformData", b"\0" * 99), "the samples cannot be read"),
    (lambda d: setattr(group(d), "SamplingFrequency", "900"), "sampled at less than 1000 Hz"),
    (lambda d: setattr(group(d), "SamplingFrequency", "2000"), "lasts less than the 10 s"),
    (lambda d: each(d, ChannelSensitivity="1250"), "wrong gain: lead"),
    (lambda d: d.WaveformSequence.pop(0), "is a DICOM file without a waveform"),
]


@pytest.mark.parametrize(("change", "reason"), CHANGES)
def test_a_dicom_file_that_is_no_whole_ecg_is_refused_by_its_reason(
    changed: Callable[[Callable[[Any], object]], Path],
    change: Callable[[Any], object],
    reason: str,
) -> None:
    assert reason in refusal(changed(change))


def test_what_fills_a_lead_up_is_a_gap(changed: Callable[[Callable[[Any], object]], Path]) -> None:
    stored = original().WaveformSequence[0].WaveformData[:2]

    def filled(dataset: Any) -> None:
        group(dataset).add_new("WaveformPaddingValue", "OW", stored)

    lead = dicom_record(changed(filled), ["I"], 10.0).leads[0]
    theirs = original().waveform_array(0)[:, 0] / 1000
    np.testing.assert_array_equal(np.isnan(lead), theirs == theirs[0])


def test_a_file_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    content = Path(str(get_testdata_file(FILE, download=False))).read_bytes()
    for size in (140, 2_000, 100_000):
        (tmp_path / "cut.dcm").write_bytes(content[:size])
        refusal(tmp_path / "cut.dcm")


@pytest.mark.parametrize(
    ("age", "years"),
    [("063Y", 63), ("006M", 0.5), ("012D", 12 / 365.25), ("003W", 21 / 365.25), ("300Y", None)],
)
def test_age_and_sex_go_on_and_no_name(
    changed: Callable[[Callable[[Any], object]], Path], age: str, years: float | None
) -> None:
    def person(dataset: Any) -> None:
        dataset.PatientAge, dataset.PatientSex, dataset.PatientName = age, "F", "Mustermann^Erika"

    header = waveform.read(changed(person), SIGNAL).header
    assert header.get("age") == (None if years is None else pytest.approx(years))
    assert {**header, "age": 0} == {"age": 0, "sex": "F"}
