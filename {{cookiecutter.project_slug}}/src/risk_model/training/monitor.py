"""The monitor of training: loss, AUROC and gradient norm of every epoch, also sent to MLflow.

Is it learning, or only memorising?
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING

from risk_model.training.record import History

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

Values = dict[str, float]
PENDING = 100  # values sent together: one write a tree would take longer than the tree


class Monitor:
    """The history of each model's training.

    With `tracking_uri` and `run_id` each epoch goes to that MLflow run as well, as
    `<model>/<value>` at step = epoch. An epoch is a pass of the network over its rows, or a tree of
    XGBoost.
    """

    def __init__(self, tracking_uri: str = "", run_id: str = "") -> None:
        self.history: History = defaultdict(list)
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

    def flush(self) -> None:
        """Sends what MLflow has not got yet."""
        if not self._pending:
            return
        import time

        from mlflow.entities import Metric
        from mlflow.tracking import MlflowClient

        self._client = self._client or MlflowClient(self._uri)
        now = int(time.time() * 1000)
        metrics = [Metric(name, value, now, step) for name, value, step in self._pending]
        self._client.log_batch(self._run_id, metrics=metrics)
        self._pending.clear()
