"""train: fits the models, calibrates them and chooses the champion."""

from __future__ import annotations

from risk_model import pipeline
from risk_model.app import console
from risk_model.config import Config
from risk_model.core.setting_syntax import setting


def train(settings: Config) -> None:
    """Trains, and says how to go on."""
    directory = pipeline.train(settings, pipeline.prepare_and_announce(settings, console.say))
    console.say("next", f"evaluate {setting('run', str(directory))}")
