"""Erasure, segments, exports and new keys: the log changes as it may, and still verifies."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from hashlib import sha256
from pathlib import Path

import pytest

from risk_model.app import audit_actions
from risk_model.app.commands.audit import audit
from risk_model.core.errors import UserError
from risk_model.deployment.audit import AuditLog, rotation, store
from risk_model.deployment.audit.checkpoint import SIGNING, VERIFYING, Keys
from risk_model.deployment.audit.export import export, recorded_export
from risk_model.deployment.audit.rotation import rotate
from risk_model.deployment.audit.segments import close_segment
from risk_model.deployment.audit.store import Store, default_keys
from risk_model.deployment.audit.subjects import erase, report
from risk_model.deployment.audit.verify import verify

from tests.made_log import MODEL, bodies, tamper, write_log


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log" / "a.db"


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints"


def cells(log: Path, column: str) -> list[bytes]:
    database = sqlite3.connect(log)
    rows = database.execute(f"SELECT {column} FROM record ORDER BY seq").fetchall()  # noqa: S608
    database.close()
    return [cell for (cell,) in rows]


def explain_last(log: Path, event: str) -> None:
    """A record about another one, as an explanation is."""

    async def run() -> None:
        opened = AuditLog(log, MODEL, {})
        await opened.append("explanation", {"of": event}, b"contributions")
        await opened.close()

    asyncio.run(run())


def test_a_report_holds_what_is_recorded_about_one_patient_and_nothing_else(log: Path) -> None:
    events = write_log(log, 5)
    explain_last(log, events[1])
    told = report([log], "patient 0")
    assert [record.type for record in told] == ["prediction", "prediction", "explanation"]
    assert [record.event_id for record in told[:2]] == events[:2]
    assert report([log], "patient 9") == []


def test_erasure_leaves_no_byte_of_a_patient_and_every_proof(log: Path, kept: Path) -> None:
    events = write_log(log, 5, kept)
    explain_last(log, events[1])
    kept.unlink()
    kept.touch()
    told = report([log], "patient 0")
    leaves, salts = cells(log, "leaf"), cells(log, "salt")
    assert erase([log], "patient 0", checkpoints=kept) == [2, 3, 9]
    gone = [str(word).encode() for r in told for word in (r.event_id, r.commitment, r.subject)]
    gone += [salts[record.seq - 1] for record in told]
    files = b"".join(path.read_bytes() for path in log.parent.iterdir())
    assert [word for word in gone if word in files and word != b"None"] == []
    assert cells(log, "leaf")[: len(leaves)] == leaves
    assert bodies(log)[-1]["type"] == "erasure"
    assert "subject" not in bodies(log)[-1]
    assert verify(log, checkpoints=[kept]).problem is None
    assert report([log], "patient 0") == []
    assert len(report([log], "patient 1")) == 2
    with pytest.raises(UserError, match="nothing is recorded about this patient"):
        erase([log], "patient 0")
    write_log(log, 1, kept)
    assert verify(log, checkpoints=[kept]).problem is None


def test_a_body_that_no_erasure_tells_of_is_missed_also_after_others_were_erased(log: Path) -> None:
    write_log(log, 5)
    erase([log], "patient 0")
    tamper(log, "UPDATE record SET body = NULL WHERE seq = 5")
    problem = verify(log).problem
    assert problem is not None
    assert (problem.seq, problem.kind) == (5, "edited")


def test_nobody_erases_while_a_server_writes(log: Path) -> None:
    write_log(log, 2)

    async def run() -> None:
        opened = AuditLog(log, MODEL, {})
        with pytest.raises(UserError, match="another process writes"):
            erase([log], "patient 0")
        await opened.close()

    asyncio.run(run())
    assert verify(log).problem is None


def test_a_segment_goes_on_with_numbers_and_tree_of_the_one_before(log: Path, kept: Path) -> None:
    write_log(log, 3, kept)
    closed = close_segment(log, checkpoints=kept)
    assert closed.name == "a.0000000001-0000000005.db"
    write_log(log, 3, kept)
    assert [body["seq"] for body in bodies(log)] == list(range(6, 12))
    assert bodies(log)[0]["previous_checkpoint"].encode() == cells(closed, "checkpoint")[-1]
    for part, last in ((closed, 5), (log, 11)):
        assert verify(part).problem is None
        assert verify(part).records == last
    assert verify(log, checkpoints=[kept]).problem is None
    second = close_segment(log, checkpoints=kept)
    assert second.name == "a.0000000006-0000000011.db"
    closed.unlink()
    write_log(log, 1, kept)
    assert verify(second).problem is None
    assert verify(log, checkpoints=[kept]).problem is None


def test_segments_verify_together_and_one_that_was_cut_does_not(
    log: Path, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_log(log, 3, kept)
    closed = close_segment(log, checkpoints=kept)
    write_log(log, 3, kept)
    words = [str(closed), str(log), "--checkpoints", str(kept)]
    assert audit(words) == 0
    assert "kept checkpoints hold" in capsys.readouterr().out
    tamper(closed, "DELETE FROM record WHERE seq > 4", "UPDATE sqlite_sequence SET seq = 4")
    assert verify(closed).problem is None
    assert audit(words[:2]) == 1
    assert "record 5: truncated" in capsys.readouterr().err


def test_a_segment_that_does_not_go_on_from_the_one_before_is_found(
    log: Path, kept: Path, tmp_path: Path
) -> None:
    write_log(log, 3, kept)
    closed = close_segment(log, checkpoints=kept)
    write_log(log, 1, kept)
    body = bodies(log)[0]
    changed = json.dumps({**body, "previous_frontier": "00" * 64}).encode().hex()
    tamper(log, f"UPDATE record SET body = x'{changed}' WHERE seq = 6")  # noqa: S608
    problem = verify(log).problem
    assert problem is not None
    assert problem.kind in ("gap", "edited")
    closed.replace(log)
    with pytest.raises(UserError, match="last checkpoint that is known"):
        write_log(log, 1, kept)


@pytest.mark.parametrize("crash", ["hardlink_to", "replace"])
def test_a_crash_while_a_segment_is_closed_is_mended_by_the_next_call(
    log: Path, kept: Path, crash: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_log(log, 3, kept)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as crashing:
        crashing.setattr(Path, crash, stop)
        with pytest.raises(KeyboardInterrupt):
            close_segment(log, checkpoints=kept)
    write_log(log, 1, kept)
    closed = close_segment(log, checkpoints=kept)
    write_log(log, 1, kept)
    assert verify(closed).problem is None
    assert verify(log, checkpoints=[kept]).problem is None


def test_erasure_reaches_closed_segments_and_the_later_log_tells_of_it(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_log(log, 2)
    closed = close_segment(log)
    write_log(log, 2)
    assert erase([closed, log], "patient 0") == [2, 3, 7, 8]
    assert audit([str(closed), str(log)]) == 0
    problem = verify(closed).problem
    assert problem is not None, "alone it cannot be told from a loss"
    capsys.readouterr()


def test_an_export_is_what_stands_in_the_log_and_is_recorded(log: Path, tmp_path: Path) -> None:
    write_log(log, 2)
    output = tmp_path / "out.jsonl"
    records, digest = recorded_export(log, output)
    lines = output.read_bytes().splitlines()
    assert records == len(lines) == 4
    assert lines == cells(log, "body")[:4]
    last = bodies(log)[-1]
    assert (last["type"], last["records"], last["digest"]) == ("export", 4, digest)
    assert sha256(output.read_bytes()).hexdigest() == digest
    assert export(log, tmp_path / "again.jsonl")[0] == 5
    assert verify(log).problem is None


def test_a_new_key_is_endorsed_by_the_old_one_and_followed_from_it(log: Path, kept: Path) -> None:
    folder = default_keys(log)
    write_log(log, 2, kept)
    published = (folder / VERIFYING).read_text()
    for _ in range(2):
        new = rotate(log, checkpoints=kept)
        write_log(log, 1, kept)
        assert Keys.load(folder).signer.verifier == new
    old_alone = folder.parent / "published.vkey"
    old_alone.write_text(published)
    assert verify(log, old_alone).problem is None
    assert verify(log, checkpoints=[kept]).problem is None
    assert [body["type"] for body in bodies(log)].count("key_rotation") == 2


@pytest.mark.parametrize("records", range(6))
def test_a_start_reads_on_from_any_checkpoint_before_or_after_a_new_key(
    log: Path, records: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "TAIL", 3)
    write_log(log, 3)
    rotate(log)
    write_log(log, records)
    close_segment(log)
    write_log(log, 0)
    rotate(log)
    close_segment(log)
    write_log(log, records)
    assert verify(log).problem is None


def test_after_the_change_the_old_key_signs_nothing_more(log: Path) -> None:
    write_log(log, 1)
    folder = default_keys(log)
    old = {name: (folder / name).read_bytes() for name in (SIGNING, VERIFYING)}
    rotate(log)
    write_log(log, 1)
    for name, content in old.items():
        (folder / name).write_bytes(content)
    with pytest.raises(UserError, match="not signed by the key given"):
        write_log(log, 1)


@pytest.mark.parametrize("crash", ["commit", "write_atomically", "replace"])
def test_a_crash_while_keys_change_is_mended_by_the_next_call(
    log: Path, crash: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_log(log, 1)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    target = {"commit": Store, "replace": Path}.get(crash)
    with monkeypatch.context() as crashing:
        if target:
            crashing.setattr(target, crash, stop)
        else:
            crashing.setattr(rotation, "write_atomically", stop)
        with pytest.raises(KeyboardInterrupt):
            rotate(log)
    rotate(log)
    write_log(log, 1)
    assert verify(log).problem is None
    assert [body["type"] for body in bodies(log)].count("key_rotation") == 1


def test_every_action_is_reached_from_the_command_line(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_log(log, 2)
    for words in (
        ["prove", "2", str(log)],
        ["report", "subject=patient 0", str(log)],
        ["export", str(tmp_path / "out.jsonl"), str(log)],
        ["export", str(tmp_path / "out.jsonl"), str(log), "--unrecorded"],
        ["rotate", str(log)],
        ["segment", str(log)],
        ["verify", str(log)],
    ):
        assert audit(words) == 0
        assert capsys.readouterr().out.strip()
    write_log(log, 2)
    assert audit(["erase", "subject=patient 0", str(log)]) == 0
    assert {"prove", "report", "erase", "export", "segment", "rotate"} == {*audit_actions.ACTIONS}
    with pytest.raises(UserError, match="write subject=NAME"):
        audit(["report", "patient", str(log)])
