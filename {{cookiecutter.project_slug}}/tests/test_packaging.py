"""Does the image hold what serving needs and nothing else, and may it do no more than it must?"""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import distribution, packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.made_service import make_package

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8")
PIN = re.compile(r"(?m)^([A-Za-z0-9._-]+)==(\S+)")
# extras with which the image is locked, by what `make lock` says
EXTRAS = re.findall(r"--extra ([a-z-]+)", (ROOT / "Makefile").read_text(encoding="utf-8"))
# what the environment of the tests imports whenever Python starts, and the project itself
ALWAYS = {"_distutils_hack", "risk_model"}
SERVING = "app.commands.serve app.commands.audit deployment.serve deployment.registry".split()
IMPORTED = "".join(f"import risk_model.{module}\n" for module in SERVING)
IMPORTED += "import sys\nprint(*sys.modules)"


def instructions(name: str) -> list[str]:
    """What follows each instruction of that name in the Dockerfile."""
    return re.findall(rf"(?m)^{name} (.+)$", DOCKERFILE)


def test_the_image_runs_as_a_number_that_is_not_root() -> None:
    assert instructions("USER") == ["10001:10001"]
    after = DOCKERFILE.split("USER ")[1]
    assert not re.search(r"(?m)^(RUN|COPY|ADD|USER) ", after)


def test_every_wheel_of_the_image_is_known_by_its_hash_and_nothing_is_built() -> None:
    [install] = [run for run in instructions("RUN") if "pip install" in run]
    for flag in ("--require-hashes", "--only-binary :all:", "--no-deps", "-r requirements.lock"):
        assert flag in install
    assert instructions("ADD") == []


def test_a_lock_names_the_versions_that_were_tested() -> None:
    lock = ROOT / "requirements.lock"  # made by `make lock`
    locked = dict(PIN.findall(lock.read_text(encoding="utf-8"))) if lock.is_file() else {}
    tested = dict(PIN.findall(CONSTRAINTS))
    assert {name: v for name, v in locked.items() if tested.get(name, v) != v} == {}


def test_the_builder_sees_only_what_the_image_copies() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    first, *rules = [line for line in lines if not line.startswith("#")]
    copied = [words.split()[:-1] for words in instructions("COPY") if "--from" not in words]
    allowed = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    assert first == "*"
    assert allowed == {source.removeprefix("./") for sources in copied for source in sources}


def needed(requirements: list[str]) -> set[str]:
    """The distributions that these requirements bring on this machine."""
    found: set[str] = set()
    waiting = [Requirement(requirement) for requirement in requirements]
    while waiting:
        requirement = waiting.pop()
        marker, name = requirement.marker, canonicalize_name(requirement.name)
        if name not in found and (not marker or marker.evaluate({"extra": ""})):
            found.add(name)
            waiting += map(Requirement, distribution(name).requires or ())
    return found


def test_serving_needs_no_package_that_the_image_lacks() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [project["optional-dependencies"][extra] for extra in EXTRAS]
    brought = needed([*project["dependencies"], *itertools.chain(*extras)])
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-c", IMPORTED]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    owners = packages_distributions()
    owned = {module: owners.get(module, []) for module in done.stdout.split()}
    strays = {
        module
        for module, names in owned.items()
        if names and not brought.intersection(map(canonicalize_name, names))
    }
    assert strays - ALWAYS == set()


def composed() -> dict[str, Any]:
    """The content of compose.yaml."""
    content: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    return content


SERVICES: dict[str, dict[str, Any]] = composed()["services"]


def below(folder: Path) -> set[Path]:
    """What a folder holds, by relative paths."""
    return {path.relative_to(folder) for path in folder.rglob("*")}


