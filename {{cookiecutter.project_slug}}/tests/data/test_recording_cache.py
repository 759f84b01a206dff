"""Are recordings that were read once kept, and used again only where all is whole and theirs?"""

from __future__ import annotations

import multiprocessing
import resource
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from risk_model.core.errors import UserError
from risk_model.core.schema import Signal
from risk_model.data.sources import recording_cache
from risk_model.data.sources.recording_cache import ARRAYS, NUMBERS, TOLD, key_of, read_cached
from risk_model.data.sources.recording_readings import Readings, read_all
from risk_model.signals import Reading

from tests import made_signal
from tests.made_signal import SIGNAL

COUNT = 20
BROKEN = 7


@pytest.fixture(autouse=True)
def _in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    made_signal.put_in_place(monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twenty strips, one of them too short."""
    rng = np.random.default_rng(0)
    for number in range(COUNT):
        values = rng.normal(size=5 if number == BROKEN else 8)
        (tmp_path / f"s{number}").write_text("\n".join(map(str, values)))
    return tmp_path


class Reader:
    """Reads strips, and counts them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.count = folder, 0

    def __call__(self, name: str) -> Reading:
        self.count += 1
        return made_signal.read(self.folder / name, SIGNAL)

    def all(self, signal: Signal = SIGNAL, set_aside: int = 1) -> Readings:
        names = [f"s{number}" for number in range(COUNT)]
        files = [self.folder / name for name in names]
        return read_cached(names, self, signal, set_aside, files, str(self.folder / "cache"))


def rows(readings: Readings) -> np.ndarray:
    """Every array, float32[n, 8]."""
    nothing = np.empty((len(readings.positions), 0), dtype=np.float32)
    return readings.signals.arrays.behind(nothing, slice(None))


def same(one: Readings, other: Readings) -> None:
    np.testing.assert_array_equal(rows(one), rows(other))
    np.testing.assert_array_equal(one.signals.arrays.digests, other.signals.arrays.digests)
    np.testing.assert_array_equal(one.signals.described, other.signals.described)
    np.testing.assert_array_equal(one.positions, other.positions)
    pd.testing.assert_frame_equal(one.measured, other.measured)
    assert [dict(header) for header in one.headers] == [dict(header) for header in other.headers]
    assert (one.refused, one.remarks) == (other.refused, other.remarks)


def only(folder: Path) -> Path:
    """The one folder in the cache."""
    [whole] = [path for path in (folder / "cache").iterdir() if path.is_dir()]
    return whole


def test_what_is_kept_equals_what_is_read_into_memory_and_is_not_read_again(folder: Path) -> None:
    first, names = Reader(folder), [f"s{number}" for number in range(COUNT)]
    kept = first.all()
    assert first.count == COUNT
    same(kept, read_all(names, Reader(folder), SIGNAL, 1))
    again = Reader(folder)
    same(again.all(), kept)
    assert again.count == 0
    assert len(kept.positions) == COUNT - 1
    assert {remark for own in kept.remarks for remark in own}


def test_a_file_that_changed_other_settings_or_another_list_are_read_anew(folder: Path) -> None:
    Reader(folder).all()
    path = folder / "s3"
    path.write_text(path.read_text())  # the same bytes at another time
    other = Reader(folder)
    other.all()
    assert other.count == COUNT
    names, files = ["a", "b"], [folder / "s1", folder / "s2"]
    keys = {
        key_of(names, SIGNAL, files),
        key_of(names[::-1], SIGNAL, files),
        key_of(names, replace(SIGNAL, rate=SIGNAL.rate + 1), files),
        key_of(names, SIGNAL, files[:1]),
    }
    assert len(keys) == 4


def test_another_version_of_the_reader_reads_anew(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Reader(folder).all()
    monkeypatch.setattr(recording_cache, "_version", lambda library: "another")
    other = Reader(folder)
    other.all()
    assert other.count == COUNT


@pytest.mark.parametrize("name", [ARRAYS, NUMBERS, TOLD])
@pytest.mark.parametrize("harm", ["cut", "emptied", "gone", "another"])
def test_what_is_torn_or_foreign_is_made_anew(folder: Path, name: str, harm: str) -> None:
    kept = Reader(folder).all()
    expected, path = rows(kept), only(folder) / name
    content = path.read_bytes()
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes({"cut": content[:-3], "emptied": b"", "another": b"[1, 2]"}[harm])
    again = Reader(folder)
    made = again.all()
    assert again.count == COUNT
    np.testing.assert_array_equal(rows(made), expected)
    assert path.read_bytes() == content or name == NUMBERS


def test_too_many_refused_are_told_from_the_cache_as_when_they_were_read(folder: Path) -> None:
    with pytest.raises(UserError, match="s7: must hold 8 numbers; or leave out") as read:
        Reader(folder).all(set_aside=0)
    assert not [path for path in (folder / "cache").iterdir() if path.is_dir()]
    Reader(folder).all(set_aside=1)
    again = Reader(folder)
    with pytest.raises(UserError) as kept:
        again.all(set_aside=0)
    assert again.count == 0
    assert str(kept.value) == str(read.value)


def test_only_the_owner_may_read_what_is_kept(folder: Path) -> None:
    Reader(folder).all()
    assert stat.S_IMODE((folder / "cache").stat().st_mode) == 0o700
    for path in only(folder).iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_disk_without_room_gets_one_line_before_anything_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader(folder)
    usage = shutil.disk_usage(folder)._replace(free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(UserError, match=r"20 recordings take .* GB and .* are free; make room"):
        reader.all()
    assert reader.count == 0


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file may grow beyond this, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [100, 610])  # in the arrays, and in what stands beside them
def test_a_disk_that_is_full_gets_one_line_and_nothing_half_written(
    folder: Path, size: int
) -> None:
    with (
        largest_file(size),
        pytest.raises(UserError, match=r"cannot be kept here \(.*\); make room, or name") as told,
    ):
        Reader(folder).all()
    assert "\n" not in str(told.value)
    assert not [path for path in (folder / "cache").iterdir() if path.is_dir()]
    assert len(Reader(folder).all().positions) == COUNT - 1


def _in_a_process(folder: Path, queue: multiprocessing.Queue[tuple[int, bytes]]) -> None:
    reader = Reader(folder)
    queue.put((0, rows(reader.all()).tobytes()))
    queue.put((reader.count, b""))


def test_of_two_processes_at_once_one_reads_and_both_get_the_same(folder: Path) -> None:
    context = multiprocessing.get_context("fork")
    queue: multiprocessing.Queue[tuple[int, bytes]] = context.Queue()
    processes = [context.Process(target=_in_a_process, args=(folder, queue)) for _ in range(2)]
    for process in processes:
        process.start()
    told = [queue.get(timeout=60) for _ in range(4)]
    for process in processes:
        process.join(60)
    assert sorted(count for count, content in told if not content) == [0, COUNT]
    assert len({content for _, content in told if content}) == 1


def test_a_file_that_is_cut_short_while_it_is_used_is_told(folder: Path) -> None:
    readings = Reader(folder).all()
    path = only(folder) / ARRAYS
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(UserError, match="was cut short while it was read; run again"):
        rows(readings)
