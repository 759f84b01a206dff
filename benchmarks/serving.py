"""Speed of an audited answer, as ratios to a bare route and to `mlflow models serve` in one run.

    python benchmarks/serving.py --package DIR [--project DIR] [--repeats 5] [--seconds 3]
                                 [--connections 64]

Three servers answer for the same patient, one worker each, in turns, so that a busy machine slows
all of them:
  predict  this project's POST /v1/predict: validated, scored, its audit record durably on disk
           before the answer
  bare     a FastAPI route, on the same server, that validates the same body with pydantic (strict,
           ranges, categories) and does nothing else
  mlflow   `mlflow models serve` of the same graph behind the same encoder, as a pyfunc model that
           checks its signature
A ratio is the median over the repeats of requests per second against the server run just before.
Needs `wrk` (apt-get install -y wrk). An answer that is not 2xx fails the benchmark.
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
Body = create_model("Body", __config__=strict, inputs=(Inputs, ...))
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
port, log = int(sys.argv[2]), Path(sys.argv[3])
reason = "benchmark: no patient is served"
serve(Path(sys.argv[1]), "127.0.0.1", port, log, reason, ServerSettings(health_port=0))
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


@dataclass(frozen=True)
class Target:
    """A running server: where requests go and with what."""

    name: str
    url: str
    script: Path


@dataclass(frozen=True)
class Measured:
    """One run of wrk: requests per second, and the 50th and 99th percentile of latency as wrk
    prints them.
    """

    rate: float
    p50: str
    p99: str


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


def request_script(directory: Path, name: str, body: dict[str, Any]) -> Path:
    """A wrk script that posts a body."""
    path, text = directory / f"{name}.lua", json.dumps(body, ensure_ascii=False)
    quote = (
        'wrk.method = "POST"\nwrk.headers["content-type"] = "application/json"\nwrk.body = [==['
        + text
        + "]==]\n"
    )
    path.write_text(quote, encoding="utf-8")
    return path


def measure(target: Target, connections: int, seconds: int) -> Measured:
    """One run of wrk with one thread."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "20s"]
    run = subprocess.run(
        [*command, "-s", str(target.script), target.url], capture_output=True, text=True, check=True
    )
    if failed := re.search(r"Non-2xx.*|Socket errors.*", run.stdout):
        sys.exit(f"{target.name}: {failed[0]}")
    found = {
        key: re.search(rf"{key}\s+(\S+)", run.stdout) for key in ("Requests/sec:", "50%", "99%")
    }
    rate, p50, p99 = (match[1] if match else "?" for match in found.values())
    return Measured(float(rate), p50, p99)


def compare(ours: Target, other: Target, repeats: int, connections: int, seconds: int) -> float:
    """Loads both servers in turns, prints their medians, and returns the median ratio of
    neighbours, ours / other.
    """
    runs = [
        (measure(other, connections, seconds), measure(ours, connections, seconds))
        for _ in range(repeats)
    ]
    for target, column in ((other, 0), (ours, 1)):
        middle = sorted((pair[column] for pair in runs), key=lambda run: run.rate)[repeats // 2]
        print(
            f"  {target.name:<8} {middle.rate:>9,.0f} requests/s   p50 {middle.p50:>9}   p99 "
            f"{middle.p99:>9}"
        )
    ratios = sorted(mine.rate / max(theirs.rate, 1.0) for theirs, mine in runs)
    print(
        f"  ratio {statistics.median(ratios):.2f} (of {repeats} runs: {ratios[0]:.2f} to "
        f"{ratios[-1]:.2f})"
    )
    return statistics.median(ratios)


def start_all(stack: ExitStack, package: Path, project: Path, work: Path) -> dict[str, Target]:
    """The three servers, started."""
    environment = {**os.environ, "PYTHONPATH": str(project / "src"), "OMP_NUM_THREADS": "1"}
    environment["MLFLOW_DISABLE_TELEMETRY"] = "true"
    environment["PATH"] = (
        f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"  # mlflow calls uvicorn
    )
    for name, code in (("pyfunc", PYFUNC), ("save", SAVE), ("bare", BARE), ("predict", PREDICT)):
        (work / f"{name}.py").write_text(code, encoding="utf-8")
    inputs, python, saved = patient(package), sys.executable, str(work / "pyfunc")
    save = [python, str(work / "save.py"), str(package), saved, str(work / "pyfunc.py")]
    subprocess.run(save, env=environment, check=True, capture_output=True)
    ports = {name: free_port() for name in ("bare", "predict", "mlflow")}
    module = [
        python,
        *"-m mlflow models serve --env-manager local".split(),
        "-m",
        saved,
        "-p",
        str(ports["mlflow"]),
    ]
    commands = {
        "bare": (
            [python, str(work / "bare.py"), str(package), str(ports["bare"])],
            "/livez",
            "/v1/predict",
        ),
        "predict": (
            [
                python,
                str(work / "predict.py"),
                str(package),
                str(ports["predict"]),
                str(work / "audit.db"),
            ],
            "/livez",
            "/v1/predict",
        ),
        "mlflow": (module, "/ping", "/invocations"),
    }
    targets = {}
    for name, (command, probe, route) in commands.items():
        base = f"http://127.0.0.1:{ports[name]}"
        stack.enter_context(running(command, environment, base + probe))
        body = {"dataframe_records": [inputs]} if name == "mlflow" else request_body(package)
        targets[name] = Target(name, base + route, request_script(work, name, body))
    return targets


def main() -> None:
    """Runs the comparisons and exits with 1 when a ratio is below its bound."""
    parser = argparse.ArgumentParser(
        description="Requests per second of an audited prediction, as ratios."
    )
    default = Path(__file__).parents[1] / "{{cookiecutter.project_slug}}"
    parser.add_argument("--package", type=Path, required=True, help="a sealed model package")
    parser.add_argument(
        "--project", type=Path, default=default, help="the project whose src is served"
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=64)
    flags = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk is not installed; apt-get install -y wrk")
    with tempfile.TemporaryDirectory() as work, ExitStack() as stack:
        targets = start_all(stack, flags.package.resolve(), flags.project, Path(work))
        settings = (flags.repeats, flags.connections, flags.seconds)
        for target in targets.values():
            measure(target, flags.connections, 1)  # warm
        print(
            f"/v1/predict, audited, {flags.connections} connections, against a bare validating "
            "route (>= 0.50):"
        )
        bare = compare(targets["predict"], targets["bare"], *settings)
        print("against mlflow models serve of the same model (>= 20):")
        mlflow = compare(targets["predict"], targets["mlflow"], *settings)
    sys.exit(0 if bare >= 0.5 and mlflow >= 20 else 1)


if __name__ == "__main__":
    main()
