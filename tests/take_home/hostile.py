"""The hostile answers: what somebody could hand in instead of `double`, each with its reason.

In a source, <SECRET> is the path of a key outside, <PORT> and <NAME> are a listener's, <VICTIM> and
<GRADER> are numbers of processes outside: an attack is told what it could only guess. None of them
destroys anything where there is no sandbox: sizes and numbers end, and only the victim is ended.
"""

from __future__ import annotations

from dataclasses import dataclass


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


RAW = """
import json, os, sys, time, threading
REPLY = int(sys.argv[1])
def send(data):
    while data:
        data = data[os.write(REPLY, data):]
"""
CALL = """
import ctypes, os
def call(*arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    answer = libc.syscall(*arguments)
    return answer if answer >= 0 else -ctypes.get_errno()
"""
NO_JSON = "answered with something that is no JSON"
ENDED = "ended without an answer"

ATTACKS: dict[str, Attack] = {}


def _attack(name: str, source: str, problem: str = "", seconds: float = 30.0) -> None:
    ATTACKS[name] = Attack(source, problem, seconds)


# Time
_attack("endless loop", "def double(n):\n    while True: pass", "ran longer than", 1.0)
_attack(
    "sleep that ignores signals",
    """
import signal, time
def double(n):
    for number in range(1, 65):
        try: signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError): pass
    time.sleep(600)
""",
    "ran longer than",
    1.0,
)
_attack(
    "half a line, then sleep",
    RAW + "def double(n):\n    send(b'{\"answer\": [')\n    time.sleep(600)",
    "ran longer than",
    1.0,
)
_attack(
    "stdin that is never read",
    RAW + "time.sleep(600)",
    "ran longer than",
    1.0,
)

# Size
_attack(
    "300 forks",
    """
import os, time
def double(n):
    count = 0
    for _ in range(300):
        try:
            if os.fork() == 0:
                time.sleep(20)
                os._exit(0)
            count += 1
        except OSError: break
    return f"{count} processes" if count < 60 else None
""",
)
_attack(
    "threads without end",
    """
import threading, time
def double(n):
    for count in range(3000):
        try: threading.Thread(target=time.sleep, args=(20,), daemon=True).start()
        except RuntimeError: return f"{count} threads"
""",
)
_attack("10 GB in one process", "def double(n):\n    return len(bytearray(10 << 30))")
_attack(
    "10 GB over many processes",
    """
import os, time
def double(n):
    for _ in range(15):
        if os.fork() == 0:
            kept = b"x" * (100 << 20)
            time.sleep(20)
            os._exit(0)
    time.sleep(20)
""",
    "used more than 300 MB",
)
_attack(
    "memory in nameless files",
    CALL
    + """
def double(n):
    file = call(319 if os.uname().machine == "x86_64" else 279, b"x", 0)
    return "refused" if file < 0 else [2 * x for x in n]
""",
)
_attack(
    "memory in shared segments that outlive processes",
    CALL
    + """
def double(n):
    made = call(29 if os.uname().machine == "x86_64" else 194, 0, 1 << 30, 0o1600)
    return "refused" if made < 0 else [2 * x for x in n]
""",
)
_attack(
    "a full disk",
    """
import os
def double(n):
    written = 0
    for folder in ("/tmp", "/dev/shm", "/var/tmp", "/audit", "/dev", "/", "/root", "/tree", "/work"):
        for number in range(30):
            try:
                with open(f"{folder}/fill{number}", "wb") as file: written += file.write(bytes(7 << 20))
            except OSError: break
    return f"{written >> 20} MB" if written < 30 << 20 else [2 * x for x in n]
""",
)
_attack(
    "limits taken back",
    """
import resource
def double(n):
    raised = []
    for limit in (resource.RLIMIT_AS, resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE):
        try:
            resource.setrlimit(limit, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            raised.append(limit)
        except (OSError, ValueError): pass
    return [2 * x for x in n] if raised else "refused"
""",
)
_attack(
    "300 MB of a reply",
    RAW + "def double(n):\n    for _ in range(300): send(b'1' * (1 << 20))",
    "answered with more than",
)
_attack(
    "a flood of output",
    """
import sys
def double(n):
    for _ in range(2000): sys.stdout.write("x" * 10000)
    sys.stderr.write("y" * 1000000)
    return "flooded"
""",
)

