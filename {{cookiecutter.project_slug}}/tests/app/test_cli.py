"""What a user reads when a command is wrong: one line, the remedy, exit code 2, nothing written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from risk_model.app.cli import main
from risk_model.app.command_table import COMMANDS
from risk_model.app.commands import train
from risk_model.app.setting_words import hydra_words
from risk_model.config import SOURCES, Config, Table
from risk_model.config.serialisation import settings_from_dict, settings_to_dict
from risk_model.core.optional import optional_module

TABLE = ["data.path=table.csv", "data.outcome=died"]
WRONG = [
    (["trian"], "no command 'trian'; did you mean 'train'?"),
    (
        ["run", "training.epohcs=3"],
        "no setting 'training.epohcs'; did you mean 'training.epochs'?",
    ),
    (
        ["run", "training.epochs=abc"],
        "training.epochs: Value 'abc' of type 'str' could not be converted to Integer",
    ),
    (
        ["run", "seed=1.5"],
        "seed: Value '1.5' of type 'float' could not be converted to Integer",
    ),
    (["run", "data=suport2"], f"choose one of {', '.join(sorted(SOURCES))}"),
    (["run", "data=csv"], "data.path: needs a value; write data.path=..."),
    (["run", "+trainning=1"], "settings cannot be added or removed"),
    (["run", "~data"], "settings cannot be added or removed"),
    (["run", "--epochs=3"], "no flag '--epochs=3'"),
    (["run", "heart_disease"], "settings are written name=value"),
    (["run", "data.recorded_after=[a"], "cannot be read as a setting; write 'data.recorded_after="),
    (["run", "data.held_out_sites=A, B"], "write 'data.held_out_sites=[A,B]'"),
    (["run", "data.accept={dose}"], "write 'data.accept={column: \"why\"}'"),
    (["run", "training.epochs=[1"], "cannot be read as a setting"),
    (["run", "+data.cache=a b"], "cannot be added or removed; write 'data.cache=a b'"),
    (["score"], "write score input=new.csv output=risks.csv"),
    (["evaluate", "run=nowhere"], "holds no trained run"),
    (
        ["evaluate", "run=nowhere", "data.decision.harm_ratio=3"],
        "train with it: run data.decision.harm_ratio=3",
    ),
    (["register", "seed=3"], "seed: register keeps the settings that the run was trained with"),
    (["stability", "run=nowhere", "evaluation.refits=60"], "holds no trained run"),
    (["optimism", "run=nowhere", "evaluation.refits=60"], "holds no trained run"),
    (["learning_curve", "run=nowhere"], "holds no trained run"),
    (["learning_curve", "seed=3"], "seed: learning_curve keeps the settings"),
    (["evaluate", "evaluation.refits=60"], "evaluation.refits: evaluate keeps the settings"),
    (
        ["run", "data.decision.threshold_low=0.9"],
        "data.decision: threshold_low and threshold_high must ascend",
    ),
    (["recalibrate", "package=nowhere"], "output=DIRECTORY"),
    (["compare", "nowhere", "elsewhere"], "holds no trained run"),
    (["compare", "nowhere"], "the following arguments are required: RUN"),
    (["traps", "weigths"], "did you mean 'weights'?"),
]
if optional_module("validation.external"):
    WRONG.append((["evaluate", "package=nowhere", "seed=3"], "not a finished model package"))
WRONG = [case for case in WRONG if case[0][0] in {*COMMANDS, "trian"}]  # an edition may lack some


@pytest.mark.parametrize(("words", "expected"), WRONG)
def test_a_wrong_command_gets_one_line_and_writes_nothing(
    words: list[str],
    expected: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    captured = capsys.readouterr()
    assert expected in captured.err
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err
    assert list(tmp_path.iterdir()) == []


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trian", "--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_help_needs_no_heavy_library() -> None:
    code = "import sys\nfrom risk_model.app.cli import main\n"
    code += "main(['--help'])\n"
    code += "assert not {'torch', 'hydra', 'pandas', 'mlflow'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize(
    "name", ["my file.csv", "a,b=c.csv", "it's.csv", "back\\slash\\", "{x}[y].csv", "ünï.csv"]
)
def test_a_path_is_taken_as_it_stands(
    name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["data", "data=csv", f"data.path={tmp_path / name}", "data.outcome=died"]) == 2
    assert f"{tmp_path / name}" in capsys.readouterr().err


def test_quoted_paths_are_left_alone() -> None:
    assert hydra_words(["data.path='a b.csv'"]) == ["data.path='a b.csv'"]


@pytest.mark.parametrize("source", SOURCES)
def test_settings_survive_being_written_down(source: str) -> None:
    settings = Config(data=SOURCES[source]())
    if isinstance(settings.data, Table):
        settings.data.path, settings.data.outcome = "x.csv", "died"
    assert settings_from_dict(settings_to_dict(settings)) == settings


def test_a_slim_install_names_the_extra_that_a_command_needs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "risk_model.app.commands.run", None)
    assert main(["run"]) == 2
    assert "pip install '.[train]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "unbuffered"),
    [
        (["--help"], ""),
        (["--help"], "1"),
        (["run", "--help"], ""),
        (["serve", "--help"], ""),
        (["data", "data=csv", *TABLE], "1"),
    ],
)
def test_a_command_whose_reader_has_read_enough_ends_without_a_word(
    words: list[str], unbuffered: str, tmp_path: Path
) -> None:
    rows = (f"{20 + i * 31 % 60},{int(i * 7919 % 10 < 3)}\n" for i in range(400))
    (tmp_path / "table.csv").write_text(f"age,died\n{''.join(rows)}")
    reader, writer = os.pipe()
    os.close(reader)  # what `| head` does when it has its lines
    line = [sys.executable, "-m", "risk_model", *words]
    variables = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    done = subprocess.run(
        line, stdout=writer, stderr=subprocess.PIPE, cwd=tmp_path, env=variables, check=False
    )
    os.close(writer)
    assert (done.stderr, done.returncode) == (b"", 141)


def test_a_pipe_that_breaks_elsewhere_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(settings: Config) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(train, "train", broken)
    assert main(["train"]) == 1
    assert "unexpected BrokenPipeError" in capsys.readouterr().err
