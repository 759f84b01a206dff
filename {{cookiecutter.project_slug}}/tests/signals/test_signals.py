"""Does a signal beside the fields go through the hall as a field does?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from risk_model import config
from risk_model.core.cohort import Cohort
from risk_model.core.schema import Schema, at_once
from risk_model.data.drift_reference import reference
from risk_model.data.sources.recordings import cohort_from
from risk_model.data.split import split
from risk_model.model.explain import background
from risk_model.model.occlusion import occlude
from risk_model.signals import rows

from tests import made_signal
from tests.made_signal import SCHEMA, SIGNAL, recordings_of


@pytest.fixture(autouse=True)
def _in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    made_signal.put_in_place(monkeypatch)


def strips(n: int, seed: int = 0, **index: object) -> Cohort:
    """Events have a bump in the second quarter."""
    rng = np.random.default_rng(seed)
    outcome = (rng.random(n) < 0.4).astype(np.int8)
    recordings = rng.normal(size=(n, 8)).astype(np.float32)
    recordings[:, 2:4] += 2 * outcome[:, None]
    return cohort_from(
        list(recordings), outcome, pd.DataFrame(index, index=range(n)), SCHEMA, "made"
    )


def test_a_row_is_the_fields_then_what_describes_the_signal_then_its_array() -> None:
    cohort = strips(5)
    encoded = cohort.encoded()
    assert encoded.shape == (5, SCHEMA.width) == (5, 1 + 2 + 8)
    assert SCHEMA.simple == 3
    for i, row in enumerate(encoded):
        recording = recordings_of(cohort)[i]
        expected = [recording.max(), recording.mean(), recording.std(), *recording]
        np.testing.assert_array_equal(row, np.array(expected, dtype=np.float32))


def test_a_request_and_the_training_row_of_one_recording_are_the_same_bytes() -> None:
    cohort = strips(3)
    for i in range(len(cohort)):
        recording = recordings_of(cohort)[i]
        asked = made_signal.received(recording.tolist(), SIGNAL)
        assert rows([asked], SCHEMA).tobytes() == cohort.encoded()[i].tobytes()


def test_a_schema_with_a_signal_is_read_back_equal() -> None:
    assert Schema.from_json(SCHEMA.to_json()) == SCHEMA
    assert SCHEMA.served().signal == SIGNAL


def test_rows_that_are_taken_keep_their_signal() -> None:
    cohort = strips(6)
    taken = cohort.take(np.array([4, 1]))
    np.testing.assert_array_equal(taken.encoded(), cohort.encoded()[[4, 1]])
    np.testing.assert_array_equal(recordings_of(taken)[0], recordings_of(cohort)[4])


def test_the_fingerprint_changes_with_one_sample_of_one_signal() -> None:
    assert strips(6).fingerprint() == strips(6).fingerprint()
    recordings = [recordings_of(strips(6))[row] for row in range(6)]
    recordings[3][0] += 1e-3
    own = strips(6).labels, strips(6).index, SCHEMA, "made"
    assert cohort_from(recordings, *own).fingerprint() != strips(6).fingerprint()


def test_without_subjects_the_same_recording_is_the_same_subject() -> None:
    cohort = strips(6)
    twice = cohort.take(np.array([0, 1, 2, 0]))
    assert twice.subjects[0] == twice.subjects[3]
    assert len(set(twice.subjects)) == 3


def test_a_published_part_becomes_an_external_cohort_that_nobody_of_the_development_is_in() -> None:
    n = 400
    part = np.array(["published test", None, None, None] * (n // 4), dtype=object)
    subject = (np.arange(n) // 2).astype(str)  # some subjects have rows on both sides
    cohort = strips(n, part=part, subject_id=subject)
    splits = split(cohort, config.Split(), config.Data(name="strips"), 0)
    assert list(splits.external) == ["published test"]
    assert set(splits.external["published test"]) == set(np.flatnonzero(part == "published test"))
    development = np.concatenate(
        [rows for name, rows in splits.items() if name not in splits.external]
    )
    assert not set(cohort.subjects[development]) & set(
        cohort.subjects[splits.external["published test"]]
    )
    assert len(splits.set_aside) == 100


def test_the_background_of_a_package_stands_beside_the_neutral_signal() -> None:
    cohort = strips(200)
    drawn = background(reference(cohort, np.arange(200)), SCHEMA, n=10, seed=0)
    assert drawn.shape == (10, SCHEMA.width)
    assert (drawn[:, 1:] == 0).all()
    assert drawn[:, 0].std() > 0


def test_what_is_lost_without_a_part_is_its_contribution() -> None:
    recording = np.arange(8, dtype=np.float32)
    occlusion = occlude(lambda x: x[:, -8:].sum(axis=1).astype(np.float64), recording, SCHEMA)
    assert occlusion.logit == 28
    assert occlusion.contributions == [0 + 1, 2 + 3, 4 + 5, 6 + 7]
    assert occlusion.parts[1] == {"seconds": [0.25, 0.5]}


def test_wide_rows_are_computed_a_few_at_a_time_and_never_none() -> None:
    assert at_once(50, 4096) == 4096
    assert at_once(12_288, 4096) == 21
    assert at_once(10**9, 4096) == 1
