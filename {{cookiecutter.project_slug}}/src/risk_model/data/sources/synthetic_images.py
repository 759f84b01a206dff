"""Made-up chest radiographs whose truth is known, written as DICOM files.

Three images in ten show a lesion in a lung: a bright, soft-edged spot of 4.5 to 8 mm radius in a
chest 128 mm wide. A radiologist said so in 92 % of these images, and of 6 % of the others: no
model's AUROC can pass about .92. Vessels and ribs are as bright as a lesion and stand everywhere;
lungs differ in size, place and density; exposure differs too. So brightness says next to nothing,
and where things are says nothing: what is left is the shape of a spot.

Three hospitals differ in their scanners (stored bits, MONOCHROME1 or 2, window or none, sharpness,
noise), not in how often lesions occur; age raises the odds by half in ten years. One patient in ten
has a second image. Each has a side marker, and three in a hundred have a made-up name burned in.
The folder holds `labels.csv`, `truth.csv` (file, the lesion's box as left, top, right, bottom in
pixels of the stored image, whether text is burned in) and `images/`.
"""

from __future__ import annotations

import shutil
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk_model.config.imaging import Images, Pixels, SyntheticImages
from risk_model.core.cohort import Cohort
from risk_model.core.errors import UserError
from risk_model.data.sources import images

Record = dict[str, Any]  # what is known of a person or a file: a row of a table that is written
Numbers = npt.NDArray[np.float64]

SIDE = 128  # pixels of a stored image, a millimetre each
AGAIN = 0.1
PREVALENCE, PER_DECADE = 0.3, 0.4
LABELLED, IMAGINED = 0.92, 0.06
WITH_TEXT = 0.03
RADIUS, LIFT = (4.5, 8.0), (0.26, 0.4)  # pixels; of full brightness
SURNAMES = (
    "Abel Brandt Chen Dubois Eriksen Fontana Gruber Haddad Ivanova Jansen Kowalski Lindqvist"
).split()


class Scanner(NamedTuple):
    """A hospital's scanner.

    Share of the patients, stored bits, inverted, window in the header, blur, noise.
    """

    share: float
    bits: int
    inverted: bool
    window: bool
    blur: float
    noise: float


SITES = {
    "Alder Hospital": Scanner(0.45, 12, False, True, 0.6, 0.020),
    "Birch Infirmary": Scanner(0.33, 16, True, True, 0.8, 0.026),
    "Kestrel Clinic": Scanner(0.22, 8, False, False, 0.9, 0.030),
}


class Radiograph(NamedTuple):
    """An image in 0..1 as displayed, the lesion's box if any, and whether text is burned in."""

    pixels: Numbers
    box: tuple[int, int, int, int] | None
    text: bool


def load(settings: SyntheticImages) -> Cohort:
    """The images of `settings.subjects` patients, from files written on the first call.

    UserError for fewer than 100 patients, or when the files cannot be read.
    """
    if settings.subjects < 100:
        raise UserError(
            f"data.subjects={settings.subjects}: too few to make a cohort of; use at least 100"
        )
    folder = Path("generated") / f"synthetic_images-{settings.subjects}-{settings.seed}"
    if not folder.exists():
        write(folder, settings.subjects, settings.seed)
    shared = {f.name: getattr(settings, f.name) for f in fields(Pixels)}
    source = Images(path=str(folder / "labels.csv"), outcome="lesion", **shared)
    return images.of_table(
        source, "synthetic_images", "made-up chest radiographs of three hospitals"
    )


def write(folder: Path, subjects: int, seed: int) -> None:
    """Writes labels.csv, truth.csv and the images; the folder appears whole or not at all."""
    rng = np.random.default_rng(seed)
    partial = folder.with_name(f".{folder.name}")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "images").mkdir(parents=True)
    labels: list[Record] = []
    truth: list[Record] = []
    for number in range(subjects):
        person = _person(number, rng)
        for _ in range(1 + int(rng.random() < AGAIN)):
            file = f"images/x{len(labels):05d}.dcm"
            row, lesion_box = _image(partial / file, person, rng)
            labels.append({"file": file, **row})
            truth.append({"file": file, **lesion_box})
    pd.DataFrame(labels).to_csv(partial / "labels.csv", index=False)
    pd.DataFrame(truth).to_csv(partial / "truth.csv", index=False)
    partial.rename(folder)


