"""The monitor of training: loss, AUROC and gradient norm of every epoch, also sent to MLflow.

Is it learning, or only memorising?
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from risk_model.training.record import History

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

Values = dict[str, float]
PENDING = 100  # values sent together: one write a tree would take longer than the tree


class Monitor:
    """The history of each model's training.

    With `tracking_uri` and `run_id` each epoch goes to that MLflow run as well, as
    `<model>/<value>` at step = epoch. An epoch is a pass of the network over its rows, or a tree of
    XGBoost. `seconds` are what each model's fitting took. Without `curves` the training rows are
    not measured after each epoch, which takes longer than a small tree.
    """

    def __init__(self, tracking_uri: str = "", run_id: str = "", *, curves: bool = True) -> None:
        self.curves = curves
        self.history: History = defaultdict(list)
        self.seconds: dict[str, float] = defaultdict(float)
        self._run_id, self._uri = run_id, tracking_uri
        self._client: MlflowClient | None = None
        self._pending: list[tuple[str, float, int]] = []

    def of(self, model: str) -> Callable[[int, Values], None]:
        """What a model's training calls with the epoch (from 1) and its values."""
        return lambda epoch, values: self.record(model, epoch, values)

    def record(self, model: str, epoch: int, values: Values) -> None:
        """Adds one epoch of one model to the history."""
        self.history[model].append({"epoch": epoch, **values})
        if self._run_id:
            self._pending += [(f"{model}/{name}", value, epoch) for name, value in values.items()]
        if len(self._pending) >= PENDING:
            self.flush()

    def unrecorded(self) -> Monitor:
        """A monitor for another turn: its history goes nowhere, its seconds are added to these."""
        other = Monitor(curves=False)
        other.seconds = self.seconds
        return other

    @contextmanager
    def timed(self, model: str) -> Iterator[None]:
        """Adds the time until the block ends to a model's seconds."""
        start = time.perf_counter()
        yield
        self.seconds[model] += time.perf_counter() - start

    def best_epoch(self, model: str) -> int | None:
        """The first epoch with the lowest validation loss; None for a model that has no epochs."""
        losses = [row["validation_loss"] for row in self.history.get(model, [])]
        return 1 + int(np.argmin(np.array(losses, dtype=np.float64))) if losses else None

    def flush(self) -> None:
        """Sends what MLflow has not got yet."""
        if not self._pending:
            return
        from mlflow.entities import Metric
        from mlflow.tracking import MlflowClient

        self._client = self._client or MlflowClient(self._uri)
        now = int(time.time() * 1000)
        metrics = [Metric(name, value, now, step) for name, value, step in self._pending]
        self._client.log_batch(self._run_id, metrics=metrics)
        self._pending.clear()
