"""Does a real server process refuse what it must not serve, and lose nothing when it dies?"""

from __future__ import annotations

import json
import resource
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from risk_model.core.errors import UserError
from risk_model.core.package import FILES, ModelPackage
from risk_model.deployment.audit.verify import verify
from risk_model.deployment.lifecycle import Lifecycle
from risk_model.deployment.serve import check_gate, serve

from tests.made_service import GUARD, Server, peak_memory, request_body

Running = Callable[..., AbstractContextManager[Server]]
Start = Callable[..., subprocess.Popen[str]]
ANSWERS = 50  # before a server is killed


def recorded(log: Path) -> list[dict[str, Any]]:
    return [
        json.loads(row)
        for (row,) in sqlite3.connect(log).execute("SELECT body FROM record ORDER BY seq")
    ]


def wait_until(condition: Callable[[], bool]) -> None:
    """Waits for what must come, however slow the machine is."""
    deadline = time.monotonic() + GUARD
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)


def longer(answered: list[str], enough: int) -> bool:
    return len(answered) >= enough


def ask_until_it_dies(url: str, patient: dict[str, Any], answered: list[str]) -> None:
    with httpx.Client(timeout=GUARD) as client:
        while True:
            try:
                answered.append(
                    client.post(f"{url}/v1/predict", json=request_body(patient)).json()[
                        "prediction_id"
                    ]
                )
            except httpx.TransportError:
                return


def test_no_answered_prediction_lacks_its_record_after_kill_9(
    running: Running, package: ModelPackage, patient: dict[str, Any], tmp_path: Path
) -> None:
    answered: list[str] = []
    log = tmp_path / "audit.db"
    for enough in (ANSWERS, 2 * ANSWERS):
        with running(package.directory, log) as server:
            threads = [
                threading.Thread(target=ask_until_it_dies, args=(server.url, patient, answered))
                for _ in range(8)
            ]
            for thread in threads:
                thread.start()
            wait_until(partial(longer, answered, enough))
            server.process.kill()
            for thread in threads:
                thread.join()
        assert verify(log).problem is None
    assert len(answered) >= 2 * ANSWERS
    assert set(answered) <= {body["event_id"] for body in recorded(log)}
    assert [body["type"] for body in recorded(log)].count("start") == 2


@pytest.fixture
def no_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here, a server that starts is a failure."""
    monkeypatch.setattr(Lifecycle, "run", lambda *_: pytest.fail("it started"))


@pytest.mark.usefixtures("no_start")
@pytest.mark.parametrize("name", FILES)
def test_a_package_with_one_byte_changed_is_refused_in_one_line(
    package: ModelPackage, tmp_path: Path, name: str
) -> None:
    path = package.directory / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"{name}: differs from its manifest") as refused:
        serve(package.directory, "127.0.0.1", 0, tmp_path / "audit.db")
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "audit.db").exists()


@pytest.mark.usefixtures("no_start")
def test_what_may_not_start_is_refused_before_anything_is_written(
    running: Running,
    package: ModelPackage,
    make_package: Callable[..., ModelPackage],
    tmp_path: Path,
) -> None:
    def refusal(directory: Path, port: int, log: Path) -> str:
        with pytest.raises(UserError) as refused:
            serve(directory, "127.0.0.1", port, log)
        return str(refused.value)

    log, other = tmp_path / "audit.db", tmp_path / "other.db"
    assert "not a finished model package" in refusal(tmp_path, 0, other)
    failed = make_package(tmp_path / "failed", gates={"test": "fail"})
    assert "gate" in refusal(failed.directory, 0, other)
    assert "--accept" in refusal(
        make_package(tmp_path / "few", gates={"test": "too few to judge"}).directory, 0, other
    )
    with running(package.directory, log) as server:
        assert f"cannot listen on 127.0.0.1:{server.port}" in refusal(
            package.directory, server.port, other
        )
        assert "another process writes" in refusal(package.directory, 0, log)
        assert server.client.get("/readyz").status_code == 200
    assert not other.exists()


def test_a_refused_start_ends_with_one_line(start: Start, tmp_path: Path) -> None:
    process = start(tmp_path, 0, tmp_path / "audit.db")
    _, line = process.communicate(timeout=GUARD)
    assert process.returncode == 2
    assert line.count("\n") == 1


def test_a_model_with_too_few_events_needs_a_name_and_a_reason(
    make_package: Callable[..., ModelPackage], tmp_path: Path
) -> None:
    few = make_package(tmp_path / "few", gates={"test": "too few to judge"})
    assert check_gate(few, " Dr. Roe: pilot on one ward ") == "Dr. Roe: pilot on one ward"
    for accept in ("", "Dr. Roe", "Dr. Roe:", ": pilot"):
        with pytest.raises(UserError, match="--accept"):
            check_gate(few, accept)
    with pytest.raises(UserError, match="gate"):
        check_gate(make_package(tmp_path / "fail", gates={"test": "fail"}), "Dr. Roe: pilot")


def test_a_full_audit_disk_stops_predictions_and_nothing_else_until_there_is_room(
    running: Running, package: ModelPackage, patient: dict[str, Any], tmp_path: Path
) -> None:
    log = tmp_path / "audit.db"
    never_cached = "import risk_model.deployment.conditions as a\n"
    never_cached += "a.READY_SECONDS = 0.0"
    with running(package.directory, log, before=never_cached) as server:
        before = server.predict(patient)
        assert before.status_code == 200
        _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1, hard))
        refused = [server.predict(patient) for _ in range(3)]
        assert [answer.status_code for answer in refused] == [503] * 3
        assert all("risk" not in answer.json() for answer in refused)
        assert server.client.get("/livez").status_code == 200
        assert server.client.get("/readyz").json()["checks"]["audit_append"] is False
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        assert server.client.get("/readyz").status_code == 200
        after = server.predict(patient)
        assert after.status_code == 200
        errors = server.stop()
    answered = {answer.json()["prediction_id"] for answer in (before, after)}
    assert answered <= {body["event_id"] for body in recorded(log)}
    assert verify(log).problem is None
    assert "Traceback" not in errors


def test_sigterm_lets_a_request_on_its_way_finish_and_records_the_stop(
    running: Running, package: ModelPackage, patient: dict[str, Any], tmp_path: Path
) -> None:
    standing = """
