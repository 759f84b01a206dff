"""`make take-home` and `make grade`: what they leave, and one line when they cannot."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from pathlib import Path

import pytest

from take_home import grade, grading, honest, make, plants, probe, report
from take_home.grading import FINDINGS, LETTER, RISKS
from take_home.make import FINDINGS as FINDINGS_PLACE
from take_home.sandbox import SandboxError
from take_home.tasks import PACKAGE, TASKS

from tests.take_home.answers import OTHER_ROUTES

CANDIDATE = "ada"


@pytest.fixture
def one_cohort(monkeypatch: pytest.MonkeyPatch, made: plants.Made) -> None:
    """The same tables whatever the seed: making them takes a second."""
    monkeypatch.setattr(plants, "make", lambda seed: made)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, made: plants.Made) -> Path:
    """The folder of one candidate, as it was made."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plants, "make", lambda seed: made)
        return make.make(CANDIDATE, tmp_path_factory.mktemp("candidates"))


@pytest.fixture
def candidates(tmp_path: Path, first: Path, one_cohort: None) -> Path:
    """The interviewer's folder, with one candidate."""
    shutil.copytree(first.parent, tmp_path / "candidates")
    return tmp_path / "candidates"


def archive(path: Path, files: dict[str, bytes]) -> Path:
    """A submission of these files."""
    with zipfile.ZipFile(path, "w") as file:
        for name, content in files.items():
            file.writestr(name, content)
    return path


def answered(handed_out: Path, names: str) -> dict[str, bytes]:
    """Right files of these tasks, by another route than the reference's."""
    written = {answer.task: answer.written(handed_out) for answer in OTHER_ROUTES}
    return {
        f"src/{PACKAGE}/{task.file}": written[task.name]
        for task in TASKS
        if task.name in names.split()
    }


def test_the_archive_holds_project_and_tables_and_nothing_of_the_interviewers(
    candidates: Path,
) -> None:
    folder = candidates / CANDIDATE
    assert sorted(p.name for p in folder.iterdir()) == ["key.json", "project.zip", "seed.json"]
    seed = json.loads((folder / "seed.json").read_text())["seed"]
    with zipfile.ZipFile(folder / "project.zip") as file:
        names = {name.removeprefix("risk-model/") for name in file.namelist()}
        everything = b"".join(file.read(name) for name in file.namelist())
    needed = "ASSIGNMENT.md cohort.csv ward.csv dictionary.csv findings.toml LETTER.md Makefile "
    needed += "ready.py check.py submit.py data.py tasks.json findings_reader/claims.py "
    needed += "findings_reader/texts/kinds.toml served/risk.onnx constraints.txt LICENSE"
    assert set(needed.split()) <= names
    own = {name for name in names if not name.startswith("src/")}
    assert not {name for name in own if "key" in name or "seed" in name or "adapter" in name}
    assert str(seed).encode() not in everything
    assert str(folder).encode() not in everything


def test_the_findings_stand_in_the_assignment_where_their_place_was(candidates: Path) -> None:
    with zipfile.ZipFile(candidates / CANDIDATE / "project.zip") as file:
        text = file.read("risk-model/ASSIGNMENT.md").decode()
    assert FINDINGS_PLACE not in text
    places = ("### 7 The service", "## Findings (70 min", "## The letter")
    assert [text.index(place) for place in places] == sorted(map(text.index, places))


def test_two_candidates_have_different_seeds_and_no_folder_is_left_half_made(
    candidates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make.make("grace.h", candidates)
    assert (other / "seed.json").read_text() != (candidates / CANDIDATE / "seed.json").read_text()
    monkeypatch.setattr(make, "zip_folder", lambda project, archive: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        make.make("third", candidates)
    assert sorted(path.name for path in candidates.iterdir()) == ["ada", "grace.h"]


@pytest.mark.parametrize("name", ["", "..", "a/b", ".ada", "ada lovelace", "x" * 80])
def test_a_name_that_is_no_folder_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert make.main([name]) == 2
    error = capsys.readouterr().err
    assert error.startswith("make take-home: name the candidate")
    assert "make take-home CANDIDATE=ada" in error
    assert error.count("\n") == 1
    assert make.main([]) == 2


def test_a_candidate_is_never_made_twice(candidates: Path) -> None:
    before = {path.name: path.read_bytes() for path in (candidates / CANDIDATE).iterdir()}
    with pytest.raises(make.MakeError, match="exists already; another take-home would not match"):
        make.make(CANDIDATE, candidates)
    assert {p.name: p.read_bytes() for p in (candidates / CANDIDATE).iterdir()} == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["", ""], "name the archive and the candidate"),
        (["a.zip", ""], "name the archive and the candidate"),
        (["", "ada"], "name the archive and the candidate"),
        (["a.zip", "nobody-of-that-name"], "no take-home was made here for candidate 'nobody"),
        (["a.zip", "../x"], "no take-home was made here for candidate '../x'"),
        (["a.zip", "ada", "many"], "SEED=many is no seed"),
        (["a.zip", "ada", "-1"], "SEED=-1 is no seed"),
    ],
)
def test_grading_without_what_it_needs_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert grading.main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"make grade: {said}")
    assert error.count("\n") == 1


