"""The server under soak: the command `serve`, ended and started again on the same log."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO

TREE = Path(__file__).parents[2] / "{{cookiecutter.project_slug}}"
WALL = 120.0  # seconds after which a process or a connection counts as one that hangs
STARTED = re.compile(r"http://[^ ]*:(\d+), health on port (\d+)")


@dataclass(frozen=True)
class Places:
    """Where everything lies: the package, the log with its keys, checkpoints and the API keys."""

    package: Path
    log: Path
    keys: Path
    checkpoints: Path
    api_keys: Path


class SoakServer:
    """A serving process on a log; a new one on a new port after each end."""

    def __init__(self, places: Places) -> None:
        self.places, self.port, self.health_port = places, 0, 0
        self.process: subprocess.Popen[str] | None = None
        self.starts, self.peak, self.errors = 0, 0, list[str]()

    @property
    def running(self) -> subprocess.Popen[str]:
        """The process; RuntimeError when none runs."""
        if self.process is None:
            raise RuntimeError("no server runs")
        return self.process

    def start(self) -> None:
        """Starts a process and waits until it listens; RuntimeError with its words if it ends."""
        process = self._command(self.places.log)
        if process.stdout is None or process.stderr is None:
            raise RuntimeError("no pipes")
        line = process.stdout.readline()
        ports = STARTED.search(line)
        if ports is None:
            raise RuntimeError(f"the server did not start: {process.communicate()[1]}")
        # a pipe that nobody reads would stop the server, and a file would be full with its disk
        threading.Thread(target=self._read, args=(process.stderr,), daemon=True).start()
        self.process, self.starts = process, self.starts + 1
        self.health_port, self.port = int(ports[2]), int(ports[1])

    def refused_start(self, log: Path) -> str:
        """What a process says that must not start on a log; "" when it did start."""
        process = self._command(log)
        try:
            line = process.stdout.readline() if process.stdout else ""
            told = "" if line else process.communicate(timeout=WALL)[1]
        finally:
            process.kill()
            process.communicate()
        return told if process.returncode == 2 else ""

    def kill(self) -> None:
        """Ends the process with SIGKILL."""
        self._note_peak()
        self.running.kill()
        self.running.wait()

    def terminate(self) -> int:
        """Ends the process with SIGTERM and returns its exit code."""
        self._note_peak()
        self.running.terminate()
        return self.running.wait(timeout=WALL)

    def _note_peak(self) -> None:
        """The most memory any of the processes held, in kB."""
        status = Path(f"/proc/{self.running.pid}/status")
        held = re.search(r"VmHWM:\s+(\d+)", status.read_text() if status.exists() else "")
        self.peak = max(self.peak, int(held[1]) if held else 0)

    def _read(self, pipe: IO[str]) -> None:
        self.errors.extend(pipe)

    def _command(self, log: Path) -> subprocess.Popen[str]:
        places = self.places
        flags = {"package": places.package, "audit": log, "keys": places.keys, "port": 0}
        flags |= {"health-port": 0, "checkpoints": places.checkpoints, "api-keys": places.api_keys}
        flags["requests-per-minute"] = 0
        words = [word for name, value in flags.items() for word in (f"--{name}", str(value))]
        environment = {**os.environ, "PYTHONPATH": str(TREE / "src"), "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(
            [sys.executable, "-m", "risk_model", "serve", *words],
            cwd=places.log.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
