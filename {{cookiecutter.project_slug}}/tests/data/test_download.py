"""A download is whole and verified, or it is not there: against a real server that cuts, lies or
knows no Range.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from risk_model.core.errors import UserError
from risk_model.data.download import cache_directory, download, fetch

CONTENT = np.random.default_rng(0).bytes(700_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Server:
    """What the server sends, after how many bytes it hangs up, and which ranges it was asked
    for.
    """

    content: bytes = CONTENT
    cut_after: int | None = None
    knows_range: bool = True
    status: int = 0
    claimed_start: int | None = None
    asked: list[str | None] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            state.asked.append(asked)
            start = (
                int(asked.removeprefix("bytes=").rstrip("-")) if asked and state.knows_range else 0
            )
            body = state.content[start:]
            if state.status or start >= len(state.content):
                self.send_response(state.status or 416)
                self.send_header("Content-Range", f"bytes */{len(state.content)}")
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            if start:
                told = start if state.claimed_start is None else state.claimed_start
                self.send_header(
                    "Content-Range", f"bytes {told}-{len(state.content) - 1}/{len(state.content)}"
                )
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: state.cut_after])

        def log_message(self, *_: object) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{listening.server_port}/data.zip"
    thread = threading.Thread(
        target=listening.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
    )
    thread.start()
    yield state
    listening.shutdown()
    listening.server_close()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "set" / "data.zip"


def part_of(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def test_one_of_many_files_is_put_in_its_place_whole(server: Server, target: Path) -> None:
    download(server.url, target)
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def test_a_file_is_downloaded_once(server: Server, target: Path) -> None:
    assert fetch(server.url, SHA256, target) == target
    assert fetch(server.url, SHA256, target).read_bytes() == CONTENT
    assert server.asked == [None]
    assert not part_of(target).exists()


def test_a_download_that_is_cut_off_is_kept_apart_and_resumed(server: Server, target: Path) -> None:
    server.cut_after = 300_000
    with pytest.raises(UserError, match="run the same command again to go on from there"):
        fetch(server.url, SHA256, target)
    assert not target.exists()
    assert part_of(target).read_bytes() == CONTENT[:300_000]
    server.cut_after = None
    assert fetch(server.url, SHA256, target).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=300000-"]


def test_a_download_can_be_cut_off_twice(server: Server, target: Path) -> None:
    server.cut_after = 200_000
    for _ in range(2):
        with pytest.raises(UserError, match="cut off"):
            fetch(server.url, SHA256, target)
    server.cut_after = None
    assert fetch(server.url, SHA256, target).read_bytes() == CONTENT
    assert server.asked[1:] == ["bytes=200000-", "bytes=400000-"]


def test_a_server_without_range_sends_all_of_it_again(server: Server, target: Path) -> None:
    server.knows_range = False
    part_of(target).parent.mkdir(parents=True)
    part_of(target).write_bytes(b"x" * 900_000)
    assert fetch(server.url, SHA256, target).read_bytes() == CONTENT


def test_another_file_is_refused_by_both_digests_and_removed(server: Server, target: Path) -> None:
    server.content = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])
    found = hashlib.sha256(server.content).hexdigest()
    with pytest.raises(
        UserError, match=f"{found[:12]}…, expected {SHA256[:12]}….*put the original file at"
    ):
        fetch(server.url, SHA256, target)
    assert not target.exists()
    assert not part_of(target).exists()


def test_a_part_of_another_file_is_never_used(server: Server, target: Path) -> None:
    part_of(target).parent.mkdir(parents=True)
    part_of(target).write_bytes(b"x" * 1000)
    with pytest.raises(UserError, match="not the published file"):
        fetch(server.url, SHA256, target)
    assert fetch(server.url, SHA256, target).read_bytes() == CONTENT


def test_a_part_that_is_already_whole_is_verified_and_used(server: Server, target: Path) -> None:
    part_of(target).parent.mkdir(parents=True)
    part_of(target).write_bytes(CONTENT)
    assert fetch(server.url, SHA256, target).read_bytes() == CONTENT


def test_a_part_longer_than_the_file_is_removed(server: Server, target: Path) -> None:
    part_of(target).parent.mkdir(parents=True)
    part_of(target).write_bytes(CONTENT + b"more")
    with pytest.raises(UserError, match="was removed; run again"):
        fetch(server.url, SHA256, target)
    assert fetch(server.url, SHA256, target).read_bytes() == CONTENT


def test_an_answer_from_the_wrong_place_is_not_appended(server: Server, target: Path) -> None:
    part_of(target).parent.mkdir(parents=True)
    part_of(target).write_bytes(CONTENT[:1000])
    server.claimed_start = 0
    with pytest.raises(UserError, match="another part than the one asked for"):
        fetch(server.url, SHA256, target)
    assert part_of(target).read_bytes() == CONTENT[:1000]


def test_a_changed_file_in_the_cache_is_an_error_and_stays(server: Server, target: Path) -> None:
    fetch(server.url, SHA256, target)
    target.write_bytes(b"tampered")
    with pytest.raises(UserError, match=r"was changed .* must not be used; delete the file"):
        fetch(server.url, SHA256, target)
    assert target.read_bytes() == b"tampered"
    assert server.asked == [None]


@pytest.mark.parametrize("status", [404, 500])
def test_a_server_that_refuses_leaves_nothing_and_says_where_to_put_the_file(
    server: Server, target: Path, status: int
) -> None:
    server.status = status
    with pytest.raises(UserError, match=rf"answered {status} .*put the file at {target} yourself"):
        fetch(server.url, SHA256, target)
    assert not list(target.parent.iterdir())


def test_no_server_is_one_line_with_the_remedy(target: Path) -> None:
    with pytest.raises(UserError, match=f"nothing could be downloaded .*put the file at {target}"):
        fetch("http://127.0.0.1:9/data.zip", SHA256, target)


def test_the_cache_is_the_setting_then_the_environment_then_the_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CLINICAL_DATA_CACHE", str(tmp_path / "env"))
    assert cache_directory("~/mine") == tmp_path / "mine"
    assert cache_directory() == tmp_path / "env"
    monkeypatch.delenv("CLINICAL_DATA_CACHE")
    assert cache_directory() == tmp_path / ".cache" / "clinical-data"
