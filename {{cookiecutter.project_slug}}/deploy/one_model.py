"""Copies the one package that the image serves to build/model, checked byte by byte.

python deploy/one_model.py [PACKAGE]; without a package, the champion of models/.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from risk_model.core.errors import UserError
from risk_model.core.package import ModelPackage
from risk_model.deployment.registry import champion

TARGET = Path("build/model")


def main(words: list[str]) -> None:
    """Replaces build/model; UserError when the package does not verify or there is no champion."""
    package = ModelPackage.open(Path(words[0]) if words else champion(Path("models"), ""))
    shutil.rmtree(TARGET, ignore_errors=True)
    shutil.copytree(package.directory, TARGET)
    print(f"{TARGET}: {package.manifest.model} {package.sha256}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except UserError as error:
        sys.exit(f"error: {error}")
