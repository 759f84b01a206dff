"""Made-up electrocardiograms whose truth is known: leads I, II and V2, as WFDB records.

In two of five records a premature ventricular beat occurs: one to three wide beats without a P wave
in ten seconds. The outcome is that a physician wrote one down, which happens in 95 % of these
records and in 5 % of the others: no model's AUROC can pass about .95. Beats are sums of Gaussians
(McSharry et al., IEEE Trans Biomed Eng 2003;50:289-94), projected on the leads by a patient's own
amplitudes, with breathing in rhythm and baseline. What could give the outcome away without it is
dealt to everybody: premature atrial beats are as early, with the same pauses, and twice as frequent
without the outcome as with it; bundle branch block makes all beats of one in eight patients wide;
muscle noise comes in bursts, electrodes slip. What is left is one beat's shape among ten.

Four hospitals differ in their recorders (rate, unit, gain, mains hum), not in how often such beats
occur; age raises their odds by half in ten years. One patient in ten has a second record. The
folder holds `labels.csv`, `truth.csv` (seconds in which each ventricular beat lies, from the onset
of its QRS complex to the end of its T wave) and `records/`.
"""

from __future__ import annotations

import shutil
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model.config.waveform import Leads, SyntheticEcgs, Waveforms
from risk_model.core.cohort import Cohort
from risk_model.core.errors import UserError
from risk_model.data.sources import waveforms

Record = dict[str, Any]  # what is known of a person or a file: a row of a table that is written
Numbers = npt.NDArray[np.float64]

NAMES = ("I", "II", "V2")
SECONDS = 10.0
AGAIN = 0.1  # of the patients have a second record
# share of records with a ventricular beat, and without, in which one is written down
LABELLED, IMAGINED = 0.95, 0.05
PREVALENCE, PER_DECADE = 0.4, 0.4  # at 60 years; log odds of ten years more
BLOCK = 0.12  # of the patients have bundle branch block
ATRIAL = (0.9, 0.4)  # share of records with premature atrial beats, without the outcome and with it
# share of records in which an electrode falls off, in which a lead is clipped
LOOSE, CLIPPED = 0.05, 0.06
TRUE_START, TRUE_END = -0.12, 0.5  # seconds around the centre of a ventricular beat


class Recorder(NamedTuple):
    """A hospital's recorder.

    Share of the patients, Hz, unit, steps of the converter per mV, noise and hum in mV.

    Noise grows with the root of the rate: within the heart's frequencies all hospitals are alike.
    """

    share: float
    rate: int
    unit: str
    per_mv: float
    noise: float
    hum: float


SITES = {
    "Alder Hospital": Recorder(0.35, 250, "mV", 1000.0, 0.025, 0.004),
    "Birch Infirmary": Recorder(0.27, 500, "uV", 1000.0, 0.035, 0.008),
    "Heron General": Recorder(0.2, 200, "mV", 400.0, 0.022, 0.015),
    "Kestrel Clinic": Recorder(0.18, 360, "mV", 200.0, 0.03, 0.006),
}

# Waves of a beat: centre and width in seconds, amplitudes in mV on I, II and V2.
NORMAL: dict[str, tuple[float, float, tuple[float, ...]]] = {
    "P": (-0.16, 0.022, (0.08, 0.14, 0.07)),
    "Q": (-0.026, 0.009, (-0.06, -0.08, 0.0)),
    "R": (0.0, 0.011, (0.7, 1.0, 0.35)),
    "S": (0.028, 0.010, (-0.12, -0.18, -0.9)),
    "T": (0.27, 0.045, (0.2, 0.28, 0.35)),
}
VENTRICULAR: dict[str, tuple[float, float, tuple[float, ...]]] = {
    "R": (0.0, 0.030, (0.8, 1.0, -0.9)),
    "S": (0.07, 0.026, (-0.2, -0.35, 0.4)),
    "T": (0.29, 0.06, (-0.3, -0.4, 0.35)),
}


def load(settings: SyntheticEcgs) -> Cohort:
    """The records of `settings.subjects` patients, from files written on the first call.

    UserError for fewer than 100 patients, or when the files cannot be read.
    """
    if settings.subjects < 100:
        raise UserError(
            f"data.subjects={settings.subjects}: too few to make a cohort of; use at least 100"
        )
    folder = Path("generated") / f"synthetic_ecgs-{settings.subjects}-{settings.seed}"
    if not folder.exists():
        write(folder, settings.subjects, settings.seed)
    shared = {f.name: getattr(settings, f.name) for f in fields(Leads)}
    source = Waveforms(path=str(folder / "labels.csv"), outcome="ventricular_beats", **shared)
    return waveforms.of_table(
        source, "synthetic_ecgs", "made-up electrocardiograms of four hospitals"
    )


