"""What does a table of a million visits cost? `run` on it, beside `run` on a tenth of its rows.

Each runs in a process of its own; resident memory is that of the process at its largest.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

SIZES = 100_000, 1_000_000


def visits(n: int) -> pd.DataFrame:
    """Visits, seven patients to ten, whose outcome depends on three measurements."""
    rng = np.random.default_rng(0)
    sodium, potassium, urea = rng.normal(size=(3, n)).round(2)
    risk = 1 / (1 + np.exp(3 - 0.8 * sodium - 0.3 * potassium * urea))
    columns = {"patient_id": rng.integers(0, 7 * n // 10, n), "sex": rng.choice(["F", "M"], n)}
    measured = {"sodium": sodium, "potassium": potassium, "urea": urea}
    return pd.DataFrame({**columns, **measured, "died": (rng.random(n) < risk).astype(int)})


def main() -> None:
    """Prints seconds, memory, and both as ratios."""
    seconds, gigabytes = [], []
    for n in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            visits(n).to_csv(Path(folder) / "visits.csv", index=False)
            words = ["run", "data=csv", "data.path=visits.csv", "data.outcome=died"]
            start = time.perf_counter()
            subprocess.run([sys.executable, "-m", "risk_model", *words], cwd=folder, check=True)
            seconds.append(time.perf_counter() - start)
            # The largest child so far, and the larger table comes second.
            gigabytes.append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6)
    print(
        f"run, {SIZES[1]:,} rows against {SIZES[0]:,}: {seconds[1] / seconds[0]:.1f} times as long "
        f"({seconds[1]:.0f} s against {seconds[0]:.0f} s; target 10), {gigabytes[1]:.1f} GB "
        f"against {gigabytes[0]:.1f} GB"
    )


if __name__ == "__main__":
    main()
