"""Does a command call anybody, or leave a file where nobody said that it would?

Python's audit hook sees what Python opens; what the libraries written in C do is seen by strace, in
the slow tests. docs/command_line.md lists the folders.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests import made_service
from tests.isolated import IPV6_PROBE, Surroundings, called, sockets, written
from tests.made_service import make_package

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


@pytest.fixture
def surroundings(tmp_path: Path) -> Surroundings:
    return Surroundings.below(tmp_path)


def below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


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


@pytest.mark.slow
def test_training_calls_nobody_and_writes_where_it_says(surroundings: Surroundings) -> None:
    rng = np.random.default_rng(0)
    lactate = rng.normal(2, 1, 300).round(2)
    died = rng.random(300) < 1 / (1 + np.exp(3 - lactate))
    columns = {"age": rng.integers(18, 90, 300), "lactate": lactate, "died": died.astype(int)}
    pd.DataFrame(columns).to_csv(surroundings.work / "table.csv", index=False)
    words = ["run", "data=csv", "data.path=table.csv", "data.outcome=died", "debug=fast"]
    trace = surroundings.traced(sys.executable, "-m", "risk_model", *words)
    assert (called(trace), written(trace, surroundings)) == (set(), set())
    assert set(sockets(trace)) <= IPV6_PROBE


@pytest.mark.slow
def test_scoring_opens_no_socket_and_writes_where_it_says(surroundings: Surroundings) -> None:
    package = made_package(surroundings.work)
    words = ["score", f"package={package}", *SCORE]
    trace = surroundings.traced(sys.executable, "-m", "risk_model", *words)
    assert "risks.csv" in below(surroundings.work)
    assert (sockets(trace), written(trace, surroundings)) == ([], set())


BODY = json.dumps(made_service.request_body(made_service.PATIENT))
REQUESTS = [
    ("/readyz", None, 200),
    ("/v1/model", None, 200),
    ("/openapi.json", None, 200),
    *[("/v1/predict?explain=true", BODY, 200)] * 20,
    ("/v1/predict", "{}", 422),
    ("/v1/predict", "{", 400),
    ("/v1/predict", " " * 70_000, 413),
    ("/nowhere", BODY, 404),
]


@pytest.mark.slow
def test_the_server_opens_no_socket_but_the_listeners_it_states_and_writes_its_log_alone(
    surroundings: Surroundings,
) -> None:
    asked = [(path, body) for path, body, _ in REQUESTS]
    served = surroundings.served(made_package(surroundings.work), made_service.free_port(), asked)
    assert served.statuses == [status for _, _, status in REQUESTS]
    assert set(sockets(served.trace)) == {"socket AF_INET", "listen"} | served.bound
    assert sockets(served.trace).count("socket AF_INET") == len(served.bound) == 2
    assert written(served.trace, surroundings) == set()


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
    ('mkdir("/home/ana/.x", 0700) = -1 EROFS (Read-only file system)', "/home/ana/.x"),
    ('openat(AT_FDCWD</x>, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 3</etc/passwd>', ""),
]


@pytest.mark.parametrize(("line", "found"), TRACES)
def test_a_line_of_strace_is_read_as_it_is_meant(
    line: str, found: str, surroundings: Surroundings
) -> None:
    assert called(line) | written(line, surroundings) == ({found} if found else set())


SOCKETS = [
    ("socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP) = 3", ["socket AF_INET"]),
    ("socket(AF_INET6, SOCK_STREAM, IPPROTO_IP) = -1 EAFNOSUPPORT (not supported)", []),
    ("socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_ROUTE) = 3", ["socket AF_NETLINK"]),
    ("socketpair(AF_UNIX, SOCK_STREAM, 0, [15, 16]) = 0", []),
    ("socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0) = 7", []),
    ('connect(7, {sa_family=AF_UNIX, sun_path="/var/run/nscd/socket"}, 110) = 0', []),
    ('connect(7, {sa_family=AF_UNIX, sun_path="/run/docker.sock"}, 110) = 0', ["connect AF_UNIX"]),
    (
        'bind(3<socket:[1]>, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("0.0.0.0")'
        "}, 16 <unfinished ...>",
        ["bind 0.0.0.0 80"],
    ),
    (
        TO + 'AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}, 16) = 0',
        ["connect 127.0.0.1 80"],
    ),
    ("listen(3<socket:[1]>, 2048) = 0", ["listen"]),
    ("recvfrom(9, 1, 2, 0, NULL, NULL) = 4", []),
]


@pytest.mark.parametrize(("line", "found"), SOCKETS)
def test_a_socket_in_a_trace_is_named_by_what_it_is_for(line: str, found: list[str]) -> None:
    assert sockets(line) == found