# Reading
READ = """
import glob, os
def double(n):
    texts = []
    for path in %s:
        try:
            file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            texts.append(os.read(file, 100000))
        except OSError: pass
    print(texts)
    return repr(texts)
"""
_attack(
    "the key read by its path",
    READ % '["<SECRET>", "/proc/1/root<SECRET>", "/proc/self/cwd/../..<SECRET>"]',
)
_attack("environments read", READ % 'glob.glob("/proc/*/environ") + ["/proc/<GRADER>/environ"]')
_attack(
    "memory and descriptors of others read",
    READ
    % 'glob.glob("/proc/*/fd/*") + ["/proc/<GRADER>/fd/3", "/dev/mem", "/dev/vda", "/proc/kcore"]',
)
_attack(
    "expected values and later inputs sought",
    """
import gc, os, select, sys
def double(n):
    frames, frame = [], sys._getframe()
    while frame:
        frames.append(sorted(map(str, frame.f_locals)))
        frame = frame.f_back
    waiting = select.select([0], [], [], 0)[0]
    later = os.read(0, 100) if waiting else b""
    return {"later": later.decode(), "argv": sys.argv, "environ": dict(os.environ)}
""",
)
_attack(
    "a link from the audit to the key",
    """
import os
def double(n):
    for name, target in (("a", "<SECRET>"), ("b", "/etc/passwd"), ("c", "/proc/1/environ")):
        try: os.symlink(target, "/audit/" + name)
        except OSError: pass
    try: os.link("<SECRET>", "/audit/d")
    except OSError: pass
    os.mkfifo("/audit/e")
    os.makedirs("/audit/" + "/".join("f" * 200))
    with open("/audit/g", "wb") as file: file.truncate(7 << 20)
    return "linked"
""",
)

# Writing
_attack(
    "files written outside",
    """
import os
def double(n):
    for path in ("<SECRET>", "/tree/answer.py", "/tree/adapters.py", "/proc/1/root<SECRET>"):
        try:
            with open(path, "ab") as file: file.write(b"x")
        except OSError: pass
    for path in ("/tree/new.py", os.path.dirname("<SECRET>") + "/new"):
        try: open(path, "w").close()
        except OSError: pass
        try: os.unlink(path.replace("new", "answer"))
        except OSError: pass
    return "written"
""",
)
_attack(
    "compiled files smuggled in",
    """
import os, py_compile
def double(n):
    try:
        os.makedirs("/tree/__pycache__", exist_ok=True)
        py_compile.compile("/tree/answer.py", "/tree/__pycache__/answer.cpython-311.pyc")
        return [2 * x for x in n]
    except OSError: return "refused"
""",
)

# Others
_attack(
    "listeners of the machine",
    """
import socket
def double(n):
    for family, kind, address in (
        (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", <PORT>)),
        (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", <PORT>)),
        (socket.AF_UNIX, socket.SOCK_STREAM, "\\0<NAME>"),
        (socket.AF_INET, socket.SOCK_STREAM, ("192.0.2.1", 80)),
    ):
        try:
            with socket.socket(family, kind) as connection:
                connection.settimeout(1)
                connection.connect(address)
                connection.send(b"hello")
                if kind == socket.SOCK_STREAM: return [2 * x for x in n]
        except OSError: pass
    return "refused"
""",
)
_attack(
    "sockets that no network namespace holds",
    """
import socket
def double(n):
    for family in (16, 17, 38, 40):  # netlink, packet, AF_ALG, vsock
        try: socket.socket(family, socket.SOCK_DGRAM).close()
        except OSError: continue
        return [2 * x for x in n]
    return "refused"
""",
)
_attack(
    "signals to the grader",
    """
import os, signal
def double(n):
    for process in (<VICTIM>, os.getppid()):
        if process not in (0, 1, os.getpid()):
            try: os.kill(process, signal.SIGKILL)
            except OSError: pass
    os.kill(0, signal.SIGTERM)
    return "signalled"
""",
)
_attack(
    "SIGKILL to its own group and to the first process",
    """
import os, signal
def double(n):
    try: os.kill(1, signal.SIGKILL)
    except OSError: pass
    os.killpg(0, signal.SIGKILL)
    os.abort()
""",
    ENDED,
)
SYSTEM_CALLS = {
    "ptrace of the first process": "call(*((101,) if x86 else (117,)), 16, 1, 0, 0)",
    "memory of the first process written": "open('/proc/1/mem', 'r+b').fileno() if os.getpid() != 1 else -1",
    "io_uring": "call(425, 8, ctypes.create_string_buffer(200))",
    "keys of the kernel": "call(250 if x86 else 219, 0, -3, 1)",
    "a user namespace": "call(272 if x86 else 97, 0x10000000)",
    "a mount": "call(165 if x86 else 40, b'none', b'/tmp', b'tmpfs', 0, None)",
    "a namespace entered": "call(308 if x86 else 268, os.open('/proc/self/ns/mnt', 0), 0)",
    "a new root": "os.chroot('/tmp') or 0",
    "root again": "os.setuid(0) or 0",
    "a device made": "os.mknod('/tmp/disk', 0o60666, os.makedev(254, 0)) or 0",
    "a terminal typed into": "__import__('fcntl').ioctl(0, 0x5412, b'x') and 0",
    "a controlling terminal": "os.open('/dev/tty', os.O_RDWR)",
}
for _name, _expression in SYSTEM_CALLS.items():
    _attack(
        _name,
        CALL
        + f"""
def double(n):
    x86 = os.uname().machine == "x86_64"
    try: answer = {_expression}
    except OSError as error: answer = -error.errno
    return [2 * x for x in n] if answer >= 0 else "refused"
""",
    )
