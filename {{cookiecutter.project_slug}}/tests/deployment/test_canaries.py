"""Does anything that a caller sends come out again: in an answer, the log, a metric or a message?

Each place of a request gets a word of its own, so that a leak names its place. The one thing that
comes back is a request id, which must be a UUID.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from risk_model.core.package import ModelPackage

from tests.made_service import GUARD, PATIENT, SCHEMA, Server

Running = Callable[..., AbstractContextManager[Server]]
WORD = "Mustermann{:0>3}x"  # letters and digits only: no encoding hides it
HERE = WORD.format("qqq")  # stands for a word: as long, so that lengths are right
NUMBER = 17.3940815  # a value that every number field takes or refuses, and nobody else sends
HEADERS = """
    accept accept-encoding accept-language authorization content-language cookie forwarded from
    idempotency-key if-none-match origin range referer traceparent user-agent via x-forwarded-for
    x-forwarded-host x-patient-id x-request-id
""".split()
UNITS = {field.name: field.unit for field in SCHEMA.inputs if field.unit}
MEMBERS = ("request_id", "explain", "units", "inputs")
POSTED = ("/{}", "/v1/{}", "/v1/predict/{}", "/v1/predict?{}", "/v1/predict?explain={}")
FETCHED = ("/v1/model?{}", "/v1/model/{}", "/livez?{}", "/readyz/{}", "/openapi.json?{}")


@dataclass(frozen=True)
class Sent:
    """A raw request, and where its word stands."""

    place: str
    word: str
    request: bytes


def http(
    body: Any = None, path: str = "/v1/predict", method: str = "POST", **headers: str
) -> bytes:
    """A request as bytes; a body that is not bytes becomes JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {"host": "localhost", "connection": "close", "content-type": "application/json"}
    lines |= {"content-length": str(len(content))}
    lines |= headers
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + content


def inputs(**changed: Any) -> dict[str, Any]:
    """A body with these inputs changed, and each unit stated."""
    return {"inputs": {**PATIENT, **changed}, "units": UNITS}


def places() -> dict[str, bytes]:
    """A request for every place: fields, units, members, body, headers, path, method."""
    names = [field.name for field in SCHEMA.inputs]
    bodies: dict[str, Any] = {f"value of {name}": inputs(**{name: HERE}) for name in names}
    bodies |= {f"list in {name}": inputs(**{name: [HERE]}) for name in names}
    bodies |= {f"unit of {name}": {**inputs(), "units": {**UNITS, name: HERE}} for name in names}
    bodies |= {f"member {name}": {**inputs(), name: HERE} for name in MEMBERS}
    bodies |= {
        "name of an input": inputs(**{HERE: 1}),
        "name of an input, nearly right": inputs(**{f"lactate{HERE}": 1}),
        "name of a unit": {**inputs(), "units": {**UNITS, HERE: "1"}},
        "name of a member": {**inputs(), HERE: 1},
        "a body that is no JSON": HERE.encode(),
        "a body that is a text": HERE,
        "a key given twice": f'{{"{HERE}":1,"{HERE}":2}}'.encode(),
        "a body in UTF-16": json.dumps(inputs(sex=HERE)).encode("utf-16"),
        "a long body": inputs(sex=HERE * 10_000),
    }
    sent = {place: http(body) for place, body in bodies.items()}
    headers = [*HEADERS, HERE, "content-type", "content-encoding", "content-length", "host"]
    sent |= {f"header {name}": http(inputs(), **{name: HERE}) for name in headers}
    sent |= {f"path {path}": http(inputs(), path=path.format(HERE)) for path in POSTED}
    sent |= {f"path {path}": http(b"", path=path.format(HERE), method="GET") for path in FETCHED}
    return sent | {
        "method": http(inputs(), method=HERE),
        "version": f"GET / {HERE}\r\n\r\n".encode(),
        "no HTTP at all": f"{HERE}\r\n\r\n".encode(),
    }


def requests() -> list[Sent]:
    """Every place with a word of its own."""
    words = [(WORD.format(number), *item) for number, item in enumerate(places().items())]
    return [Sent(place, word, _replaced(request, word)) for word, place, request in words]


