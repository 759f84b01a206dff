"""The command line of the sandbox: bubblewrap's arguments, and what to do where it does not start.

Source: bubblewrap's manual page (bwrap(1)) and prlimit(1), setpriv(1) of util-linux.
"""

from __future__ import annotations

import os
import secrets
import shutil
import site
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

TREE = "/tree"
AUDIT = "/audit"
# What the processes inside find in their environment: nothing of the grader's own.
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/tmp",  # noqa: S108  the sandbox's own, empty and of a fixed size
    "TMPDIR": "/tmp",  # noqa: S108
    "USER": "candidate",
    "LANG": "C.UTF-8",
    "PYTHONPATH": f"{TREE}/src",
    "PYTHONHASHSEED": "0",
    "PYTHONUNBUFFERED": "1",  # what was printed is there when the process is ended
    "OMP_NUM_THREADS": "1",
    "NUMBA_CACHE_DIR": "/tmp/numba",  # noqa: S108
    "MPLCONFIGDIR": "/tmp/matplotlib",  # noqa: S108
}
# systemd keeps these numbers for services without an account; nobody logs in as one of them.
FIRST_UID, UIDS = 61184, 4336
CAP_SYS_ADMIN = 21
# The kernel ends a process this many seconds after the watch should have, which can say why.
LATER = 5


class SandboxError(Exception):
    """The sandbox does not start or does not hold; the message names the remedy."""


@dataclass(frozen=True)
class Limits:
    """What one sandbox may use.

    Attributes:
        cpu: processor time of each process, seconds.
        wall: from the start to the end, seconds.
        memory: address space of each process, and resident memory of all together, bytes.
        processes: processes and threads at one time.
        file: size of one file, and of each of the three writable folders, bytes.
        descriptors: open files of each process.
        reply: length of one reply, bytes.
    """

    cpu: int = 150
    wall: float = 180.0
    memory: int = 3 << 30
    processes: int = 64
    file: int = 64 << 20
    descriptors: int = 128
    reply: int = 4 << 20


LIMITS = Limits()

