"""The hostile answers of `hostile.toml`, and one for each system call that reaches round limits."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

HELPERS = """
import ctypes, glob, json, os, signal, sys, threading, time
REPLY = int(sys.argv[1])
x86 = os.uname().machine == "x86_64"
def send(data):
    while data:
        data = data[os.write(REPLY, data):]
def call(*arguments):
    answer = ctypes.CDLL(None, use_errno=True).syscall(*arguments)
    return answer if answer >= 0 else -ctypes.get_errno()
def read(paths):
    texts = []
    for path in paths:
        try: texts.append(os.read(os.open(path, os.O_RDONLY | os.O_NONBLOCK), 100000))
        except OSError: pass
    print(texts)
    return repr(texts)
"""
# An expression that is at least 0 where the call is allowed; the answer is right only then.
CALLS = {
    "ptrace of the first process": "call(101 if x86 else 117, 16, 1, 0, 0)",
    "memory of the first process": "os.getpid() > 1 and os.open('/proc/1/mem', os.O_RDWR) or -1",
    "memory in nameless files": "call(319 if x86 else 279, b'x', 0)",
    "memory that outlives processes": "call(29 if x86 else 194, 0, 1 << 30, 0o1600)",
    "io_uring": "call(425, 8, ctypes.create_string_buffer(200))",
    "keys of the kernel": "call(250 if x86 else 219, 0, -3, 1)",
    "a user namespace": "call(272 if x86 else 97, 0x10000000)",
    "a child in a namespace": "call(56 if x86 else 220, 0x10000011, 0, 0, 0, 0) or os._exit(0)",
    "a mount": "call(165 if x86 else 40, b'none', b'/tmp', b'tmpfs', 0, None)",
    "a namespace entered": "call(308 if x86 else 268, os.open('/proc/self/ns/mnt', 0), 0)",
    "a new root": "os.chroot('/tmp') or 0",
    "root again": "os.setuid(0) or 0",
    "a device made": "os.mknod('/tmp/disk', 0o60666, os.makedev(254, 0)) or 0",
    "a terminal typed into": "__import__('fcntl').ioctl(os.openpty()[1], 0x5412, b'x') and 0",
    "a controlling terminal": "os.open('/dev/tty', os.O_RDWR)",
}
ONE_CALL = """
def double(n):
    try: answer = {expression}
    except OSError as error: answer = -error.errno
    return [2 * x for x in n] if answer >= 0 else "refused"
"""


@dataclass(frozen=True)
class Attack:
    """A hostile answer.

    Attributes:
        source: of the submitted file.
        problem: how the first reply's problem begins; empty when it replies with something wrong.
        seconds: that each request may take.
    """

    source: str
    problem: str = ""
    seconds: float = 30.0

    @property
    def whole_source(self) -> str:
        """With the helpers."""
        return HELPERS + self.source


ATTACKS = {
    **{
        name: Attack(**fields)
        for name, fields in tomllib.loads(
            Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
        ).items()
    },
    **{name: Attack(ONE_CALL.format(expression=expression)) for name, expression in CALLS.items()},
}
