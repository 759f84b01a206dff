"""Does a real server process keep what a recording holds to itself, and its memory within
bounds?
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from risk_model.core.package import ModelPackage
from risk_model.core.risk_step import rounded_rows
from risk_model.core.scorer import Scorer
from risk_model.deployment.batch import score
from risk_model.signals import rows

from tests.made_service import GUARD, Server, peak_memory
from tests.made_signal import SCHEMA

Running = Callable[..., AbstractContextManager[Server]]
Make = Callable[..., ModelPackage]
STRIP = [0.5, -1.0, 2.0, 0.0, 1.0, 3.5, -0.25, 1e-3]

TALKATIVE = """
import logging, warnings
quiet = made_signal.received
def received(value, signal):
    warnings.warn(f"unusual value {value}")
    logging.getLogger("library").error("read %s", value)
    logging.getLogger().error("read %s", value)
    if "crash" in value:
        raise RuntimeError(f"cannot use {value}")
    return quiet(value, signal)
made_signal.received = received
"""


def test_a_library_that_warns_of_what_it_reads_is_not_heard(
    running: Running, make_strip_package: Make, place_strips: str, tmp_path: Path
) -> None:
    package, log = make_strip_package(tmp_path / "package"), tmp_path / "audit.db"
    with running(package.directory, log, before=place_strips + TALKATIVE) as server:
        statuses = [
            server.predict({"strip": value}, explain=True).status_code
            for value in (["Mustermann"] * 8, ["Mustermann", "crash"], [901.25] * 8)
        ]
        assert statuses == [422, 500, 200]
        server.client.close()
        server.process.terminate()
        written = "".join(server.process.communicate(timeout=GUARD))
    assert "RuntimeError" in written, "our own lines are heard"
    kept = log.read_bytes()
    for secret in ("Mustermann", "901.25"):
        assert secret not in written
        assert secret.encode() not in kept


def test_an_endless_recording_is_refused_within_bounded_memory(
    running: Running, make_strip_package: Make, place_strips: str, tmp_path: Path
) -> None:
    large = "made_signal.REQUEST_BYTES = 1 << 20\n"
    package = make_strip_package(tmp_path / "package")
    with running(package.directory, tmp_path / "audit.db", before=place_strips + large) as server:
        endless = iter([b'{"inputs": {"strip": [1' + b" " * 50_000] * 2_000)
        refused = server.client.post(
            "/v1/predict", content=endless, headers={"content-type": "application/json"}
        )
        assert refused.status_code == 413
        brackets = server.post(b'{"inputs": {"strip": [' + b"[]," * 300_000 + b"[]]}}")
        assert brackets.status_code == 400
        assert server.predict({"strip": STRIP}).status_code == 200
        assert peak_memory(server.process.pid) < 250_000, "kB"


def test_server_batch_and_training_give_a_recording_the_same_risk(
    running: Running, make_strip_package: Make, place_strips: str, tmp_path: Path
) -> None:
    package = make_strip_package(tmp_path / "package")
    strips = np.random.default_rng(0).normal(size=(10, 8)).astype(np.float32)
    for i, strip in enumerate(strips):
        (tmp_path / f"{i}.txt").write_text("\n".join(map(str, strip.tolist())))
    pq.write_table(pa.table({"file": [f"{i}.txt" for i in range(10)]}), tmp_path / "list.parquet")
    assert score(package, tmp_path / "list.parquet", tmp_path / "risks.parquet").refused == 0
    listed = pq.read_table(tmp_path / "risks.parquet")["risk"].to_pylist()
    exact, _ = Scorer((package.directory / "risk.onnx").read_bytes())(rows(list(strips), SCHEMA))
    trained = rounded_rows(exact, package.manifest.risk_step, package.threshold).tolist()
    with running(package.directory, tmp_path / "audit.db", before=place_strips) as server:
        served = [server.predict({"strip": strip.tolist()}).json()["risk"] for strip in strips]
    assert served == trained == listed


def test_the_process_that_serves_recordings_loads_no_training_library(
    make_strip_package: Make, place_strips: str, tmp_path: Path
) -> None:
    code = """
import asyncio, json
from pathlib import Path
from risk_model.deployment import serve
from risk_model.core.package import ModelPackage
app = serve.create_app(ModelPackage.open(Path(sys.argv[1])), Path(sys.argv[2]))
async def ask():
    sent = []
    body = json.dumps({"inputs": {"strip": [1, 2, 3, 4, 5, 6, 7, 8]}, "explain": True}).encode()
    async def receive(): return {"type": "http.request", "body": body}
    async def send(message): sent.append(message)
    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/v1/predict", "query_string": b""}
    scope["headers"] = headers
    await app(scope, receive, send)
    assert json.loads(sent[1]["body"])["explanation"]["available"], sent
asyncio.run(ask())
training = {"torch", "pandas", "sklearn", "scipy", "mlflow", "shap", "xgboost", "onnx", "pyarrow"}
print(*sorted(training & set(sys.modules)))
"""
    command = [
        sys.executable,
        "-c",
        place_strips + code,
        str(make_strip_package(tmp_path / "package").directory),
    ]
    path = str(Path(__file__).parents[3] / "src")
    run = subprocess.run(
        [*command, str(tmp_path / "audit.db")],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": path},
        check=False,
    )
    assert (run.stdout, run.stderr) == ("\n", "")
