"""The runner of the long studies: `python -m evidence.run NAME ...`, or `--all`.

Each study is a module with `study(seeds)`, which gives for every column one value a seed, and with
`SEEDS`, `SAMPLE`, `NEAR` (how far a repeated value may differ) and `BOUNDS` (of a column's mean);
`FIGURES`, where it has them, are counts that no repetition gives again.
The result goes to results/NAME.json with the commit, the seeds, the machine and the date. `make
test-all` repeats the first SAMPLE seeds and compares them with what is committed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import time
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results"
STUDIES = sorted(p.stem for p in FOLDER.glob("*.py") if p.stem not in ("__init__", "run"))
LIBRARIES = ("numpy", "scipy", "scikit-learn", "xgboost-cpu", "torch")


def run(name: str) -> Path:
    """Runs one study over all its seeds and writes its result; returns the file."""
    study = import_module(f"evidence.{name}")
    facts, start = provenance(), time.perf_counter()
    columns = study.study(range(study.SEEDS))
    seconds = round(time.perf_counter() - start)
    result = {
        "study": name,
        **facts,
        "seconds": seconds,
        "seeds": [0, study.SEEDS],
        "means": {column: sum(values) / len(values) for column, values in columns.items()},
        "bounds": study.BOUNDS,
        **({"figures": study.FIGURES} if hasattr(study, "FIGURES") else {}),
        "by_seed": columns,
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(pretty(result), encoding="utf-8")
    return path


def provenance() -> dict[str, Any]:
    """Commit, date and machine: what somebody needs to run it again."""
    changed = git("status", "--porcelain", "--", ":/", ":(top,exclude)evidence/results")
    return {
        "commit": git("rev-parse", "HEAD") + ("-changed" if changed else ""),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {
            "processor": processor(),
            "cores": os.cpu_count(),
            "system": f"{platform.system()} {platform.machine()}",
            "python": platform.python_version(),
            **{library: version(library) for library in LIBRARIES},
        },
    }


def git(*command: str) -> str:
    """What git prints here."""
    done = subprocess.run(["git", *command], cwd=FOLDER, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def processor() -> str:
    """The name of the processor, where the system tells it."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def pretty(result: dict[str, Any]) -> str:
    """JSON with one line a column of values, so that a file of a thousand seeds can be read."""
    columns = {name: json.dumps(values) for name, values in result["by_seed"].items()}
    shown = {**result, "by_seed": {name: f"<{name}>" for name in columns}}
    text = json.dumps(shown, indent=1)
    for name, values in columns.items():
        text = text.replace(f'"<{name}>"', values)
    return text + "\n"


def main() -> None:
    """Runs the studies that the command line names."""
    parser = argparse.ArgumentParser(description="Long studies, whose results are committed")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(STUDIES))
    parser.add_argument("--all", action="store_true", help="every study")
    flags = parser.parse_args()
    if not flags.all and (not flags.names or set(flags.names) - set(STUDIES)):
        parser.error(f"name studies, or --all: {', '.join(STUDIES)}")
    for name in STUDIES if flags.all else flags.names:
        print(run(name))


if __name__ == "__main__":
    main()
