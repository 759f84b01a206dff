"""Does a server that reads images stay within its time and memory, whatever it is sent?"""

from __future__ import annotations

import base64
import io
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from risk_model.config.imaging import Cnn, Images
from risk_model.core.package import ModelPackage
from risk_model.data.sources import images
from risk_model.signals.image import REQUEST_BYTES, REQUEST_VALUES

from tests.loop_turns import BEFORE, WorstRequest
from tests.made_package import package_of, untrained
from tests.made_service import GUARD, Server, running

MOST_MS, TRIES = 5.0, 3
SENDERS = 10
PEAK = 1 << 20  # kB, half of what compose.yaml gives the container: several are read at a time


def png(side: int) -> bytes:
    """A black square, which is small as a file however large it is."""
    written = io.BytesIO()
    Image.fromarray(np.zeros((side, side), dtype=np.uint8)).save(written, "PNG")
    return written.getvalue()


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> ModelPackage:
    """An untrained network for small images."""
    where, rng = tmp_path_factory.mktemp("large"), np.random.default_rng(0)
    names = [f"{i}.png" for i in range(24)]
    for name in names:
        pixels = rng.integers(0, 255, (40, 48), dtype=np.uint8)
        Image.fromarray(pixels).save(where / name)
    table = {"file": names, "event": np.arange(24) % 2, "patient_id": [f"p{n}" for n in names]}
    pd.DataFrame(table).to_csv(where / "labels.csv", index=False)
    cohort = images.load(Images(path=str(where / "labels.csv"), outcome="event", size=32))
    return package_of(where / "package", cohort, untrained(cohort, Cnn()))


@pytest.fixture
def server(package: ModelPackage, tmp_path: Path) -> Iterator[Server]:
    with running(package.directory, tmp_path / "audit.db", before=BEFORE) as started:
        yield started


def body(package: ModelPackage, content: bytes) -> bytes:
    signal = package.schema.signal
    assert signal is not None
    return json.dumps({"inputs": {signal.name: base64.b64encode(content).decode()}}).encode()


def peak(server: Server) -> int:
    """The most memory that the server ever had, in kB."""
    told = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{server.process.pid}/status").read_text())
    assert told is not None
    return int(told[1])


def test_an_image_of_36_megapixels_is_refused_before_it_is_decoded(
    server: Server, package: ModelPackage
) -> None:
    before = peak(server)
    refused = server.post(body(package, png(6_000)))
    assert refused.status_code == 422
    assert "pixels" in refused.json()["errors"][0]["detail"]
    assert peak(server) - before < 20_000
    assert server.post(body(package, png(64))).status_code == 200


def test_the_largest_bodies_keep_the_loop_for_less_than_five_milliseconds(
    server: Server, package: ModelPackage
) -> None:
    numbers = b'{"inputs": [' + b"1," * (REQUEST_BYTES // 2 - 10) + b"1]}"
    noise = body(package, np.random.default_rng(0).bytes(REQUEST_BYTES * 3 // 4 - 1_000))
    key = {"idempotency-key": "7d1f1a0e-6a29-4f5e-8f0b-0a4f8e7c5a11"}
    worst = [
        WorstRequest("an image of 16 megapixels", 200, body=body(package, png(4_096))),
        WorstRequest("no image", 422, body=noise),
        WorstRequest("no image, under a key", 422, body=noise, headers=key),
        WorstRequest("spaces", 400, body=b" " * REQUEST_BYTES),
        WorstRequest("numbers", 400, body=numbers),
        WorstRequest("members", 400, body=b"{" + b'"a":1,' * (REQUEST_VALUES + 1) + b'"a":1}'),
    ]
    turns = {each.name: median(each.turn(server)[0] for _ in range(TRIES)) for each in worst}
    assert {name: turn for name, turn in turns.items() if turn >= MOST_MS} == {}
    assert peak(server) < PEAK


def test_ten_slow_senders_of_images_keep_nobody_else_waiting(
    server: Server, package: ModelPackage
) -> None:
    senders = [socket.create_connection(("127.0.0.1", server.port), GUARD) for _ in range(SENDERS)]
    for sender in senders:
        sender.sendall(
            b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n{" % (REQUEST_BYTES // 2)
        )
        sender.sendall(b" " * 100_000)
    content = body(package, png(64))
    assert [server.post(content).status_code for _ in range(3)] == [200] * 3
    for sender in senders:
        sender.close()
