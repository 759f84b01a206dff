"""Cost and speed of an audited answer, as ratios to the same route without its audit log, to a bare
route and to `mlflow models serve`, in one run.

    python benchmarks/serving.py --package DIR [--project DIR] [--turns 6] [--seconds 3]

Servers answer for the same patient, one worker each, in turns whose order is reversed each time,
so that a busy machine slows all of them:
  audited    this project's POST /v1/predict: an API key, validated, scored, its audit record
             durably on disk before the answer
  unaudited  the same, but for the record
  bare       a FastAPI route, on the same server, that validates the same body with pydantic
             (strict, ranges, categories, units) and does nothing else
  mlflow     `mlflow models serve` of the same graph behind the same encoder, as a pyfunc model that
             checks its signature
A ratio is the median over the turns, of requests per second or of the CPU that the server's process
takes for a request. Needs `wrk` (apt-get install -y wrk), and a disk behind the temporary files.
An answer that is not 2xx fails the benchmark.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BARE = """
import json, sys
from pathlib import Path
from typing import Annotated, Literal
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field, create_model

schema = json.loads(Path(sys.argv[1], "schema.json").read_text())
strict = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

def kind(field):
    if field["kind"] == "category":
        return Literal[tuple(field["categories"])]
    if field["kind"] == "boolean":
        return bool
    return Annotated[float, Field(ge=field["minimum"], le=field["maximum"])]

members = {
    f"f{i}": (kind(f) | None, Field(None, alias=f["name"])) for i, f in enumerate(schema["fields"])
}
Inputs = create_model("Inputs", __config__=strict, **members)
units = {
    f"f{i}": (Literal[field["unit"]], Field(alias=field["name"]))
    for i, field in enumerate(schema["fields"])
    if field["unit"] not in ("", "1")
}
Units = create_model("Units", __config__=strict, **units)
Body = create_model("Body", __config__=strict, inputs=(Inputs, ...), units=(Units, ...))
app = FastAPI()

@app.get("/livez")
async def alive(): return {}

@app.post("/v1/predict")
async def predict(body: Body): return {"risk": 0.5}

from risk_model.deployment.http_guard import GuardedState
from risk_model.deployment.lifecycle import guarded_server, listen
state = GuardedState(None, 1000, 1000)
guarded_server(app, state, lifespan=False).run(sockets=[listen("127.0.0.1", int(sys.argv[2]))])
"""

PREDICT = """
import sys
from pathlib import Path
from risk_model.deployment.serve import serve
from risk_model.deployment.server_settings import ServerSettings
port, log, *keys = int(sys.argv[2]), *map(Path, sys.argv[3:])
keys_file = keys[0] if keys else None
settings = ServerSettings(health_port=0, api_keys=keys_file, requests_per_minute=0)
reason = "benchmark: no patient is served"
serve(Path(sys.argv[1]), "127.0.0.1", port, log, reason, settings)
"""

UNAUDITED = """
from risk_model.deployment.audit import AuditLog

async def append(*_): return "00000000-0000-7000-8000-000000000000"

AuditLog.append = append
"""

PYFUNC = """
from pathlib import Path
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel
from risk_model.core.package import ModelPackage
from risk_model.core.schema import encode

class Served(PythonModel):
    def load_context(self, context):
        self.package = ModelPackage.open(Path(context.artifacts["package"]))

    def predict(self, context, model_input, params=None):
        return self.package.scorer(encode(model_input, self.package.schema))[0]

set_model(Served())
"""

SAVE = """
import json, sys
from pathlib import Path
import mlflow.pyfunc
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema

