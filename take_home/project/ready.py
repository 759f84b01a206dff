"""Whether this machine can do the take-home: Python, platform, disk. Takes a second.

Standard library only, and no syntax that an older Python 3 could not read.
"""

import platform
import shutil
import struct
import sys
from importlib.util import find_spec
from pathlib import Path

FREE_GB = 5  # the environment takes about 2, and pip as much again while it works
PYTHON = (3, 11)


def python_problem() -> str:
    """What is wrong with this Python, and what to do; "" when nothing is."""
    if sys.version_info < PYTHON:
        return "Python 3.11 or newer is needed: make ready PYTHON=python3.11"
    if struct.calcsize("P") != 8:
        return "this Python is a 32-bit one: install a 64-bit Python 3.11"
    if find_spec("venv") is None or find_spec("ensurepip") is None:
        return "this Python makes no environments: apt install python3-venv"
    return ""


def platform_problem(system: str, machine: str) -> str:
    """What is wrong with the platform, and what to do; "" when nothing is."""
    if system == "win32":
        return "Windows itself is not supported: work in WSL 2 (wsl --install)"
    if system == "darwin" and machine == "x86_64":
        return "there is no torch for Macs with Intel: use Linux, WSL 2 or a newer Mac"
    if system not in ("linux", "darwin"):
        return "use Linux, macOS or WSL 2"
    return ""


def disk_problem(free: float) -> str:
    """What is wrong with so many free bytes, and what to do; "" when nothing is."""
    if free < FREE_GB << 30:
        return f"{free / 2**30:.1f} GB are free and {FREE_GB} are needed: make room here"
    return ""


def main() -> int:
    """Prints a line for each; 0, or 1 when something has to be done first."""
    problems = {
        "Python {}.{}.{}".format(*sys.version_info[:3]): python_problem(),
        f"{platform.system()} {platform.machine()}": platform_problem(
            sys.platform, platform.machine()
        ),
        "disk": disk_problem(shutil.disk_usage(Path(__file__).resolve().parent).free),
    }
    for name, problem in problems.items():
        print("{:24} {}".format(name, problem or "good"))
    if any(problems.values()):
        return 1
    print("Ready. Next: make install")
    return 0


if __name__ == "__main__":
    sys.exit(main())
