"""A log is read beside its writer, from a copy that nobody can write, and with the right key."""

from __future__ import annotations

import asyncio
import shutil
import stat
from pathlib import Path

import pytest

from risk_model.app.commands.audit import audit
from risk_model.core.errors import UserError
from risk_model.deployment.audit import AuditLog
from risk_model.deployment.audit.checkpoint import VERIFYING
from risk_model.deployment.audit.store import default_keys
from risk_model.deployment.audit.verify import verify

from tests.made_log import MODEL, bodies, write_log


def test_a_log_is_verified_while_it_is_written(tmp_path: Path) -> None:
    async def run() -> list[object]:
        log = AuditLog(tmp_path / "a.db", MODEL, {})
        found: list[object] = []

        async def write() -> None:
            for _ in range(100):
                await log.append("prediction", {"risk": 0.5})

        writing = asyncio.gather(*(write() for _ in range(8)))
        while not writing.done():
            found.append((await asyncio.to_thread(verify, tmp_path / "a.db")).problem)
        await log.close()
        return found

    found = asyncio.run(run())
    assert found
    assert set(found) == {None}


def test_a_copy_that_cannot_be_written_is_verified(tmp_path: Path) -> None:
    write_log(tmp_path / "a.db", 3)
    vkey = default_keys(tmp_path / "a.db") / VERIFYING
    folder = tmp_path / "read only"
    folder.mkdir()
    shutil.copy(tmp_path / "a.db", folder)
    (folder / "a.db").chmod(0o400)
    folder.chmod(0o500)
    before = sorted(folder.iterdir())
    assert verify(folder / "a.db", vkey).problem is None
    assert sorted(folder.iterdir()) == before


def test_a_copy_with_a_wal_is_verified_where_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, folder = tmp_path / "a.db", tmp_path / "copy"
    folder.mkdir()

    async def run() -> None:
        opened = AuditLog(log, MODEL, {})
        await opened.append("prediction", {"risk": 0.5})
        for name in ("a.db", "a.db-wal"):
            shutil.copy(tmp_path / name, folder)
        await opened.close()

    asyncio.run(run())
    monkeypatch.setattr("os.access", lambda path, *_: path != folder)
    found = verify(folder / "a.db", default_keys(log) / VERIFYING)
    assert (found.problem, found.records) == (None, 2)
    assert sorted(path.name for path in folder.iterdir()) == ["a.db", "a.db-wal"]


@pytest.mark.parametrize("content", [b"no database at all, but longer than nothing" * 50, b""])
def test_a_file_that_is_no_log_is_one_clear_line(tmp_path: Path, content: bytes) -> None:
    write_log(tmp_path / "a.db", 0)
    vkey = default_keys(tmp_path / "a.db") / VERIFYING
    (tmp_path / "b.db").write_bytes(content)
    for name in ("b.db", "absent.db"):
        with pytest.raises(UserError, match=r"cannot be read as an audit log"):
            verify(tmp_path / name, vkey)
    with pytest.raises(UserError, match=r"no verifier key.*--vkey"):
        verify(tmp_path / "b.db")


def test_log_and_checkpoints_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    write_log(tmp_path / "a.db", 1, tmp_path / "checkpoints")
    (tmp_path / "a.db").chmod(0o644)
    write_log(tmp_path / "a.db", 1, tmp_path / "checkpoints")
    for path in (tmp_path / "a.db", tmp_path / "checkpoints"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_checkpoints_of_another_log_are_no_comparison(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_log(tmp_path / "a.db", 1, tmp_path / "a")
    write_log(tmp_path / "b.db", 1, tmp_path / "b")
    assert audit([str(tmp_path / "a.db"), "--checkpoints", *map(str, tmp_path.glob("?"))]) == 0
    assert audit([str(tmp_path / "a.db"), "--checkpoints", str(tmp_path / "b")]) == 1
    assert "none of the kept checkpoints is of this log" in capsys.readouterr().err


def test_every_log_has_its_own_origin_and_one_file_of_keys_may_serve_many(tmp_path: Path) -> None:
    keys = b""
    for name in ("a", "b"):
        write_log(tmp_path / f"{name}.db", 1)
        keys += (default_keys(tmp_path / f"{name}.db") / VERIFYING).read_bytes()
    (tmp_path / "all.vkey").write_bytes(keys)
    for name in ("a", "b"):
        assert verify(tmp_path / f"{name}.db", tmp_path / "all.vkey").problem is None
    origins = {bodies(tmp_path / f"{name}.db")[0]["origin"] for name in ("a", "b")}
    assert len(origins) == 2
    wrong = verify(tmp_path / "a.db", default_keys(tmp_path / "b.db") / VERIFYING).problem
    assert wrong is not None
    assert wrong.kind == "bad signature"
