"""Do the commands of the runbook work as they stand there, and are its messages ours?"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from risk_model.core.package import ModelPackage
from risk_model.deployment.access_keys import add_key
from risk_model.deployment.audit.checkpoint import make_keys

from tests.made_service import PATIENT, Server

Running = Callable[..., AbstractContextManager[Server]]
ROOT = Path(__file__).parents[2]
RUNBOOK = re.sub(r"(?m)^<!-- .* -->\n", "", (ROOT / "docs/runbook.md").read_text(encoding="utf-8"))
SCRIPT = re.compile(r'(?ms)^\[project\.scripts\]\n"?(.+?)"? = ')
BLOCK = re.compile(r"(?ms)^```sh\n(.*?)^```$")
# The names that the commands use, and where these things are in a test.
NAMES = {
    "LOG": "audit/audit.db",
    "KEYS": "audit-keys/audit",
    "KEPT": "kept.checkpoints",
    "CLIENTS": "keys.json",
}
# What is done while the server runs.
BESIDE = {
    "Every day",
    "Restore from a backup",
    "API keys: rotation, or one that was read by somebody",
    "A breach",
    "A patient asks for access",
}
# The program in a test: a server starts, and does not stay; instead of a run, which takes minutes,
# the champion that is there is signed.
PROGRAM = """#!{python}
import sys
from pathlib import Path
from risk_model.app.cli import main
from risk_model.core.package import ModelPackage
from risk_model.deployment import registry
from risk_model.deployment.lifecycle import Lifecycle
Lifecycle.run = lambda *_: None
if sys.argv[1] == "register":
    from risk_model.deployment.signing import sign
    champion = ModelPackage.open(registry.champion(Path("models"), ""))
    sys.exit(sign(champion, Path(sys.argv[2].partition("=")[2])))
sys.exit(main([*sys.argv[1:], *(["--port", "0"] if sys.argv[1] == "serve" else [])]))
"""


def blocks() -> dict[str, list[str]]:
    """The commands under each heading, block by block; the project's own begin with `program`."""
    found = SCRIPT.search((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert found is not None
    parts = re.split(r"(?m)^## (.+)\n", RUNBOOK.replace(found[1], "program"))
    return {
        heading: commands
        for heading, text in zip(parts[1::2], parts[2::2], strict=True)
        if (commands := BLOCK.findall(text))
    }


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the program."""
    folder = tmp_path_factory.mktemp("bin")
    (folder / "program").write_text(PROGRAM.format(python=sys.executable))
    (folder / "program").chmod(0o755)
    return folder


def do(folder: Path, program: Path, commands: str, **names: str) -> None:
    """Runs a block of commands in a folder; each must succeed."""
    environment = {
        **os.environ,
        **NAMES,
        **names,
        "PATH": f"{program}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "src"),
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"


def prepared(folder: Path, package: ModelPackage) -> dict[str, Path]:
    """A registry whose champion is the package, and keys; the settings of its server."""
    shutil.copytree(package.directory, folder / "models" / package.sha256)
    pointer = {"sha256": package.sha256, "model": "m", "mlflow_version": "1", "since": ""}
    (folder / "models/ward").mkdir()
    (folder / "models/ward/champion.json").write_text(json.dumps(pointer))
    make_keys(folder / NAMES["KEYS"])
    return {"audit_keys": folder / NAMES["KEYS"], "checkpoints": folder / NAMES["KEPT"]}


def test_the_names_of_the_runbook_are_those_of_its_commands() -> None:
    [named] = BLOCK.findall(RUNBOOK.split("\n## ")[0])
    assert set(re.findall(r"(?m)^([A-Z]+)=", named)) == {*NAMES, "HEALTH"}
    used = set(re.findall(r"\$([A-Z]+)", str(blocks())))
    assert used == {*NAMES, "HEALTH"}
    assert set(blocks()) >= BESIDE - {"A patient asks for access", "A breach"}
    assert len(blocks()) >= 6


@pytest.mark.slow
def test_what_is_done_beside_a_running_server_works_as_it_stands(
    running: Running, package: ModelPackage, program: Path, tmp_path: Path
) -> None:
    settings = prepared(tmp_path, package)
    with running(package.directory, tmp_path / NAMES["LOG"], **settings) as server:
        assert server.predict(PATIENT, subject="MRN 7").is_success
        add_key(tmp_path / NAMES["CLIENTS"], "ward-7", ["predict"], "")  # the one in use
        health = str(server.health.base_url).rstrip("/")
        for heading in blocks().keys() & BESIDE:
            for commands in blocks()[heading]:
                do(tmp_path, program, commands, HEALTH=health)
    assert (tmp_path / "backup.db").stat().st_mode & 0o077 == 0


@pytest.mark.slow
@pytest.mark.parametrize("heading", sorted(blocks().keys() - BESIDE))
def test_what_is_done_with_the_server_stopped_works_as_it_stands(
    heading: str, running: Running, package: ModelPackage, program: Path, tmp_path: Path
) -> None:
    settings = prepared(tmp_path, package)
    with running(package.directory, tmp_path / NAMES["LOG"], **settings) as server:
        assert server.predict(PATIENT, subject="MRN 7").is_success
        server.stop()
    if heading == "The second place is lost":
        settings["checkpoints"].unlink()
    for commands in blocks()[heading]:
        do(tmp_path, program, commands)
    if heading != "Start anew":  # whoever goes on with this log finds it whole
        do(tmp_path, program, "program serve --audit $LOG --keys $KEYS --checkpoints $KEPT")
        do(tmp_path, program, "program audit verify $LOG --checkpoints $KEPT")


def test_each_message_for_which_the_runbook_has_a_remedy_is_one_of_ours() -> None:
    [table] = re.findall(r"(?ms)^\| in the line \| .*?\n\|[-|]+\n(.*)", RUNBOOK)
    quoted = [
        text for row in table.splitlines() for text in re.findall("`([^`]+)`", row.split("|")[1])
    ]
    sources = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("src/*/**/*.py"))
    spoken = re.sub(r'"\s+f?"', "", sources)  # a text over several lines of source
    spoken = spoken.replace("{alias}", "champion")
    assert len(quoted) >= 18
    assert [text for text in quoted if text not in spoken] == []