# What bubblewrap writes when it cannot start, and what helps. The first that stands in its output.
REMEDIES = (
    (
        "setting up uid map: Permission denied",
        "grade with sudo, or allow user namespaces: "
        "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    ("ENOSPC", "user namespaces are forbidden here: grade with sudo"),
    ("No permissions to create", "user namespaces are forbidden here: grade with sudo"),
    ("Unknown option", "install bubblewrap 0.8 or newer (Debian 12, Ubuntu 24.04)"),
    (
        "failed to execute",
        "install setpriv and prlimit: apt install util-linux",
    ),
    (
        "Operation not permitted",
        "start the container with --security-opt seccomp=unconfined "
        "--security-opt apparmor=unconfined, or grade outside of it",
    ),
    (
        "Permission denied",
        "this user may not read Python or the project: grade as their owner, or with sudo",
    ),
)


def remedy(output: str) -> str:
    """What to do about bubblewrap's complaint."""
    found = (advice for text, advice in REMEDIES if text in output)
    return next(found, "run `bwrap --ro-bind / / true` to see what bubblewrap lacks")


def tool(name: str, package: str) -> str:
    """The path of a program that the sandbox needs.

    Raises:
        SandboxError: it is not installed, or this system has none.
    """
    if not sys.platform.startswith("linux"):
        raise SandboxError(
            "Grading needs bubblewrap, which runs on Linux only: grade under WSL 2, on a Linux "
            "machine, or with take_home/grade-workflow.yml in a private repository"
        )
    path = shutil.which(name)
    if path is None:
        raise SandboxError(f"Grading needs {name}: apt install {package}")
    return path


def is_root() -> bool:
    """Whether the sandbox is made by root, or else by an ordinary user in a user namespace.

    Raises:
        SandboxError: root without the capability to mount, as in a container. An ordinary user's
            sandbox would leave root's processes unlimited: the kernel counts them for others only.
    """
    if os.geteuid() != 0:
        return False
    if not may_mount(Path("/proc/self/status").read_text(encoding="ascii")):
        raise SandboxError(
            "This root may not mount (no CAP_SYS_ADMIN): start the container with --cap-add "
            "SYS_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined, or "
            "grade as an ordinary user or outside of it"
        )
    return True


def may_mount(status: str) -> bool:
    """Whether a process with this `/proc/PID/status` has the capability to mount."""
    effective = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    return bool(int(effective.split()[1], 16) >> CAP_SYS_ADMIN & 1)


def command(limits: Limits, root: bool) -> list[str]:
    """What runs before Python inside the sandbox: root becomes nobody, then the limits are set.

    Limits are set inside, since those of processes would count all that this user runs outside.
    Each of root's sandboxes has its own user, so that they do not share one count.
    """
    uid = FIRST_UID + secrets.randbelow(UIDS)
    user = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
    user += ["--inh-caps=-all", "--no-new-privs"]
    values = {
        "cpu": limits.cpu + LATER,
        "as": limits.memory,
        "fsize": limits.file,
        "nofile": limits.descriptors,
        "nproc": limits.processes,
        "core": 0,
        "msgqueue": 0,
    }
    return [*(user if root else []), "prlimit", *(f"--{name}={v}" for name, v in values.items())]


def options(
    tree: Path, files: Mapping[str, int], limits: Limits, root: bool, audit: bool
) -> list[str]:
    """Bubblewrap's options.

    Args:
        tree: seen as `/tree`, read-only.
        files: path in the tree -> descriptor of the content that is seen there instead.
        limits: of which the size of the writable folders is used here.
        root: whether root starts it.
        audit: whether there is a writable folder `/audit`.
    """
    return [
        *_namespaces(root),
        *("--proc", "/proc", "--dev", "/dev"),
        *_writable("/dev/shm", limits.file),  # noqa: S108
        *_writable("/tmp", limits.file),  # noqa: S108
        *_system(),
        *_python(),
        *("--ro-bind", str(tree), TREE),
        *(_writable(AUDIT, limits.file) if audit else []),
        *(
            argument
            for path, descriptor in files.items()
            for argument in ("--perms", "0444", "--ro-bind-data", str(descriptor), f"{TREE}/{path}")
        ),
        # Bubblewrap's own root and /dev are memory without a limit, and an ordinary user owns them.
        *("--remount-ro", "/dev", "--remount-ro", "/"),
        *("--chdir", "/tmp", "--clearenv"),  # noqa: S108
        *(part for name, value in ENVIRONMENT.items() for part in ("--setenv", name, value)),
    ]


def _namespaces(root: bool) -> list[str]:
    common = "--unshare-ipc --unshare-pid --unshare-net --unshare-uts --unshare-cgroup-try"
    ends = "--die-with-parent --new-session --hostname sandbox"
    # Bubblewrap as process 1 would be the ordinary user's own: its memory could be written, and it
    # runs without the filter of system calls. Root's is another user's.
    user = "--unshare-user --disable-userns --uid 61184 --gid 61184 --cap-drop ALL --as-pid-1"
    privileged = "--cap-drop ALL --cap-add CAP_SETUID --cap-add CAP_SETGID"
    return f"{common} {ends} {privileged if root else user}".split()


def _writable(folder: str, size: int) -> list[str]:
    return ["--perms", "1777", "--size", str(size), "--tmpfs", folder]


def _system() -> Iterator[str]:
    """The system's programs and libraries."""
    yield from ("--ro-bind", "/usr", "/usr")
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        folder = Path("/", name)
        if folder.is_symlink():
            yield from ("--symlink", str(folder.readlink()), str(folder))
        else:
            yield from ("--ro-bind-try", str(folder), str(folder))
    yield from ("--dir", "/etc")
    for path in ("/etc/ld.so.cache", "/etc/alternatives"):
        yield from ("--ro-bind-try", path, path)


def _python() -> Iterator[str]:
    """The interpreter in use and its packages, which may lie under a home closed to others."""
    if not sys.executable:
        raise SandboxError("Python does not know where it lies: start it by its full path")
    interpreter = Path(sys.executable).resolve().parent.parent
    packages = {*site.getsitepackages(), site.getusersitepackages()} & set(sys.path)
    places = {Path(sys.prefix), Path(sys.base_prefix), interpreter, *map(Path, packages)}
    seen = [Path("/usr")]
    for place in sorted({p for path in places for p in (path, path.resolve())}):
        if place.exists() and place != Path("/") and not any(map(place.is_relative_to, seen)):
            seen.append(place)
            # Made here, a folder on the way is open to all; made by a bind, it is closed.
            for parent in list(reversed(place.parents))[1:]:
                yield from ("--dir", str(parent))
            yield from ("--ro-bind", str(place), str(place))
