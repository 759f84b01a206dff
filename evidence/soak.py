"""A soak: mixed load for half an hour while things go wrong. Is any answer wrong, or any unaudited?

Ten clients ask a real server with API keys (`soaking/`): for patients whose right answers are
known, with explanations, in batches, again under a key, slowly, wrongly, and as nobody that is
known. Each seed is half a minute in which five faults happen at random (`soaking/faults.py`); all
seeds share one log with its checkpoints kept elsewhere. After each of them every answer is compared
with its record, and at the end the log must verify.

The columns count, for each seed, the faults of each kind, and what must not be: answers that are
not the package's own (`wrong`), answers and refusals without their record (`unaudited`), keys under
which one server's life answered with two predictions (`answered_twice`), faults that did not do
what `soaking/faults.py` says (`failed`), and whether the log does not verify (`unverified`).
`full_disk` is a limit on the size of files, set for the running process, not a disk. The figures
also count keys that were recorded twice in a life, where the first record was written and then
answered with 503, as the second place failed or the disk was too slow.
"""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from evidence.api_examples import made_service
from evidence.soaking.clients import ASKING, Caller, Load
from evidence.soaking.faults import FAULTS, Faults
from evidence.soaking.patients import cases
from evidence.soaking.server import Places, SoakServer
from evidence.soaking.tally import Answered, Tally
from evidence.soaking.wrong_requests import refused
from risk_model.core.package import ModelPackage
from risk_model.deployment.access_keys import add_key
from risk_model.deployment.audit.checkpoint import VERIFYING, make_keys
from risk_model.deployment.audit.record import Record
from risk_model.deployment.audit.verify import snapshot, verify

SEEDS, SAMPLE = 60, 1
NEAR = 0.0
SECONDS, HARM = 30.0, 5  # of a seed, and its faults
ENOUGH = 200  # right answers in a seed
PATIENTS = 60
STEP = 0.0001  # of the risks, so that a patient's answer is hardly another's
WEIGHTS, INTERCEPT = (0.04, 0.02, 0.3), -7.0  # of age, heart rate, lactate, and so on: 5 to 83 %
BOUNDS = {
    "loaded": (1.0, 1.0),
    "wrong": (0.0, 0.0),
    "unaudited": (0.0, 0.0),
    "answered_twice": (0.0, 0.0),
    "failed": (0.0, 0.0),
    "tracebacks": (0.0, 0.0),
    "unverified": (0.0, 0.0),
    **dict.fromkeys(FAULTS, (0.1, 2.0)),
}
FIGURES: dict[str, int] = {}  # what was counted; no repetition gives the same


def study(seeds: Sequence[int]) -> dict[str, list[float]]:
    """For every column, its value at each seed."""
    columns: dict[str, list[float]] = {name: [] for name in BOUNDS}
    with tempfile.TemporaryDirectory() as folder:
        load = _load(Path(folder))
        audit = Audit(load)
        load.server.start()
        try:
            for seed in seeds:
                for name, value in _minute(load, audit, seed).items():
                    columns[name].append(float(value))
        finally:
            load.server.kill()
        places = load.server.places
        verdict = verify(places.log, places.keys / VERIFYING, [places.checkpoints])
        print(verdict.problem or f"{verdict.records:,} records hold")
        columns["unverified"] = [float(verdict.problem is not None)] * len(seeds)
    FIGURES.update(load.tally.counts)
    FIGURES.update(audit.figures, records=verdict.records, checkpoints=verdict.kept)
    FIGURES.update(servers=load.server.starts, peak_kB=load.server.peak)
    return columns


def _load(folder: Path) -> Load:
    """A package, keys for everybody, and a server that has not started."""
    service, where = made_service(), {"log": "log/audit.db", "keys": "keys"}
    where |= {"package": "package", "checkpoints": "elsewhere/checkpoints", "api_keys": "api.json"}
    places = Places(**{name: folder / path for name, path in where.items()})
    columns = np.resize(WEIGHTS, service.SCHEMA.width)
    graph = service.logistic_graph(columns, INTERCEPT, np.ones(len(columns)))
    package: ModelPackage = service.make_package(places.package, graph=graph, risk_step=STEP)
    make_keys(places.keys)
    places.log.parent.mkdir()
    wards = [
        Caller(name, add_key(places.api_keys, name, ["predict"], "")) for name in ("icu", "ward-7")
    ]
    reader = Caller("it", add_key(places.api_keys, "it", ["describe"], ""))
    patients = cases(package, PATIENTS, seed=0)
    server = SoakServer(places)
    return Load(server, Tally(), patients, service.UNITS, package.sha256, tuple(wards), reader)


