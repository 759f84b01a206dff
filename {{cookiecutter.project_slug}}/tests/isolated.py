"""Runs a command alone, with no network and on a read-only root, and reads what it asked of Linux.

`bwrap` gives an empty network namespace and mounts everything read-only but what is named; `strace`
tells what the libraries written in C do. Nothing of the project is imported here.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

CALLS = "%network,open,openat,openat2,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat"
WRITING = {"O_WRONLY", "O_RDWR", "O_CREAT"}
MAKING = {"creat", "mkdir", "mkdirat", "rename", "renameat", "renameat2", "link", "linkat"}
AT = r'(?:(?:AT_FDCWD|\d+)(?:<(?P<folder>[^>]*)>)?, )?"(?P<path>(?:[^"\\]|\\.)*)"'
FILE_CALL = re.compile(rf"(?P<call>[a-z0-9]+)\({AT}(?P<rest>.*)")
ADDRESS = re.compile(
    r'sa_family=AF_INET6?, .*?(?:inet_addr\("|inet_pton\(AF_INET6, ")(?P<address>[^"]+)'
)
SOCKET_CALL = re.compile(r"\b(?P<call>socket|bind|listen|connect|sendto|sendmsg)\((?P<rest>.*)")
# how the C library asks which user this is: a daemon of the same machine, which need not run
NAME_SERVICE = "/var/run/nscd/socket"
# urllib3, which MLflow imports, asks in this way whether the machine has IPv6; nothing is sent
IPV6_PROBE = {"socket AF_INET6", "bind ::1 0"}

# What a command may write, below the folder in which it runs ...
STATED = (
    "runs",
    "models",
    "audit",
    "generated",
    "cache",
    "mlflow.db",
    ".mlflow.db-",
    "mlartifacts",
    "risks",
)
# ... and below the home: matplotlib's list of fonts
CACHES = (".cache", ".cache/matplotlib", ".config", ".config/matplotlib")

# What a command finds of the environment in which the tests run.
KEPT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "OMP_NUM_THREADS")

# Serves until its standard input is closed.
SERVED = """
import os, signal, sys, threading
from risk_model.app.cli import main
signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what the server hands back when it has ended
def stop():
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)
threading.Thread(target=stop, daemon=True).start()
sys.exit(main(["serve", *sys.argv[1:]]))
"""
# Starts the program in argv[3:], sends it the requests in the file argv[2], prints each status.
CLIENT = """
import json, subprocess, sys, time, urllib.error, urllib.request
server = subprocess.Popen(sys.argv[3:], stdin=subprocess.PIPE)
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
def ask(path, body):
    header = {"content-type": "application/json"}
    content = None if body is None else body.encode()
    url = f"http://127.0.0.1:{sys.argv[1]}{path}"
    try:
        return opener.open(urllib.request.Request(url, content, header)).status
    except urllib.error.HTTPError as error:
        return error.code
while server.poll() is None:
    try:
        ask("/livez", None)
        break
    except OSError:
        time.sleep(0.1)
if server.poll() is not None:
    sys.exit(server.returncode)
for path, body in json.load(open(sys.argv[2])):
    print("answered", ask(path, body), flush=True)
