"""The input of a package that reads recordings, and the threads that work on it.

Reading and scoring a recording takes milliseconds to seconds, so several threads do it, and so many
requests wait for them at most as their bodies leave room for.
"""

from __future__ import annotations

import os

from risk_model.core.package import ModelPackage
from risk_model.deployment.admission import BODIES, Worker
from risk_model.deployment.package_input import PackageInput
from risk_model.deployment.recording_explanations import recording_explainer
from risk_model.deployment.recording_requests import (
    recording_body_schema,
    recording_reader,
    signal_of,
)
from risk_model.signals import reader

THREADS = min(os.cpu_count() or 1, 4)
MOST = 64  # requests admitted at a time, however small their bodies
SECONDS = 30.0  # from the moment a body has arrived until it is scored


def recording_input(package: ModelPackage) -> PackageInput:
    """What the service needs to know of a package's recordings."""
    signal = signal_of(package.schema)
    return PackageInput(
        recording_reader(package.schema),
        recording_body_schema(signal),
        recording_worker(reader(signal).REQUEST_BYTES),
        recording_explainer(package),
    )


def recording_worker(limit: int) -> Worker:
    """Threads for recordings whose bodies hold at most `limit` bytes."""
    places = max(min(MOST, BODIES // limit), 2 * THREADS)
    return Worker(limit, THREADS, places, SECONDS)