def _minute(load: Load, audit: Audit, seed: int) -> dict[str, float]:
    """Load and faults of one seed, and what became of them."""
    rng, start = random.Random(seed), time.monotonic()
    plan, faults = rng.sample(sorted(FAULTS), HARM), Faults(load, rng)
    errors, before = len(load.server.errors), load.tally.counts["right answers"]
    mistakes, failures = len(load.tally.wrong), len(load.tally.failed)
    with _clients(load, seed):
        for name in plan:
            time.sleep(rng.uniform(0.5, 3))
            faults.inject(name)
        time.sleep(max(0.0, start + SECONDS - time.monotonic()))
    unaudited, twice = audit.compare()
    told = [*load.tally.wrong[mistakes:], *load.tally.failed[failures:], *unaudited]
    for text in told:
        print(f"seed {seed}: {text}")
    return {
        "loaded": load.tally.counts["right answers"] - before >= ENOUGH,
        "wrong": len(load.tally.wrong) - mistakes,
        "unaudited": len(unaudited),
        "answered_twice": twice,
        "failed": len(load.tally.failed) - failures,
        "tracebacks": sum("Traceback" in line for line in load.server.errors[errors:]),
        **dict.fromkeys(FAULTS, 0),
        **Counter(plan),
    }


@contextmanager
def _clients(load: Load, seed: int) -> Iterator[None]:
    """All clients, until the block ends and the last of them has its answer."""
    done = threading.Event()
    threads = [
        threading.Thread(target=client, args=(load, random.Random(f"{seed} {number}"), done))
        for number, client in enumerate([*ASKING, refused])
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()


class Audit:
    """The log, read on after each seed and compared with what clients were told."""

    def __init__(self, load: Load) -> None:
        self.load, self.last = load, 0
        self.figures: Counter[str] = Counter()

    def compare(self) -> tuple[list[str], int]:
        """What was answered and is not recorded so, and keys that got two predictions in one life.

        Both are of the time since the last call; a key is used for one request and its repeats.
        """
        records = self._records()
        predictions = {r.event_id: r for r in records if r.type == "prediction"}
        explained = {r.of for r in records if r.type == "explanation"}
        refusals = {(r.event_id, r.status) for r in records if r.type == "refusal"}
        answered, refused = self.load.tally.take()
        unaudited = [
            f"no such record: {each}"
            for each in answered
            if not _recorded(each, predictions.get(each.prediction_id))
            or (each.explained and each.prediction_id not in explained)
        ]
        unaudited += [f"no such record: {each}" for each in refused if each not in refusals]
        told = {each.prediction_id for each in answered}
        self.figures.update(f"{record.type} records" for record in records)
        self.figures["keys recorded twice in a life"] += _twice([*predictions.values()])
        return unaudited, _twice([predictions[one] for one in told & predictions.keys()])

    def _records(self) -> list[Record]:
        with snapshot(self.load.server.places.log) as database:
            query = "SELECT body FROM record WHERE seq > ? ORDER BY seq"
            records = [Record.parse(body) for (body,) in database.execute(query, (self.last,))]
        self.last += len(records)
        return records


def _recorded(answered: Answered, record: Record | None) -> bool:
    """Whether a record says what a client was told."""
    return record is not None and answered.key == (record.idempotency_key or "") and (
        answered.risk, answered.client, answered.request_id
    ) == (record.risk, record.client, record.request_id)  # fmt: skip


def _twice(predictions: Sequence[Record]) -> int:
    """How many keys have more than one of these predictions by one process."""
    under: defaultdict[tuple[str | None, ...], set[str]] = defaultdict(set)
    for each in predictions:
        if each.idempotency_key:
            under[each.client, each.idempotency_key, each.instance].add(each.event_id)
    return sum(len(events) > 1 for events in under.values())
