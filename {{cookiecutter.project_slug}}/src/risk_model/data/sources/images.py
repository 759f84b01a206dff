"""Anybody's images: DICOM, PNG or JPEG files, listed in a table with outcome and patient."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from risk_model.config.imaging import Images, Pixels
from risk_model.core.cohort import Cohort
from risk_model.core.errors import UserError
from risk_model.core.schema import Signal
from risk_model.data.sources.recording_cache import read_cached
from risk_model.data.sources.recordings import cohort_of, listing, schema_of
from risk_model.signals import image

SMALLEST, LARGEST = 16, 512  # pixels a side
GREY, COLOUR = ("grey",), ("red", "green", "blue")


def load(settings: Images) -> Cohort:
    """The images that have an outcome; UserError, naming the file, for what is unfit."""
    path = Path(settings.path)
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", path.stem).strip("-.") or "images"
    return of_table(settings, name, f"{path.name}, supplied by the user")


def of_table(settings: Images, name: str, source: str) -> Cohort:
    """The cohort of that name of the images that the table `settings.path` lists."""
    signal, folder = signal_of(settings), Path(settings.path).parent
    entries = listing(settings, settings.file, "image file")
    readings = read_cached(
        entries.recordings,
        lambda file: image.read(folder / file, signal),
        signal,
        settings.set_aside,
        _files(folder / file for file in entries.recordings),
        settings.cache,
    )
    remarks = image.read_as(remark for own in readings.remarks for remark in own)
    signal = replace(signal, remark_kinds=tuple(sorted({remark.kind for remark in remarks})))
    schema = schema_of(name, settings.outcome, signal)
    return cohort_of(entries, readings, schema, source, readings.notes())


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    """These files, and those of a folder, which is a series."""
    for path in paths:
        yield from sorted(path.iterdir()) if path.is_dir() else [path]


def signal_of(settings: Pixels) -> Signal:
    """The signal that the settings ask for; UserError when an image is too small or too large."""
    if not SMALLEST <= settings.size <= LARGEST:
        raise UserError(
            f"data.size={settings.size}: use from {SMALLEST} to {LARGEST} pixels a side"
        )
    channels = COLOUR if settings.colour else GREY
    shape = (len(channels), settings.size, settings.size)
    return Signal(
        "image", "image", shape, image.count(len(channels)), channels, mirrors=settings.mirrors
    )