def one_model(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs deploy/one_model.py in a folder."""
    command = [sys.executable, str(ROOT / "deploy/one_model.py"), *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_one_package_goes_into_the_image_and_replaces_the_last(tmp_path: Path) -> None:
    package = make_package(tmp_path / "one")
    (tmp_path / "build/model/old").mkdir(parents=True)
    done = one_model(tmp_path, str(package.directory))
    assert (done.returncode, package.sha256 in done.stdout) == (0, True)
    copied = {
        p.relative_to(tmp_path / "build/model") for p in (tmp_path / "build/model").rglob("*")
    }
    assert copied == {p.relative_to(package.directory) for p in package.directory.rglob("*")}


def test_the_champion_alone_goes_into_the_image(tmp_path: Path) -> None:
    packages = [
        make_package(tmp_path / str(threshold), operating_threshold=threshold)
        for threshold in (0.2, 0.3)
    ]
    for package in packages:
        shutil.copytree(package.directory, tmp_path / "models" / package.sha256)
    pointer = {"sha256": packages[1].sha256, "model": "m", "mlflow_version": "1", "since": ""}
    (tmp_path / "models/ward").mkdir()
    (tmp_path / "models/ward/champion.json").write_text(json.dumps(pointer))
    assert one_model(tmp_path).returncode == 0
    manifest = (tmp_path / "build/model/manifest.json").read_bytes()
    assert manifest == (packages[1].directory / "manifest.json").read_bytes()


@pytest.mark.parametrize("changed", [True, False])
def test_a_changed_package_or_none_leaves_the_image_without_a_model(
    tmp_path: Path, changed: bool
) -> None:
    words = []
    if changed:
        package = make_package(tmp_path / "one")
        (package.directory / "risk.onnx").write_bytes(b"other")
        words = [str(package.directory)]
    done = one_model(tmp_path, *words)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "build").exists()


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_can_write_its_root_or_gain_a_right(name: str) -> None:
    container = SERVICES[name]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "proxy" else [])
    assert not container.get("privileged")


def test_the_service_can_call_nobody_and_only_the_proxy_is_reached_from_outside() -> None:
    ports = {name: service.get("ports", []) for name, service in SERVICES.items()}
    assert SERVICES["service"]["networks"] == ["inside"]
    assert composed()["networks"]["inside"] == {"internal": True}
    assert (ports.pop("service"), ports.pop("proxy")) == ([], ["443:443"])
    others = itertools.chain(*ports.values())
    assert all(port.startswith("127.0.0.1:") for port in others), "for this machine alone"
    assert SERVICES["service"]["user"] == "10001:10001"


def test_proxy_and_health_check_ask_at_the_ports_that_the_image_opens() -> None:
    port, health = map(int, instructions("EXPOSE")[0].split())
    assert health == port + 1  # where the server puts it without --health-port
    assert f"service:{port}\n" in (ROOT / "deploy/Caddyfile").read_text(encoding="utf-8")
    assert f"127.0.0.1:{health}/livez" in instructions("HEALTHCHECK")[0]
    assert "--port" not in instructions("ENTRYPOINT")[0]


def test_the_image_asks_for_keys_and_reads_them_where_it_cannot_write() -> None:
    words = json.loads(instructions("ENTRYPOINT")[0])
    service = SERVICES["service"]
    for flag in ("--keys", "--api-keys"):
        assert words[words.index(flag) + 1].startswith("/keys/")
    assert "./deploy/keys:/keys:ro" in service["volumes"]
    assert service["command"] == ["--allow-host", "${SITE_ADDRESS:-localhost}"]


def test_the_workflow_lists_what_is_installed_and_fails_on_a_known_vulnerability() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    job = workflow["jobs"]["dependencies"]
    runs = [step["run"] for step in job["steps"] if "run" in step]
    assert runs == ["make sbom", "make vulnerabilities"]
    assert not [part for part in (job, *job["steps"]) if {"continue-on-error", "if"} & part.keys()]
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").split("\nvulnerabilities:")[1]
    command = recipe.splitlines()[1]
    assert "pip-audit --strict --require-hashes" in command
    assert not command.startswith("\t-")
    assert "|| " not in command


DOCKER = """#!/bin/sh
echo "$*" >> "$0.log"
case $1 in pull) echo "Status: downloaded"; echo "Digest: sha256:$(printf %064d 7)";; esac
"""


def test_make_pin_writes_the_digest_of_each_image_behind_its_name_once(tmp_path: Path) -> None:
    for name in ("Makefile", "Dockerfile", "compose.yaml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    stub = tmp_path / "bin/docker"
    stub.parent.mkdir()
    stub.write_text(DOCKER)
    stub.chmod(0o755)
    environment = {**os.environ, "PATH": f"{stub.parent}:{os.environ['PATH']}"}
    for _ in range(2):
        subprocess.run(
            ["make", "pin"], cwd=tmp_path, env=environment, check=True, capture_output=True
        )
    pinned = (tmp_path / "Dockerfile").read_text() + (tmp_path / "compose.yaml").read_text()
    digest = f"@sha256:{7:064d}"
    images = re.findall(r"(?m)^(?:FROM|    image:) (\S+:\S+)", pinned)
    assert len(images) == len(SERVICES), "the service's own is built on that of Python"
    assert all(image.endswith(digest) and image.count("@") == 1 for image in images)
    assert f"FROM python:3.11-slim{digest} AS base\n" in pinned
    assert len(Path(f"{stub}.log").read_text().splitlines()) == len(images)
    assert not list(tmp_path.glob("*.unpinned"))