kinds = {"number": "double", "category": "string", "boolean": "boolean"}
fields = json.loads(Path(sys.argv[1], "schema.json").read_text())["fields"]
inputs = Schema([ColSpec(kinds[field["kind"]], field["name"], required=False) for field in fields])
signature = ModelSignature(inputs, Schema([ColSpec("double")]))
package = {"package": sys.argv[1]}
mlflow.pyfunc.save_model(
    sys.argv[2],
    python_model=sys.argv[3],
    artifacts=package,
    signature=signature,
    pip_requirements=[],
)
"""


CONNECTIONS = (8, 64)
PAUSE_SECONDS = 0.5  # in which a server finishes what the run before left behind


@dataclass(frozen=True)
class Target:
    """A running server: where requests go and with what, and its process."""

    name: str
    url: str
    script: Path
    pid: int = 0


@dataclass(frozen=True)
class Measured:
    """One run of wrk: requests per second, CPU microseconds of the server per request, and the 50th
    and 99th percentile of latency as wrk prints them.
    """

    rate: float
    cost: float
    p50: str
    p99: str


@dataclass(frozen=True)
class Bound:
    """What a ratio of `audited` to another server must be, at so many connections."""

    other: str
    connections: int
    what: str  # "requests per second" or "CPU per request"
    least: float = 0.0
    most: float = float("inf")

    def value(self, run: Measured) -> float:
        """What is compared."""
        return run.cost if self.what.startswith("CPU") else run.rate


BOUNDS = (
    Bound("unaudited", 8, "CPU per request", most=1.7),
    Bound("unaudited", 64, "CPU per request", most=1.3),
    Bound("bare", 8, "requests per second", least=0.45),
    Bound("bare", 64, "requests per second", least=0.75),
    Bound("mlflow", 64, "requests per second", least=60),
)


def patient(package: Path) -> dict[str, Any]:
    """A plausible record with every field of the schema given."""
    schema = json.loads((package / "schema.json").read_text(encoding="utf-8"))
    reference = json.loads((package / "reference.json").read_text(encoding="utf-8"))["fields"]

    def value(field: dict[str, Any]) -> object:
        if field["kind"] == "category":
            return field["categories"][0]
        return (
            False
            if field["kind"] == "boolean"
            else round(reference[field["name"]]["quantiles"][50], 2)
        )

    return {field["name"]: value(field) for field in schema["fields"]}


def request_body(package: Path) -> dict[str, Any]:
    """The request of that record, in the schema's units."""
    fields = json.loads((package / "schema.json").read_text(encoding="utf-8"))["fields"]
    units = {field["name"]: field["unit"] for field in fields if field["unit"] not in ("", "1")}
    return {"inputs": patient(package), "units": units}


def free_port() -> int:
    """A port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def running(
    command: list[str], environment: dict[str, str], probe: str
) -> Iterator[subprocess.Popen[str]]:
    """A process that answers at `probe`, ended with the block."""
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(probe, timeout=5).close()  # noqa: S310
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    process.kill()
                    sys.exit(f"{probe}: did not start: {process.communicate()[1][-2000:]}")
                time.sleep(0.2)
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=60)


def request_script(directory: Path, name: str, body: dict[str, Any], key: str = "") -> Path:
    """A wrk script that posts a body, with an API key if there is one."""
    headers = {"content-type": "application/json"}
    if key:
        headers["authorization"] = f"Bearer {key}"
    lines = ['wrk.method = "POST"']
    lines += [f'wrk.headers["{header}"] = "{value}"' for header, value in headers.items()]
    lines += [f"wrk.body = [==[{json.dumps(body, ensure_ascii=False)}]==]", ""]
    path = directory / f"{name}.lua"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def cpu_seconds(pid: int) -> float:
    """CPU seconds that a process has taken."""
    facts = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(facts[11]) + int(facts[12])) / os.sysconf("SC_CLK_TCK")


def measure(target: Target, connections: int, seconds: int) -> Measured:
    """One run of wrk with one thread."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "20s"]
    time.sleep(PAUSE_SECONDS)
    before = cpu_seconds(target.pid)
    run = subprocess.run(
        [*command, "-s", str(target.script), target.url], capture_output=True, text=True, check=True
    )
    cpu = cpu_seconds(target.pid) - before
    if failed := re.search(r"Non-2xx.*|Socket errors.*", run.stdout):
        sys.exit(f"{target.name}: {failed[0]}")
    found = {
        key: re.search(rf"{key}\s+(\S+)", run.stdout) for key in ("Requests/sec:", "50%", "99%")
    }
    rate, p50, p99 = (match[1] if match else "0" for match in found.values())
    answered = re.search(r"(\d+) requests in", run.stdout)
    return Measured(float(rate), cpu / int(answered[1] if answered else 1) * 1e6, p50, p99)


Runs = dict[str, list[Measured]]


