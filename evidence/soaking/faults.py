"""The faults of the soak: each does its harm, undoes it as the runbook says, and waits for service.

Where records would be lost, the fault asks by itself meanwhile: it must get no answer.
"""

from __future__ import annotations

import random
import resource
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from evidence.soaking.clients import Line, Load, leave, predict

TRIGGER = "CREATE TRIGGER planted BEFORE INSERT ON record BEGIN SELECT RAISE(IGNORE); END"
RESTORED = 60.0  # seconds within which there is service again, however busy the machine is


class Faults:
    """What goes wrong with a server under load.

    Args:
        load: the server and what its clients share.
        rng: chooses times and variants.
    """

    def __init__(self, load: Load, rng: random.Random) -> None:
        self.load, self.server, self.rng = load, load.server, rng
        self.log, self.kept = load.server.places.log, load.server.places.checkpoints
        self.wal = self.log.with_name(f"{self.log.name}-wal")
        self.aside = self.log.parent.with_name("aside")
        self.aside.mkdir(exist_ok=True)

    def inject(self, name: str) -> None:
        """Injects a fault by its name, and waits until there is service again."""
        FAULTS[name](self)
        deadline = time.monotonic() + RESTORED
        while (status := self._ask()) != 200:
            if time.monotonic() > deadline:
                self._failed(name, f"no service {RESTORED:.0f} s later ({status})")
                self.restart()
                return
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL, and a start without any repair."""
        self.server.kill()
        self.server.start()

    def restart(self) -> None:
        """SIGTERM, upon which the process must end well, and a start."""
        if code := self.server.terminate():
            self._failed("restart", f"exit code {code}")
        self.server.start()

    def full_disk(self) -> None:
        """No file can grow; then there is room again, or the server is started anew."""
        process = self.server.running
        _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1, hard))
        self._nobody_is_answered("full_disk")
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        if self.rng.random() < 0.3:
            self.restart()

    def log_locked(self) -> None:
        """Somebody else's transaction keeps the log locked."""
        with self._database() as database:
            database.execute("BEGIN IMMEDIATE")
            self._wait(1, 7)
            database.execute("ROLLBACK")

    def log_moved(self) -> None:
        """The log is moved away while the server runs, and put back."""
        with self._moved(self.log):
            self._nobody_is_answered("log_moved")

    def log_deleted(self) -> None:
        """The log is deleted; nothing starts in its place; it is put back before the next start."""
        link = self.aside / "link"
        link.hardlink_to(self.log)  # stands for the copy of an open file that an operator can make
        self.log.unlink()
        self._nobody_is_answered("log_deleted")
        self.server.kill()
        if "evidence" not in (told := self.server.refused_start(self.log)):
            self._failed("log_deleted", f"a server started without its log {told}")
        link.replace(self.log)
        self.server.start()

    def wal_deleted(self) -> None:
        """SQLite's second file is deleted while the server runs."""
        self.wal.unlink(missing_ok=True)

    def trigger_planted(self) -> None:
        """A trigger swallows records, until it is dropped."""
        with self._database() as database:
            database.execute(TRIGGER)
            self._nobody_is_answered("trigger_planted")
            database.execute("DROP TRIGGER planted")

    def checkpoints_moved(self) -> None:
        """The file of checkpoints cannot be written."""
        with self._moved(self.kept):
            self._nobody_is_answered("checkpoints_moved")

    def stopped(self) -> None:
        """The process stands still, as on a machine that swaps or is moved."""
        self.server.running.send_signal(signal.SIGSTOP)
        self._wait(1, 7)
        self.server.running.send_signal(signal.SIGCONT)

    def second_server(self) -> None:
        """Another server is started on the same log, under another name."""
        link = self.aside / "second.db"
        link.hardlink_to(self.log)
        if "another process writes" not in (told := self.server.refused_start(link)):
            self._failed("second_server", f"it started {told}")
        link.unlink()

    def clients_leave(self) -> None:
        """Two hundred clients ask and go away."""
        for _ in range(200):
            leave(self.load, self.rng)

    def _ask(self) -> int:
        return predict(Line(self.load), self.rng, self.rng.choice(self.load.wards))

    def _nobody_is_answered(self, name: str) -> None:
        """Asks for some seconds while no record can be kept."""
        for _ in range(3):
            if self._ask() == 200:
                self._failed(name, "answered without a record")
            self._wait(0.1, 1)

    def _wait(self, least: float, most: float) -> None:
        time.sleep(self.rng.uniform(least, most))

    def _failed(self, name: str, text: str) -> None:
        self.load.tally.failed.append(f"{name}: {text}")

    @contextmanager
    def _moved(self, path: Path) -> Iterator[None]:
        """A file that is away for a time."""
        away = self.aside / path.name
        path.replace(away)
        yield
        away.replace(path)

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """A connection of somebody who can write to the log."""
        database = sqlite3.connect(self.log, isolation_level=None, timeout=RESTORED)
        try:
            yield database
        finally:
            database.close()


FAULTS: dict[str, Callable[[Faults], None]] = {
    "kill": Faults.kill,
    "restart": Faults.restart,
    "full_disk": Faults.full_disk,
    "log_locked": Faults.log_locked,
    "log_moved": Faults.log_moved,
    "log_deleted": Faults.log_deleted,
    "wal_deleted": Faults.wal_deleted,
    "trigger_planted": Faults.trigger_planted,
    "checkpoints_moved": Faults.checkpoints_moved,
    "stopped": Faults.stopped,
    "second_server": Faults.second_server,
    "clients_leave": Faults.clients_leave,
}
