"""The format of the records is frozen: what they may hold, and the bytes that stand for it."""

from __future__ import annotations

import hashlib
import hmac
import re
import uuid
from pathlib import Path

import orjson
import pytest

from risk_model.deployment.audit import record
from risk_model.deployment.audit.checkpoint import Keys
from risk_model.deployment.audit.record import ENVELOPE, FACTS, KINDS, Event, Record, event
from risk_model.deployment.audit.store import default_keys

from tests.made_log import bodies, commits_to, write_log

FROZEN_KINDS = """
    prediction refusal explanation feedback label model_change config_change login_failure export
    erasure key_rotation start stop probe
""".split()
FROZEN_NAMES = """
    v seq event_id time type origin instance commitment actor client purpose subject
    idempotency_key request_id route model model_sha256 code_version policy risk
    operating_threshold flagged warnings status reason latency_ms of accepted outcome code label
    alias previous_sha256 setting digest records erased vkey endorsement previous_checkpoint
    previous_frontier
""".split()


def test_kinds_and_names_are_those_of_format_1() -> None:
    assert set(FROZEN_KINDS) == KINDS
    assert set(FROZEN_NAMES) == FACTS | ENVELOPE


def test_the_documentation_names_each_of_them() -> None:
    text = (Path(__file__).parents[3] / "docs" / "audit_log.md").read_text(encoding="utf-8")
    format_1 = text.split("## Records, format 1")[1].split("\n## ")[0]
    rows = [line for line in format_1.splitlines() if line.startswith("| `")]
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert sorted(named) == sorted(FROZEN_NAMES)


def test_the_documentation_says_of_each_type_whether_anything_writes_it() -> None:
    text = (Path(__file__).parents[3] / "docs" / "audit_log.md").read_text(encoding="utf-8")
    as_reference = re.sub(r"(?ms)^<!-- only core -->\n.*?^<!-- end -->\n", "", text)
    table = as_reference.split("| type | written |\n|---|---|\n")[1].split("\n\n")[0]
    rows = [line.split("|")[1:3] for line in table.splitlines() if line.startswith("|")]
    reserved = {
        name: told.strip().startswith("reserved")
        for kinds, told in rows
        for name in re.findall(r"\w+", kinds)
    }
    source = "".join(
        path.read_text(encoding="utf-8")
        for path in Path(record.__file__).parents[1].rglob("*.py")
        if path.name != "record.py"
    )
    written = {kind for kind in FROZEN_KINDS if re.search(rf'\(\s*"{kind}", ', source)}
    assert reserved == {kind: kind not in written for kind in FROZEN_KINDS}


def test_the_stored_bytes_are_one_line_of_json_with_sorted_names() -> None:
    made = Event({"v": 1, "type": "refusal", "status": 422, "event_id": "e", "reason": "Ä"}, b"")
    assert (
        made.body(7, "p")
        == (
            '{"event_id":"e","reason":"Ä","seq":7,"status":422,"subject":"p","type":"refusal","v":1}'
        ).encode()
    )


@pytest.mark.parametrize("name", ["heart_rate", "seq", "subject", "commitment", "origin"])
def test_a_caller_can_say_neither_an_input_nor_what_the_log_says_itself(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        event("prediction", {"risk": 0.5, name: 90}, {}, b"key")


def test_a_record_that_was_written_is_read_with_its_types(tmp_path: Path) -> None:
    write_log(tmp_path / "a.db", 1)
    body = orjson.dumps(bodies(tmp_path / "a.db")[1])
    record = Record.parse(body)
    assert (record.v, record.seq, record.type, record.risk) == (1, 2, "prediction", 0.0)
    assert uuid.UUID(record.event_id).version == 7
    assert uuid.UUID(record.instance)
    assert record.reason is None


@pytest.mark.parametrize("change", [{"v": 2}, {"type": "else"}, {"heart_rate": 90}, {"seq": ...}])
def test_what_is_no_record_of_format_1_is_refused(
    tmp_path: Path, change: dict[str, object]
) -> None:
    write_log(tmp_path / "a.db", 0)
    changed = {**bodies(tmp_path / "a.db")[0], **change}
    with pytest.raises(ValueError, match="not a record"):
        Record.parse(orjson.dumps({k: v for k, v in changed.items() if v is not ...}))
    with pytest.raises(ValueError, match="not a record"):
        Record.parse(b"[1]")


def test_event_ids_are_in_the_order_of_their_milliseconds() -> None:
    made = [str(event("probe", {}, {}, b"key").record["event_id"]) for _ in range(2_000)]
    assert [each[:13] for each in made] == sorted(each[:13] for each in made)
    assert len(set(made)) == len(made)


def test_an_input_is_proven_with_secret_and_salt_and_equal_inputs_do_not_look_equal(
    tmp_path: Path,
) -> None:
    first = write_log(tmp_path / "a.db", 2)[0]
    assert commits_to(tmp_path / "a.db", first, b"features")
    assert not commits_to(tmp_path / "a.db", first, b"featureS")
    one, two = (b["commitment"] for b in bodies(tmp_path / "a.db") if b["type"] == "prediction")
    assert one != two


def test_a_patient_has_one_pseudonym_from_which_nothing_is_computed(tmp_path: Path) -> None:
    log = tmp_path / "a.db"
    write_log(log, 3)
    write_log(log, 1)
    shown = [body["subject"] for body in bodies(log) if body["type"] == "prediction"]
    assert shown[0] == shown[1] == shown[3] != shown[2]
    secret = Keys.load(default_keys(log)).secret
    for digest in (hashlib.sha256(b"patient 0"), hmac.new(secret, b"patient 0", "sha256")):
        assert digest.hexdigest()[:32] != shown[0].replace("-", "")
    assert b"patient 0" not in log.read_bytes()
