"""Does the memory of a run stay the same, however many images there are?"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

# the fewer fill a piece already; 450 and 900 images were measured 28 MB apart
FEW, MANY, SIDE = 300, 900, 224
# of the 600 images more, 120 MB as they are stored: no copy of all of them is ever in memory
GROWTH_MB = 80
SETTINGS = (
    "data=images data.path=labels.csv data.outcome=ill data.subject=none "
    f"data.size={SIDE} model/network=cnn model.network.width=2 model.network.augment=false "
    "training.epochs=1 training.batch_size=16 model.xgboost.trees=5 evaluation.resamples=50"
).split()
MEASURED = """
import re, sys
from pathlib import Path
from risk_model.app.cli import main
code = main(sys.argv[1:])
print("PEAK", re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
sys.exit(code)
"""


def peak_mb(folder: Path, images: int) -> float:
    """The most memory that a run on so many made-up images has resident."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    ill = rng.random(images) < 0.4
    for number, label in enumerate(ill):
        level = rng.normal(110 + 10 * label, 20)
        pixels = rng.normal(level, 20, (SIDE // 8, SIDE // 8)).repeat(8, 0).repeat(8, 1)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{number}.png")
    files = [f"{number}.png" for number in range(images)]
    pd.DataFrame({"file": files, "ill": ill.astype(int)}).to_csv(folder / "labels.csv", index=False)
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, "run", *SETTINGS],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list(folder.glob("cache/*/arrays.f32"))) == 1
    told = re.search(r"PEAK (\d+)", done.stdout)
    assert told
    return int(told[1]) / 1024


@pytest.mark.slow
def test_no_copy_of_all_images_is_ever_in_memory(tmp_path: Path) -> None:
    few, many = peak_mb(tmp_path / "few", FEW), peak_mb(tmp_path / "many", MANY)
    print(f"{FEW} images: {few:.0f} MB, {MANY}: {many:.0f} MB")
    assert many - few < GROWTH_MB
