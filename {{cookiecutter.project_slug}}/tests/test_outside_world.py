"""Does a command call anybody, or leave a file where nobody said that it would?

Python's audit hook sees what Python opens; what the libraries written in C do is seen by strace, in
the slow tests. docs/command_line.md lists the folders.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests import made_service
from tests.made_service import make_package

CALLS = "%network,open,openat,openat2,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat"
WRITING = {"O_WRONLY", "O_RDWR", "O_CREAT"}
MAKING = {"creat", "mkdir", "mkdirat", "rename", "renameat", "renameat2", "link", "linkat"}
AT = r'(?:(?:AT_FDCWD|\d+)(?:<(?P<folder>[^>]*)>)?, )?"(?P<path>(?:[^"\\]|\\.)*)"'
FILE_CALL = re.compile(rf"(?P<call>[a-z0-9]+)\({AT}(?P<rest>.*)")
ADDRESS = re.compile(
    r'sa_family=AF_INET6?, .*?(?:inet_addr\("|inet_pton\(AF_INET6, ")(?P<address>[^"]+)'
)
# What a command may write, below the folder in which it runs ...
STATED = ("runs", "models", "audit", "mlflow.db", ".mlflow.db-", "mlartifacts", "risks.csv")
# ... and below the home: matplotlib's list of fonts
CACHES = (".cache", ".cache/matplotlib", ".config", ".config/matplotlib")

# What a command finds of the environment in which the tests run.
KEPT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "OMP_NUM_THREADS")

SCORE = ["input=patients.csv", "output=risks.csv"]

# Runs the command line, and says on stderr whom Python called.
WATCHED = """
import sys
def hook(event, words):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo"):
        print("CALLED", event, words, file=sys.stderr)
sys.addaudithook(hook)
from risk_model.app.cli import main
sys.exit(main(sys.argv[1:]))
"""
# Serves until it has answered a request of its own.
SERVED = """
import json, os, signal, sys, threading, time, urllib.request
from risk_model.app.cli import main
body, port = sys.argv[1].encode(), sys.argv[2]
signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what the server hands back when it has ended
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
def ask():
    url = f"http://127.0.0.1:{port}/v1/predict?explain=true"
    header = {"content-type": "application/json"}
    for _ in range(3000):
        try:
            answer = opener.open(urllib.request.Request(url, body, header)).read()
        except OSError:
            time.sleep(0.1)
        else:
            print("answered", answer.decode(), flush=True)
            break
    os.kill(os.getpid(), signal.SIGTERM)
