"""The fixture `bake`: a BakedProject that can be asked and run, and leaves the home alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from cookiecutter.main import cookiecutter

ROOT = Path(__file__).parent.parent
TREE = ROOT / "{{cookiecutter.project_slug}}"
MODALITIES = ("tabular", "imaging", "waveform", "text", "events")
# Folders of a project's tests whose outcome depends on its name or modality. The others hold the
# same files as the template's own tree, where they run.
DEPENDING = ("app", "core", "deployment", "reporting", "signals")
QUESTIONS = {
    k: v
    for k, v in json.loads((ROOT / "cookiecutter.json").read_text()).items()
    if not k.startswith("_")
}


@dataclass(frozen=True)
class BakedProject:
    """A project as its user finds it."""

    path: Path

    def has_file(self, name: str) -> bool:
        """Whether the project has a file of that relative name."""
        return (self.path / name).is_file()

    def read(self, name: str) -> str:
        """The text of a file."""
        return (self.path / name).read_text(encoding="utf-8")

    def files(self) -> dict[str, bytes]:
        """Every file's relative name and content."""
        paths = sorted(p for p in self.path.rglob("*") if p.is_file())
        return {p.relative_to(self.path).as_posix(): p.read_bytes() for p in paths}

    @property
    def package(self) -> str:
        """The name of its Python package."""
        return self.path.name.replace("-", "_")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Runs `python -m command` in the project, with its sources importable; output is kept for
        the test to show.
        """
        with self.start(*command) as process:
            output, errors = process.communicate()
        return subprocess.CompletedProcess(command, process.returncode, output, errors)

    def start(self, *command: str) -> subprocess.Popen[str]:
        """The same, without waiting for its end."""
        words, environment = (
            [sys.executable, "-m", *command],
            {**os.environ, "PYTHONPATH": str(self.path / "src")},
        )
        pipe = subprocess.PIPE
        return subprocess.Popen(
            words, cwd=self.path, env=environment, stdout=pipe, stderr=pipe, text=True
        )

    def passes(self, *command: str) -> str:
        """Its output when it succeeds; fails with the command's own words when it does not."""
        done = self.run(*command)
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
        return done.stdout


Bake = Callable[..., BakedProject]


@pytest.fixture
def bake(tmp_path: Path) -> Bake:
    """Bakes the template with these answers into the test's own folder; `template` and `options`
    for special cases.
    """
    config = tmp_path / "cookiecutter.yaml"
    config.write_text(
        f'replay_dir: "{tmp_path / "replay"}"\ncookiecutters_dir: "{tmp_path / "templates"}"\n'
    )

    def bake_one(
        template: Path = ROOT, into: str = "baked", hooks: bool = True, **answers: str
    ) -> BakedProject:
        assert answers.keys() <= QUESTIONS.keys(), (
            "cookiecutter would silently ignore an answer to no question"
        )
        path = cookiecutter(
            str(template),
            no_input=True,
            extra_context=answers,
            output_dir=str(tmp_path / into),
            config_file=str(config),
            accept_hooks=hooks,
        )
        return BakedProject(Path(path))

    return bake_one


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the figures that tests have measured, whichever process they ran in."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, text in report.user_properties if report.when == "call" else ():
                if name == "figures":
                    terminalreporter.write_line(f"\n{text}")