_attack(
    "survivors with their own session",
    """
import os, time
def double(n):
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            if os.fork(): os._exit(0)
            for descriptor in range(3, 100):
                if descriptor % 2:
                    try: os.close(descriptor)
                    except OSError: pass
            while True: time.sleep(1)
    os._exit(0)
""",
    # The first process is the answer itself for an ordinary user, and bubblewrap for root.
    "",
)
_attack(
    "survivors that keep the pipes",
    """
import ctypes, os, time
def double(n):
    ctypes.CDLL(None).prctl(1, 0)
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0: time.sleep(600)
        os._exit(0)
    return "left"
""",
)

# Replies
_attack(
    "a reply before the request",
    RAW + "send(b'{\"answer\": [2, 4, 6]}\\n')",
)
_attack(
    "a second reply to the same request",
    RAW + 'def double(n):\n    send(b\'{"answer": 0}\\n{"answer": 0}\\n\')\n    return 0',
    "answered one request twice",
)
_attack(
    "a second reply some time later",
    RAW
    + """
def double(n):
    threading.Timer(0.05, send, [b'{"answer": [1]}\\n']).start()
    time.sleep(0.1 * (n[0] < 0))
    return 0
""",
)
_attack(
    "writing to every descriptor",
    """
import os
def double(n):
    for descriptor in range(1, 128):
        try: os.write(descriptor, b'{"answer": "full marks", "exit-code": 0}\\n')
        except OSError: pass
    return 0
""",
    "",
)
_attack("exit of the process", "import os\ndef double(n): os._exit(0)", ENDED)
_attack("exit at import", "raise SystemExit(0)", ENDED)
_attack("segmentation fault", "import ctypes\ndef double(n): ctypes.string_at(0)", ENDED)
_attack(
    "closed reply",
    RAW + "def double(n):\n    os.close(REPLY)\n    time.sleep(600)",
    "closed its reply",
)
_attack(
    "deep JSON", RAW + "def double(n):\n    send(b'[' * 200000 + b'\\n'); time.sleep(600)", NO_JSON
)
_attack(
    "JSON as deep as Python reads it",
    RAW + "def double(n):\n    send(b'[' * 900 + b']' * 900 + b'\\n'); time.sleep(600)",
    NO_JSON,
)
_attack("half a character", RAW + "def double(n):\n    return chr(0xd800)", NO_JSON)
_attack("no JSON", RAW + "def double(n):\n    send(b'full marks\\n'); time.sleep(600)", NO_JSON)
_attack("NaN and infinite", "def double(n): return [float('nan'), float('inf'), -float('inf')]")
_attack(
    "numbers beyond all numbers",
    """
import json
json.dumps = lambda *a: '{"answer": [1e999, ' + "9" * 4000 + ", -1e999]}"
def double(n): return n
""",
)
_attack(
    "an object equal to anything",
    """
class Any(list):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 0
def double(n): return Any()
""",
)
_attack(
    "json patched in its process",
    """
import builtins, json
json.loads = lambda *a, **k: [0]
json.dumps = lambda *a, **k: '{"answer": "full marks"}'
builtins.sorted = builtins.len = lambda *a: 0
def double(n): return n
""",
)
