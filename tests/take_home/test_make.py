"""`make take-home` and `make grade`: what they leave, and one line when they cannot."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from take_home import grade, make, run
from take_home.make import FINDINGS
from take_home.tasks import TASKS

from tests.take_home.answers import OTHER_ROUTES
from tests.take_home.plain_process import plain_start
from tests.take_home.stand_ins import install_cohort, install_grading


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a candidate called ada."""
    install_cohort(monkeypatch, tmp_path)
    return make.make("ada", tmp_path / "candidates")


def test_the_archive_holds_project_and_tables_and_nothing_of_the_interviewers(made: Path) -> None:
    assert sorted(path.name for path in made.iterdir()) == ["key.json", "project.zip", "seed.json"]
    seed = json.loads((made / "seed.json").read_text())["seed"]
    assert json.loads((made / "key.json").read_text()) == {"secret": seed}
    with zipfile.ZipFile(made / "project.zip") as archive:
        names = {name.removeprefix("risk-model/") for name in archive.namelist()}
        everything = b"".join(archive.read(name) for name in archive.namelist())
    needed = "ASSIGNMENT.md cohort.csv ward.csv dictionary.csv findings.toml LETTER.md Makefile "
    needed += "ready.py check.py submit.py data.py tasks.json findings_reader/claims.py "
    needed += "findings_reader/texts/kinds.toml served/risk.onnx constraints.txt LICENSE"
    assert set(needed.split()) <= names
    assert not {name for name in names if "key" in name or "seed" in name or "adapter" in name}
    assert str(seed).encode() not in everything
    assert str(made).encode() not in everything


def test_the_findings_stand_in_the_assignment_where_their_place_was(made: Path) -> None:
    text = zipfile.ZipFile(made / "project.zip").read("risk-model/ASSIGNMENT.md").decode()
    assert FINDINGS not in text
    assert (
        text.index("### 7 The service")
        < text.index("## Findings (70 min")
        < text.index("## The letter")
    )


def test_two_candidates_have_different_seeds_and_no_folder_is_left_half_made(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make.make("grace.h", made.parent)
    assert (other / "seed.json").read_text() != (made / "seed.json").read_text()
    monkeypatch.setattr(make, "zip_folder", lambda project, archive: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        make.make("third", made.parent)
    assert sorted(path.name for path in made.parent.iterdir()) == ["ada", "grace.h"]


@pytest.mark.parametrize("name", ["", "..", "a/b", ".ada", "ada lovelace", "x" * 80])
def test_a_name_that_is_no_folder_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert make.main([name]) == 2
    error = capsys.readouterr().err
    assert error.startswith("make take-home: name the candidate")
    assert "make take-home CANDIDATE=ada" in error
    assert error.count("\n") == 1
    assert make.main([]) == 2


def test_a_candidate_is_never_made_twice(made: Path) -> None:
    before = {path.name: path.read_bytes() for path in made.iterdir()}
    with pytest.raises(make.MakeError, match="exists already; another take-home would not match"):
        make.make("ada", made.parent)
    assert {path.name: path.read_bytes() for path in made.iterdir()} == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["", ""], "name the archive and the candidate"),
        (["a.zip", ""], "name the archive and the candidate"),
        (["", "ada"], "name the archive and the candidate"),
        (["a.zip", "nobody-of-that-name"], "no take-home was made for 'nobody-of-that-name'"),
        (["a.zip", "../x"], "no take-home was made for '../x'"),
        (["a.zip", "ada", "many"], "the seed is a whole number"),
    ],
)
def test_grading_without_what_it_needs_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert run.main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"make grade: {said}")
    assert error.count("\n") == 1


def test_a_submission_is_graded_and_the_same_seed_gives_the_same_points(
    made: Path, handed_out: Path, solved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {answer.task: answer.written(handed_out) for answer in OTHER_ROUTES}
    files = {run.HANDED_IN[t.file]: answers[t.name] for t in TASKS if t.name in ("ece", "score")}
    written = install_grading(monkeypatch, plain_start(solved), {**files, "LETTER.md": b"Dear"})
    once, again = (run.grade_submission(Path("any.zip"), "ada", 7, made.parent) for _ in range(2))
    assert once == again
    points = {scored.name: scored.points for scored in once}
    assert (points["ece"], points["score"], points["findings"]) == (3, 3, 20)
    assert sum(points.values()) == 26
    assert once[0].parts[0].sentence == "Your code was not handed in."
    assert written[0].log == {"score": "log of score", "ece": "log of ece"}
    assert (written[0].letter, written[0].seed, written[0].candidate) == ("Dear", 7, "ada")
    assert "in all          26.0 of  100" in run.table(once)


def test_every_task_has_its_checks() -> None:
    assert list(grade.CHECKS) == [task.name for task in TASKS]
    assert run.HANDED_IN["data/split.py"] == "src/risk_model/data/split.py"


def test_the_archive_is_a_zip_that_others_can_read(tmp_path: Path) -> None:
    (tmp_path / "project" / "a").mkdir(parents=True)
    (tmp_path / "project" / "a" / "b.txt").write_text("b")
    make.zip_folder(tmp_path / "project", tmp_path / "out.zip")
    content = io.BytesIO((tmp_path / "out.zip").read_bytes())
    assert zipfile.ZipFile(content).namelist() == ["project/a/b.txt"]