server.stdin.close()
sys.exit(server.wait())
"""


@dataclass(frozen=True)
class Served:
    """What a server did: the status of each answer, what it asked of the system, where it listened
    by what it said, as `sockets` names it.
    """

    statuses: list[int]
    trace: str
    bound: set[str]


@dataclass(frozen=True)
class Surroundings:
    """The folder in which a command runs, its home and its folder for temporary files."""

    work: Path
    home: Path
    temporary: Path

    @classmethod
    def below(cls, folder: Path) -> Surroundings:
        """Three new folders."""
        own = cls(*(folder / name for name in ("work", "home", "temporary")))
        for path in (own.work, own.home, own.temporary):
            path.mkdir()
        return own

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

    def alone(self, *words: str, writable: Iterable[Path] = ()) -> str:
        """Runs a program with no network and a read-only root; returns what it printed.

        It may write its own three folders, or only what `writable` names.
        """
        own = list(writable) or [self.work, self.home, self.temporary]
        binds = [word for path in own for word in ("--bind", str(path), str(path))]
        rootless = ["--unshare-user", "--uid", "10001", "--gid", "10001"]
        sandbox = [tool("bwrap"), "--unshare-net", *rootless, "--die-with-parent"]
        sandbox += ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", *binds]
        return self.run(*sandbox, "--chdir", str(self.work), "--", *words).stdout

    def served(self, package: Path, port: int, requests: list[tuple[str, str | None]]) -> Served:
        """Serves a package as `alone` does, and sends requests: paths, with bodies or without.

        It may write its log and the log's keys alone.
        """
        stated = [self.work / name for name in ("audit", "audit-keys")]
        for folder in stated:
            folder.mkdir()
        asked = self.temporary / "requests.json"  # too long for a command line
        asked.write_text(json.dumps(requests))
        tracer, file = self.tracer()
        server = [sys.executable, "-c", SERVED, "--port", str(port), "--package", str(package)]
        asking = [sys.executable, "-c", CLIENT, str(port), str(asked), *tracer, *server]
        printed = self.alone(*asking, writable=[*stated, self.temporary])
        ports = re.findall(r"(?:127\.0\.0\.1:|on port )(\d+)", printed)
        assert str(port) in ports
        return Served(
            [int(line.split()[1]) for line in printed.splitlines() if "answered" in line],
            file.read_text(encoding="utf-8", errors="replace"),
            {f"bind 127.0.0.1 {number}" for number in ports},
        )

    def tracer(self) -> tuple[list[str], Path]:
        """The words that trace a program and its children, and the file that they write."""
        file = self.temporary / "trace.txt"
        return [
            tool("strace"),
            "--seccomp-bpf",
            "-f",
            "-qq",
            "-y",
            "-e",
            f"trace={CALLS}",
            "-o",
            str(file),
        ], file

    def traced(self, *words: str) -> str:
        """Runs a program as `alone` does and returns what it asked of the system."""
        tracer, file = self.tracer()
        self.alone(*tracer, *words)
        return file.read_text(encoding="utf-8", errors="replace")


def tool(name: str) -> str:
    """The path of a tool; a test that needs it fails where it is not installed."""
    path = shutil.which(name)
    assert path, f"{name} is needed to see what libraries do: apt install strace bubblewrap"
    return path


def called(trace: str) -> set[str]:
    """The addresses outside this machine that a program wrote to or asked for."""
    addresses = {match["address"] for match in ADDRESS.finditer(trace)}
    return {a for a in addresses if a not in ("::1", "0.0.0.0", "::") and not a.startswith("127.")}  # noqa: S104 - listed, not bound


def sockets(trace: str) -> list[str]:
    """Every socket that a program made, bound, listened on or called, and for what.

    Left out are the pairs by which a program talks to itself, and the question who the user is.
    """
    found = []
    for line in trace.splitlines():
        match = SOCKET_CALL.search(line)
        if not match or " = -1 " in line or ("AF_UNIX" in line and _at_home(line)):
            continue
        port = re.search(r"sin6?_port=htons\((\d+)\)", line)
        family = re.search(r"\bAF_[A-Z0-9]+", match["rest"])
        address = ADDRESS.search(line)
        if match["call"] == "socket" and family:
            found.append(f"socket {family[0]}")
        elif match["call"] == "listen":
            found.append("listen")
        elif address and port:
            found.append(f"{match['call']} {address['address']} {port[1]}")
        elif family:
            found.append(f"{match['call']} {family[0]}")
    return found


def _at_home(line: str) -> bool:
    return "sun_path" not in line or NAME_SERVICE in line


def written(trace: str, surroundings: Surroundings) -> set[str]:
    """The paths that a program made or opened for writing, save those where it may.

    What only the read-only root kept from it counts too.
    """
    paths = set()
    for line in trace.splitlines():
        match = FILE_CALL.search(line)
        if not match or (" = -1 " in line and "EROFS" not in line):
            continue
        if match["call"] in MAKING or WRITING & set(re.findall(r"O_[A-Z]+", match["rest"])):
            folder = Path(match["folder"] or surroundings.work)
            paths.add(Path(os.path.normpath(folder / match["path"])))
    return {str(path) for path in paths if not allowed(path, surroundings)}


def allowed(path: Path, surroundings: Surroundings) -> bool:
    """Whether docs/command_line.md says that a command writes there."""
    if path.is_relative_to(surroundings.work):
        return path.relative_to(surroundings.work).as_posix().startswith((*STATED, "."))
    if path.is_relative_to(surroundings.home):
        own = path.relative_to(surroundings.home).as_posix()
        return own in CACHES or own.startswith(".cache/matplotlib/")
    return path.is_relative_to(surroundings.temporary) or path.parts[:2] in (
        ("/", "dev"),
        ("/", "proc"),
    )
