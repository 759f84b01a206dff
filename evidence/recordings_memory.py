"""The memory of a whole run on images of 224 pixels, and on a small set of 28, while sets grow.

Each seed is one set, of so many made-up radiographs of one size: a few pictures, shifted and
exposed differently, in PNG files. A process of its own goes from the files to the registered
packages; what is told is the most memory that it ever had resident, mapped pages included. The
network starts from ImageNet's weights, sees 32 pixels a side, keeps all blocks but the last and
learns for one epoch: what is measured is what the recordings take, not what a network does, and
the time is bound. kept_mb is what the recordings take on the disk.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

SETS = ((600, 224), (5_856, 28), (20_000, 224), (40_000, 224))  # images, pixels a side
SEEDS, SAMPLE = len(SETS), 1
NEAR = 200.0  # MB, between two machines
BUDGET_MB = (1_200.0, 1_200.0, 1_500.0, 1_500.0)
BOUNDS = {"above_budget_mb": (0.0, 0.0)}
PICTURES = 16
SOURCE = Path(__file__).parent.parent / "{{cookiecutter.project_slug}}" / "src"
ENVIRONMENT = {
    "PYTHONPATH": str(SOURCE),
    "OMP_NUM_THREADS": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
SETTINGS = (
    "data=images data.path=labels.csv data.outcome=ill data.subject=none "
    "model/network=pretrained_cnn model.network.pixels=32 model.network.frozen=15 "
    "model.network.augment=false training.epochs=1 training.batch_size=32 "
    "evaluation.resamples=200"
).split()
MEASURED = """
import re, sys
from pathlib import Path
from risk_model.app.cli import main
code = main(sys.argv[1:])
print("PEAK", re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
sys.exit(code)
"""


def study(seeds: Sequence[int]) -> dict[str, list[float]]:
    """The columns, a value a set."""
    columns: dict[str, list[float]] = {"images": [], "pixels": []}
    for seed in seeds:
        images, pixels = SETS[seed]
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_images(folder, images, pixels)
            peak = peak_mb(folder, pixels)
            kept = sum(p.stat().st_size for p in folder.glob("cache/*/*")) / 2**20
        print(f"{images} images of {pixels} pixels: {peak:.0f} MB; {kept:.0f} MB kept")
        row = {
            "images": float(images),
            "pixels": float(pixels),
            "peak_mb": peak,
            "kept_mb": kept,
            "above_budget_mb": max(0.0, peak - BUDGET_MB[seed]),
        }
        for column, value in row.items():
            columns.setdefault(column, []).append(value)
    return columns


def write_images(folder: Path, images: int, pixels: int) -> None:
    """PNG files and labels.csv: an ill patient's image has a brighter spot, more often than not."""
    rng = np.random.default_rng(0)
    (folder / "images").mkdir()
    grid = np.linspace(-1, 1, pixels)
    lungs = np.exp(-((np.abs(grid)[None] - 0.4) ** 2) * 8 - (grid[:, None] ** 2) * 2)
    noise = rng.normal(0, 8, (PICTURES, pixels, pixels))
    pictures = 60 + 120 * lungs + noise
    spot = 70 * np.exp(-((grid[None] - 0.4) ** 2 + (grid[:, None] - 0.1) ** 2) * 40)
    ill = rng.random(images) < 0.3
    names = [f"images/{number:05d}.png" for number in range(images)]
    for name, label in zip(names, ill, strict=True):
        picture = pictures[rng.integers(PICTURES)] + spot * (rng.random() < (0.7 if label else 0.2))
        moved = np.roll(picture, rng.integers(-4, 5, 2), axis=(0, 1)) + rng.normal(0, 6)
        pixel = tuple(rng.integers(0, pixels, 2))
        moved[pixel] = rng.integers(256)  # no two files are the same
        shown = Image.fromarray(moved.clip(0, 255).astype(np.uint8))
        shown.save(folder / name, compress_level=1)
    table = {"file": names, "ill": ill.astype(int), "site": rng.choice(["A", "B"], images)}
    pd.DataFrame(table).to_csv(folder / "labels.csv", index=False)


def peak_mb(folder: Path, pixels: int) -> float:
    """The most memory that a run in this folder has resident, in MB."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, "run", *SETTINGS, f"data.size={pixels}"],
        cwd=folder,
        env=os.environ | ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the run failed: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return int(done.stdout.rpartition("PEAK ")[2]) / 1024
