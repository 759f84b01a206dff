"""What does a client get whose record is unlike those that the model was trained on?"""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from risk_model.core.package import ModelPackage
from risk_model.core.schema import encode
from risk_model.core.scores import logit
from risk_model.deployment.application import create_app
from risk_model.deployment.batch import score
from risk_model.deployment.example_request import example_body

from tests.made_service import GUARD, SCHEMA, UNITS, Server, logistic_graph, request_body

FEW = "as in fewer than 10 of 1,000 training rows"
TOO_FEW = "at least 4 of the 6 fields are required: fewer than 10 of 1,000 training rows had fewer"


@pytest.fixture
def client(package: ModelPackage, tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(create_app(package, tmp_path / "audit.db")) as client:
        yield client


@pytest.fixture
def strict(make_package: Callable[..., ModelPackage], tmp_path: Path) -> ModelPackage:
    """A package that refuses what is unusual."""
    policy = make_package(tmp_path / "lenient").manifest.input_policy
    return make_package(tmp_path / "strict", input_policy=replace(policy, unusual="refuse"))


def ask(client: TestClient, inputs: Any, **more: Any) -> Any:
    return client.post("/v1/predict", json=request_body(inputs, **more))


def errors(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 422
    assert "risk" not in answer.json()
    return [(error["pointer"], error["detail"]) for error in answer.json()["errors"]]


def prediction_record(log: Path) -> dict[str, Any]:
    bodies = [json.loads(b) for (b,) in sqlite3.connect(log).execute("SELECT body FROM record")]
    (record,) = [body for body in bodies if body["type"] == "prediction"]
    return dict(record)


def test_one_field_gets_no_risk(client: TestClient) -> None:
    assert errors(ask(client, {"sex": "male"})) == [("/inputs/age", "is required")]
    assert errors(ask(client, {"age": 54})) == [("/inputs", TOO_FEW)]


def test_a_server_gives_one_field_no_risk(
    running: Callable[..., AbstractContextManager[Server]], package: ModelPackage, tmp_path: Path
) -> None:
    with running(package.directory, tmp_path / "audit.db") as server:
        for inputs in ({"sex": "male"}, {"age": 54}, {"age": 54, "sex": "male", "diabetes": True}):
            errors(server.predict(inputs))
        named = {"age": 54, "sex": "male", "diabetes": True, "ward/unit": "ICU"}
        assert server.predict(named).status_code == 200


def test_a_refusal_of_the_policy_keeps_the_request_id(client: TestClient, tmp_path: Path) -> None:
    request_id = "0190a6de-7b1c-7c3e-9a0e-3d2f1f6f0a11"
    errors(ask(client, {"age": 54}, request_id=request_id))
    with sqlite3.connect(tmp_path / "audit.db") as log:
        assert request_id in str(log.execute("SELECT body FROM record").fetchall())


@pytest.mark.parametrize(
    ("changes", "pointer", "text"),
    [
        ({"ward/unit": None}, "/inputs/ward~1unit", f"ward/unit is missing, {FEW}"),
        (
            {"sex": None, "heart_rate": None},
            "/inputs/heart_rate",
            f"heart_rate and sex are both missing, {FEW}",
        ),
        ({"lactate": 39.75}, "/inputs/lactate", f"lactate is above 8.9 mmol/L, {FEW}"),
        ({"heart_rate": 22.5}, "/inputs/heart_rate", f"heart_rate is below 46.1 /min, {FEW}"),
        (
            {"ward/unit": "Ärzte"},
            "/inputs/ward~1unit",
            "ward/unit has a value that fewer than 10 of 1,000 training rows had",
        ),
    ],
)
def test_what_hardly_any_training_row_was_like_is_said_or_refused_and_counted_in_the_record(
    client: TestClient,
    strict: ModelPackage,
    patient: dict[str, Any],
    tmp_path: Path,
    changes: dict[str, Any],
    pointer: str,
    text: str,
) -> None:
    answer = ask(client, patient | changes)
    assert answer.status_code == 200
    assert answer.json()["input_warnings"] == [{"pointer": pointer, "detail": text}]
    record = prediction_record(tmp_path / "audit.db")
    assert record["reason"] == "input warnings: 1"
    for value in changes.values():
        assert value is None or (str(value) not in str(record) and str(value) not in answer.text)
    with TestClient(create_app(strict, tmp_path / "strict.db")) as other:
        assert errors(ask(other, patient | changes)) == [(pointer, text)]
        assert ask(other, patient).status_code == 200


def test_an_ordinary_record_says_nothing_of_warnings(
    client: TestClient, patient: dict[str, Any], tmp_path: Path
) -> None:
    assert ask(client, patient).json()["input_warnings"] == []
    assert "reason" not in prediction_record(tmp_path / "audit.db")


def scored(package: ModelPackage, rows: list[dict[str, Any]], where: Path) -> list[dict[str, Any]]:
    pq.write_table(pa.Table.from_pylist(rows), where / "in.parquet")
    output = where / f"out-{package.sha256[:8]}.parquet"
    score(package, where / "in.parquet", output)
    table: list[dict[str, Any]] = pq.read_table(output).to_pylist()
    return table


def test_a_file_is_treated_as_requests_are(
    package: ModelPackage, strict: ModelPackage, patient: dict[str, Any], tmp_path: Path
) -> None:
    odd = patient | {"lactate": 39.75, "ward/unit": None}
    few = dict.fromkeys(patient) | {"age": 54}
    told = [f"ward/unit is missing, {FEW}", f"lactate is above 8.9 mmol/L, {FEW}"]
    ordinary, warned, refused = scored(package, [patient, odd, few], tmp_path)
    assert (ordinary["input_warnings"], ordinary["reason"]) == (None, None)
    assert (warned["input_warnings"], warned["reason"]) == ("; ".join(told), None)
    assert (refused["risk"], refused["reason"]) == (None, TOO_FEW)
    assert refused["input_warnings"] is None
    ordinary, warned, refused = scored(strict, [patient, odd, few], tmp_path)
    assert ordinary["risk"] is not None
    assert (warned["risk"], warned["reason"]) == (None, "; ".join(told))
    assert (refused["risk"], refused["reason"]) == (None, TOO_FEW)


def test_the_example_of_the_description_is_answered_with_the_golden_risk(
    client: TestClient, package: ModelPackage
) -> None:
    told = client.get("/v1/model").json()
    assert set(told["example"]["units"]) == set(UNITS)
    answer = client.post("/v1/predict", json=told["example"])
    assert answer.status_code == 200
    assert answer.json()["risk"] == pytest.approx(package.manifest.golden_risk, abs=0.01)
    assert (answer.json()["missing"], answer.json()["input_warnings"]) == ([], [])


def test_the_line_that_a_server_prints_at_its_start_works_in_a_shell(
    running: Callable[..., AbstractContextManager[Server]], package: ModelPackage, tmp_path: Path
) -> None:
    with running(package.directory, tmp_path / "audit.db") as server:
        told = server.client.get("/v1/model").json()["curl"]
        answer = subprocess.run(told, shell=True, capture_output=True, text=True, timeout=GUARD)  # noqa: S602
        assert json.loads(answer.stdout)["missing"] == []
        server.client.close()
        server.process.terminate()
        printed, _ = server.process.communicate(timeout=GUARD)
    assert f"try it: {told}\n" in printed
    assert server.url in told


@pytest.mark.parametrize("name", ['it\'s \\ "quoted" $HOME `id`', "Ärzte"])
def test_the_line_for_the_shell_is_safe_whatever_a_category_is_called(
    make_package: Callable[..., ModelPackage], tmp_path: Path, name: str
) -> None:
    fields = tuple(
        replace(f, categories=(name,)) if f.name == "ward/unit" else f for f in SCHEMA.fields
    )
    reference = {
        **json.loads((make_package(tmp_path / "a").directory / "reference.json").read_text())
    }
    reference["fields"]["ward/unit"]["shares"] = {name: 1.0}
    package = make_package(tmp_path / "b", replace(SCHEMA, fields=fields), reference)
    with TestClient(create_app(package, tmp_path / "audit.db")) as client:
        line = client.get("/v1/model").json()["curl"]
    shown = line.replace("curl", "printf '%s\\n'", 1)
    words = subprocess.run(shown, shell=True, capture_output=True, text=True, check=True)  # noqa: S602
    assert json.loads(words.stdout.splitlines()[-1]) == example_body(package)


def weights_found(risk_of: Callable[[dict[str, Any]], float]) -> float:
    """How far off, relatively, the weights are that four questions find in a regression."""
    base = {"age": 60.0, "heart_rate": 90.0, "lactate": 2.0}
    rest = {"sex": "male", "ward/unit": "ICU", "diabetes": False}

    def log_odds(changes: dict[str, float]) -> float:
        return float(logit(np.array([risk_of(rest | base | changes)]))[0])

    middle = log_odds({})
    wrong = []
    for name, step, weight in (("age", 20, 0.06), ("heart_rate", 40, 0.03), ("lactate", 5, 0.3)):
        found = (log_odds({name: base[name] + step}) - middle) / step / 0.8
        wrong.append(abs(found / weight - 1))
    return max(wrong)


def test_rounded_answers_tell_weights_only_roughly(
    running: Callable[..., AbstractContextManager[Server]],
    make_package: Callable[..., ModelPackage],
    tmp_path: Path,
) -> None:
    weights = np.zeros(SCHEMA.width)
    weights[:3] = (0.06, 0.03, 0.3)
    graph = logistic_graph(weights, -9.0, np.ones(SCHEMA.width))
    package = make_package(tmp_path / "package", graph=graph)

    def exact(inputs: dict[str, Any]) -> float:
        return float(package.scorer(encode({k: [v] for k, v in inputs.items()}, SCHEMA))[0][0])

    with running(package.directory, tmp_path / "audit.db") as server:
        answered = weights_found(lambda inputs: float(server.predict(inputs).json()["risk"]))
    assert weights_found(exact) < 1e-4
    assert answered > 0.01