@pytest.mark.parametrize("content", [b"no archive", None])
def test_an_archive_that_cannot_be_read_is_refused_before_anything_is_written(
    candidates: Path, tmp_path: Path, content: bytes | None
) -> None:
    submission = tmp_path / "submission.zip"
    if content is not None:
        submission.write_bytes(content)
    with pytest.raises(grading.GradingError, match=r"submission\.zip"):
        grading.grade_submission(submission, CANDIDATE, 1, candidates)
    assert not (candidates / CANDIDATE / report.INTERVIEWER).exists()


def test_nothing_is_graded_where_the_sandbox_does_not_hold(
    candidates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def escaped(tree: Path, hidden: Path) -> None:
        raise SandboxError("The sandbox does not hold, so nothing is graded")

    monkeypatch.setattr(probe, "probe", escaped)
    with pytest.raises(SandboxError, match="nothing is graded"):
        grading.grade_submission(archive(tmp_path / "s.zip", {}), CANDIDATE, 1, candidates)
    assert not (candidates / CANDIDATE / report.INTERVIEWER).exists()


def test_a_part_of_a_submission_earns_its_part(
    candidates: Path, made: plants.Made, handed_out: Path, tmp_path: Path
) -> None:
    same = honest.findings_toml([made.key.plants[0]] * 2)
    findings = f'[[finding]]\nkind = "no kind"\n\n{same}'.encode()
    files = {**answered(handed_out, "ece"), FINDINGS: findings, LETTER: b"Dear colleague"}
    files["notes.txt"] = b"mine"
    submission = archive(tmp_path / "submission.zip", files)
    graded = grading.grade_submission(submission, CANDIDATE, 7, candidates)
    points = {task.scored.name: task.scored.points for task in graded.tasks}
    assert points == {**dict.fromkeys(grade.CHECKS, 0), "ece": 3}
    assert graded.tasks[0].scored.parts[0].sentence == "Your code was not handed in."
    assert (graded.findings.points, graded.risks.points, graded.letter) == (7, 0, "Dear colleague")
    assert (len(graded.missed), graded.most) == (4, 100)
    first, again = graded.claims
    assert (first.position, again.position) == (2, 3)
    assert (first.points, again.points, again.most) == (7, 0, 0)
    assert first.rubric
    assert again.rubric == (), "a person reads the reasons of a problem once"
    page = (candidates / CANDIDATE / report.INTERVIEWER).read_text(encoding="utf-8")
    assert "Finding 2: " in page
    assert "Finding 1: " not in page
    assert graded.command.endswith(f"CANDIDATE={CANDIDATE} SEED=7")
    assert any("1" in said for said in graded.ignored)
    for name in (report.INTERVIEWER, report.CANDIDATE, report.RESULTS):
        assert (candidates / CANDIDATE / name).stat().st_size > 1000


@pytest.mark.slow
def test_a_right_submission_has_all_points_twice(
    candidates: Path,
    handed_out: Path,
    made: plants.Made,
    answer: honest.Answer,
    tmp_path: Path,
) -> None:
    answer.write(tmp_path, made.tables)
    files = answered(handed_out, " ".join(grade.CHECKS))
    files |= {name: (tmp_path / name).read_bytes() for name in (FINDINGS, RISKS)}
    submission = archive(tmp_path / "submission.zip", {**files, LETTER: b"Dear colleague"})
    once, again = (
        grading.grade_submission(submission, CANDIDATE, 11, candidates) for _ in range(2)
    )
    assert once == again
    assert (once.points, once.most) == (100, 100)
    assert (once.missed, len(once.claims)) == ((), 5)
    page = (candidates / CANDIDATE / report.CANDIDATE).read_text(encoding="utf-8")
    assert not [claim.truth for claim in once.claims if str(claim.truth) in page]


def test_every_task_has_its_checks() -> None:
    assert list(grade.CHECKS) == [task.name for task in TASKS]
    assert grading.NAMES[0] == "src/risk_model/data/split.py"


def test_the_archive_is_a_zip_that_others_can_read(tmp_path: Path) -> None:
    (tmp_path / "project" / "a").mkdir(parents=True)
    (tmp_path / "project" / "a" / "b.txt").write_text("b")
    make.zip_folder(tmp_path / "project", tmp_path / "out.zip")
    content = io.BytesIO((tmp_path / "out.zip").read_bytes())
    assert zipfile.ZipFile(content).namelist() == ["project/a/b.txt"]
