"""Is a download whole and verified, or not there? Against a real server that cuts or lies."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
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
    """What the server sends, after how many bytes it hangs up, and how often it was asked."""

    content: bytes = CONTENT
    cut_after: int | None = None
    status: int = 200
    requests: int = 0
    url: str = ""


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.requests += 1
            self.send_response(state.status)
            self.send_header("Content-Length", str(len(state.content)))
            self.end_headers()
            self.wfile.write(state.content[: state.cut_after])

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


def test_one_of_many_files_is_put_in_its_place_whole(server: Server, target: Path) -> None:
    download(server.url, target)
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def test_a_file_is_downloaded_once(server: Server, target: Path) -> None:
    assert fetch(server.url, SHA256, target) == target
    assert fetch(server.url, SHA256, target).read_bytes() == CONTENT
    assert server.requests == 1
    assert [path.name for path in target.parent.iterdir()] == [target.name]


@pytest.mark.parametrize("fetched", [True, False])
def test_a_download_that_is_cut_off_leaves_nothing_and_can_be_repeated(
    server: Server, target: Path, fetched: bool
) -> None:
    def get() -> None:
        if fetched:
            fetch(server.url, SHA256, target)
        else:
            download(server.url, target)

    server.cut_after = 300_000
    with pytest.raises(UserError, match=f"check the connection and run again.* at {target}"):
        get()
    assert not list(target.parent.iterdir())
    server.cut_after = None
    get()
    assert target.read_bytes() == CONTENT


def test_a_file_of_which_only_an_md5_is_published_is_verified_by_it(
    server: Server, target: Path
) -> None:
    md5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
    assert fetch(server.url, md5, target).read_bytes() == CONTENT
    target.write_bytes(b"tampered")
    with pytest.raises(UserError, match="was changed"):
        fetch(server.url, md5, target)


def test_nothing_is_printed_but_the_progress(
    server: Server, target: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    download(server.url, target)
    assert "".join(capfd.readouterr()) == ""


def test_another_file_is_refused_by_its_digest_and_removed(server: Server, target: Path) -> None:
    server.content = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])
    with pytest.raises(
        UserError, match=f"not the published file .expected sha256:{SHA256}.*put the original file"
    ):
        fetch(server.url, SHA256, target)
    assert not list(target.parent.iterdir())


def test_a_changed_file_in_the_cache_is_an_error_and_stays(server: Server, target: Path) -> None:
    fetch(server.url, SHA256, target)
    target.write_bytes(b"tampered")
    with pytest.raises(UserError, match=r"was changed .* must not be used; delete the file"):
        fetch(server.url, SHA256, target)
    assert target.read_bytes() == b"tampered"
    assert server.requests == 1


@pytest.mark.parametrize("status", [404, 500])
def test_a_server_that_refuses_leaves_nothing_and_says_where_to_put_the_file(
    server: Server, target: Path, status: int
) -> None:
    server.status = status
    with pytest.raises(UserError, match=rf"answered {status} .*put the file at {target} yourself"):
        fetch(server.url, SHA256, target)
    assert not list(target.parent.iterdir())


def test_no_server_is_one_line_with_the_remedy(target: Path) -> None:
    with pytest.raises(UserError, match=f"could not be downloaded .*put the file at {target}"):
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