def write(folder: Path, subjects: int, seed: int) -> None:
    """Writes labels.csv, truth.csv and the records; the folder appears whole or not at all."""
    rng = np.random.default_rng(seed)
    partial = folder.with_name(f".{folder.name}")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "records").mkdir(parents=True)
    labels: list[Record] = []
    truth: list[Record] = []
    for number in range(subjects):
        person = _person(number, rng)
        for _ in range(1 + int(rng.random() < AGAIN)):
            file = f"records/e{len(labels):05d}"
            row, beats = _record(partial / file, person, rng)
            labels.append({"file": file, **row})
            truth += [{"file": file, "start": start, "end": end} for start, end in beats]
    pd.DataFrame(labels).to_csv(partial / "labels.csv", index=False)
    pd.DataFrame(truth, columns=["file", "start", "end"]).to_csv(partial / "truth.csv", index=False)
    partial.rename(folder)


def _person(number: int, rng: np.random.Generator) -> Record:
    """Who it is, and what stays the same from one record to the next."""
    return {
        "patient_id": f"E{number:05d}",
        "site": str(rng.choice(list(SITES), p=[recorder.share for recorder in SITES.values()])),
        "age": int(np.clip(rng.normal(60, 15), 18, 95)),
        "sex": str(rng.choice(["F", "M"])),
        "rate": float(np.clip(rng.normal(72, 12), 48, 115)),
        "breathing": float(rng.uniform(0.005, 0.06)),  # of the RR interval
        "size": rng.lognormal(0, 0.25, (len(NORMAL), len(NAMES))),
        "block": bool(rng.random() < BLOCK),
    }


def _record(
    path: Path, person: Record, rng: np.random.Generator
) -> tuple[Record, list[list[float]]]:
    """Writes one record; its row of labels.csv, and the seconds of its ventricular beats."""
    odds = np.log(PREVALENCE / (1 - PREVALENCE)) + PER_DECADE * (person["age"] - 60) / 10
    present = bool(rng.random() < 1 / (1 + np.exp(-odds)))
    instants, kinds = _rhythm(person, present, rng)
    outcome = rng.random() < (LABELLED if present else IMAGINED)
    recorder = SITES[person["site"]]
    _write(path, _leads(instants, kinds, person, recorder, rng), recorder)
    day = np.datetime64("2021-01-01") + int(rng.integers(3 * 365))
    identity = {key: person[key] for key in ("patient_id", "site", "age", "sex")}
    beat_times = [
        instant for instant, kind in zip(instants, kinds, strict=True) if kind == "ventricular"
    ]
    beats = [
        [round(max(at + TRUE_START, 0.0), 3), round(min(at + TRUE_END, SECONDS), 3)]
        for at in beat_times
    ]
    return {**identity, "date": str(day), "ventricular_beats": int(outcome)}, beats


def _rhythm(
    person: Record, present: bool, rng: np.random.Generator
) -> tuple[list[float], list[str]]:
    """When beats come, in seconds, and of which kind they are: sinus, atrial or ventricular."""
    usual = 60 / (person["rate"] * rng.normal(1, 0.06))
    count, phase, at = int(SECONDS / usual) + 3, rng.uniform(0, 2 * np.pi), rng.uniform(-usual, 0)
    kinds = ["sinus"] * count
    possible = list(range(2, count - 3, 2))  # no two in a row, none at the ends
    order = rng.permutation(possible).tolist()
    if present:
        for _ in range(int(rng.integers(1, 4))):
            kinds[order.pop()] = "ventricular"
    if rng.random() < ATRIAL[present]:
        for _ in range(int(rng.integers(1, 4))):
            if order:
                kinds[order.pop()] = "atrial"
    instants = []
    for kind, after in zip(kinds, [*kinds[1:], "sinus"], strict=True):
        instants.append(float(at))
        step = usual * (
            1 + person["breathing"] * np.sin(2 * np.pi * 0.25 * at + phase) + rng.normal(0, 0.012)
        )
        early = rng.uniform(0.62, 0.85)
        pause = rng.uniform(1.0, 1.35) if kind != "sinus" else 1.0
        at += step * (early if after != "sinus" else pause)
    return instants, kinds


