"""Is a request with a recording read as strictly as one with fields, and turned into the row of
training?
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_model.core.schema import Field
from risk_model.data.sources.recordings import cohort_from
from risk_model.deployment import recording_requests
from risk_model.deployment.recording_requests import recording_body_schema, recording_reader
from risk_model.deployment.requests import RefusedError
from risk_model.signals import rows

from tests import made_signal
from tests.made_signal import SCHEMA, SIGNAL

STRIP = [0.5, -1.0, 2.0, 0.0, 1.0, 3.5, -0.25, 1e-3]
SECRET = "Erika Mustermann 1970"  # noqa: S105
ID = "0190a6de-7b1c-7c3e-9a0e-3d2f1f6f0a11"
values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.just(SECRET),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=9),
        st.dictionaries(st.sampled_from(["a", SECRET]), inner, max_size=2),
    ),
    max_leaves=12,
)


@pytest.fixture(autouse=True)
def _in_place(strips_in_place: None) -> None:
    pass


def body(value: Any, **more: Any) -> bytes:
    return json.dumps({"inputs": {"strip": value}, **more}).encode()


def refusal(content: bytes) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        recording_reader(SCHEMA)(content)
    return caught.value


@given(st.lists(st.floats(-1e3, 1e3, width=32), min_size=8, max_size=8))
def test_the_row_of_a_request_is_that_of_training(strip: list[float]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        made_signal.put_in_place(patch)
        request = recording_reader(SCHEMA)(body(strip, request_id=ID, explain=True))
        expected = rows([np.array(strip, dtype=np.float32)], SCHEMA)
    assert request.row.tobytes() == expected.tobytes()
    assert (request.request_id, request.explain, request.missing) == (ID, True, [])
    assert request.recording.tolist() == pytest.approx(strip)


@given(values, values, values)
def test_whatever_is_sent_is_a_row_or_a_refusal_that_repeats_nothing(
    value: Any, request_id: Any, explain: Any
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        made_signal.put_in_place(patch)
        for content in (body(value), body(STRIP, request_id=request_id, explain=explain)):
            told = outcome(content)
            assert told == (1, SCHEMA.width) or (
                told[0] in (400, 422) and SECRET not in json.dumps(told)
            )


def outcome(content: bytes) -> tuple[Any, ...]:
    """The shape of a row, or status and words of a refusal."""
    try:
        return recording_reader(SCHEMA)(content).row.shape
    except RefusedError as refused:
        return refused.status, refused.detail, refused.errors


@pytest.mark.parametrize(
    ("content", "pointer", "words"),
    [
        ({"inputs": {"strip": [1, 2]}}, "/inputs/strip", "must hold 8 numbers"),
        ({"inputs": {"strip": "1"}}, "/inputs/strip", "must be a list"),
        ({"inputs": {"strip": None}}, "/inputs/strip", "is required"),
        ({"inputs": {}}, "/inputs/strip", "is required"),
        ({}, "/inputs", "must be an object"),
        ({"inputs": [STRIP]}, "/inputs", "must be an object"),
        ({"inputs": {"strip": STRIP, SECRET: 1}}, "/inputs", "may hold 'strip' and nothing else"),
        ({"inputs": {"strip": STRIP}, "units": {"strip": "mV"}}, "/units", "states its own units"),
        (
            {"inputs": {"strip": STRIP}, SECRET: 1},
            "",
            "may hold inputs, request_id, subject, explain",
        ),
        ({"inputs": {"strip": STRIP}, "request_id": "MRN-7"}, "/request_id", "must be a UUID"),
        ({"inputs": {"strip": STRIP}, "explain": 1}, "/explain", "must be true or false"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place_and_its_rule(
    content: Any, pointer: str, words: str
) -> None:
    refused = refusal(json.dumps(content).encode())
    assert refused.status == 422
    ((place, told),) = refused.errors
    assert place == pointer
    assert words in told


@pytest.mark.parametrize(
    "content",
    [
        b'{"inputs": {"strip": [1, NaN]}}',
        b'{"inputs": {"strip": [1e999]}}',
        b'{"inputs": {"strip": [1]}, "inputs": {"strip": [2]}}',
        b'{"inputs": {"strip": {"samples": [[{"a": 1, "a": 2}]]}}}',
        b'{"inputs": {"strip": ' + b"[" * 5_000,
        b'{"inputs": {"strip": "\\ud800"}}',
        b"\xff",
        b"",
    ],
)
def test_what_two_parsers_could_read_differently_is_no_json_here_either(content: bytes) -> None:
    assert refusal(content).status == 400


def test_nested_strings_are_no_duplicate_keys() -> None:
    value = {
        "leads": ["I", 'II \\ "x"'],
        "samples": [[1.5] * 1_000] * 12,
        "nested": {"a": {"a": "a"}},
    }
    assert refusal(body(value)).errors == [("/inputs/strip", "must be a list of numbers")]


def test_a_body_of_brackets_is_refused_before_it_fills_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: bytes) -> Any:
        pytest.fail("it was parsed")

    monkeypatch.setattr(recording_requests, "read_json", fail)
    assert refusal(b'{"inputs": {"strip": [' + b"[]," * 200_000 + b"[]]}}").status == 400


def test_a_refusal_keeps_the_request_id_it_was_sent() -> None:
    assert refusal(body([1], request_id=ID)).request_id == ID


def test_a_field_that_cannot_be_measured_is_named_as_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(made_signal, "measure", lambda recording, signal: {"largest": None})
    request = recording_reader(SCHEMA)(body(STRIP))
    assert request.missing == ["largest"]
    assert np.isnan(request.row[0, 0])


def test_an_implausible_measurement_is_missing_in_a_request_as_in_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fields = (Field("largest", "number", "mV", maximum=3.0),)
    monkeypatch.setattr(made_signal, "FIELDS", fields)
    schema = replace(SCHEMA, fields=fields)
    recordings = [np.array(STRIP, dtype=np.float32)]
    cohort = cohort_from(
        recordings, np.zeros(1, dtype=np.int8), pd.DataFrame(index=[0]), schema, "made"
    )
    request = recording_reader(schema)(body(STRIP))
    assert np.isnan(cohort.encoded()[0, 0])
    assert request.row.tobytes() == cohort.encoded().tobytes()
    assert request.missing == ["largest"]


@pytest.mark.parametrize(
    ("sent", "read_as"), [("as it is", ""), ("by Erika Mustermann", "by [NAME]")]
)
def test_a_text_that_is_not_read_as_it_was_sent_is_kept_for_its_explanation(
    monkeypatch: pytest.MonkeyPatch, sent: str, read_as: str
) -> None:
    monkeypatch.setattr(
        made_signal, "received", lambda value, signal: value.replace("Erika Mustermann", "[NAME]")
    )
    monkeypatch.setattr(
        recording_requests,
        "rows",
        lambda recordings, schema: np.zeros((1, SCHEMA.width), np.float32),
    )
    assert recording_reader(SCHEMA)(body(sent)).read_as == read_as


def test_the_openapi_body_names_the_recording_and_says_what_it_holds() -> None:
    described = recording_body_schema(SIGNAL)
    assert set(described["properties"]) == {"inputs", "request_id", "subject", "explain"}
    inputs = described["properties"]["inputs"]
    assert inputs["required"] == list(inputs["properties"]) == ["strip"]
    told = inputs["properties"]["strip"]["description"]
    for words in ("The numbers of a request.", "units mV", "shape 8", "4096 bytes"):
        assert words in told
