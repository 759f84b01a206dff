"""Does another model take over a running server without a request that is dropped or misnamed?"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
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
import numpy as np
import pytest

from risk_model.core.package import ModelPackage
from risk_model.core.schema import Field, Schema, encode
from risk_model.core.scorer import Scorer
from risk_model.deployment import registry
from risk_model.deployment.access import Access
from risk_model.deployment.application import create_app
from risk_model.deployment.audit.verify import verify
from risk_model.deployment.health import Health
from risk_model.deployment.http_guard import GuardedState
from risk_model.deployment.server_settings import ServerSettings
from risk_model.deployment.signing import sign
from risk_model.deployment.switch import Switch

from tests.made_service import (
    GUARD,
    PATIENT,
    REFERENCE,
    SCHEMA,
    Server,
    logistic_graph,
    make_package,
    request_body,
)

Running = Callable[..., AbstractContextManager[Server]]
CLIENTS, SWITCHES, BETWEEN = 8, 6, 40  # answers between two switches
NAME = "ward"
# An explanation waits until there is a file "go on".
STANDING = """
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


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "audit.db"


@pytest.fixture
def models(tmp_path: Path, package: ModelPackage) -> Path:
    """A registry, whose champion is the package."""
    root = tmp_path / "models"
    put(root, package)
    return root


def another(folder: Path, name: str = "another", **changes: Any) -> ModelPackage:
    """A package of other weights, whose patients have another risk."""
    width = changes.get("schema", SCHEMA).width
    graph = logistic_graph(np.full(width, 0.015), -2.5, np.ones(width))
    return make_package(folder / name, graph=graph, **{"model": "network", **changes})


def put(models: Path, package: ModelPackage, alias: str = "champion") -> None:
    """Gives the package an alias in the registry, as `register` does."""
    copy = registry._copy(package, models)
    registry.point(copy, models, NAME, alias, "1")


def records(log: Path, *kinds: str) -> list[dict[str, Any]]:
    rows = sqlite3.connect(log).execute("SELECT body FROM record ORDER BY seq").fetchall()
    return [body for (row,) in rows if (body := json.loads(row))["type"] in kinds]


def changes(log: Path) -> list[dict[str, Any]]:
    return records(log, "model_change")


def wait_until(condition: Callable[[], bool]) -> None:
    """Waits for what must come, however slow the machine is."""
    deadline = time.monotonic() + GUARD
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)


def hang_up(server: Server, log: Path) -> dict[str, Any]:
    """Sends SIGHUP and returns the record of what came of it, once it has come."""
    before = len(changes(log))
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: len(changes(log)) > before)
    record = changes(log)[-1]
    wait_until(lambda: served(server) == record["model_sha256"])
    return record


def served(server: Server) -> str:
    return str(server.client.get("/v1/model").json()["model_sha256"])


def ask_on(
    url: str, until: threading.Event, answers: list[httpx.Response], dropped: list[Exception]
) -> None:
    """Asks one after the other on a connection that is kept; one that ends is told."""
    with httpx.Client(base_url=url, timeout=GUARD) as client:
        while not until.is_set():
            try:
                answers.append(client.post("/v1/predict", json=request_body(PATIENT)))
            except httpx.TransportError as error:
                dropped.append(error)