def _replaced(request: bytes, word: str) -> bytes:
    for encoding in ("utf-8", "utf-16-le"):
        request = request.replace(HERE.encode(encoding), word.encode(encoding))
    return request


def answer(port: int, request: bytes) -> bytes:
    """Everything that the server sends back on a connection of its own."""
    with socket.create_connection(("127.0.0.1", port), timeout=GUARD) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: _received(connection), b""))


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65_536)
    except ConnectionResetError:
        return b""


def kept(folder: Path) -> dict[str, bytes]:
    """The bytes of each file that the server has written."""
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def leaks(sent: list[Sent], texts: dict[str, bytes]) -> list[str]:
    """Where the word of a request stands again."""
    return [
        f"{one.place}: in {name}"
        for one in sent
        for name, text in texts.items()
        if one.word.encode() in text or one.word.encode("utf-16-le") in text
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "audit"


def test_no_word_of_a_request_comes_out_again(
    running: Running, package: ModelPackage, folder: Path
) -> None:
    sent = requests()
    with running(package.directory, folder / "audit.db") as server:
        answers = {one.place: answer(server.port, one.request) for one in sent}
        files = kept(folder)
        server.client.close()
        server.process.terminate()
        printed, complained = server.process.communicate(timeout=GUARD)
    texts = files | kept(folder) | {"stdout": printed.encode(), "stderr": complained.encode()}
    assert len(sent) > 60
    assert sum(b" 200 " in text[:20] for text in answers.values()) >= len(HEADERS) - 3
    assert leaks(sent, texts) == []
    assert [one.place for one in sent if one.word.encode() in answers[one.place]] == []
    assert "audit.db" in texts


def test_no_value_of_a_patient_is_kept_or_told(
    running: Running, package: ModelPackage, folder: Path
) -> None:
    numbers = [field.name for field in SCHEMA.inputs if field.kind == "number"]
    with running(package.directory, folder / "audit.db") as server:
        bodies = [
            json.dumps(inputs(**{name: NUMBER + place})) for place, name in enumerate(numbers)
        ]
        answers = [
            answer(server.port, http(body.encode(), path))
            for body in bodies
            for path in ("/v1/predict", "/v1/predict?explain=true")
        ]
        files = kept(folder)
        server.client.close()
        server.process.terminate()
        files["printed"] = "".join(server.process.communicate(timeout=GUARD)).encode()
    digits = [f"{NUMBER + place}"[2:].encode() for place in range(len(numbers))]
    told = b"".join([*answers, *files.values()])
    assert b'"risk"' in told
    assert [d for d in digits if d in told] == []


RAISES = """
from risk_model.core import package
def raising(self, features, chunk=4096):
    if features[0, 0] == 71:  # the patient of the tests
        raise ValueError(f"Mustermann {features.tolist()}")
    return first(self, features, chunk)
first = package.Scorer.__call__
package.Scorer.__call__ = raising
"""


def test_a_model_that_fails_with_the_patient_in_its_message_tells_nobody(
    running: Running, package: ModelPackage, folder: Path
) -> None:
    with running(package.directory, folder / "audit.db", before=RAISES) as server:
        answers = [answer(server.port, http(inputs())) for _ in range(4)]
        files = kept(folder)
        server.client.close()
        server.process.terminate()
        files["printed"] = "".join(server.process.communicate(timeout=GUARD)).encode()
    assert b" 500 " in answers[-1][:20]
    told = b"".join([*answers, *files.values()])
    assert b"ValueError" in files["printed"]
    assert [
        word for word in (b"Mustermann999x", b"96.5", b"[[", b"Traceback") if word in told
    ] == []


def test_a_request_id_is_all_that_comes_back(
    running: Running, package: ModelPackage, folder: Path
) -> None:
    request_id = "0190a6de-7b1c-7c3e-9a0e-3d2f1f6f0a11"
    with running(package.directory, folder / "audit.db") as server:
        told = answer(server.port, http({**inputs(), "request_id": request_id}))
        files = kept(folder)
    assert request_id.encode() in told
    assert any(request_id.encode() in content for content in files.values())
