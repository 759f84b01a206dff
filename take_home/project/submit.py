"""Writes submission.zip: the files of the tasks, findings, risks and letter, and nothing else."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent
WRITTEN = ("findings.toml", "risks.csv", "LETTER.md")
LARGEST = {".csv": 2_000_000}  # bytes; more is not read
LARGEST_TEXT = 200_000
UNTOUCHED = 'raise NotImplementedError("task {}: see ASSIGNMENT.md")'


def names() -> dict[str, str]:
    """What is handed in, by its path here, and what to call it."""
    tasks = json.loads((ROOT / "tasks.json").read_text(encoding="utf-8"))
    files = {f"src/risk_model/{task['file']}": f"task {task['number']}" for task in tasks}
    return {**files, **{name: name for name in WRITTEN}}


def remark(path: Path, number: str) -> str:
    """What is to be said of a file before it is handed in; "" when nothing is."""
    if path.is_symlink() or not path.is_file():
        return "missing"
    if path.stat().st_size > LARGEST.get(path.suffix, LARGEST_TEXT):
        return "too large to be read; make it smaller"
    untouched = UNTOUCHED.format(number.removeprefix("task ")).encode() in path.read_bytes()
    return "not written, or not all of it" if untouched else ""


def main() -> int:
    """Writes the archive in one step and says what it holds."""
    partial = ROOT / "submission.zip.partial"
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, called in names().items():
            said = remark(ROOT / name, called)
            if said in ("", "not written, or not all of it"):
                archive.write(ROOT / name, name)
            print(f"  {name:40} {said or 'in it'}")
    partial.replace(ROOT / "submission.zip")
    print("submission.zip is written. Hand it in; what is missing earns nothing.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