def test_no_request_is_dropped_while_models_take_turns_and_each_record_names_its_own(
    running: Running, package: ModelPackage, models: Path, log: Path, tmp_path: Path
) -> None:
    packages = [another(tmp_path), package]
    answers: list[httpx.Response] = []
    dropped: list[Exception] = []
    until = threading.Event()
    with running(models / packages[1].sha256, log, registry=models) as server:
        given = (server.url, until, answers, dropped)
        threads = [threading.Thread(target=ask_on, args=given) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for turn in range(SWITCHES):
            wait_until(partial(longer, answers, len(answers) + BETWEEN))
            put(models, packages[turn % 2])
            change = hang_up(server, log)
            assert change["model_sha256"] == packages[turn % 2].sha256
            assert change["previous_sha256"] == packages[(turn + 1) % 2].sha256
            assert "reason" not in change
        until.set()
        for thread in threads:
            thread.join()
        assert "Traceback" not in server.stop()
        assert server.process.returncode == 0
    assert dropped == []
    assert {answer.status_code for answer in answers} == {200}
    told = {answer.json()["prediction_id"]: answer.json() for answer in answers}
    kept = {record["event_id"]: record for record in records(log, "prediction")}
    assert told.keys() == kept.keys()
    for event, answer in told.items():
        named = (answer["model"], answer["model_version"], answer["risk"])
        assert named == tuple(kept[event][name] for name in ("model", "model_sha256", "risk"))
    assert {(a["model_version"], a["risk"]) for a in told.values()} == {
        (each.sha256, risk_of(each)) for each in packages
    }
    assert verify(log).problem is None


def longer(answers: list[httpx.Response], enough: int) -> bool:
    return len(answers) >= enough


def risk_of(package: ModelPackage) -> float:
    row = encode({name: [value] for name, value in PATIENT.items()}, package.schema)
    return package.shown(float(package.scorer(row)[0][0]))


def test_a_request_ends_with_the_model_it_began_with(
    running: Running, package: ModelPackage, models: Path, log: Path, tmp_path: Path
) -> None:
    old, new = package, another(tmp_path)
    slow: list[httpx.Response] = []
    with running(models / old.sha256, log, before=STANDING, registry=models) as server:
        thread = threading.Thread(target=lambda: slow.append(server.predict(PATIENT, explain=True)))
        thread.start()
        wait_until((tmp_path / "asked").exists)
        put(models, new)
        assert hang_up(server, log)["model_sha256"] == new.sha256
        quick = httpx.post(f"{server.url}/v1/predict", json=request_body(PATIENT), timeout=GUARD)
        (tmp_path / "go on").touch()
        thread.join()
        server.stop()
    assert quick.json()["model_version"] == new.sha256
    assert slow[0].json()["model_version"] == old.sha256
    assert slow[0].json()["explanation"]["available"]
    [explained] = records(log, "explanation")
    assert explained["model_sha256"] == old.sha256
    assert records(log, "stop")[-1]["model_sha256"] == new.sha256


def test_what_is_said_of_the_model_follows(
    running: Running, package: ModelPackage, models: Path, log: Path, tmp_path: Path
) -> None:
    new = another(tmp_path, operating_threshold=0.3)
    with running(models / package.sha256, log, registry=models) as server:
        before = server.client.get("/v1/model").json()
        put(models, new)
        hang_up(server, log)
        after = server.client.get("/v1/model").json()
        assert (before["model"], after["model"]) == ("logistic_regression", "network")
        assert after["manifest"]["operating_threshold"] == 0.3
        assert server.url in after["curl"]
        done = subprocess.run(["bash", "-c", after["curl"]], capture_output=True, check=True)
        assert json.loads(done.stdout)["model_version"] == new.sha256
        assert server.health.get("/readyz").json()["ready"]
        assert new.sha256 in server.health.get("/metrics").text
        (models / new.sha256 / "model_card.md").write_text("# It is perfect\n")
        wait_until(lambda: server.health.get("/readyz").status_code == 503)


def test_an_alias_that_moves_changes_nothing_until_the_signal(
    running: Running, package: ModelPackage, models: Path, log: Path, tmp_path: Path
) -> None:
    old, new = package, another(tmp_path)
    with running(models / old.sha256, log, registry=models) as server:
        put(models, new)
        assert server.predict(PATIENT).json()["model_version"] == old.sha256 == served(server)
        assert server.health.get("/readyz").status_code == 200
        assert changes(log) == []
        hang_up(server, log)
        server.process.send_signal(signal.SIGHUP)  # nothing to do
        assert server.predict(PATIENT).json()["model_version"] == new.sha256
        server.stop()
    assert len(changes(log)) == 1


def broken_file(models: Path, package: ModelPackage) -> None:
    put(models, package)
    (models / package.sha256 / "risk.onnx").write_bytes(b"no graph")


def no_registry(models: Path, package: ModelPackage) -> None:
    (models / NAME / "champion.json").unlink()


TEMPERATURE = (*SCHEMA.fields, Field("temperature", "number", unit="Cel"))
MORE_FIELDS = {
    "schema": Schema("ward", "death", TEMPERATURE),
    "reference": {
        **REFERENCE,
        "fields": {
            **REFERENCE["fields"],
            "temperature": {"missing": 0.0, "quantiles": list(np.linspace(36, 40, 101))},
        },
    },
}
OTHER_OUTCOME = {"schema": Schema("ward", "readmission", SCHEMA.fields)}
REFUSED: dict[str, tuple[dict[str, Any], Callable[[Path, ModelPackage], None], str]] = {
    "a file was changed": ({}, broken_file, "differs from its manifest"),
    "the gate failed": ({"gates": {"test": "fail"}}, put, "the gate did not pass"),
    "the gate cannot tell": ({"gates": {"test": "too few to judge"}}, put, "did not pass"),
    "another golden risk": ({"golden_risk": 0.9}, put, "scores its golden case differently"),
    "another outcome": (OTHER_OUTCOME, put, "predicts another outcome"),
    "more fields": (MORE_FIELDS, put, "asks for other fields"),
    "no registry": ({}, no_registry, "register a run first"),
}


def test_a_package_that_may_not_be_served_leaves_the_old_one_and_is_recorded(
    running: Running, package: ModelPackage, models: Path, log: Path, tmp_path: Path
) -> None:
    old, few = package, "Dr. Roe: pilot on one ward"  # of this package, and of no other
    with running(models / old.sha256, log, few, registry=models) as server:
        for name, (facts, arrange, words) in REFUSED.items():
            arrange(models, another(tmp_path, name, **facts))
            record = hang_up(server, log)
            assert words in record["reason"], name
            assert (record["model_sha256"], record["alias"]) == (old.sha256, "champion")
            assert "previous_sha256" not in record
            assert server.predict(PATIENT).json()["model_version"] == old.sha256, name
        put(models, old)
        server.process.send_signal(signal.SIGHUP)
        lines = server.stop().splitlines()
    told = [json.loads(line)["message"] for line in lines]
    assert len(told) == len(REFUSED)
    assert all(line.startswith("the model was not changed: ") for line in told)
    assert verify(log).problem is None


@pytest.mark.parametrize("fixed", ["sha256", "package"])
def test_a_server_of_one_package_alone_takes_no_other(
    running: Running,
    package: ModelPackage,
    models: Path,
    log: Path,
    tmp_path: Path,
    fixed: str,
) -> None:
    old, new = package, another(tmp_path)
    settings = {"sha256": old.sha256, "registry": models} if fixed == "sha256" else {}
    with running(models / old.sha256, log, **settings) as server:
        put(models, new)
        assert f"--{fixed}" in hang_up(server, log)["reason"]
        assert served(server) == old.sha256


def test_a_package_that_nobody_signed_does_not_take_over(
    running: Running, package: ModelPackage, models: Path, log: Path, tmp_path: Path
) -> None:
    old, new, public = models / package.sha256, another(tmp_path), tmp_path / "verify.pem"
    make = "openssl genpkey -algorithm ed25519 -out sign.pem && chmod 600 sign.pem"
    make += " && openssl pkey -in sign.pem -pubout -out verify.pem"
    subprocess.run(["bash", "-c", make], cwd=tmp_path, check=True, capture_output=True)
    sign(ModelPackage.open(old), tmp_path / "sign.pem")
    with running(old, log, registry=models, verify_key=str(public)) as server:
        put(models, new)
        assert "manifest.sig: is missing" in hang_up(server, log)["reason"]
        sign(ModelPackage.open(models / new.sha256), tmp_path / "sign.pem")
        assert hang_up(server, log)["model_sha256"] == new.sha256 == served(server)


def test_a_change_that_cannot_be_recorded_is_not_made(
    running: Running, package: ModelPackage, models: Path, log: Path, tmp_path: Path
) -> None:
    old, new = package, another(tmp_path)
    with running(models / old.sha256, log, registry=models) as server:
        wal = log.with_name(f"{log.name}-wal")
        wal.rename(tmp_path / "away")
        put(models, new)
        server.process.send_signal(signal.SIGHUP)
        assert server.process.stderr is not None
        line = server.process.stderr.readline()
        while "not changed" not in line:
            line = server.process.stderr.readline()
        assert "could not be recorded" in line
        assert served(server) == old.sha256


def test_a_model_that_hangs_can_be_switched_for_another(
    running: Running, package: ModelPackage, models: Path, log: Path, tmp_path: Path
) -> None:
    old, new = package, another(tmp_path)
    hang = f"""
import time
from risk_model.deployment.app import Service
quick = Service._read_and_score
def score(self, body):
    while self.package.sha256 == {old.sha256!r}:
        time.sleep(0.01)
    return quick(self, body)
Service._read_and_score = score
admission.SECONDS = 0.2
"""
    with running(models / old.sha256, log, before=hang, registry=models) as server:
        assert [server.predict(PATIENT).status_code for _ in range(4)] == [504, 504, 504, 503]
        put(models, new)
        hang_up(server, log)
        # a deadline of the new model's may pass on a busy machine
        wait_until(lambda: server.predict(PATIENT).status_code == 200)


def test_an_answer_that_was_given_is_given_again_after_the_switch(
    running: Running, package: ModelPackage, models: Path, log: Path, tmp_path: Path
) -> None:
    headers = {"idempotency-key": "0190a6de-7b1c-7c3e-9a0e-3d2f1f6f0a11"}
    with running(models / package.sha256, log, registry=models) as server:

        def ask() -> httpx.Response:
            body = request_body(PATIENT)
            return server.client.post("/v1/predict", json=body, headers=headers)

        before = ask()
        put(models, another(tmp_path))
        hang_up(server, log)
        assert ask().content == before.content
    assert len(records(log, "prediction")) == 1


def command(models: Path, log: Path, *flags: str) -> subprocess.Popen[str]:
    """The command itself, in a process of its own."""
    words = ["serve", "--registry", str(models), "--audit", str(log), *flags]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    return subprocess.Popen(
        [sys.executable, "-m", "risk_model", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def test_without_its_registry_a_server_does_not_start_and_says_so_in_one_line(
    models: Path, log: Path, tmp_path: Path
) -> None:
    for folder, alias in ((tmp_path / "gone", "champion"), (models, "challenger")):
        process = command(folder, log, "--alias", alias)
        _, line = process.communicate(timeout=GUARD)
        assert process.returncode == 2
        assert line == f"error: {folder}: which {alias}? register a run first\n"
        assert not log.exists()


def test_the_command_serves_by_alias_and_takes_the_next_challenger(
    package: ModelPackage, models: Path, log: Path, tmp_path: Path
) -> None:
    one, two = another(tmp_path), package
    put(models, one, "challenger")
    process = command(models, log, "--alias", "challenger", "--port", "0", "--health-port", "0")
    try:
        server = Server(process)
        wait_until(lambda: server.health.get("/readyz").status_code == 200)
        assert served(server) == one.sha256
        put(models, two, "challenger")
        record = hang_up(server, log)
        assert (record["alias"], record["model_sha256"]) == ("challenger", two.sha256)
        assert served(server) == two.sha256
        server.stop()
    finally:
        process.kill()
        process.communicate()


def test_a_model_that_no_longer_answers_leaves_the_memory(
    package: ModelPackage, models: Path, log: Path, tmp_path: Path
) -> None:
    packages = [another(tmp_path), package]

    async def run() -> list[int]:
        app = create_app(package, log)
        health = Health(app.state.service, GuardedState(None, 1, 1))
        switch = Switch(app, health, "", Access(), ServerSettings(registry=models))
        counts = []
        for turn in range(4):
            put(models, packages[turn % 2])
            await switch.switch()
            gc.collect()
            counts.append(sum(type(each) is Scorer for each in gc.get_objects()))
        await app.state.service.close()
        return counts

    assert all(each.scorer for each in packages), "the packages of this test keep theirs"
    counts = asyncio.run(run())
    assert counts == counts[:1] * 4
