"""How are the demonstrations asked for, and can each be read alone?"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ttest_rel

import risk_model
from risk_model.app.command_table import COMMANDS
from risk_model.app.commands.traps import traps as command
from risk_model.core.errors import UserError
from risk_model.core.estimate import Estimate
from risk_model.data.sources import diabetes130
from risk_model.lesson import traps
from risk_model.lesson.anchors import find, line
from risk_model.lesson.traps import page
from risk_model.lesson.traps.damage import OPTIMISM, beyond_chance, damage, pair, told
from risk_model.lesson.traps.lesson import Chart, Code, Lesson, Pair, Row

FOLDER = Path(traps.__file__).parent
PACKAGE = Path(risk_model.__file__).parent
PROJECT = Path(__file__).parents[2]
SHARED = {"__init__", "damage", "lesson", "models", "networks", "page"}
CODE = Code(
    wrong='lesson/traps/accuracy.py#accuracy "np.mean"',
    right='model/score.py#score "evaluating(network)"',
    test="tests/lesson/test_traps.py::test_made",
)


def lesson_of_two_rows() -> Lesson:
    rows: list[Row] = [{"model": "plain", "ECE": -0.00001}, {"model": "weighted", "ECE": 0.25}]
    return Lesson(
        "Why?",
        "two rows",
        rows,
        {"model": "", "ECE": "z.3f"},
        Chart(
            "ECE & more", "weighted", "plain", [Pair("all", Estimate(0.25), Estimate(0.0, 0, 1))]
        ),
        CODE,
        "a long sight " * 20,
        "less",
        "Somebody 1999",
    )


def test_an_unknown_demonstration_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        UserError, match="no demonstration 'fairness'; choose one of accuracy, activation, mode"
    ):
        traps.run("fairness")
    with pytest.raises(UserError, match="did you mean 'weights'"):
        traps.run("weight")


def test_data_that_a_demonstration_is_not_shown_on_is_refused_with_what_it_is_shown_on() -> None:
    with pytest.raises(
        UserError, match="--data heart_disease: is not shown on it; use support2 or diabetes130"
    ):
        traps.run("weights", data="heart_disease")
    with pytest.raises(UserError, match="use wdbc"):
        traps.run("bins", data="support2")


@pytest.mark.parametrize(
    "name", [name for name, (data, _) in traps.TRAPS.items() if "diabetes130" in data]
)
def test_what_must_be_downloaded_goes_to_the_cache_that_was_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diabetes130, "URL", "http://127.0.0.1:9/dataset_diabetes.zip")
    with pytest.raises(
        UserError, match=re.escape(f"put the file at {tmp_path / diabetes130.FILE}")
    ):
        traps.run(name, data="diabetes130", cache=str(tmp_path))


def test_the_listing_names_each_demonstration_and_its_data() -> None:
    lines = traps.listing().splitlines()
    for row, (name, (data, said)) in zip(lines, traps.TRAPS.items(), strict=False):
        assert row.startswith(name)
        assert said in row
        assert all(source in row for source in data)


def test_every_demonstration_listed_is_there_and_every_one_there_is_listed() -> None:
    files = {path.stem for path in FOLDER.glob("*.py")} - SHARED
    assert files == set(traps.TRAPS)
    for name in files:
        assert callable(import_module(f"{traps.__name__}.{name}").demonstrate)


@pytest.mark.parametrize("name", traps.TRAPS)
def test_a_demonstration_is_short_and_needs_no_other(name: str) -> None:
    text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 150
    imported = {
        node.module for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)
    }
    assert not imported & {f"{traps.__name__}.{other}" for other in traps.TRAPS}


def test_no_other_file_of_the_package_needs_the_demonstrations() -> None:
    command = PACKAGE / "app" / "commands" / "traps.py"
    for path in PACKAGE.rglob("*.py"):
        nodes = [
            n
            for n in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(n, ast.ImportFrom)
        ]
        if FOLDER not in path.parents and path != command:
            assert not [n.module for n in nodes if (n.module or "").startswith(traps.__name__)], (
                path
            )


def test_listing_them_imports_nothing_heavy() -> None:
    code = "import sys\nfrom risk_model.lesson.traps import listing\n"
    code += "listing()\n"
    code += "assert not {'pandas', 'torch', 'sklearn', 'xgboost'} & set(sys.modules)"
    source = str(Path(risk_model.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": source}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_what_is_printed_is_aligned_and_no_line_is_too_long() -> None:
    text = lesson_of_two_rows().text()
    assert "\nmodel       ECE\nplain     0.000\nweighted  0.250\n" in text
    assert max(map(len, text.splitlines())) <= 110
    assert text.startswith("Why?\n\ndata    two rows\n")
    assert "\nwrong   return float(np.mean((risk >= 0.5) == labels))\n" in text
    assert "        lesson/traps/accuracy.py#accuracy\nright   with evaluating(network)" in text
    assert text.endswith(f"do      less\ntest    {CODE.test}\nsource  Somebody 1999")


def code_of(name: str) -> Code:
    code: Code = import_module(f"{traps.__name__}.{name}").CODE
    return code


def test_the_lessons_own_three_stand_first() -> None:
    assert list(traps.TRAPS)[:3] == ["accuracy", "activation", "mode"]


@pytest.mark.parametrize("name", traps.TRAPS)
def test_the_two_lines_are_whole_lines_of_this_project_and_differ(name: str) -> None:
    (wrong, place), (right, _) = code_of(name).lines.values()
    assert place.startswith(f"lesson/traps/{name}.py#")
    assert wrong != right
    for shown in (wrong, right):
        assert all(shown.count(a) == shown.count(b) for a, b in ("()", "[]", "{}")), shown


@pytest.mark.parametrize("name", traps.TRAPS)
def test_the_test_that_guards_it_is_there(name: str) -> None:
    file, _, function = code_of(name).test.partition("::")
    tree = ast.parse((PROJECT / file).read_text(encoding="utf-8"))
    assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_a_line_is_shown_without_what_stands_around_it() -> None:
    anchor = 'model/score.py#score "evaluating(network)"'
    assert line(anchor) == "with evaluating(network), torch.no_grad():"
    assert line(anchor) in find(anchor).code
    with pytest.raises(UserError, match="names no text"):
        line("model/score.py#score")


def test_each_is_told_of_in_the_documents_and_nowhere_is_their_number_told() -> None:
    text = (PROJECT / "docs" / "traps.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE) == list(traps.TRAPS)
    told = [text, (PROJECT / "README.md").read_text(encoding="utf-8"), COMMANDS["traps"].help]
    for words in told:
        assert not re.search(r"(?i)\b(five|seven|twelve|\d+) (traps|mistakes)", words)


def test_a_difference_has_the_interval_of_a_t_test() -> None:
    pairs = np.random.default_rng(0).normal([0.5, 0.2], 0.1, (8, 2))
    row = damage(pairs.tolist())
    expected = ttest_rel(*pairs.T).confidence_interval()
    assert (row["low"], row["high"]) == pytest.approx(tuple(expected))
    assert row["damage"] == pytest.approx(np.mean(pairs[:, 0] - pairs[:, 1]))
    assert json.loads(json.dumps(row)) == row
    renamed = damage(pairs.tolist(), OPTIMISM)
    assert list(renamed)[:3] == list(OPTIMISM)
    assert pair("x", renamed) == pair("x", row)


def test_one_repeat_or_an_interval_over_0_tells_nothing_from_none() -> None:
    once = damage([[0.9, 0.1]])
    assert np.isnan(once["low"])
    assert not beyond_chance(once)
    assert "cannot be told from none" in told(once)
    assert "cannot be told from none" in told({"damage": 0.1, "low": -0.1, "high": 0.3})
    for low, high in ((0.1, 0.3), (-0.3, -0.1)):
        assert "cannot" not in told({"damage": (low + high) / 2, "low": low, "high": high})


def test_the_page_holds_a_figure_both_lines_and_the_table_of_each(tmp_path: Path) -> None:
    path = tmp_path / "traps.html"
    page.write_traps(path, {"one": lesson_of_two_rows(), "other": lesson_of_two_rows()})
    text = path.read_text(encoding="utf-8")
    assert text.count("<svg") == 2
    assert text.count("with evaluating(network), torch.no_grad():") == 2
    assert text.count("np.mean((risk &gt;= 0.5) == labels)") == 2
    assert text.count(f">{CODE.test}<") == 2
    assert 'id="other"' in text
    assert "<td>0.250</td>" in text
    assert "ECE &amp; more" in text
    assert not re.search(r'(?:src|href)="(?!#)', text)  # it needs no other file and no network


def test_a_chart_draws_squares_discs_and_intervals_and_leaves_out_what_is_not_there() -> None:
    one = [Pair("a", wrong=Estimate(0.4)), Pair("b", right=Estimate(0.6, 0.5, 0.7))]
    drawn = page.plot("made", Chart("AUROC", "before", "after", one))
    assert all(f">{word}<" in drawn for word in ("a", "b", "before", "after", "AUROC"))
    alone = page.plot("made", Chart("AUROC", "before", "", one[:1]))
    assert ">after<" not in alone


@pytest.mark.parametrize("at_hand", [True, False])
def test_all_are_run_but_those_whose_data_would_have_to_be_downloaded(
    at_hand: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def made(name: str, data: str, cache: str) -> Lesson:
        ran.append(name)
        return lesson_of_two_rows()

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(traps, "demonstrate", made)
    if at_hand:
        (tmp_path / diabetes130.FILE).parent.mkdir()
        (tmp_path / diabetes130.FILE).touch()
    said = traps.run_all(cache=str(tmp_path))
    absent = [] if at_hand else ["oversampling", "overlap"]
    assert ran == [name for name in traps.TRAPS if name not in absent]
    assert said.splitlines()[0] == f"generated/traps.html: {len(ran)} traps"
    assert ("left out: oversampling, overlap; " in said) == (not at_hand)
    assert (tmp_path / traps.PAGE).read_text(encoding="utf-8").count("<svg") == len(ran)


def test_all_of_them_and_one_of_them_is_refused() -> None:
    with pytest.raises(UserError, match="leave out the rest"):
        command(["weights", "--all"])
