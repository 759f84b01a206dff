"""The records of the audit log, format 1: names that never change their meaning.

A record is one line of JSON with sorted keys; its bytes are stored as they are and never written
again to verify them. It holds no feature value and no identifier of a patient. What was asked
stands in it as a commitment, an HMAC under a secret key and a salt of the record's own: it proves
the input to whoever holds input, salt and key, and proves nothing any more once the salt is erased.
"""

from __future__ import annotations

import hmac
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Literal, get_args

import orjson

VERSION = 1
Kind = Literal[
    "prediction", "refusal", "explanation", "feedback", "label", "model_change", "config_change",
    "login_failure", "export", "erasure", "key_rotation", "start", "stop", "probe",
]  # fmt: skip
KINDS = frozenset(get_args(Kind))


@dataclass(frozen=True, kw_only=True)
class Record:
    """A record as it is read. What has a default may be absent, and then nothing is known of it."""

    # in every record
    v: int
    seq: int
    event_id: str  # UUIDv7
    time: str  # RFC 3339, UTC, milliseconds
    type: str
    origin: str  # of the log, as its checkpoints name it
    instance: str  # UUID of the process that wrote it
    commitment: str  # hex
    # who, for what, about whom
    actor: str | None = None
    client: str | None = None
    purpose: str | None = None
    subject: str | None = None  # pseudonym
    idempotency_key: str | None = None
    request_id: str | None = None
    route: str | None = None
    # by what
    model: str | None = None
    model_sha256: str | None = None
    code_version: str | None = None
    policy: str | None = None
    # what was said
    risk: float | None = None
    operating_threshold: float | None = None
    flagged: bool | None = None
    warnings: list[str] | None = None  # codes
    status: int | None = None
    reason: str | None = None
    latency_ms: float | None = None
    of: str | None = None  # event id of the record that this one is about
    # what people did
    accepted: str | None = None  # who answers for a model that its gate did not pass, and why
    outcome: str | None = None  # of feedback: accepted or overridden
    code: str | None = None  # of the reason for it
    label: bool | None = None
    alias: str | None = None  # champion or challenger
    previous_sha256: str | None = None
    setting: str | None = None  # name of what was configured
    digest: str | None = None  # SHA-256 of what was configured or exported
    records: int | None = None  # exported
    erased: list[int] | None = None  # numbers of records whose bodies are gone
    vkey: str | None = None  # that signs from the next checkpoint on
    endorsement: str | None = None  # of the new key, signed by the old one
    previous_checkpoint: str | None = None  # the last of the closed segment
    previous_frontier: str | None = None  # hex, of the closed segment's tree

    @classmethod
    def parse(cls, body: bytes) -> Record:
        """Reads stored bytes; ValueError when they are not a record of this format."""
        try:
            record = cls(**orjson.loads(body))
        except TypeError as error:
            raise ValueError("not a record of the audit log") from error
        if record.v != VERSION or record.type not in KINDS:
            raise ValueError("not a record of this version")
        return record


ENVELOPE = frozenset("v seq event_id time type origin instance commitment subject".split())
# What a caller may say. A name that is not here is refused, so that no input can slip into the log.
FACTS = frozenset(field.name for field in fields(Record)) - ENVELOPE


@dataclass(frozen=True, slots=True)
class Event:
    """An event on its way to the log: its record but for number and pseudonym, and what may be
    erased: the salt, and the keyed hash by which its subject is looked up (b"" for none).
    """

    record: dict[str, object]
    salt: bytes
    reference: bytes = b""

    def body(self, seq: int, pseudonym: str) -> bytes:
        """The bytes to store."""
        about = {"subject": pseudonym} if pseudonym else {}
        return orjson.dumps({**self.record, **about, "seq": seq}, option=orjson.OPT_SORT_KEYS)


def event(
    kind: Kind,
    facts: Mapping[str, object],
    common: Mapping[str, object],
    key: bytes,
    committed: bytes = b"",
    subject: str = "",
) -> Event:
    """An event that happens now.

    Args:
        kind: of the event.
        facts: what its record says; ValueError for a name that is not in FACTS.
        common: what every record of its log says.
        key: the secret of the commitments and of the references to subjects.
        committed: what the record commits to without saying it.
        subject: who it is about, as the caller knows them; never stored.
    """
    event_id, now, salt = uuid7(), datetime.now(UTC), os.urandom(16)
    record = {
        **common,
        **allowed(facts),
        "v": VERSION,
        "event_id": event_id,
        "time": now.isoformat(timespec="milliseconds"),
        "type": kind,
        "commitment": commitment(key, salt, committed),
    }
    return Event(record, salt, reference(key, subject) if subject else b"")


def commitment(key: bytes, salt: bytes, content: bytes) -> str:
    """HMAC-SHA256 of salt and content, in hex; equal inputs do not look equal."""
    keyed = hmac.new(key, salt, "sha256")
    keyed.update(content)  # without a copy, and without the interpreter's lock for a large one
    return keyed.hexdigest()


def reference(key: bytes, subject: str) -> bytes:
    """The keyed hash by which a subject's pseudonym is found; without the key it tells nothing."""
    return hmac.digest(key, b"subject\0" + subject.encode(), "sha256")


def allowed(facts: Mapping[str, object]) -> dict[str, object]:
    """The facts; ValueError for a name that no record may hold."""
    if unknown := facts.keys() - FACTS:
        raise ValueError(f"not for the audit log: {', '.join(sorted(unknown))}")
    return dict(facts)


def uuid7() -> str:
    """A UUID version 7 (RFC 9562): milliseconds, then 74 random bits."""
    random = int.from_bytes(os.urandom(10), "big")
    head = time.time_ns() // 1_000_000 << 80 | 7 << 76 | (random >> 68) << 64
    digits = f"{head | 2 << 62 | random & (1 << 62) - 1:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