def _person(number: int, rng: np.random.Generator) -> Record:
    return {
        "patient_id": f"X{number:05d}",
        "site": str(rng.choice(list(SITES), p=[scanner.share for scanner in SITES.values()])),
        "age": int(np.clip(rng.normal(60, 14), 18, 95)),
        "sex": str(rng.choice(["F", "M"])),
    }


def _image(path: Path, person: Record, rng: np.random.Generator) -> tuple[Record, Record]:
    """Writes one image; its row of labels.csv and of truth.csv."""
    odds = np.log(PREVALENCE / (1 - PREVALENCE)) + PER_DECADE * (person["age"] - 60) / 10
    present = bool(rng.random() < 1 / (1 + np.exp(-odds)))
    outcome = rng.random() < (LABELLED if present else IMAGINED)
    day = np.datetime64("2021-01-01") + int(rng.integers(3 * 365))
    radiograph = draw(SITES[person["site"]], present, bool(rng.random() < WITH_TEXT), rng)
    write_dicom(path, radiograph.pixels, SITES[person["site"]], person, str(day))
    lesion_box = dict(
        zip(("left", "top", "right", "bottom"), radiograph.box or (None,) * 4, strict=True)
    )
    return {**person, "date": str(day), "lesion": int(outcome)}, {
        **lesion_box,
        "text": int(radiograph.text),
    }