import time
from risk_model.model.explain import Explainer
quick, folder = Explainer.explain, Path(sys.argv[3]).parent
def explain(self, row):
    (folder / "asked").touch()
    while not (folder / "go on").exists():
        time.sleep(0.01)
    return quick(self, row)
Explainer.explain = explain
"""
    answers: list[httpx.Response] = []

    def ask() -> None:
        answers.append(server.predict(patient, explain=True))

    with running(package.directory, tmp_path / "audit.db", before=standing) as server:
        thread = threading.Thread(target=ask)
        thread.start()
        wait_until((tmp_path / "asked").exists)
        server.process.terminate()
        wait_until(lambda: refuses_connections(server.port))
        (tmp_path / "go on").touch()
        thread.join()
        server.process.wait(timeout=GUARD)
    assert answers[0].status_code == 200
    assert answers[0].json()["explanation"]["available"]
    assert recorded(tmp_path / "audit.db")[-1]["type"] == "stop"


def refuses_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return True
    return False


HEARD_ELSEWHERE = """
import signal, threading
from risk_model.deployment.app import Service
async def describe(self, request):
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
Service.describe = describe
"""


def test_sigterm_is_heard_by_whichever_thread_gets_it(
    running: Running, package: ModelPackage, tmp_path: Path
) -> None:
    log = tmp_path / "audit.db"
    with running(package.directory, log, before=HEARD_ELSEWHERE) as server:
        server.client.get("/v1/model")
        server.close()
        assert server.process.wait(timeout=GUARD) == 0
    assert recorded(log)[-1]["type"] == "stop"


def test_half_open_connections_and_hostile_headers_leave_the_others_served(
    running: Running, package: ModelPackage, patient: dict[str, Any], tmp_path: Path
) -> None:
    with running(package.directory, tmp_path / "audit.db") as server:
        idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(200)]
        for connection in idle:
            connection.sendall(b"POST /v1/predict HTTP/1.1\r\ncontent-length: 100\r\n")
        assert server.predict(patient).status_code == 200
        endless = iter([b'{"inputs": {"age": 54' + b" " * 50_000] * 2_000)
        too_much = server.client.post(
            "/v1/predict", content=endless, headers={"content-type": "application/json"}
        )
        assert too_much.status_code == 413
        assert server.predict(patient).status_code == 200
        assert peak_memory(server.process.pid) < 250_000, "kB"
        for connection in idle:
            connection.close()


def test_nothing_of_a_request_reaches_stdout_or_stderr(
    running: Running, package: ModelPackage, tmp_path: Path
) -> None:
    with running(package.directory, tmp_path / "audit.db") as server:
        server.client.post(
            "/v1/predict?name=Mustermann", json={"inputs": {"age": 54, "Mustermann": 901.25}}
        )
        server.client.get("/Mustermann")
        server.post(b"\xff Mustermann")
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(b"Mustermann\r\n\r\n")
            connection.recv(1000)
        server.client.close()
        server.process.terminate()
        written = "".join(server.process.communicate(timeout=GUARD))
    assert "serving logistic_regression" in server.first_line
    assert "Mustermann" not in written
    assert "901.25" not in written


def test_the_serving_process_loads_no_training_library(
    package: ModelPackage, patient: dict[str, Any], tmp_path: Path
) -> None:
    code = """
import asyncio, json, sys
from pathlib import Path
from risk_model.deployment import explanations, serve
from risk_model.core.package import ModelPackage
explanations.FIELD_SECONDS = 300.0  # the result does not depend on how fast the machine is
app = serve.create_app(ModelPackage.open(Path(sys.argv[1])), Path(sys.argv[2]))
async def ask():
    sent = []
    body = sys.argv[3].encode()
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
    command = [sys.executable, "-c", code, str(package.directory), str(tmp_path / "audit.db")]
    command.append(json.dumps(request_body(patient, explain=True)))
    path = str(Path(__file__).parents[2] / "src")
    run = subprocess.run(
        command, capture_output=True, text=True, env={"PYTHONPATH": path}, check=False
    )
    assert (run.stdout, run.stderr) == ("\n", "")
