"""Does a package that must not be served leave the one that is, and is that recorded?"""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from risk_model.core.package import ModelPackage
from risk_model.core.schema import Field, Schema
from risk_model.deployment.audit.verify import verify
from risk_model.deployment.signing import sign

from tests.made_service import GUARD, PATIENT, REFERENCE, SCHEMA, Server
from tests.made_switch import NAME, another, command, hang_up, put, served

Running = Callable[..., AbstractContextManager[Server]]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "audit.db"


@pytest.fixture
def models(tmp_path: Path, package: ModelPackage) -> Path:
    """A registry, whose champion is the package."""
    root = tmp_path / "models"
    put(root, package)
    return root


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


def test_without_its_registry_a_server_does_not_start_and_says_so_in_one_line(
    models: Path, log: Path, tmp_path: Path
) -> None:
    for folder, alias in ((tmp_path / "gone", "champion"), (models, "challenger")):
        process = command(folder, log, "--alias", alias)
        _, line = process.communicate(timeout=GUARD)
        assert process.returncode == 2
        assert line == f"error: {folder}: which {alias}? register a run first\n"
        assert not log.exists()
