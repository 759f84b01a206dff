"""What of the registry goes into the image?"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from risk_model.config import Deployment
from risk_model.core.package import ModelPackage
from risk_model.deployment.registry import register

ROOT = Path(__file__).parents[2]


def test_the_image_holds_the_champion_and_no_candidate(
    make_package: Callable[..., ModelPackage], tmp_path: Path
) -> None:
    names = ("logistic_regression", "network", "xgboost")
    packages = {name: make_package(tmp_path / name, model=name).directory for name in names}
    tracking = f"sqlite:///{tmp_path / 'mlflow.db'}"
    settings = Deployment(tracking_uri=tracking, registry=str(tmp_path / "models"))
    register(packages, "network", "xgboost", "ward", settings, None)
    assert len(list((tmp_path / "models").glob("*/manifest.json"))) == 3
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, str(ROOT / "deploy/one_model.py")]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    assert "COPY build/model ./model\n" in (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert ModelPackage.open(tmp_path / "build/model").manifest.model == "network"
    assert [path.name for path in (tmp_path / "build").iterdir()] == ["model"]
