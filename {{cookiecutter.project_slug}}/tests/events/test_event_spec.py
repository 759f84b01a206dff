"""Is the page read as its author meant it, or refused in one line that names the place?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from risk_model.core.errors import UserError
from risk_model.signals.event_spec import micros
from risk_model.signals.event_spec_reading import read_spec, spec_from_json

from tests.events.made_events import ELIGIBLE, page, spec

TEXT = yaml.safe_dump(page(eligible=ELIGIBLE), sort_keys=False)


def said(path: Path, text: str) -> str:
    """The error about a page."""
    file = path / "page.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as error:
        read_spec(file)
    message = str(error.value)
    assert "\n" not in message
    return message.removeprefix(f"{file}: ")


@pytest.mark.parametrize(
    "changes",
    [
        {"eligible": ELIGIBLE},
        {"index": {"event": ["A", "B"], "every": "6h", "until": "Z", "at_most": 8}},
        {"sequence": None, "end_of_data": "none"},
        {"outcome": {"event": "A*", "until": "Z", "not_followed": "no event", "seen_by": "V"}},
    ],
)
def test_a_page_survives_the_way_through_json(changes: dict[str, object]) -> None:
    made = spec(**changes)
    assert spec_from_json(json.loads(json.dumps(made.to_json()))) == made


def test_a_file_is_read_as_the_same_page(tmp_path: Path) -> None:
    (tmp_path / "page.yaml").write_text(TEXT, encoding="utf-8")
    assert read_spec(tmp_path / "page.yaml") == spec(eligible=ELIGIBLE)


def test_a_file_of_labels_takes_the_place_of_moments_and_outcome(tmp_path: Path) -> None:
    features = {"windows": ["12h"], "take": ["last"], "measured": {"heart rate": {"code": "HR"}}}
    made = spec_from_json({"labels": "labels.parquet", "features": features})
    assert (made.labels, made.index, made.outcome) == ("labels.parquet", None, None)
    assert spec_from_json(made.to_json()) == made
    assert said(tmp_path, "labels: x.csv\n" + TEXT).startswith("labels: a file of labels takes")
    start = {**features, "windows": ["since start"]}
    with pytest.raises(UserError, match="needs an index event, which labels do not have"):
        spec_from_json({"labels": "x", "features": start})


QUOTED = "in quotes"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("range:", "rang:", "unknown key 'rang'; did you mean range?"),
        ("outcome:", "outcom:", "unknown key 'outcom'; did you mean outcome?"),
        ("code: HR", "code: 0715", "features.measured.heart rate.code: 461 is not text"),
        ("code: HR", "code: 1:30", "features.measured.heart rate.code: 90 is not text"),
        ("code: HR", "code: no", "features.measured.heart rate.code: False is not text"),
        ("code: HR", "code: []", "features.measured.heart rate.code: is empty"),
        ("    sex:", "    no:", "features.measured: the key False is not text"),
        ("plus: 24h", "plus: 24m", "index.plus: '24m' may be minutes or months; write min"),
        ("plus: 24h", "plus: 24", "index.plus: '24' is no duration"),
        ("which: first", "which: last but one", "index.which: must be first or last or all"),
        ("  which: first\n", "", "index.which: must be stated: first or last or all"),
        ("  not_followed: exclude\n", "", "outcome.not_followed: must be stated: exclude or"),
        ("  horizon: 30d\n", "", "outcome: state a horizon, until, or both"),
        ("horizon: 30d", "horizon: 1d", "outcome.horizon: must be longer than the gap"),
        ("- last", "- lats", "features.take: unknown 'lats'; did you mean last?"),
        ("- 12h", "- 12 hours", "features.windows: '12 hours' is no duration"),
        ("- 12h", "- 0h", "features.windows: must be longer than 0"),
        ("- 12h", "- 99999999999y", "features.windows: '99999999999y' is longer than 1000 years"),
        (
            "code: HR",
            "code: H*R",
            "features.measured.heart rate.code: 'H*R': a * stands at the end",
        ),
        ("heart rate:", '"heart\\nrate":', "the key 'heart\\nrate' must be one line"),
        ("unit: mmol/L", "unit: ''", "features.measured.glucose.from: turns other units into the"),
        ("mg/dL: 0.0555", "mg/dL: -1", "features.measured.glucose.from.mg/dL: must be the number"),
        ("mg/dL: 0.0555", "mmol/L: 1", "features.measured.glucose.from.mmol/L: is the unit itself"),
        ("    age:", "    aged:", "eligible.adults: unknown key 'aged'; did you mean age?"),
        ("every: 1h", "every: 5h", "sequence.length: must be 1 to 2,000 whole steps of 5h"),
        ("take: mean", "take: median", "sequence.take: must be mean or last, not 'median'"),
        ("2025-12-31", "soon", "end_of_data: must be a date such as 2025-12-31, or none"),
        ("index:", "outcome: {}\nindex:", "'outcome' stands twice in the part that begins"),
        ("index:", "index: [", "no valid YAML in line"),
        ("      range:\n      - 10\n      - 300", "      range: [300, 10]", "features.measured.he"),
    ],
)
def test_what_is_unclear_is_refused_in_one_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in TEXT
    error = said(tmp_path, TEXT.replace(old, new, 1))
    assert message in error
    assert ("is not text" in error) == (QUOTED in error)


def test_a_series_must_say_how_long_it_may_be() -> None:
    with pytest.raises(UserError, match=r"index\.at_most: must be stated"):
        spec(index={"event": "A", "every": "6h"})
    with pytest.raises(UserError, match="state which or every"):
        spec(index={"event": "A", "every": "6h", "which": "first", "at_most": 3})
    with pytest.raises(UserError, match=r"index\.until: belongs to a series"):
        spec(index={"event": "A", "which": "first", "until": "B"})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.yaml cannot be read \(FileNotFoundError\)"):
        read_spec(tmp_path / "none.yaml")


def test_the_end_of_the_data_is_the_last_microsecond_of_its_day() -> None:
    end = spec(end_of_data="1970-01-01").end(5)
    assert end == micros("1d") - 1
    assert spec(end_of_data="").end(5) == 5
    assert spec(end_of_data="none").end(5) is None