def draw(scanner: Scanner, lesion: bool, text: bool, rng: np.random.Generator) -> Radiograph:
    """One radiograph as displayed, float64[128, 128] in 0..1."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)
    lungs, centres, sizes = _lungs(x, y, rng)
    pixels = (
        0.62 - rng.uniform(0.3, 0.42) * lungs + 0.05 * _smooth(rng, 24) + 0.03 * _smooth(rng, 8)
    )
    pixels += _ribs(x, y, rng) + _vessels(x, y, rng)
    box = None
    if lesion:
        spot, box = _lesion(x, y, centres, sizes, rng)
        pixels += spot
    pixels = np.clip(
        (pixels - 0.5) * rng.uniform(0.85, 1.15) + 0.5 + rng.normal(0, 0.05), 0.02, 0.93
    )
    pixels = _blurred(pixels, scanner.blur) + rng.normal(0, scanner.noise, pixels.shape)
    return Radiograph(_labelled(np.clip(pixels, 0.0, 0.95), text, rng), box, text)


def _lungs(x: Numbers, y: Numbers, rng: np.random.Generator) -> tuple[Numbers, Numbers, Numbers]:
    """Two soft ellipses, with their centres and half axes: float64[2, 2] each."""
    centres = np.array([[38.0, 64.0], [90.0, 64.0]]) + rng.normal(0, 2.5, (2, 2))
    sizes = np.array([[20.0, 40.0], [19.0, 38.0]]) * rng.uniform(0.88, 1.1, (2, 1))
    field = np.zeros_like(x)
    for (cx, cy), (a, b) in zip(centres, sizes, strict=True):
        distance = np.sqrt(((x - cx) / a) ** 2 + ((y - cy) / b) ** 2)
        field = np.maximum(field, 1 / (1 + np.exp(10 * (distance - 1))))
    return field, centres, sizes


def _ribs(x: Numbers, y: Numbers, rng: np.random.Generator) -> Numbers:
    arcs = y + 0.012 * (x - 64) ** 2 + rng.uniform(0, 16)
    lines: Numbers = (
        rng.uniform(0.03, 0.07) * np.maximum(np.sin(2 * np.pi * arcs / rng.uniform(14, 17)), 0) ** 3
    )
    return lines


def _vessels(x: Numbers, y: Numbers, rng: np.random.Generator) -> Numbers:
    """Bright branches as thick as a small lesion, from near the middle outwards."""
    field = np.zeros_like(x)
    for _ in range(int(rng.integers(8, 15))):
        side = rng.choice([-1.0, 1.0])
        x0, y0 = 64 + side * rng.uniform(10, 22), rng.uniform(40, 92)
        angle = rng.uniform(-1.1, 1.1)
        dx, dy = side * np.cos(angle), np.sin(angle)
        along = (x - x0) * dx + (y - y0) * dy
        across = (x - x0) * dy - (y - y0) * dx + 0.01 * along**2 * rng.normal()
        reach = 1 / (1 + np.exp(-along)) / (1 + np.exp((along - rng.uniform(10, 28)) / 2))
        field += (
            rng.uniform(0.06, 0.18) * reach * np.exp(-0.5 * (across / rng.uniform(1.0, 2.2)) ** 2)
        )
    return field


def _lesion(
    x: Numbers, y: Numbers, centres: Numbers, sizes: Numbers, rng: np.random.Generator
) -> tuple[Numbers, tuple[int, int, int, int]]:
    """A spot in one of the lungs, and its box."""
    lung = int(rng.integers(2))
    angle, distance = rng.uniform(0, 2 * np.pi), 0.75 * np.sqrt(rng.random())
    cx = centres[lung, 0] + distance * sizes[lung, 0] * np.cos(angle)
    cy = centres[lung, 1] + distance * sizes[lung, 1] * np.sin(angle)
    radius = rng.uniform(*RADIUS)
    away = np.sqrt((x - cx) ** 2 + (y - cy) ** 2)
    spot = rng.uniform(*LIFT) / (1 + np.exp((away - radius) / 0.7))
    left, top = int(cx - radius - 1), int(cy - radius - 1)
    return spot, (left, top, int(cx + radius + 2), int(cy + radius + 2))


def _smooth(rng: np.random.Generator, scale: int) -> Numbers:
    """Noise that changes over so many pixels, of standard deviation near 1."""
    coarse = rng.normal(size=(SIDE // scale + 2,) * 2)
    positions = np.linspace(0, len(coarse) - 1.001, SIDE)
    low, share = positions.astype(int), positions % 1
    rows = coarse[low] * (1 - share)[:, None] + coarse[low + 1] * share[:, None]
    noise: Numbers = rows[:, low] * (1 - share) + rows[:, low + 1] * share
    return noise


def _blurred(pixels: Numbers, sigma: float) -> Numbers:
    kernel = np.exp(-0.5 * (np.arange(-3, 4) / sigma) ** 2)
    kernel /= kernel.sum()
    for _ in range(2):
        padded = np.pad(pixels, ((3, 3), (0, 0)), mode="edge")
        pixels = sum(weight * padded[i : i + SIDE] for i, weight in enumerate(kernel)).T
    return pixels


def _labelled(pixels: Numbers, text: bool, rng: np.random.Generator) -> Numbers:
    """With a side marker, and a name across the top of some."""
    from PIL import Image, ImageDraw

    radiograph = Image.fromarray((pixels * 255).astype(np.uint8))
    pen = ImageDraw.Draw(radiograph)
    pen.fontmode = "1"  # no grey edges: scanners write in one value
    pen.text((4, 16), str(rng.choice(["L", "R"])), fill=255)
    if text:
        name = f"{rng.choice(SURNAMES).upper()} 19{rng.integers(30, 99)}-0{rng.integers(1, 9)}"
        pen.text((int(rng.integers(2, 20)), int(rng.choice([1, 115]))), name, fill=255)
    with_text = np.asarray(radiograph, dtype=np.float64) / 255
    return np.where(with_text == 1.0, 1.0, pixels)


def write_dicom(path: Path, pixels: Numbers, scanner: Scanner, person: Record, date: str) -> None:
    """Writes an image in 0..1 as the scanner stores it, with a made-up identity in the header."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import (
        DigitalXRayImageStorageForPresentation,
        ExplicitVRLittleEndian,
        generate_uid,
    )

    top = 2**scanner.bits - 1
    stored = np.round((1 - pixels if scanner.inverted else pixels) * top)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[path.name, person["patient_id"]])
    image = Dataset()
    image.file_meta = meta
    image.SOPClassUID, image.SOPInstanceUID = (
        meta.MediaStorageSOPClassUID,
        meta.MediaStorageSOPInstanceUID,
    )
    image.Modality, image.PatientName, image.PatientID = (
        "DX",
        f"MADE-UP^{person['patient_id']}",
        person["patient_id"],
    )
    image.PatientAge, image.PatientSex = f"{person['age']:03d}Y", person["sex"]
    image.StudyDate, image.InstitutionName = date.replace("-", ""), person["site"]
    image.PatientOrientation = ["L", "F"]
    image.Rows = image.Columns = SIDE
    image.SamplesPerPixel, image.PixelRepresentation = 1, 0
    image.PhotometricInterpretation = "MONOCHROME1" if scanner.inverted else "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit = (
        (8 if top < 256 else 16),
        scanner.bits,
        scanner.bits - 1,
    )
    if scanner.window:
        image.RescaleIntercept, image.RescaleSlope = "0", "1"
        image.WindowCenter, image.WindowWidth = str((top + 1) / 2), str(top + 1)
    image.PixelData = stored.astype(np.uint8 if top < 256 else "<u2").tobytes()
    image.save_as(path, enforce_file_format=True)
