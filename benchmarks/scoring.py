"""What does streaming cost? `score` on two million rows, file to file, beside the model's own work
on the same rows.

Each runs in a process of its own, in turn; resident memory is that of the scoring process at its
largest.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from risk_model.core.package import ModelPackage
from risk_model.deployment.batch import score
from risk_model.deployment.table_stream import PIECE

ROWS, COLUMNS, GROUP, TURNS = 2_000_000, 60, 500_000, 5


def write_table(path: Path, names: list[str]) -> None:
    """ROWS rows of numbers in full precision, which Parquet cannot compress, written as pyarrow
    does by default.
    """
    rng = np.random.default_rng(0)
    kinds = pa.schema([(name, pa.float32()) for name in names])
    with pq.ParquetWriter(path, kinds) as writer:
        for _ in range(ROWS // GROUP):
            rows = rng.standard_normal((len(names), GROUP), dtype=np.float32)
            writer.write_table(pa.Table.from_arrays(list(rows), schema=kinds))


def compute_alone(package: ModelPackage) -> None:
    """Scores ROWS rows that are already in memory and encoded, in the pieces that `score` uses."""
    piece = np.random.default_rng(0).standard_normal((PIECE, COLUMNS), dtype=np.float32)
    for start in range(0, ROWS, PIECE):
        package.scorer(piece[: min(PIECE, ROWS - start)], chunk=PIECE)


def measured(task: str, directory: Path) -> tuple[float, float]:
    """Seconds and peak gigabytes of one task in a fresh process."""
    command = [sys.executable, __file__, task, str(directory)]
    seconds, kilobytes = subprocess.run(
        command, capture_output=True, text=True, check=True
    ).stdout.split()
    return float(seconds), float(kilobytes) / 1e6


def work(task: str, directory: Path) -> None:
    """Does one task, and prints the seconds it took and the largest resident kilobytes."""
    package = ModelPackage.open(directory / "package")
    output = directory / "risks.parquet"
    output.unlink(missing_ok=True)
    start = time.perf_counter()
    if task == "score":
        score(package, directory / "rows.parquet", output)
    else:
        compute_alone(package)
    print(time.perf_counter() - start, peak_kilobytes())


def peak_kilobytes() -> int:
    """Most memory that was resident at once (Linux). ru_maxrss would also count what the parent
    process held.
    """
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def main() -> None:
    """Prints the share of the model's own speed that is left, and the memory."""
    from packages import build

    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        package = build(directory / "package", COLUMNS, 0)
        write_table(directory / "rows.parquet", package.schema.features)
        turns = [
            (measured("compute", directory), measured("score", directory)) for _ in range(TURNS)
        ]
    shares = sorted(alone[0] / streamed[0] for alone, streamed in turns)
    memory = max(streamed[1] for _, streamed in turns)
    rates = [ROWS / median(turn[i][0] for turn in turns) / 1e6 for i in (0, 1)]
    print(
        f"score, {ROWS:,} rows of {COLUMNS}: {median(shares):.0%} of the speed of computing alone "
        f"({shares[0]:.0%} to {shares[-1]:.0%} in {TURNS} turns; {rates[1]:.2f} against "
        f"{rates[0]:.2f} million rows/s; "
        f"target 60%), {memory:.2f} GB resident (target under 1)"
    )


if __name__ == "__main__":
    main() if len(sys.argv) == 1 else work(sys.argv[1], Path(sys.argv[2]))
