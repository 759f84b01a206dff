"""Points for risks.csv: published bands, each behind the one before; broken files earn nothing."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from take_home import honest
from take_home.findings import BENEFIT, RATIO, SLOPE, score_risks_file
from take_home.key import Key
from take_home.plants import Made
from take_home.risks import Risks, net_benefit, observed_over_expected, slope
from take_home.score import Scored
from take_home.tables import Tables


@pytest.fixture
def key(made: Made) -> Key:
    """The key of one candidate."""
    return made.key


def grade(tables: Tables, risk: Risks, key: Key, folder: Path) -> Scored:
    """The points of those risks."""
    (folder / "risks.csv").write_text(honest.risks_csv(tables, risk))
    return score_risks_file(folder / "risks.csv", key)


def shares(scored: Scored) -> list[float]:
    """Of the points of each part."""
    return [round(part.points / part.most, 6) for part in scored.parts]


def test_the_honest_risks_earn_all_points_and_those_of_the_table_as_it_came_do_not(
    key: Key, tables: Tables, answer: honest.Answer, tmp_path: Path
) -> None:
    scored = grade(tables, answer.risks, key, tmp_path)
    assert (scored.points, scored.most, scored.mistakes) == (15, 15, ())
    assert grade(tables, honest.as_it_came(tables), key, tmp_path).points <= 7.5


def test_the_order_of_the_rows_does_not_matter(
    key: Key, tables: Tables, answer: honest.Answer, tmp_path: Path
) -> None:
    first, *rows = honest.risks_csv(tables, answer.risks).splitlines()
    (tmp_path / "risks.csv").write_text("\r\n".join([first, *reversed(rows)]))
    assert score_risks_file(tmp_path / "risks.csv", key).points == 15


def test_one_risk_for_everybody_and_risks_in_the_wrong_order_earn_nothing(
    key: Key, tables: Tables, answer: honest.Answer, tmp_path: Path
) -> None:
    right_sum = np.full(len(tables.ward), key.ward.readmitted.mean())
    for risk in (right_sum, np.zeros(12_000), np.ones(12_000), 1 - answer.risks):
        assert grade(tables, risk, key, tmp_path).points == 0


def test_a_part_counts_only_where_the_one_before_earns_points(
    key: Key, tables: Tables, answer: honest.Answer, tmp_path: Path
) -> None:
    log_odds = np.log(answer.risks / (1 - answer.risks))
    steep = 1 / (1 + np.exp(-2 * (log_odds + 1.73) + 1.73))  # the same order around 15 %
    assert shares(grade(tables, steep, key, tmp_path))[2] == 0
    larger = grade(tables, np.minimum(answer.risks * 1.4, 1), key, tmp_path)
    assert larger.parts[1].points == 0
    assert larger.parts[2].sentence == "counts only where observed over expected earns points"


def test_the_bands_have_full_half_and_no_points() -> None:
    assert [BENEFIT.share(x) for x in (1.2, 0.9, 0.89, 0.8, 0.79, -1)] == [1, 1, 0.5, 0.5, 0, 0]
    assert [RATIO.share(x) for x in (0.87, 1.15, 0.86, 1.25, 0.79, 1.26)] == [1, 1, 0.5, 0.5, 0, 0]
    assert [SLOPE.share(x) for x in (0.82, 1.2, 0.7, 1.4, 0.69, float("nan"))] == [
        *(1, 1, 0.5, 0.5),
        *(0, 0),
    ]


def test_the_three_measures_by_hand() -> None:
    outcome = np.array([1, 1, 0, 0, 0], dtype=np.int8)
    risk = np.array([0.5, 0.15, 0.15, 0.1, 0.1])
    assert net_benefit(outcome, risk, 0.15) == pytest.approx(2 / 5 - 1 / 5 * 0.15 / 0.85)
    assert observed_over_expected(outcome, risk) == pytest.approx(2)
    assert np.isnan(slope(outcome, np.full(5, 0.2)))
    rng = np.random.default_rng(0)
    log_odds = rng.normal(-1.5, 1, 40_000)
    drawn = (rng.random(40_000) < 1 / (1 + np.exp(-log_odds))).astype(np.int8)
    assert slope(drawn, 1 / (1 + np.exp(-2 * log_odds))) == pytest.approx(0.5, abs=0.03)


BROKEN = {
    "no header": ("A1,0.5\n", "its first line is not admission_id,risk; write that line"),
    "another header": ("id,risk\n", "its first line is not admission_id,risk; write that line"),
    "empty": ("", "its first line is not admission_id,risk; write that line"),
    "too few": (
        "admission_id,risk\nA000001,0.2\n",
        "it has not each admission of ward.csv once; write all of them, once",
    ),
    "three cells": (
        "admission_id,risk\nA000001,0.2,x\n",
        "a row has not two cells; write admission_id,risk in each",
    ),
    "text": (
        "admission_id,risk\nA000001,high\n",
        "a risk is no number from 0 to 1; write 0.12, say",
    ),
    "open quote": (
        'admission_id,risk\n"A000001,0.2\n',
        "it is no CSV; write two columns separated by a comma",
    ),
    "zeros": ("admission_id,risk\n\0\0\0", ""),
    "one long line": ("admission_id,risk\n" + 200_000 * "x", ""),
    "too large": (2_000_001 * "x", "it is larger than 2,000 kB; shorten it"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_earns_nothing_and_has_one_sentence(
    name: str, key: Key, tmp_path: Path
) -> None:
    content, sentence = BROKEN[name]
    (tmp_path / "risks.csv").write_text(content)
    scored = score_risks_file(tmp_path / "risks.csv", key)
    assert (scored.points, scored.most) == (0, 15)
    (mistake,) = scored.mistakes
    assert mistake == f"risks.csv: {sentence}" or (not sentence and len(mistake) < 200)


@pytest.mark.parametrize("value", ["nan", "inf", "-0.1", "1.0001", "", "0,5", "1e400"])
def test_a_risk_that_is_none_spoils_the_file(
    value: str, key: Key, tables: Tables, answer: honest.Answer, tmp_path: Path
) -> None:
    rows = honest.risks_csv(tables, answer.risks).splitlines()
    rows[7] = rows[7].partition(",")[0] + "," + value
    (tmp_path / "risks.csv").write_text("\n".join(rows))
    scored = score_risks_file(tmp_path / "risks.csv", key)
    assert (scored.points, len(scored.mistakes)) == (0, 1)


def test_admissions_twice_or_of_nobody_spoil_the_file(
    key: Key, tables: Tables, answer: honest.Answer, tmp_path: Path
) -> None:
    rows = honest.risks_csv(tables, answer.risks).splitlines()
    for changed in ([*rows, rows[-1]], [*rows[:-1], "A999999,0.2"], rows[:-1]):
        (tmp_path / "risks.csv").write_text("\n".join(changed))
        assert score_risks_file(tmp_path / "risks.csv", key).points == 0


def test_what_is_no_plain_file_earns_nothing(key: Key, tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "link").symlink_to("/dev/zero")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("binary", "link", "folder", "pipe", "nothing"):
        scored = score_risks_file(tmp_path / name, key)
        assert scored.points == 0
        assert len(scored.mistakes) == 1
