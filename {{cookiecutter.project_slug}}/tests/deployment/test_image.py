"""What of the registry goes into the image?"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from risk_model.config import Deployment
from risk_model.core.package import ModelPackage
from risk_model.deployment.registry import champion, register

DOCKERFILE = Path(__file__).parents[2] / "Dockerfile"


def test_the_image_holds_the_champion_and_no_candidate(
    make_package: Callable[..., ModelPackage], tmp_path: Path
) -> None:
    names = ("logistic_regression", "network", "xgboost")
    packages = {name: make_package(tmp_path / name, model=name).directory for name in names}
    tracking = f"sqlite:///{tmp_path / 'mlflow.db'}"
    settings = Deployment(tracking_uri=tracking, registry=str(tmp_path / "all"))
    register(packages, "network", "xgboost", "ward", settings, None)
    assert len(list((tmp_path / "all").glob("*/manifest.json"))) == 3
    text = DOCKERFILE.read_text(encoding="utf-8")
    (code,) = re.findall(r'^RUN python -c "(.*)"$', text, re.M)
    code = code.replace("'/all'", repr(str(tmp_path / "all")))
    code = code.replace("'/models/", f"'{tmp_path}/models/")
    subprocess.run([sys.executable, "-c", code], check=True)
    assert "COPY --from=champions /models ./models\n" in text
    served = ModelPackage.open(champion(tmp_path / "models", ""))
    assert served.manifest.model == "network"
    assert {path.name for path in (tmp_path / "models").iterdir()} == {"ward", served.sha256}
