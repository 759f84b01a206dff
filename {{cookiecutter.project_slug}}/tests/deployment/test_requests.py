"""Is a request read strictly, encoded as in training, and refused without repeating what it
said?
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_model.core.schema import FLOAT32_MAX, Field, Schema, encode
from risk_model.deployment.record_encoder import record_encoder
from risk_model.deployment.request_schema import body_schema
from risk_model.deployment.requests import (
    RefusedError,
    body_errors,
    field_units,
    read_json,
    request_reader,
)

SCHEMA = Schema(
    "ward",
    "death",
    (
        Field("age", "number", unit="a", minimum=18, maximum=120, missing_allowed=False),
        Field("lactate", "number", unit="mmol/L", minimum=0, maximum=40, missing_flag=True),
        Field("anything", "number"),
        Field("sex", "category", categories=("female", "male"), missing_flag=True),
        Field("a/b~c", "category", categories=("1", "true", 'Ärzte "B"', "")),
        Field("diabetes", "boolean", missing_flag=True),
        Field("died_on", "number", recorded_after=True),
    ),
)
UNITS = field_units(SCHEMA)
read = request_reader(SCHEMA)
encode_record = record_encoder(SCHEMA)

SECRET = "Erika Mustermann 1970"  # noqa: S105
json_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["female", "male", "1", "true", "", 'Ärzte "B"', "Female", SECRET]),
    st.just([]),
    st.just({"a": [1]}),
)
good_values = {
    "age": st.one_of(st.integers(18, 120), st.floats(18, 120)),
    "lactate": st.one_of(st.none(), st.floats(0, 40), st.just(0), st.just(-0.0)),
    "anything": st.one_of(
        st.none(), st.floats(-FLOAT32_MAX, FLOAT32_MAX), st.integers(-(2**63), 2**63)
    ),
    "sex": st.sampled_from([None, "female", "male"]),
    "a/b~c": st.sampled_from([None, "1", "true", 'Ärzte "B"', ""]),
    "diabetes": st.sampled_from([None, True, False]),
}

optional = {name: values for name, values in good_values.items() if name != "age"}
good_records = st.fixed_dictionaries({"age": good_values["age"]}, optional=optional)


def body(inputs: Any, **more: Any) -> bytes:
    return json.dumps({"inputs": inputs, "units": UNITS, **more}).encode()


def refusal(content: bytes) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        read(content)
    return caught.value


@given(good_records)
def test_one_record_is_encoded_as_training_encodes_it(record: dict[str, Any]) -> None:
    row = encode_record(record)
    expected = encode({f.name: [record.get(f.name)] for f in SCHEMA.inputs}, SCHEMA)
    assert row is not None
    assert row.dtype == expected.dtype == np.float32
    assert np.array_equal(row, expected, equal_nan=True)


@given(good_records, st.sampled_from([*SCHEMA.names, "agee"]), json_values)
def test_the_encoder_refuses_exactly_what_the_check_finds_wrong(
    record: dict[str, Any], name: str, value: Any
) -> None:
    changed = {**record, name: value}
    refused = encode_record(changed) is None
    assert refused == bool(body_errors({"inputs": changed, "units": UNITS}, SCHEMA))


@given(
    st.dictionaries(st.sampled_from([*SCHEMA.names, SECRET]), json_values), json_values, json_values
)
def test_no_refusal_repeats_a_value_or_an_unknown_name(
    record: dict[str, Any], units: Any, request_id: Any
) -> None:
    try:
        read(body(record, units=units, request_id=request_id))
    except RefusedError as refused:
        told = json.dumps([refused.detail, refused.errors])
        assert SECRET not in told
        for value in record.values():
            if isinstance(value, float) and len(repr(value)) > 5:
                assert repr(value) not in told


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[1]",
        b"{",
        b'{"inputs": {"age": NaN}}',
        b'{"inputs": {"age": Infinity}}',
        b'{"inputs": {"age": -Infinity}}',
        b'{"inputs": {"age": 1e999}}',
        b'{"inputs": {"age": ' + b"9" * 5_000 + b"}}",
        b'{"inputs": {"age": 54}} {"inputs": {"age": 55}}',
        b'{"inputs": {"sex": "\\ud800"}}',
        b'{"inputs": {"\\udc00": 1}}',
        b'{"inputs": {"sex": "\xff\xfe"}}',
        b'\xef\xbb\xbf{"inputs": {"age": 54}}',
        '{"inputs": {"age": 54}}'.encode("utf-16"),
        b'{"inputs": {"sex": "\x00"}}',
        b'{"inputs": ' + b"[" * 60_000,
        b'{"inputs": {"age": 54, "age": 30}}',
        b'{"inputs": {"age": 54}, "inputs": {"age": 30}}',
        b'{"inputs": {"age": 54, "a\\u0067e": 30}}',
        b'{"inputs": {"age": {"a": {"b": 1, "b": 2}}}}',
        b'{"inputs": {"age": [{"b": 1, "b": 2}]}}',
        b"{'inputs': {'age': 54}}",
        b'{"inputs": {"age": 054}}',
        b'{"inputs": {"age": 54,}}',
        b'{"inputs": {"age": 54} /* note */}',
    ],
)
def test_what_two_parsers_could_read_differently_is_no_json_here(content: bytes) -> None:
    assert refusal(content).status == 400


json_text = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**53), 2**53),
        st.text(st.characters(codec="utf-8"), max_size=5),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text('ab"\\ü', max_size=3), inner, max_size=3),
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text('ab"\\ü', max_size=3), json_text, max_size=4), st.booleans())
def test_every_object_that_is_json_is_read_as_the_standard_library_reads_it(
    content: Any, ascii_only: bool
) -> None:
    assert read_json(json.dumps(content, ensure_ascii=ascii_only).encode()) == content


@given(
    st.dictionaries(
        st.text("abc", min_size=1, max_size=2),
        st.one_of(st.integers(0, 9), st.text('x"', max_size=2)),
        min_size=1,
    )
)
def test_a_key_given_twice_is_found_wherever_it_stands(content: dict[str, Any]) -> None:
    again = json.dumps(content)[:-1] + ", " + json.dumps(content)[1:]
    for text in (again, f'{{"inputs": {again}}}', f'{{"inputs": {{"deep": [{again}]}}}}'):
        with pytest.raises(RefusedError, match="twice"):
            read_json(text.encode())


@pytest.mark.parametrize(
    ("inputs", "pointer", "words"),
    [
        ({"age": "54"}, "/inputs/age", "must be a number"),
        ({"age": True}, "/inputs/age", "must be a number"),
        ({"age": 540}, "/inputs/age", "at least 18 and at most 120 a"),
        ({"age": None}, "/inputs/age", "is required"),
        ({}, "/inputs/age", "is required"),
        ({"age": 54, "anything": 1e39}, "/inputs/anything", "must be a finite number"),
        ({"age": 54, "anything": 10**300}, "/inputs/anything", "must be a finite number"),
        ({"age": 54, "sex": "Female"}, "/inputs/sex", "must be one of female, male"),
        ({"age": 54, "sex": ["female"]}, "/inputs/sex", "must be one of female, male"),
        ({"age": 54, "a/b~c": 1}, "/inputs/a~1b~0c", "must be one of"),
        ({"age": 54, "a/b~c": True}, "/inputs/a~1b~0c", "must be one of"),
        ({"age": 54, "diabetes": 1}, "/inputs/diabetes", "must be true or false"),
        ({"age": 54, "diabetes": "true"}, "/inputs/diabetes", "must be true or false"),
        (
            {"age": 54, "agee": 3},
            "/inputs",
            "member 2 is not a field of this model; did you mean 'age'?",
        ),
        ({"age": 54, "died_on": 3}, "/inputs", "member 2 is not a field of this model"),
        ([54], "/inputs", "must be an object"),
        (None, "/inputs", "must be an object"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place_and_its_rule(
    inputs: Any, pointer: str, words: str
) -> None:
    refused = refusal(body(inputs))
    assert refused.status == 422
    assert any(at == pointer and words in told for at, told in refused.errors), refused.errors


def test_all_errors_of_a_body_are_told_at_once() -> None:
    refused = refusal(
        body({"age": 5, "sex": "x"}, units={"lactate": "mg/dL"}, request_id="7", explain=1, more=2)
    )
    places = [pointer for pointer, _ in refused.errors]
    of_inputs = ["/inputs/age", "/inputs/sex"]
    of_units = ["/units/lactate", "/units/age"]
    assert places == ["", *of_inputs, *of_units, "/request_id", "/explain"]


def test_a_record_without_any_value_is_no_patient() -> None:
    schema = Schema("s", "o", (Field("x", "number"), Field("y", "number")))
    for inputs in ({}, {"x": None}):
        with pytest.raises(RefusedError) as caught:
            request_reader(schema)(json.dumps({"inputs": inputs}).encode())
        assert caught.value.errors == [("/inputs", "must give the value of at least one field")]


def test_each_value_states_its_unit_which_must_be_the_schemas_own() -> None:
    inputs = {"age": 54, "lactate": 2.0}
    for units in ({}, {"anything": "1"}):
        assert read(body(inputs, units={**UNITS, **units})).row.shape == (1, 13)
    wrong: tuple[Any, ...] = (
        {},
        {"age": "a"},
        {"lactate": "mg/dL"},
        {"lactate": None},
        {"lactate": ["mmol/L"]},
        {"anything": ""},
        {"height": "cm"},
        [],
        None,
    )
    for units in wrong:
        assert refusal(body(inputs, units=units)).status == 422
    unstated = refusal(json.dumps({"inputs": inputs}).encode())
    assert unstated.errors == [
        (f"/units/{name}", f"is required with a value, and must be {UNITS[name]} (UCUM)")
        for name in ("age", "lactate")
    ]


def test_a_value_that_is_not_given_needs_no_unit() -> None:
    for inputs in ({"age": 54, "lactate": None}, {"age": 54, "anything": 3}):
        assert read(body(inputs, units={"age": "a"})).row.shape == (1, 13)


def test_what_was_not_given_is_named_and_never_filled_in_silence() -> None:
    request = read(body({"age": 54, "lactate": None, "sex": "male", "diabetes": False}))
    assert request.missing == ["lactate", "anything", "a/b~c"]
    assert (
        read(
            body(
                {
                    "age": 54,
                    "lactate": 1,
                    "anything": 0,
                    "sex": "male",
                    "a/b~c": "",
                    "diabetes": True,
                }
            )
        ).missing
        == []
    )


def test_a_request_id_is_a_uuid_so_that_it_cannot_be_a_patients_number() -> None:
    known = "0190a6de-7b1c-7c3e-9a0e-3d2f1f6f0a11"
    assert read(body({"age": 54}, request_id=known, explain=True)).request_id == known
    for other in ("MRN-0042", "", 42, None, known.replace("-", ""), "{" + known + "}"):
        assert refusal(body({"age": 54}, request_id=other)).status == 422


def test_the_openapi_body_says_what_the_check_wants() -> None:
    whole = body_schema(SCHEMA)
    assert whole["required"] == ["inputs", "units"]
    assert whole["properties"]["units"]["required"] == ["age"]
    [lactate] = whole["allOf"]  # has a unit, and may be missing
    assert lactate["if"]["properties"]["inputs"]["required"] == ["lactate"]
    assert lactate["then"]["properties"]["units"]["required"] == ["lactate"]
    described = whole["properties"]["inputs"]
    assert described["required"] == ["age"]
    assert described["additionalProperties"] is False
    assert list(described["properties"]) == [f.name for f in SCHEMA.inputs]
    assert described["properties"]["lactate"] == {
        "type": ["number", "null"],
        "description": "UCUM unit mmol/L",
        "minimum": 0,
        "maximum": 40,
    }
    assert described["properties"]["sex"]["enum"] == ["female", "male", None]
    assert described["properties"]["age"]["type"] == ["number"]
