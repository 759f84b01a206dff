"""Is every epoch kept, and does MLflow get it?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from risk_model.training.monitor import Monitor


def test_the_history_keeps_each_models_epochs_in_order_and_is_plain_json() -> None:
    monitor = Monitor()
    record = monitor.of("network")
    for epoch in (1, 2):
        record(epoch, {"train_loss": 1 / epoch})
    monitor.record("xgboost", 1, {"train_loss": 0.5})
    monitor.flush()
    expected = [{"epoch": 1, "train_loss": 1.0}, {"epoch": 2, "train_loss": 0.5}]
    assert json.loads(json.dumps(monitor.history)) == {
        "network": expected,
        "xgboost": [{"epoch": 1, "train_loss": 0.5}],
    }


@pytest.mark.slow
def test_mlflow_holds_every_epoch_of_every_model_at_its_step(tmp_path: Path) -> None:
    from mlflow.tracking import MlflowClient

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    client = MlflowClient(uri)
    run = client.create_run(
        client.create_experiment("ward", artifact_location=str(tmp_path))
    ).info.run_id
    monitor = Monitor(uri, run)
    for epoch in range(1, 151):
        monitor.record("xgboost", epoch, {"validation_loss": 1 / epoch})
    monitor.flush()
    history = client.get_metric_history(run, "xgboost/validation_loss")
    assert sorted((m.step, m.value) for m in history) == [
        (epoch, 1 / epoch) for epoch in range(1, 151)
    ]
