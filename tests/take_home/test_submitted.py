"""What a candidate hands in is read without following, blocking or unpacking anything."""

from __future__ import annotations

import os
import stat
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from take_home.submitted import SOURCE_BYTES, SubmissionError, read, read_file

NAMES = ("src/model/score.py", "findings.toml", "risks.csv")


def packed(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_the_files_of_the_table_are_read_and_no_others(tmp_path: Path) -> None:
    members = {name: name.encode() for name in NAMES} | {"../../etc/passwd": b"x", "/y": b"y"}

    submitted = read(packed(tmp_path / "submission.zip", members), NAMES)

    assert submitted.files == {name: name.encode() for name in NAMES}
    assert submitted.mistakes == ("Other files in the archive, not looked at: 2",)
    assert [p.name for p in tmp_path.iterdir()] == ["submission.zip"]


def test_a_missing_file_is_said_and_the_others_are_read(tmp_path: Path) -> None:
    submitted = read(packed(tmp_path / "submission.zip", {NAMES[1]: b"x"}), NAMES)

    assert list(submitted.files) == [NAMES[1]]
    assert submitted.mistakes == (f"{NAMES[0]} is missing", f"{NAMES[2]} is missing")


def test_a_member_that_unpacks_to_much_more_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(NAMES[0], "w", force_zip64=True) as member,
    ):
        for _ in range(50):
            member.write(bytes(1 << 20))

    tracemalloc.start()
    submitted = read(path, NAMES)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 20 << 20
    assert submitted.files == {}
    assert submitted.mistakes[0] == f"{NAMES[0]} is larger than {SOURCE_BYTES:,} bytes"


def test_a_table_may_be_longer_than_a_source(tmp_path: Path) -> None:
    long = bytes(SOURCE_BYTES + 1)

    submitted = read(packed(tmp_path / "s.zip", {NAMES[0]: long, NAMES[2]: long}), NAMES)

    assert list(submitted.files) == [NAMES[2]]


def test_a_member_that_says_it_is_a_link_is_no_file(tmp_path: Path) -> None:
    link = zipfile.ZipInfo(NAMES[0])
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "s.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")

    submitted = read(tmp_path / "s.zip", NAMES)

    assert submitted.files == {}
    assert submitted.mistakes[0] == f"{NAMES[0]} is a link or another thing than a file"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_stands_twice_is_not_chosen_from(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "s.zip", "w") as archive:
        archive.writestr(NAMES[0], "one")
        archive.writestr(NAMES[0], "two")

    submitted = read(tmp_path / "s.zip", NAMES)

    assert submitted.files == {}
    assert submitted.mistakes[0] == f"{NAMES[0]} is 2 times in the archive"


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_other_ways_of_packing_are_refused(tmp_path: Path, method: int) -> None:
    submitted = read(packed(tmp_path / "s.zip", {NAMES[0]: b"x"}, method), NAMES)

    assert submitted.mistakes[0] == f"{NAMES[0]} is packed in another way than `make submit` packs"


@pytest.mark.parametrize(("field", "at"), [("flags", 8), ("size", 24)])
def test_a_member_whose_header_lies_is_a_mistake(tmp_path: Path, field: str, at: int) -> None:
    path = packed(tmp_path / "s.zip", {NAMES[0]: b"x" * 100})
    content = bytearray(path.read_bytes())
    entry = content.index(b"PK\x01\x02")
    struct.pack_into("<H", content, entry + at, 1)
    path.write_bytes(content)

    submitted = read(path, NAMES)

    assert submitted.files.get(NAMES[0], b"") != b"x" * 100
    assert field == "size" or submitted.mistakes[0].startswith(NAMES[0])


def test_a_damaged_member_costs_itself_only(tmp_path: Path) -> None:
    contents = {NAMES[0]: os.urandom(500), NAMES[1]: b"right"}
    path = packed(tmp_path / "s.zip", contents, zipfile.ZIP_STORED)
    content = path.read_bytes()
    path.write_bytes(content.replace(contents[NAMES[0]], bytes(500)))

    submitted = read(path, NAMES)

    assert submitted.files == {NAMES[1]: b"right"}
    assert submitted.mistakes[0] == f"{NAMES[0]} is damaged in the archive"


def test_thousands_of_members_are_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "s.zip", {str(i): b"" for i in range(1001)})

    with pytest.raises(SubmissionError, match="more than 1,000 files"):
        read(path, NAMES)


@pytest.mark.parametrize("content", [b"", b"PK", b"full marks", b"PK\x05\x06" + b"\xff" * 18])
def test_what_is_no_archive_is_refused_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "s.zip").write_bytes(content)

    with pytest.raises(SubmissionError, match=r"is no zip archive: ask for the submission\.zip"):
        read(tmp_path / "s.zip", NAMES)


@pytest.mark.parametrize("cut", range(1, 200, 7))
def test_an_archive_cut_anywhere_raises_nothing_else(tmp_path: Path, cut: int) -> None:
    path = packed(tmp_path / "s.zip", dict.fromkeys(NAMES, b"x"))
    path.write_bytes(path.read_bytes()[cut:-cut])

    with pytest.raises(SubmissionError):
        read(path, NAMES)


def link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(200 << 30)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (link, "is a link: name the file itself"),
        (os.mkfifo, "is no regular file"),
        (Path.mkdir, "is no regular file"),
        (sparse, "has more than 100 bytes"),
        (lambda path: path.write_bytes(bytes(101)), "has more than 100 bytes"),
        (lambda path: None, "cannot be read: No such file"),
    ],
)
def test_only_a_regular_file_of_fair_size_is_read(
    tmp_path: Path, make: object, reason: str
) -> None:
    assert callable(make)
    make(tmp_path / "answer.py")

    with pytest.raises(SubmissionError, match=reason):
        read_file(tmp_path / "answer.py", 100)


def test_a_second_name_of_a_file_reads_as_the_file(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"x")
    (tmp_path / "two").hardlink_to(tmp_path / "one")

    assert read_file(tmp_path / "two", 100) == b"x"