def in_turns(targets: list[Target], turns: int, connections: int, seconds: int) -> Runs:
    """Loads the servers one after the other, in turns of reversed order; prints their medians."""
    runs: Runs = {target.name: [] for target in targets}
    for turn in range(turns):
        for target in reversed(targets) if turn % 2 else targets:
            runs[target.name].append(measure(target, connections, seconds))
    print(f"{connections} connections")
    for name, measured in runs.items():
        middle = sorted(measured, key=lambda run: run.rate)[turns // 2]
        print(
            f"  {name:<9} {middle.rate:>8,.0f} requests/s   {middle.cost:>7,.0f} us of CPU   "
            f"p50 {middle.p50:>9}   p99 {middle.p99:>9}"
        )
    return runs


def holds(bound: Bound, runs: Runs) -> bool:
    """Prints a ratio, and says whether it is within its bound."""
    pairs = zip(runs["audited"], runs[bound.other], strict=True)
    ratios = sorted(bound.value(ours) / max(bound.value(theirs), 1e-9) for ours, theirs in pairs)
    middle = statistics.median(ratios)
    limit = f"at most {bound.most:g}" if bound.least == 0 else f"at least {bound.least:g}"
    print(
        f"  {bound.what}, audited / {bound.other}: {middle:.2f} ({ratios[0]:.2f} to "
        f"{ratios[-1]:.2f}; {limit})"
    )
    return bound.least <= middle <= bound.most


def start_all(stack: ExitStack, package: Path, project: Path, work: Path) -> list[Target]:
    """The servers, started."""
    environment = {**os.environ, "PYTHONPATH": str(project / "src"), "OMP_NUM_THREADS": "1"}
    environment["MLFLOW_DISABLE_TELEMETRY"] = "true"
    # mlflow calls uvicorn
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    codes = {"audited": PREDICT, "unaudited": UNAUDITED + PREDICT, "bare": BARE}
    for name, code in (codes | {"pyfunc": PYFUNC, "save": SAVE}).items():
        (work / f"{name}.py").write_text(code, encoding="utf-8")
    python, saved, keys = sys.executable, str(work / "pyfunc"), work / "keys" / "api_keys.json"
    save = [python, str(work / "save.py"), str(package), saved, str(work / "pyfunc.py")]
    subprocess.run(save, env=environment, check=True, capture_output=True)
    keys.parent.mkdir()
    add = "from risk_model.deployment.access_keys import *; import sys; from pathlib import Path\n"
    add += "print(add_key(Path(sys.argv[1]), 'benchmark', ['predict'], ''))"
    made = subprocess.run(
        [python, "-c", add, str(keys)], env=environment, check=True, capture_output=True, text=True
    )
    body = request_body(package)
    script = request_script(work, "predict", body, made.stdout.strip())
    targets = []
    for name in codes:
        port = str(free_port())
        words = [python, str(work / f"{name}.py"), str(package), port]
        if name != "bare":
            words += [str(work / name / "audit.db"), str(keys)]
        base = f"http://127.0.0.1:{port}"
        process = stack.enter_context(running(words, environment, f"{base}/livez"))
        targets.append(Target(name, f"{base}/v1/predict", script, process.pid))
    return [*targets, start_mlflow(stack, environment, saved, body, work)]


def start_mlflow(
    stack: ExitStack, environment: dict[str, str], saved: str, body: dict[str, Any], work: Path
) -> Target:
    """`mlflow models serve`, started; its answers are made by a child of the process."""
    port = str(free_port())
    words = [sys.executable, *"-m mlflow models serve --env-manager local".split()]
    words += ["-m", saved, "-p", port]
    base = f"http://127.0.0.1:{port}"
    process = stack.enter_context(running(words, environment, f"{base}/ping"))
    script = request_script(work, "mlflow", {"dataframe_records": [body["inputs"]]})
    return Target("mlflow", f"{base}/invocations", script, process.pid)


def main() -> None:
    """Runs the comparisons and exits with 1 when a ratio is beyond its bound."""
    parser = argparse.ArgumentParser(description="An audited prediction, as ratios.")
    default = Path(__file__).parents[1] / "{{cookiecutter.project_slug}}"
    parser.add_argument("--package", type=Path, required=True, help="a sealed model package")
    parser.add_argument(
        "--project", type=Path, default=default, help="the project whose src is served"
    )
    parser.add_argument("--turns", type=int, default=6)
    parser.add_argument("--seconds", type=int, default=3)
    flags = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk is not installed; apt-get install -y wrk")
    missed = 0
    with tempfile.TemporaryDirectory() as work, ExitStack() as stack:
        targets = start_all(stack, flags.package.resolve(), flags.project, Path(work))
        for target in targets:
            measure(target, max(CONNECTIONS), 1)  # warm
        for connections in CONNECTIONS:
            bounds = [bound for bound in BOUNDS if bound.connections == connections]
            names = {"audited", *(bound.other for bound in bounds)}
            chosen = [target for target in targets if target.name in names]
            runs = in_turns(chosen, flags.turns, connections, flags.seconds)
            missed += sum(not holds(bound, runs) for bound in bounds)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
