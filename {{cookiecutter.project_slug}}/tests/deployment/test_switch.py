"""Does another model take over a running server without a request that is dropped or misnamed?"""

from __future__ import annotations

import asyncio
import gc
import json
import signal
import subprocess
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from risk_model.core.package import ModelPackage
from risk_model.core.schema import encode
from risk_model.core.scorer import Scorer
from risk_model.deployment.access import Access
from risk_model.deployment.application import create_app
from risk_model.deployment.audit.verify import verify
from risk_model.deployment.health import Health
from risk_model.deployment.http_guard import GuardedState
from risk_model.deployment.server_settings import ServerSettings
from risk_model.deployment.switch import Switch

from tests.made_service import GUARD, PATIENT, Server, request_body
from tests.made_switch import (
    another,
    changes,
    command,
    hang_up,
    put,
    records,
    served,
    wait_until,
)

Running = Callable[..., AbstractContextManager[Server]]
CLIENTS, SWITCHES, BETWEEN = 8, 6, 40  # answers between two switches
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
                return


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
            hang_up(server, log)
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
    turns = [packages[turn % 2].sha256 for turn in range(-1, SWITCHES)]
    told_of = [(c.get("previous_sha256"), c["model_sha256"]) for c in changes(log)]
    assert told_of == list(pairwise(turns))


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
    with running(models / new.sha256, log, registry=models) as server:
        server.stop()
    assert len(changes(log)) == 1, "the next start knows who took over"


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
        assert server.predict(PATIENT).status_code == 504
        wait_until(lambda: server.predict(PATIENT).status_code == 503)
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


def test_a_signal_to_end_that_comes_behind_one_to_switch_is_heard(
    running: Running, package: ModelPackage, models: Path, tmp_path: Path
) -> None:
    for turn in range(5):
        log = tmp_path / f"{turn}.db"
        with running(models / package.sha256, log, registry=models) as server:
            for _ in range(turn):
                server.process.send_signal(signal.SIGHUP)
            server.process.terminate()
            assert server.process.wait(timeout=GUARD) == 0
