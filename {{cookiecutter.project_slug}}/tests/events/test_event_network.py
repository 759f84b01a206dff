"""Does the recurrent network see when what was measured, and is its graph the same network?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from risk_model import pipeline
from risk_model.config import Mlp
from risk_model.config.events import Gru
from risk_model.core.errors import UserError
from risk_model.core.package import ModelPackage
from risk_model.core.schema import Features, Schema
from risk_model.data import load
from risk_model.data.sources import synthetic_events
from risk_model.deployment.event_input import event_input, hidden_hours
from risk_model.deployment.event_requests import event_reader
from risk_model.model import network
from risk_model.model.export import checked_logits
from risk_model.model.gru import Steps
from risk_model.model.network import NetworkModel
from risk_model.signals.event_schema import Page, schema_of

from tests.events.made_events import spec
from tests.events.made_run import body, moments, requested_events, small_settings

SCHEMA = schema_of("stays", Page(spec()))
FIELDS, STEPS = 3, 24  # heart rate, glucose and sex, of which the last has no steps
CELLS = (gru, lstm) = Gru(width=8), Gru(cell="lstm", width=8)


def some_rows(count: int, seed: int = 0) -> Features:
    """Rows of which half the values are missing, and sex has no time."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(80, 20, (count, SCHEMA.width)).astype(np.float32)
    rows[rng.random(rows.shape) < 0.5] = np.nan
    rows[:, -STEPS:] = np.nan
    return rows


def built(settings: Any, prevalence: float = 0.3) -> torch.nn.Module:
    torch.manual_seed(0)
    return network.build("gru", some_rows(40), prevalence, settings, SCHEMA).eval()


@pytest.mark.parametrize("settings", CELLS, ids=lambda settings: settings.cell)
@pytest.mark.parametrize("count", [1, 2, 33])
def test_the_graph_with_missing_values_equals_the_network(settings: Any, count: int) -> None:
    rows = some_rows(count, seed=1)
    rows[0] = np.nan  # of a patient of whom nothing is known
    logits = checked_logits(NetworkModel(built(settings), SCHEMA.width), rows)
    assert np.isfinite(logits).all()


def test_a_step_has_the_last_value_whether_it_is_new_and_its_age() -> None:
    cells = np.full((1, 1, 5), np.nan, np.float32)
    cells[0, 0, [1, 3]] = 3.0, 1.0
    value, seen, since = Steps(cells)(torch.from_numpy(cells))[0].T
    assert value.tolist() == [0, 1, 1, -1, -1]  # mean 2, standard deviation 1
    assert seen.tolist() == [0, 1, 0, 1, 0]
    steps = np.log1p([1, 0, 1, 0, 1]) / 4
    np.testing.assert_allclose(since.tolist(), steps, rtol=1e-6)


def test_a_measurement_never_seen_in_training_changes_no_risk() -> None:
    module, rows = built(gru), some_rows(4, seed=2)
    other = rows.copy()
    other[:, -STEPS:] = 1e6
    logits = [module(torch.from_numpy(each)).tolist() for each in (rows, other)]
    assert logits[0] == logits[1]


def test_what_was_measured_later_counts_more_than_nothing() -> None:
    module, rows = built(gru), np.tile(some_rows(1), (2, 1))
    rows[1, -2 * STEPS - 1] = 200.0  # the last step of the heart rate
    first, second = module(torch.from_numpy(rows)).tolist()
    assert first != second


def test_a_page_without_a_sequence_and_an_unknown_cell_are_one_line() -> None:
    table = Schema("table", "event", SCHEMA.fields)
    with pytest.raises(UserError, match="add sequence to the page"):
        network.build("gru", some_rows(4)[:, : len(table.fields)], 0.5, gru, table)
    with pytest.raises(UserError, match="use gru or lstm"):
        network.build("gru", some_rows(4), 0.5, Gru(cell="rnn"), SCHEMA)
    with pytest.raises(UserError, match="choose another, sequences have networks"):
        network.build("mlp", some_rows(4), 0.5, Mlp(), SCHEMA)


def test_a_sequence_goes_the_whole_way_and_is_served_as_it_was_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page = Path(synthetic_events.__file__).with_suffix(".yaml").read_text(encoding="utf-8")
    Path("page.yaml").write_text(f"{page}sequence: {{every: 2h, length: 24h, take: mean}}\n")
    settings = small_settings(subjects=400, spec="page.yaml")
    settings.model.network, settings.model.champion = Gru(width=8), "network"
    settings.training.epochs, settings.training.learning_rate = 2, 0.02
    directory = pipeline.run(settings).directory
    package = ModelPackage.open(directory / "packages" / "network")
    cohort = load(settings.data)
    sent = requested_events(Path("generated/synthetic_events-400-0/meds/data/0.parquet"))
    read, rows = event_reader(package.schema), cohort.encoded()
    assert rows.shape[1] == package.schema.width > len(package.schema.features)
    for row, (subject, at) in zip(rows, moments(cohort).items(), strict=True):
        assert read(body(at, events=sent[subject])).row.tobytes() == row.tobytes()
    request = read(body(at, events=sent[subject]))
    explained: Any = event_input(package).explainer.explain(request).answer
    assert set(explained["contributions"]) == {"heart_rate", "lactate", "glucose", "age", "female"}
    explained_hours = explained["hours"]
    assert explained_hours
    assert {part["measurement"] for part in explained_hours} <= {"heart_rate", "lactate", "glucose"}
    sizes = [abs(part["contribution"]) for part in explained_hours]
    assert sizes == sorted(sizes, reverse=True)
    for part in explained_hours:  # two hours a step, 24 in all, in eight stretches
        first, last = part["hours_before"]
        assert 24 >= first > last >= 0
        assert first - last in (2, 4)
    trees = ModelPackage.open(directory / "packages" / "xgboost")  # sees the windows' columns alone
    assert "hours" not in event_input(trees).explainer.explain(request).answer


def test_hidden_hours_are_those_said_and_no_others() -> None:
    row = np.full((1, SCHEMA.width), 1, np.float32)
    row[0, -2 * STEPS :] = np.nan
    heart_rate = slice(SCHEMA.width - 3 * STEPS, SCHEMA.width - 2 * STEPS)
    row[0, heart_rate][:12] = np.nan  # measured in the last 12 of 24 hours
    parts, hidden = hidden_hours(row, SCHEMA)
    assert [part["measurement"] for part in parts] == ["heart rate"] * 4
    assert [part["hours_before"] for part in parts] == [[12, 9], [9, 6], [6, 3], [3, 0]]
    gone = np.isnan(hidden) & ~np.isnan(row)
    assert gone[:, : heart_rate.start].sum() == 0
    assert [np.flatnonzero(each).tolist() for each in gone[:, heart_rate]] == [
        [12, 13, 14],
        [15, 16, 17],
        [18, 19, 20],
        [21, 22, 23],
    ]
    nothing, none = hidden_hours(np.full((1, SCHEMA.width), np.nan, np.float32), SCHEMA)
    assert nothing == []
    assert none.shape == (0, SCHEMA.width)
