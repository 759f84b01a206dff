"""Training and serving of each kind of recording: no network, a read-only root, under strace.

Each seed is one source of made-up recordings, or of tables, whose whole run is traced, and then the
server of its champion. Counted are addresses called, sockets opened beside the listeners that the
server states and urllib3's question for IPv6, and paths written outside the stated folders.
"""

from __future__ import annotations

import importlib.util
import json
import re
import socket
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

SOURCES = ("synthetic_notes", "synthetic_images", "synthetic_ecgs", "synthetic")
SEEDS, SAMPLE = len(SOURCES), 1
NEAR = 0.0
COLUMNS = (
    "trained_called",
    "trained_sockets",
    "trained_strays",
    "served_called",
    "served_sockets",
    "served_strays",
    "unanswered",
)
BOUNDS = dict.fromkeys(COLUMNS, (0.0, 0.0))
TREE = Path(__file__).parent.parent / "{{cookiecutter.project_slug}}"
FAST = "training.epochs=1 split.folds=1 evaluation.resamples=50 model.xgboost.trees=20".split()
ACCEPT = "A tester: a trial on made-up patients"
REQUESTS = [("/readyz", None, 200), ("/v1/model", None, 200), ("/v1/predict", "{}", 422)]


def study(seeds: Sequence[int]) -> dict[str, list[float]]:
    """For every column, its count at each seed."""
    columns: dict[str, list[float]] = {name: [] for name in COLUMNS}
    isolated = isolated_runs()
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            own = isolated.Surroundings.below(Path(folder))
            counts = {**train(isolated, own, SOURCES[seed]), **serve(isolated, own)}
        for name in COLUMNS:
            columns[name].append(float(counts[name]))
    return columns


def train(isolated: ModuleType, own: Any, source: str) -> dict[str, int]:
    """What a run of a source called, opened and wrote."""
    words = ["-m", "risk_model", "run", f"data={source}", *FAST]
    trace = own.traced(sys.executable, *words)
    return counted("trained", isolated, own, trace, isolated.IPV6_PROBE)


def serve(isolated: ModuleType, own: Any) -> dict[str, int]:
    """What the server of the champion called, opened and wrote while it answered."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    tracer, file = own.tracer()
    served = [sys.executable, "-c", isolated.SERVED, "--port", port, "--accept", ACCEPT]
    sent = json.dumps([(path, body) for path, body, _ in REQUESTS])
    asking = [sys.executable, "-c", isolated.CLIENT, port, sent, *tracer, *served]
    printed = own.alone(*asking)
    stated = set(re.findall(r"(?:127\.0\.0\.1:|on port )(\d+)", printed))
    listeners = {"socket AF_INET", "listen", *(f"bind 127.0.0.1 {number}" for number in stated)}
    answered = [int(status) for status in re.findall(r"answered (\d+)", printed)]
    trace = file.read_text(encoding="utf-8", errors="replace")
    missed = int(answered != [status for _, _, status in REQUESTS])
    return {**counted("served", isolated, own, trace, listeners), "unanswered": missed}


def counted(
    what: str, isolated: ModuleType, own: Any, trace: str, sockets: set[str]
) -> dict[str, int]:
    """The three counts of a trace, without the sockets that are meant."""
    strange = set(isolated.sockets(trace)) - sockets
    strays = isolated.written(trace, own)
    for fault in sorted({*strange, *strays, *isolated.called(trace)}):
        print(f"{what}: {fault}", file=sys.stderr)
    return {
        f"{what}_called": len(isolated.called(trace)),
        f"{what}_sockets": len(strange),
        f"{what}_strays": len(strays),
    }


def isolated_runs() -> ModuleType:
    """The project's way to run a command alone, loaded by its path: two packages are `tests`."""
    spec = importlib.util.spec_from_file_location("isolated", TREE / "tests/isolated.py")
    if spec is None or spec.loader is None:
        raise RuntimeError(f"{TREE}: has no tests/isolated.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["isolated"] = module  # where dataclasses look their module up
    spec.loader.exec_module(module)
    return module
