"""How long one request keeps the event loop, and with it everybody else: the worst that are known.

    python benchmarks/loop_turns.py [--project DIR] [--tries 9]

The requests are those of the project's tests/loop_turns.py. Each is sent alone, and the longest
turn of the loop noted while it is answered: on the clock, which other threads that hold the
interpreter lengthen, and in time of the processor, which only the loop itself does. Exits with 1
when a median on the clock, on a quiet machine, is 5 ms or more.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from statistics import median

MOST_MS = 5.0


def main() -> None:
    """Prints medians and maxima."""
    parser = argparse.ArgumentParser(description="The longest turns of a server's event loop.")
    default = Path(__file__).parents[1] / "{{cookiecutter.project_slug}}"
    parser.add_argument("--project", type=Path, default=default)
    parser.add_argument("--tries", type=int, default=9)
    flags = parser.parse_args()
    sys.path[:0] = [str(flags.project), str(flags.project / "src")]
    turns, service = import_module("tests.loop_turns"), import_module("tests.made_service")
    long = []
    with tempfile.TemporaryDirectory() as folder:
        package = service.make_package(Path(folder) / "package").directory
        log = Path(folder) / "log" / "audit.db"
        with service.running(package, log, before=turns.BEFORE) as server:
            for worst in turns.worst_requests():
                pairs = [worst.turn(server) for _ in range(flags.tries)]
                used, held = zip(*pairs, strict=True)
                print(
                    f"{worst.name:<28} clock {median(held):5.2f} ms, longest {max(held):6.2f}; "
                    f"processor {median(used):5.2f} ms, longest {max(used):6.2f}"
                )
                long += [worst.name] if median(held) >= MOST_MS else []
    sys.exit(f"{MOST_MS:g} ms or more: {', '.join(long)}" if long else 0)


if __name__ == "__main__":
    main()
