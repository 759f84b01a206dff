"""Task 7, the service's answer: judged from outside, by responses and by the audit folder.

Between two requests the folder is read as it is on disk, so that a record which comes later than
its answer is no record.
"""

from __future__ import annotations

import hmac
import json
import re
import uuid
from typing import Any

import numpy as np

from take_home.checks.answer_requests import expected_risk, patient_row, request, shown
from take_home.checks.audit_records import Log
from take_home.checks.common import (
    Check,
    Inputs,
    Output,
    Outputs,
    Request,
    close,
    first,
    member,
    no_value,
    parts,
    unless,
)
from take_home.score import Part
from take_home.served import MODEL, SCHEMA, THRESHOLD

ORDINARY = ("below", "just below", "above", "at the threshold")
REFUSED = ("no number", "too large", "below nought")
NO_DISK = ("disk fails", "disk fails again")


def inputs(rng: np.random.Generator) -> Inputs:
    """Risks on both sides of the threshold and on it, faults of disk and model, bad bodies."""
    near = float(rng.uniform(0.33, 0.47))  # above the threshold, below a half
    just_below = float(rng.uniform(0.2955, 0.2995))  # which is nearer to the threshold than to .29
    subject = f"ward-{rng.integers(10**8, 10**9)}"
    return {
        "below": request(rng, risk=float(rng.uniform(0.05, 0.25))),
        "just below": request(rng, risk=just_below),
        "above": request(rng, risk=near),
        "at the threshold": request(rng, risk=THRESHOLD),
        "the model's own": request(rng),
        "with an id": request(rng, id=str(uuid.UUID(bytes=rng.bytes(16), version=4))),
        "of a subject": request(rng, subject=subject),
        "of the same subject": request(rng, subject=subject),
        "unusual": request(rng, age=97, lactate=float(rng.uniform(13, 20))),
        "slow disk": request(rng, disk="slow"),
        "disk fails": request(rng, disk="fails"),
        "no number": request(rng, risk="nan"),
        "too large": request(rng, risk=2.0),
        "below nought": request(rng, risk=-0.1),
        "disk fails again": request(rng, disk="fails"),
        "explained by the body": request(rng, explain=True),
        "explained by the query": request(rng, query="explain=true"),
        "not a body": {**request(rng), "body": '{"inputs": {"age": "old"}}'},
    }


def judge(asked: Inputs, outputs: Outputs) -> tuple[Part, ...]:
    """Points for answers with their records, then for each way in which there may be none."""
    core = Check(
        "a risk, whether it is flagged, and a record of both",
        3,
        first(
            no_value(outputs, *ORDINARY, "the model's own"),
            *(_answered(asked[case], outputs[case]) for case in (*ORDINARY, "the model's own")),
        ),
    )
    return parts(
        core,
        [
            _durable(asked, outputs),
            _refused(outputs),
            _extras(asked, outputs),
            _content(asked, outputs),
        ],
    )


def _answered(asked: Request, output: Output) -> str:
    """What is wrong with an ordinary answer or its record."""
    body, risk = member(output.value, "body"), expected_risk(asked)
    record = _record_of(output)
    return first(
        unless(member(output.value, "status") == 200, "A good request gets no answer with 200."),
        unless(
            any(close(member(body, "risk"), value, 1e-9) for value in shown(risk)),
            "The risk is not the model's, as the package shows it.",
        ),
        unless(member(body, "operating_threshold") == THRESHOLD, "The threshold is not told."),
        unless(
            member(body, "flagged") is (risk >= THRESHOLD),
            "Patients are flagged by another rule than the package's threshold.",
        ),
        unless(_of_package(body), "What the package says of itself is missing or wrong."),
        unless(record is not None, "The record that `prediction_id` names is not on disk."),
        unless(
            all(member(record, name) == member(body, name) for name in FACTS),
            "The record says something else than the answer.",
        ),
    )


FACTS = ("risk", "flagged", "operating_threshold")
UNUSUAL = ["/inputs/age", "/inputs/lactate"]  # of which the unusual request is warned


def _record_of(output: Output) -> dict[str, Any] | None:
    """The record of a prediction that an answer names."""
    record = Log(output.files).records.get(
        str(member(member(output.value, "body"), "prediction_id"))
    )
    return record if record is not None and record.get("type") == "prediction" else None


def _of_package(body: object) -> bool:
    known = (member(body, "outcome"), member(body, "model"), member(body, "missing"))
    version = member(body, "model_version")
    named = known == (SCHEMA.outcome, MODEL, ["heart_rate"])
    return named and isinstance(version, str) and len(version) == 64