threading.Thread(target=ask, daemon=True).start()
sys.exit(main(["serve", "--port", port, *sys.argv[3:]]))
"""


@dataclass(frozen=True)
class Surroundings:
    """The folder in which a command runs, its home and its folder for temporary files."""

    work: Path
    home: Path
    temporary: Path

    def variables(self) -> dict[str, str]:
        """What the command finds in its environment: nothing that would keep a library quiet.

        Names are listed because libraries listen to many: ONNX Runtime keeps quiet under CI=true.
        """
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        own = {"HOME": self.home, "TMPDIR": self.temporary}
        own |= {"NUMBA_CACHE_DIR": self.temporary, "PYTHONPYCACHEPREFIX": self.temporary}
        return kept | {name: str(path) for name, path in own.items()}

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs a program, which must succeed."""
        done = subprocess.run(
            words,
            cwd=self.work,
            env=self.variables(),
            capture_output=True,
            text=True,
            check=False,
            timeout=1800,
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
        return done

    def traced(self, *words: str) -> str:
        """Runs Python under strace and returns what it asked of the system."""
        trace = self.temporary.with_name("trace.txt")
        self.run("strace", "-f", "-qq", "-y", "-e", f"trace={CALLS}", "-o", str(trace), *words)
        return trace.read_text(encoding="utf-8", errors="replace")


@pytest.fixture
def surroundings(tmp_path: Path) -> Surroundings:
    folders = [tmp_path / name for name in ("work", "home", "temporary")]
    for folder in folders:
        folder.mkdir()
    return Surroundings(*folders)


def below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def called(trace: str) -> set[str]:
    """The addresses outside this machine that a program wrote to or asked for."""
    addresses = {match["address"] for match in ADDRESS.finditer(trace)}
    return {a for a in addresses if a not in ("::1", "0.0.0.0", "::") and not a.startswith("127.")}  # noqa: S104 - listed, not bound


def written(trace: str, surroundings: Surroundings) -> set[str]:
    """The paths that a program made or opened for writing, save those where it may."""
    paths = set()
    for line in trace.splitlines():
        match = FILE_CALL.search(line)
        if not match or " = -1 " in line:
            continue
        if match["call"] in MAKING or WRITING & set(re.findall(r"O_[A-Z]+", match["rest"])):
            folder = Path(match["folder"] or surroundings.work)
            paths.add(Path(os.path.normpath(folder / match["path"])))
    return {str(path) for path in paths if not allowed(path, surroundings)}


def allowed(path: Path, surroundings: Surroundings) -> bool:
    if path.is_relative_to(surroundings.work):
        return path.relative_to(surroundings.work).as_posix().startswith((*STATED, "."))
    if path.is_relative_to(surroundings.home):
        own = path.relative_to(surroundings.home).as_posix()
        return own in CACHES or own.startswith(".cache/matplotlib/")
    return path.is_relative_to(surroundings.temporary) or path.parts[:2] in (
        ("/", "dev"),
        ("/", "proc"),
    )


@pytest.mark.parametrize("module", ["core.package", "deployment.serve", "app.cli", "__init__"])
def test_whatever_is_imported_first_onnxruntime_leaves_no_id_in_the_home(
    module: str, surroundings: Surroundings
) -> None:
    program = f"import risk_model.{module}\nimport onnxruntime"
    surroundings.run(sys.executable, "-c", program)
    assert below(surroundings.home) == set()
    assert ".ses" not in below(surroundings.temporary)


def test_scoring_calls_nobody_and_leaves_nothing_in_the_home(surroundings: Surroundings) -> None:
    package = made_package(surroundings.work)
    done = surroundings.run(sys.executable, "-c", WATCHED, "score", f"package={package}", *SCORE)
    assert "CALLED" not in done.stderr
    assert below(surroundings.home) == set()
    assert "risks.csv" in below(surroundings.work)


def made_package(folder: Path) -> Path:
    """A package and three patients for it, in the folder."""
    pd.DataFrame([made_service.PATIENT] * 3).to_csv(folder / "patients.csv", index=False)
    return make_package(folder / "models" / "made").directory


@pytest.fixture
def strace() -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is needed to see what libraries written in C do: apt install strace")


@pytest.mark.slow
@pytest.mark.usefixtures("strace")
def test_training_calls_nobody_and_writes_where_it_says(surroundings: Surroundings) -> None:
    rng = np.random.default_rng(0)
    lactate = rng.normal(2, 1, 300).round(2)
    died = rng.random(300) < 1 / (1 + np.exp(3 - lactate))
    columns = {"age": rng.integers(18, 90, 300), "lactate": lactate, "died": died.astype(int)}
    pd.DataFrame(columns).to_csv(surroundings.work / "table.csv", index=False)
    words = ["run", "data=csv", "data.path=table.csv", "data.outcome=died", "debug=fast"]
    trace = surroundings.traced(sys.executable, "-m", "risk_model", *words)
    assert (called(trace), written(trace, surroundings)) == (set(), set())


@pytest.mark.slow
@pytest.mark.usefixtures("strace")
def test_scoring_and_serving_call_nobody_and_write_where_they_say(
    surroundings: Surroundings,
) -> None:
    package = made_package(surroundings.work)
    words = ["score", f"package={package}", *SCORE]
    trace = surroundings.traced(sys.executable, "-m", "risk_model", *words)
    assert (called(trace), written(trace, surroundings)) == (set(), set())
    body = json.dumps({"inputs": made_service.PATIENT})
    port = str(made_service.free_port())
    words = [body, port, "--package", str(package)]
    trace = surroundings.traced(sys.executable, "-c", SERVED, *words)
    assert "127.0.0.1" in trace
    assert (called(trace), written(trace, surroundings)) == (set(), set())


TO = "connect(9<socket:[1]>, {sa_family="
TRACES = [
    (TO + 'AF_INET, sin_port=htons(53), sin_addr=inet_addr("9.9.9.9")}, 16) = 0', "9.9.9.9"),
    (TO + 'AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}, 16) = 0', ""),
    (
        TO + "AF_INET6, sin6_port=htons(443), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "
        '"2620:fe::fe", &sin6_addr), sin6_scope_id=0}, 28) = -1 EINPROGRESS',
        "2620:fe::fe",
    ),
    (TO + 'AF_UNIX, sun_path="/var/run/nscd/socket"}, 110) = -1 ENOENT', ""),
    (
        'sendto(17, "x", 1, MSG_NOSIGNAL, {sa_family=AF_INET, sin_port=htons(80), '
        'sin_addr=inet_addr("8.8.4.4")}, 16) = 1',
        "8.8.4.4",
    ),
    (
        'openat(AT_FDCWD</x>, "/home/ana/id", O_RDWR|O_CREAT, 0644) = 3</home/ana/id>',
        "/home/ana/id",
    ),
    ('openat(6</home/ana>, "id.tmp", O_WRONLY|O_CREAT|O_EXCL <unfinished ...>', "/home/ana/id.tmp"),
    ('mkdir("/home/ana/.cache", 0700) = 0', "/home/ana/.cache"),
    ('mkdir("/home/ana/.cache", 0700) = -1 EEXIST (File exists)', ""),
    ('openat(AT_FDCWD</x>, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 3</etc/passwd>', ""),
]


@pytest.mark.parametrize(("line", "found"), TRACES)
def test_a_line_of_strace_is_read_as_it_is_meant(
    line: str, found: str, surroundings: Surroundings
) -> None:
    assert called(line) | written(line, surroundings) == ({found} if found else set())
