"""score: risks for every row of a file, from a package or the registered champion."""

from __future__ import annotations

from pathlib import Path

from risk_model.app.console import say
from risk_model.config import Config
from risk_model.core.errors import UserError
from risk_model.core.package import ModelPackage
from risk_model.core.setting_syntax import read_mapping
from risk_model.deployment import batch
from risk_model.deployment.origin import check_origin
from risk_model.deployment.registry import champion


def score(settings: Config) -> None:
    """Scores input= into output=; UserError when one of them is not named."""
    if not settings.input or not settings.output:
        raise UserError("score: needs both files; write score input=new.csv output=risks.csv")
    if settings.package in ("", "champion"):
        name = settings.deployment.registered_name
        directory = champion(Path(settings.deployment.registry), name)
    else:
        directory = Path(settings.package)
    package = ModelPackage.open(directory)
    check_origin(package, "", settings.deployment.verify_key)
    units = read_mapping("units", settings.units) if settings.units else {}
    scored = batch.score(package, Path(settings.input), Path(settings.output), units)
    if scored.assumed:
        text = f"the package's units were assumed for {', '.join(scored.assumed)}"
        say("score", f"{text}; state them: a header like 'name [unit]', or units={{name: unit}}")
    text = f"{scored.rows:,} rows, {scored.refused:,} without a risk and why: {settings.output}"
    say("score", text)