def _leads(
    instants: list[float],
    kinds: list[str],
    person: Record,
    recorder: Recorder,
    rng: np.random.Generator,
) -> Numbers:
    """The leads in mV with all that disturbs them: float64[3, samples]."""
    time = np.arange(int(SECONDS * recorder.rate)) / recorder.rate
    leads = np.zeros((len(NAMES), len(time)))
    ectopic = _ectopic(rng)
    for at, kind in zip(instants, kinds, strict=True):
        for centre, width, heights in ectopic if kind == "ventricular" else _sinus(person, kind):
            leads += np.outer(
                heights * rng.normal(1, 0.04), np.exp(-0.5 * ((time - at - centre) / width) ** 2)
            )
    return _interrupted(leads + _disturbance(time, recorder, rng), recorder.rate, rng)


Wave = tuple[float, float, Numbers]


def _sinus(person: Record, kind: str) -> list[Wave]:
    """Waves of a beat that comes through the atria.

    An early one has an earlier, smaller P wave; a block widens all.
    """
    waves = []
    for wave, (name, (centre, width, heights)) in enumerate(NORMAL.items()):
        size = np.array(heights) * person["size"][wave]
        if name == "P" and kind == "atrial":
            centre, size = centre + 0.02, 0.6 * size
        if person["block"] and name in "RS":
            centre, width = centre * 1.8, width * 2.1
        if person["block"] and name == "T":
            size = -0.7 * size
        waves.append((centre, width, size))
    return waves


def _ectopic(rng: np.random.Generator) -> list[Wave]:
    """Waves of this record's ventricular beat, by its own axis and width."""
    wide, flips = rng.uniform(0.62, 1.15), np.where(rng.random(len(NAMES)) < 0.35, -1.0, 1.0)
    size = flips * rng.lognormal(0, 0.3, len(NAMES)) * rng.uniform(0.5, 0.9)
    return [
        (centre * wide, width * wide, np.array(heights) * size)
        for centre, width, heights in VENTRICULAR.values()
    ]


def _disturbance(time: Numbers, recorder: Recorder, rng: np.random.Generator) -> Numbers:
    """Breathing, hum, noise, muscle, and electrodes that slip as slowly as a wide beat."""
    shape = (len(NAMES), len(time))
    noise = recorder.noise * rng.lognormal(0, 0.3) * rng.normal(size=shape)
    wander = rng.uniform(0.02, 0.15) * np.sin(
        2 * np.pi * (rng.uniform(0.15, 0.4) * time + rng.random())
    )
    disturbed = noise + wander * rng.normal(1, 0.3, (len(NAMES), 1))
    disturbed += recorder.hum * np.sin(2 * np.pi * 50 * time)
    for _ in range(rng.poisson(0.5)):
        near = np.exp(-0.5 * ((time - rng.uniform(0, SECONDS)) / rng.uniform(0.1, 0.5)) ** 2)
        disturbed += 0.12 * near * rng.normal(size=shape)
    for _ in range(rng.poisson(0.7)):
        slip = np.exp(-0.5 * ((time - rng.uniform(0, SECONDS)) / rng.uniform(0.03, 0.12)) ** 2)
        disturbed[rng.integers(len(NAMES))] += rng.normal(0, 0.5) * slip
    return disturbed


def _interrupted(leads: Numbers, rate: int, rng: np.random.Generator) -> Numbers:
    """Now and then an electrode falls off, or an amplifier cannot follow."""
    lead = rng.integers(len(NAMES))
    if rng.random() < LOOSE:
        start = int(rng.uniform(0, SECONDS - 2) * rate)
        leads[lead, start : start + int(rng.uniform(0.6, 1.5) * rate)] = leads[lead, start]
    elif rng.random() < CLIPPED:
        limit = 0.5 * np.abs(leads[lead]).max()
        leads[lead] = np.clip(leads[lead], -limit, limit)
    return leads


def _write(path: Path, leads: Numbers, recorder: Recorder) -> None:
    """As a WFDB record of format 16, in the unit and with the gain of the recorder."""
    import wfdb

    per_unit = recorder.per_mv / (1000 if recorder.unit == "uV" else 1)
    digital = np.clip(np.round(leads.T * recorder.per_mv), -32767, 32767).astype(np.int16)
    wfdb.wrsamp(
        path.name,
        fs=recorder.rate,
        units=[recorder.unit] * len(NAMES),
        sig_name=list(NAMES),
        d_signal=digital,
        fmt=["16"] * len(NAMES),
        adc_gain=[per_unit] * len(NAMES),
        baseline=[0] * len(NAMES),
        write_dir=str(path.parent),
    )
