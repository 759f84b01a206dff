"""The files in which recordings are kept as they were read, so that the next command reads none.

A folder holds the recordings of one list, as one version of the reader made them with the settings
of one signal. Its name is a digest of all that, and of the size and times of each file: reading
gigabytes to hash them would take as long as to read the images. The time of change is that of the
file system, which no copy preserves. A folder appears whole or not at all; what is not whole is
made anew. Patients' recordings stay in the project: only their owner may read the files.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from risk_model import signals
from risk_model.core.errors import UserError
from risk_model.core.files import read_json, user_path, write_json
from risk_model.core.schema import Features, Signal
from risk_model.data.sources import recording_readings
from risk_model.data.sources.recording_readings import (
    Collector,
    Readings,
    check_refused,
    read_into,
)
from risk_model.signals import Reading, Remark, reader
from risk_model.signals.recording_store import ArrayFile, Recordings, RecordingStore

FOLDER = "cache"  # beside runs
ARRAYS, NUMBERS, TOLD = "arrays.f32", "numbers.npz", "readings.json"
MODE = 0o600
# what decides besides this code how a file is read
LIBRARIES = (
    "numpy pillow pydicom pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg pylibjpeg-rle "
    "python-gdcm scipy soundfile wfdb"
).split()


def read_cached(
    names: Sequence[str],
    read_one: Callable[[str], Reading],
    signal: Signal,
    set_aside: int,
    files: Iterable[Path],
    folder: str,
) -> Readings:
    """Every recording that can be used, from the cache if it holds them.

    Args:
        names: of the recordings, in order.
        read_one: reads the recording of a name.
        signal: what they are read as.
        set_aside: so many may be refused.
        files: all that are read for them.
        folder: of the cache; "" for FOLDER.

    Raises:
        UserError: more than `set_aside` cannot be used, or the disk is full.
    """
    cache = user_path(folder or FOLDER)
    whole = cache / key_of(names, signal, files)
    with _locked(cache, whole.name):
        readings = _load(whole, signal)
        if readings is None:
            _make(whole, names, read_one, signal, set_aside)
            readings = _load(whole, signal)
    if readings is None:
        raise UserError(f"{whole}: cannot be read back after it was written; is the disk faulty?")
    check_refused(readings.refused, set_aside)
    return readings


def key_of(names: Sequence[str], signal: Signal, files: Iterable[Path]) -> str:
    """What the folder of these recordings is called."""
    made_by = [_code(), {name: _version(name) for name in LIBRARIES}]
    content = [made_by, asdict(signal), list(names), [_stated(path) for path in files]]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]


def _code() -> str:
    """A digest of the code that reads recordings."""
    modules = [*Path(signals.__path__[0]).glob("*.py"), Path(recording_readings.__file__)]
    content = [path.read_bytes() for path in sorted(modules)]
    return hashlib.sha256(b"\0".join([*content, Path(__file__).read_bytes()])).hexdigest()


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


def _stated(path: Path) -> list[Any]:
    """Path, size and times of a file; the path alone where there is none."""
    try:
        of_file = path.stat()
    except OSError:
        return [str(path.absolute())]
    times = of_file.st_mtime_ns, of_file.st_ctime_ns
    return [str(path.absolute()), of_file.st_size, *times]


@contextmanager
def _locked(cache: Path, name: str) -> Iterator[None]:
    """Another process that wants the same recordings waits until they are there."""
    try:
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = (cache / f".{name}.lock").open("a")
    except OSError as error:
        raise _unwritable(cache, error) from None
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make(
    whole: Path,
    names: Sequence[str],
    read_one: Callable[[str], Reading],
    signal: Signal,
    set_aside: int,
) -> None:
    """Reads all recordings into a new folder; nothing stays of one that cannot be finished."""
    partial = whole.with_name(f".{whole.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed
    shutil.rmtree(whole, ignore_errors=True)
    _check_room(whole.parent, len(names), signal)
    try:
        partial.mkdir(mode=0o700)
        with _writer(partial / ARRAYS) as write:
            collector = Collector(signal, write)
            read_into(collector, names, read_one, set_aside)
        _write_rest(partial, collector)
        partial.rename(whole)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _check_room(cache: Path, recordings: int, signal: Signal) -> None:
    needed = 4 * recordings * (signal.width - signal.described)
    if (free := shutil.disk_usage(cache).free) < needed:
        raise UserError(
            f"{cache}: {recordings:,} recordings take {needed / 1e9:.1f} GB and {free / 1e9:.1f} "
            "are free; make room, or name another folder by data.cache=…"
        )


@contextmanager
def _writer(path: Path) -> Iterator[Callable[[Features], None]]:
    """Writes rows to a new file, which is on the disk at the end; UserError when that is full."""
    file = open(path, "xb", opener=lambda name, flags: os.open(name, flags, MODE))  # noqa: SIM115

    def attempt(action: Callable[[], object]) -> None:
        try:
            action()
        except OSError as error:
            raise _unwritable(path.parent.parent, error) from None

    try:
        yield lambda row: attempt(lambda: file.write(row.tobytes()))
        attempt(file.flush)
        attempt(lambda: os.fsync(file.fileno()))
    finally:
        file.raw.close()  # what is still in the buffer of a full disk cannot be written


def _unwritable(cache: Path, error: OSError) -> UserError:
    return UserError(
        f"{cache}: the recordings cannot be kept here ({error.strerror}); make room, or name "
        "another folder by data.cache=…"
    )


def _write_rest(partial: Path, collector: Collector) -> None:
    """What is small: numbers and words, beside the arrays."""
    remarks = list(dict.fromkeys(remark for own in collector.remarks for remark in own))
    number = {remark: i for i, remark in enumerate(remarks)}
    told = {
        "refused": collector.refused,
        "remarks": [remark._asdict() for remark in remarks],
        "remarks_of": [[number[remark] for remark in own] for own in collector.remarks],
        "headers": [dict(header) for header in collector.headers],
    }
    try:
        write_json(partial / TOLD, told, MODE)
        with open(
            partial / NUMBERS, "xb", opener=lambda name, flags: os.open(name, flags, MODE)
        ) as file:
            np.savez(
                file,
                positions=np.array(collector.positions, dtype=np.int64),
                measured=np.array(collector.numbers, dtype=np.float64),
                described=np.array(collector.described, dtype=np.float32),
                digests=np.array(collector.digests, dtype=np.uint64),
            )
            os.fsync(file.fileno())
    except OSError as error:
        raise _unwritable(partial.parent, error) from None


def _load(whole: Path, signal: Signal) -> Readings | None:
    """What the folder holds, None where it is not whole."""
    width = signal.width - signal.described
    names = [f.name for f in reader(signal).FIELDS]
    try:
        told = read_json(whole / TOLD)
        with np.load(whole / NUMBERS, allow_pickle=False) as numbers:
            positions, measured, described, digests = (
                numbers[name] for name in ("positions", "measured", "described", "digests")
            )
        remarks = [Remark(**remark) for remark in told["remarks"]]
        file = ArrayFile(whole / ARRAYS, width)
        store = RecordingStore(file, signal.shape, digests, np.arange(len(positions)))
        readings = Readings(
            positions,
            tuple(told["refused"]),
            tuple(tuple(remarks[i] for i in own) for own in told["remarks_of"]),
            tuple(told["headers"]),
            pd.DataFrame(measured.reshape(len(positions), len(names)), columns=names),
            Recordings(described.reshape(len(positions), signal.described), store),
        )
        size = (whole / ARRAYS).stat().st_size
    except (OSError, ValueError, KeyError, TypeError, IndexError, zipfile.BadZipFile, EOFError):
        return None
    lengths = {len(positions), len(digests), len(readings.remarks), len(readings.headers)}
    return readings if lengths == {len(positions)} and size == 4 * width * len(positions) else None
