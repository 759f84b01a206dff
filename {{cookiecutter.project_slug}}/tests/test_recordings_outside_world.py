"""Does a model of recordings call anybody, or leave a file where nobody said that it would?

As tests/test_outside_world.py, for the libraries that images, waveforms and notes bring: a network
is trained on made-up recordings, one scores them, and is served.
"""

from __future__ import annotations

import base64
import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from risk_model.config import NETWORKS, SOURCES
from risk_model.core.cohort import Cohort
from risk_model.core.schema import Signal

from tests.isolated import IPV6_PROBE, Surroundings, called, sockets, written
from tests.made_package import package_of, untrained
from tests.made_service import free_port

# The made-up recordings of each modality, and the table of them that can be scored.
TABLES = {
    "synthetic_images": "labels.csv",
    "synthetic_ecgs": "labels.csv",
    "synthetic_notes": "notes.jsonl",
}
HERE = sorted(TABLES.keys() & SOURCES.keys())  # in this project
SUBJECTS = 300


@pytest.fixture
def surroundings(tmp_path: Path) -> Surroundings:
    return Surroundings.below(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("source", HERE)
def test_training_on_recordings_calls_nobody_and_writes_where_it_says(
    source: str, surroundings: Surroundings
) -> None:
    words = ["run", f"data={source}", f"data.subjects={SUBJECTS}", "debug=fast"]
    trace = surroundings.traced(sys.executable, "-m", "risk_model", *words)
    assert (called(trace), written(trace, surroundings)) == (set(), set())
    assert set(sockets(trace)) <= IPV6_PROBE


@pytest.mark.slow
@pytest.mark.parametrize("source", HERE)
def test_recordings_are_scored_and_served_with_no_socket_but_the_listeners(
    source: str, surroundings: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(surroundings.work)
    settings: Any = SOURCES[source]
    reader = import_module(f"risk_model.data.sources.{source}")
    cohort: Cohort = reader.load(settings(subjects=SUBJECTS))
    network = NETWORKS[settings.network]()
    package = package_of(surroundings.work / "models/made", cohort, untrained(cohort, network))
    [table] = surroundings.work.glob(f"generated/*/{TABLES[source]}")

    words = ["score", f"package={package.directory}", f"input={table}", "output=risks.csv"]
    trace = surroundings.traced(sys.executable, "-m", "risk_model", *words)
    assert (surroundings.work / "risks.csv").is_file()
    assert (sockets(trace), written(trace, surroundings)) == ([], set())

    assert cohort.schema.signal is not None
    body = json.dumps({"inputs": {cohort.schema.signal.name: sent(cohort.schema.signal, table)}})
    asked = [("/readyz", None), *[("/v1/predict?explain=true", body)] * 3, ("/v1/predict", "{}")]
    served = surroundings.served(package.directory, free_port(), asked)
    assert served.statuses == [200, 200, 200, 200, 422]
    assert set(sockets(served.trace)) == {"socket AF_INET", "listen"} | served.bound
    assert written(served.trace, surroundings) == set()


def sent(signal: Signal, table: Path) -> Any:
    """A recording as a client sends it: a made-up radiograph, a straight line, a text."""
    if signal.kind == "image":
        picture = next(iter(sorted(table.parent.rglob("*.dcm"))))
        return base64.b64encode(picture.read_bytes()).decode()
    if signal.kind == "waveform":
        line = np.linspace(0, 1, round(signal.shape[-1])).round(3).tolist()
        leads = dict.fromkeys(signal.channels, line)
        return {"rate": signal.rate, "unit": signal.units[0], "leads": leads}
    return "Woman of 63, short of breath since yesterday. No chest pain."
