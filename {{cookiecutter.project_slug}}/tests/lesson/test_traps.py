"""How are the demonstrations asked for, and can each be read alone?"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import risk_model
from risk_model.core.errors import UserError
from risk_model.data.sources import diabetes130
from risk_model.lesson import traps
from risk_model.lesson.traps.lesson import Lesson, Row

FOLDER = Path(traps.__file__).parent
PACKAGE = Path(risk_model.__file__).parent


def lesson_of_two_rows() -> Lesson:
    rows: list[Row] = [{"model": "plain", "ECE": -0.00001}, {"model": "weighted", "ECE": 0.25}]
    return Lesson(
        "Why?",
        "two rows",
        rows,
        {"model": "", "ECE": "z.3f"},
        "a long sight " * 20,
        "less",
        "Somebody 1999",
    )


def test_an_unknown_demonstration_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        UserError, match="no demonstration 'calibration'; choose one of weights, leak, oversampling"
    ):
        traps.run("calibration")
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
    for line, (name, (data, said)) in zip(lines, traps.TRAPS.items(), strict=False):
        assert line.startswith(name)
        assert said in line
        assert all(source in line for source in data)


def test_every_demonstration_listed_is_there_and_every_one_there_is_listed() -> None:
    files = {path.stem for path in FOLDER.glob("*.py")} - {"__init__", "lesson", "models"}
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
    assert text.endswith("do      less\nsource  Somebody 1999")
