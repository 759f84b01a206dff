"""The openings of test splits: one line in runs/openings.jsonl each time, before anything is read.

How often was this test split looked at, and under which settings? Who looks often enough chooses by
it (Dwork et al., Science 2015). The settings are hashed when a run is trained; the line repeats the
hash, so that settings which were changed in between show. The file counts what happened in this
folder of runs, and can be deleted: it reminds, it does not prove.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from risk_model.core.json_record import JsonRecord

FILE = "openings.jsonl"
# of the settings: where things are and who answers for them decide nothing
NO_DECISION = ("runs", "run", "input", "output", "package", "accept", "deployment")


@dataclass(frozen=True)
class Opening(JsonRecord):
    """One opening: of which data, by which run, under which settings, and when."""

    fingerprint: str
    run: str
    protocol: str
    when: str


@dataclass(frozen=True)
class OpeningCount:
    """How often the test split of these data was opened by other runs before this one was.

    `protocols` counts the different settings among them, this run's included; `changed` is true
    when this run's settings were changed between its training and its opening.
    """

    before: int
    protocols: int
    changed: bool


def protocol(settings: dict[str, Any]) -> str:
    """SHA-256 of the settings that decide anything, whatever the order of their keys."""
    decisive = {name: value for name, value in settings.items() if name not in NO_DECISION}
    text = json.dumps(decisive, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def record_opening(run: Path, fingerprint: str, protocol: str) -> None:
    """Appends a line for this run's directory to the file beside it."""
    when = datetime.now(UTC).isoformat(timespec="seconds")
    line = json.dumps(Opening(fingerprint, run.name, protocol, when).to_json())
    with (run.parent / FILE).open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(f"{line}\n")


def count_openings(run: Path, fingerprint: str, trained: str) -> OpeningCount | None:
    """What the file tells of this run's first opening; None where it has no line of it.

    Args:
        run: its directory.
        fingerprint: of the data.
        trained: the protocol under which the run was trained.

    Raises:
        UserError: a line is not one of this version.
    """
    path = run.parent / FILE
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    all_openings = [Opening.from_json(json.loads(line)) for line in lines if line.strip()]
    openings = [opening for opening in all_openings if opening.fingerprint == fingerprint]
    own = [i for i, opening in enumerate(openings) if opening.run == run.name]
    if not own:
        return None
    earlier = openings[: own[0]]
    return OpeningCount(
        before=len({opening.run for opening in earlier}),
        protocols=len({opening.protocol for opening in openings[: own[0] + 1]}),
        changed=any(openings[i].protocol != trained for i in own),
    )
