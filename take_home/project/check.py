"""Runs the public checks and says which pass; hidden ones decide the points."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent
READER = ROOT / "findings_reader"  # what reads findings.toml here and when it is graded
REPORT = ROOT / ".cache" / "check.xml"


def run_tests() -> dict[str, Counter[str]]:
    """How many checks of each test file passed and failed; the output of pytest is printed."""
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "--tb=line", "--no-header", "tests"]
    subprocess.run([*command, f"--junitxml={REPORT}"], cwd=ROOT, check=False)
    counts: dict[str, Counter[str]] = {}
    if not REPORT.is_file():
        return counts
    for case in ElementTree.parse(REPORT).iter("testcase"):  # noqa: S314  our own pytest wrote it
        failed = case.find("failure") is not None or case.find("error") is not None
        name = str(case.get("classname", "")).rpartition(".")[2]
        counts.setdefault(name, Counter())["failed" if failed else "passed"] += 1
    return counts


def table(counts: dict[str, Counter[str]]) -> str:
    """A line for each task."""
    tasks = json.loads((ROOT / "tasks.json").read_text(encoding="utf-8"))
    lines = ["  task  minutes  points  public checks that pass"]
    for task in tasks:
        count = counts.get(f"test_task_{task['number']}_{task['name']}", Counter())
        passed, all_of_them = count["passed"], count.total()
        said = f"{passed} of {all_of_them}" if all_of_them else "none could run"
        lines.append(
            f"  {task['number']:4}  {task['minutes']:7}  {task['points']:6}  "
            f"{said:15} {task['title']}"
        )
    return "\n".join(lines)


def mistakes() -> list[str]:
    """What is wrong with findings.toml, as far as that can be told without the answers."""
    if not (READER / "claims.py").is_file():
        return ["findings_reader/ is missing; unzip the project again"]
    sys.path.insert(0, str(READER))
    from claims import read  # type: ignore[import-not-found]

    claims = read(ROOT / "findings.toml")
    return [f"findings.toml: {len(claims.claims)} findings can be read", *claims.mistakes]


def risks() -> str:
    """Whether risks.csv has its header and as many rows as the ward has."""
    path, ward = ROOT / "risks.csv", ROOT / "ward.csv"
    if not path.is_file():
        return "risks.csv: not there yet"
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    wanted = len(ward.read_text(encoding="utf-8").splitlines()) - 1
    if not lines or lines[0].strip() != "admission_id,risk":
        return "risks.csv: the first line must be admission_id,risk"
    return f"risks.csv: {len(lines) - 1:,} of {wanted:,} rows"


def main() -> int:
    """Prints tables and sentences; 0 whatever they say, as an unfinished task is no error."""
    counts = run_tests()
    print(f"\n{table(counts)}\n")
    print("\n".join(f"  {line}" for line in [*mistakes(), risks()]))
    print(
        "\nThese are the public checks only. Hidden ones, with fresh inputs, decide the points; "
        "ASSIGNMENT.md says all that they ask."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