def _durable(asked: Inputs, outputs: Outputs) -> Check:
    failed = [outputs[case] for case in NO_DISK]
    silent = all(member(output.value, "status") == 503 for output in failed)
    slow = _answered(asked["slow disk"], outputs["slow disk"])
    return Check(
        "no answer without its record on disk",
        2,
        first(
            no_value(outputs, "slow disk", *NO_DISK),
            unless(silent, "When the disk fails, something else than 503 is answered."),
            slow and "When the disk is slow, the answer comes before its record.",
            unless(
                not _answered(asked["explained by the body"], outputs["explained by the body"]),
                "After a failure of the disk, answers and records do not come back.",
            ),
        ),
    )


def _refused(outputs: Outputs) -> Check:
    cases = [outputs[case] for case in REFUSED]
    said = all(member(output.value, "status") == 500 for output in cases)
    before = len(Log(outputs["disk fails"].files).of_kind("prediction"))
    after = len(Log(outputs["below nought"].files).of_kind("prediction"))
    return Check(
        "a risk that is none is refused",
        1,
        first(
            no_value(outputs, *REFUSED, "not a body"),
            unless(said, "A risk outside of 0 to 1, or NaN, is answered otherwise than with 500."),
            unless(after == before, "A risk that is none stands in the log as a prediction."),
            unless(
                member(outputs["not a body"].value, "status") == 422,
                "A body that does not follow the schema is not refused with 422.",
            ),
        ),
    )


def _extras(asked: Inputs, outputs: Outputs) -> Check:
    sent = json.loads(asked["with an id"]["body"])["request_id"]
    told = member(outputs["with an id"].value, "body")
    record = _record_of(outputs["with an id"])
    plain = member(outputs["below"].value, "body")
    explained = all(
        member(member(member(outputs[case].value, "body"), "explanation"), "available") is True
        for case in ("explained by the body", "explained by the query")
    )
    return Check(
        "the request's id, who asks, the warnings, and an explanation where it is asked for",
        1,
        first(
            no_value(
                outputs,
                *("with an id", "unusual", "explained by the body", "explained by the query"),
            ),
            unless(
                member(told, "request_id") == member(record, "request_id") == sent,
                "The request's id is missing in the answer or in the record.",
            ),
            unless(
                bool(member(record, "client")) and member(told, "client") is None,
                "The record does not say who asks, or the answer does.",
            ),
            _warned(outputs),
            unless(explained, "An explanation is asked for and not given."),
            unless(
                isinstance(plain, dict) and not {"explanation", "request_id"} & set(plain),
                "An answer holds an explanation or an id that nobody asked for.",
            ),
        ),
    )


def _warned(outputs: Outputs) -> str:
    """What is wrong with the warnings of an unusual input, or of an ordinary one."""
    told = member(member(outputs["unusual"].value, "body"), "input_warnings")
    none = member(member(outputs["below"].value, "body"), "input_warnings")
    pointers = [member(warning, "pointer") for warning in told] if isinstance(told, list) else []
    reasons = [member(_record_of(outputs[case]), "reason") for case in ("unusual", "below")]
    return first(
        unless(
            sorted(map(str, pointers)) == UNUSUAL and none == [],
            "The warnings about the input are missing in the answer, or are others.",
        ),
        unless(
            re.findall(r"\d+", str(reasons[0])) == [str(len(UNUSUAL))] and not reasons[1],
            "The record does not say in `reason` how many warnings there are.",
        ),
    )


def _content(asked: Inputs, outputs: Outputs) -> Check:
    committed = all(_commits(asked[case], outputs[case]) for case in (*ORDINARY, "with an id"))
    last = Log(outputs["not a body"].files)
    told = {str(v) for case in asked for v in _values(asked[case]) if len(str(v)) >= 7}
    silent = not any(value.encode() in last.bytes for value in told)
    return Check(
        "a record that proves its input and tells nothing of it",
        1,
        first(
            unless(committed, "A record does not commit to the bytes of the encoded row."),
            unless(
                _about_subjects(outputs),
                "The records of a subject do not share a pseudonym of their own.",
            ),
            unless(silent, "Values or names of patients stand in the audit folder."),
        ),
    )


def _commits(asked: Request, output: Output) -> bool:
    record, log = _record_of(output) or {}, Log(output.files)
    message = log.salts.get(str(record.get("event_id")), b"") + patient_row(asked).tobytes()
    wanted = hmac.digest(log.key, message, "sha256").hex() if log.key else "no key"
    return record.get("commitment") == wanted


def _about_subjects(outputs: Outputs) -> bool:
    """Whether two records are about one subject, and an ordinary one is about nobody."""
    cases = ("of a subject", "of the same subject", "below")
    about, again, nobody = (member(_record_of(outputs[case]), "subject") for case in cases)
    return isinstance(about, str) and about == again and nobody is None


def _values(asked: Request) -> list[Any]:
    body = json.loads(asked["body"])
    return [*body["inputs"].values(), body.get("subject", "")]
