"""Is the page whole, are its numbers those of the files, and is what went stale caught?"""

from __future__ import annotations

import html
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from risk_model import artifacts
from risk_model.app.cli import main
from risk_model.app.command_table import COMMANDS
from risk_model.app.hydra_settings import _setting_names
from risk_model.config import NETWORKS, Config, Synthetic
from risk_model.config.serialisation import settings_to_dict
from risk_model.config.settings import LOSSES
from risk_model.core.errors import UserError
from risk_model.core.estimate import Estimate
from risk_model.core.files import write_json
from risk_model.core.optional import module_exists
from risk_model.evaluation.results import RunEvaluation
from risk_model.lesson import anchors
from risk_model.lesson.anchors import find
from risk_model.lesson.toml_file import read_toml
from risk_model.lesson.walkthrough import page as page_module
from risk_model.lesson.walkthrough import prose
from risk_model.lesson.walkthrough.page import MINUTES, PAGE, SHEET, view
from risk_model.lesson.walkthrough.pointers import Found, Pointers, written
from risk_model.lesson.walkthrough.prose import closing, concerns
from risk_model.lesson.walkthrough.records import RunRecords, manifest_file, read_records
from risk_model.model.table import MODELS

from tests.lesson.made_walkthrough import Case, made_manifest, made_run
from tests.lesson.test_walkthrough_changes import claims

FILES = {artifacts.TRAINING, artifacts.EVALUATION, artifacts.INTERNAL_EXTERNAL, "config.json"}
ROUTES = {"POST /v1/predict"}


@pytest.fixture
def directory(tmp_path: Path, evaluation: RunEvaluation) -> Path:
    """A run's directory with the files that a walkthrough reads."""
    run = made_run(Case(champion="xgboost", verdict="fail"), evaluation)
    return write_run(tmp_path / "runs" / "made", replace(run, manifest=made_manifest(run)))


def write_run(directory: Path, run: RunRecords) -> Path:
    """The files of a run as a run writes them."""
    write_json(directory / "config.json", settings_to_dict(run.settings))
    write_json(directory / artifacts.TRAINING, run.training.to_json())
    write_json(directory / artifacts.EVALUATION, run.evaluation.to_json())
    write_json(directory / artifacts.INTERNAL_EXTERNAL, run.validated.to_json())
    if run.manifest:
        write_json(directory / manifest_file(run.champion), run.manifest.to_json())
    return directory


def test_a_run_is_read_as_it_was_written(directory: Path, evaluation: RunEvaluation) -> None:
    run = read_records(directory)
    assert run.champion == "xgboost"
    assert run.manifest == made_manifest(run)
    assert (run.first, run.worst_part, run.elsewhere) == ("test", "last period", "last period")


@pytest.mark.parametrize(("flags", "file"), [([], PAGE), (["--sheet"], SHEET)])
def test_the_command_writes_the_page_of_the_named_or_the_latest_run(
    directory: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    file: str,
) -> None:
    assert main(["walkthrough", f"run={directory}", *flags]) == 0
    assert str(directory / file) in capsys.readouterr().out
    (directory / file).unlink()
    monkeypatch.chdir(directory.parent.parent)
    assert main(["walkthrough", *flags]) == 0
    assert (directory / file).is_file()


def test_the_command_says_in_one_line_what_it_cannot_do(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(directory.parent.parent)
    assert main(["walkthrough", "made"]) == 2
    assert "run=DIRECTORY" in capsys.readouterr().err
    (directory / artifacts.EVALUATION).unlink()
    assert main(["walkthrough"]) == 2
    error = capsys.readouterr().err
    assert "is not evaluated; write evaluate run=" in error
    assert error.count("\n") == 1
    (directory / artifacts.TRAINING).unlink()
    assert main(["walkthrough"]) == 2
    assert "no trained run" in capsys.readouterr().err


@pytest.fixture
def page(directory: Path) -> str:
    """The HTML of the walkthrough."""
    main(["walkthrough", f"run={directory}"])
    return (directory / PAGE).read_text(encoding="utf-8")


@pytest.fixture
def sheet(directory: Path) -> str:
    """The HTML of the interviewer's sheet."""
    main(["walkthrough", f"run={directory}", "--sheet"])
    return (directory / SHEET).read_text(encoding="utf-8")


def test_both_pages_need_nothing_from_elsewhere(page: str, sheet: str) -> None:
    for content in (page, sheet):
        assert not re.search(r"<(link|img|iframe)\b|src=|@import|https?://|url\(", content)
        assert 'href="' not in content  # no link that could lead nowhere
        ids = re.findall(r'id="([^"]*)"', content)
        assert len(ids) == len(set(ids))
        assert set(re.findall(r'aria-labelledby="([^"]*)"', content)) <= set(ids)


def test_without_a_script_a_question_unfolds_by_itself_and_no_button_is_shown(page: str) -> None:
    assert page.count('<details class="topic" data-from="15">') == 18
    assert page.count('<details data-from="45">') == 18
    assert "<details open" not in page
    assert re.search(r'<div class="depths" id="depths" hidden>', page)
    assert "depths.hidden = false" in page


def test_printed_everything_is_unfolded(page: str) -> None:
    style = page[page.index("<style>") : page.index("</style>")]
    assert "details::details-content { content-visibility: visible" in style
    assert ".topic > summary { display: block" in style  # else a question would lose its name


def test_every_number_is_the_one_that_its_address_names(directory: Path, page: str) -> None:
    """Looked up by RFC 6901 in the files themselves, and written out anew."""
    marks = re.findall(r'<span class="(?:number|words)" title="([^"]*)">([^<]*)</span>', page)
    assert len(marks) > 60
    for address, text in marks:
        name, _, pointer = html.unescape(address).partition("#")
        if name == "the page":
            continue
        value = at(json.loads((directory / name).read_text(encoding="utf-8")), pointer)
        assert same(value, html.unescape(text)), (address, text)


def at(content: Any, pointer: str) -> Any:
    """The value at a JSON pointer."""
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        content = content[int(key)] if isinstance(content, list) else content[key]
    return content


def same(value: Any, text: str) -> bool:
    """Whether a text is that value, rounded; names and lists are looked at by other tests."""
    if isinstance(value, dict) and "estimate" in value:
        ends = [value[name] for name in ("estimate", "low", "high") if value[name] is not None]
        numbers = re.findall(r"−?[\d.,]+%?", text)
        return len(numbers) == len(ends) and all(map(same, ends, numbers))
    if isinstance(value, int | float) and not isinstance(value, bool):
        plain = text.replace(",", "").replace("−", "-")
        scale = 100 if plain.endswith("%") else 1
        digits = len(plain.rstrip("%").partition(".")[2])
        return abs(float(plain.rstrip("%")) - scale * value) < 0.501 / float(10**digits)
    return True


def test_the_sheet_holds_the_questions_and_the_same_facts(sheet: str, page: str) -> None:
    plain = html.unescape(sheet)
    for own in concerns():
        assert f"{own.minutes} minutes" in plain
        for text in (own.weak, own.good, own.strong, own.question):
            assert text in plain
        for topic in own.topics:
            assert topic.ask in plain
            assert topic.follow_up.ask in plain
    facts = re.findall(r"title=\"[^\"]*\">[^<]*</span>", sheet)
    assert len(facts) > 30
    assert [fact for fact in facts if fact not in page] == []
    assert sheet.count("☐ 0 ☐ 1 ☐ 2") == 18
    assert "____ of 36" in sheet


# --- anchors, names and conditions


def test_every_anchor_is_alive() -> None:
    """Also those of other runs; code of recordings is there in projects that read them."""
    here = any(module_exists(f"config.{name}") for name in ("imaging", "waveform", "text"))
    for own in concerns():
        for topic in own.topics:
            for code in topic.code:
                file = anchors.PACKAGE / code.anchor.partition("#")[0]
                if file.is_file():
                    assert find(code.anchor).code
                else:
                    signal = [name for name in code.when if name.startswith(("network_", "not t"))]
                    assert signal, code.anchor
                    assert not here or signal != ["not tables"], code.anchor


def test_what_is_set_like_code_is_a_command_a_setting_a_route_or_a_file() -> None:
    names = set(_setting_names(Config(data=Synthetic()))) | {"model/network"}
    for text in every_text():
        for code in re.findall(r"`([^`]*)`", text):
            setting, equals, value = code.partition("=")
            choices = {"training.loss": set(LOSSES), "model/network": network_names()}
            known = code in COMMANDS or code in ROUTES or code in FILES
            assert known or (equals and setting in names and value in choices[setting]), code


def network_names() -> set[str]:
    """Of any project: one that reads tables has no others of its own."""
    return set(NETWORKS) | {"pretrained_cnn", "encoder"}


def test_every_loss_model_and_network_has_its_sentences() -> None:
    """A new one in the tables would leave a page without an answer."""
    conditions = {name for own in concerns() for claim in own.lead for name in claim.when}
    assert {f"loss_{loss}" for loss in LOSSES} <= conditions
    (model,) = [own for own in concerns() if own.name == "Model"]
    shown = {name for topic in model.topics[:1] for code in topic.code for name in code.when}
    assert {f"network_{name}" for name in NETWORKS} <= shown
    (training,) = [own for own in concerns() if own.name == "Training"]
    told = {name for topic in training.topics for code in topic.code for name in code.when}
    assert {f"champion_{row.name}" for row in MODELS} <= told


def test_everything_of_the_lesson_is_asked() -> None:
    """The five concerns in their order, and each of their points; forty-five minutes in all."""
    names = {own.name: [topic.name for topic in own.topics] for own in concerns()}
    assert list(names) == ["Data", "Model", "Training", "Evaluation", "Deployment"]
    assert names["Data"] == ["Source", "Volume", "Quality", "Splits"]
    assert names["Model"] == ["Architecture", "Pre-training", "Baseline"]
    assert names["Training"] == ["Loss", "Regularisation", "Monitoring"]
    assert names["Evaluation"][:3] == ["Metrics", "Subgroups", "Clinical utility"]
    assert names["Deployment"] == ["Integration", "Monitoring", "Governance", "Explainability"]
    assert sum(own.minutes for own in concerns()) == MINUTES
    assert (len(closing().answer), len(closing().clinical)) == (6, 5)


# --- the prose itself

NAMES_WITH_DIGITS = {"/v1/predict", "HL7"}
NUMBER_WORDS = (
    "two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty hundred "
    "thousand million percent half twice third quarter"
)
NOT_COUNTED = (  # words that count nothing in a run
    "a quarter of the patients, a half, and so on, and says whether the last quarter",
    "puts two runs side by side",
    "Two models cannot be told apart",
    "the better of the two",
    "squeezed twice",
    "Where patients come twice",
)


def every_text() -> list[str]:
    """Every text of the prose, whether it is a claim or not."""
    texts = [claim.say for claim in claims()]
    for own in concerns():
        texts += [own.name, own.question, own.weak, own.good, own.strong]
        texts += chain(*((t.name, t.ask, t.follow_up.ask) for t in own.topics))
    texts += [item.name for item in (*closing().answer, *closing().clinical)]
    return [" ".join(text.split()) for text in texts]


def test_no_number_is_typed_in() -> None:
    for text in every_text():
        plain = re.sub(r"\{[^{}]*\}", "", text)
        for name in NAMES_WITH_DIGITS:
            plain = plain.replace(name, "")
        assert not re.search(r"\d", plain), text
        for phrase in NOT_COUNTED:
            plain = plain.replace(phrase, "")
        assert not set(re.findall(r"[a-z]+", plain.lower())) & set(NUMBER_WORDS.split()), text


# --- what went stale


def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package's code, in which anchors are looked up."""
    copy = tmp_path / "copy"
    shutil.copytree(anchors.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "embedded"))
    monkeypatch.setattr(anchors, "PACKAGE", copy)
    return copy


def test_a_symbol_that_was_renamed_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evaluation: RunEvaluation
) -> None:
    loss = copied(tmp_path, monkeypatch) / "training" / "loss.py"
    assert view(made_run(Case(), evaluation))
    code = loss.read_text(encoding="utf-8").replace("refuse_activation", "reject_activation")
    moved = loss.with_name("losses.py")
    moved.write_text(code, encoding="utf-8")
    loss.unlink()
    with pytest.raises(UserError, match=r"no file training/loss\.py"):
        view(made_run(Case(), evaluation))
    monkeypatch.setattr(anchors, "PACKAGE", copy_with(tmp_path / "second", code))
    with pytest.raises(UserError, match="has no 'refuse_activation'"):
        view(made_run(Case(), evaluation))


def copy_with(folder: Path, loss: str) -> Path:
    """Another copy, in which the file of the losses reads so."""
    source = folder.parent / "copy"
    shutil.copytree(source, folder)
    (folder / "training" / "loss.py").write_text(loss, encoding="utf-8")
    return folder


def renamed(evaluation: RunEvaluation, old: str, new: str) -> RunEvaluation:
    """The evaluation of a version in which a metric has another name."""
    parts = {}
    for name, part in evaluation.parts.items():
        models = {
            model: replace(
                own,
                metrics={new if key == old else key: value for key, value in own.metrics.items()},
            )
            for model, own in part.models.items()
        }
        parts[name] = replace(part, models=models)
    return replace(evaluation, parts=parts)


@pytest.mark.parametrize(
    "metric", ["auroc", "auprc", "slope", "citl", "ece", "net_benefit_gain", "alert_rate"]
)
def test_a_metric_that_moved_is_noticed(metric: str, evaluation: RunEvaluation) -> None:
    """And told of in one line: a page without the number could pass for one about few patients."""
    with pytest.raises(UserError, match=f"'{metric}'") as error:
        view(made_run(Case(), renamed(evaluation, metric, "moved")))
    assert "\n" not in str(error.value)


def test_a_loss_that_the_prose_does_not_know_is_noticed(evaluation: RunEvaluation) -> None:
    run = made_run(Case(), evaluation)
    run.settings.training.loss = "hinge"
    with pytest.raises(UserError, match="1 lead sentences of Training"):
        view(run)


def test_the_loss_of_the_run_decides_what_is_said(evaluation: RunEvaluation) -> None:
    run = made_run(Case(), evaluation)
    before = view(run).concerns[2].led
    run.settings.training.loss = "focal"
    after = view(run).concerns[2].led
    assert "plain cross-entropy" in before
    assert "plain cross-entropy" not in after


def edited(change: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The prose about data, changed by hand."""
    folder = tmp_path / "concerns"
    shutil.copytree(prose.FOLDER, folder)
    path = folder / "data.toml"
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    monkeypatch.setattr(prose, "FOLDER", folder)
    monkeypatch.setattr(page_module, "concerns", prose.concerns.__wrapped__)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{part.n ,}", "{part.rows ,}", "evaluation.json has no 'rows' at parts/test"),
        ("{part.n ,}", "{parts.n ,}", "this run has no 'parts'"),
        ("{part.n ,}", "{part.models ,}", "cannot be written as ','"),
        ('when = ["test_split"', 'when = ["tested"', "no condition tested"),
        ("minutes = 9", "minutes = 9\nhours = 1", "hours: Unexpected keyword"),
        ("minutes = 9", "minutes = ", "is no TOML"),
        ("data/leakage.py#check", "data/leaks.py#check", "no file data/leaks.py"),
    ],
)
def test_a_slip_in_the_prose_stops_the_page_with_one_line(
    old: str,
    new: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    evaluation: RunEvaluation,
) -> None:
    edited(lambda text: text.replace(old, new), tmp_path, monkeypatch)
    with pytest.raises(UserError, match=re.escape(said)) as error:
        view(made_run(Case(), evaluation))
    assert "\n" not in str(error.value)


def test_a_missing_field_is_named(tmp_path: Path) -> None:
    path = tmp_path / "some.toml"
    path.write_text('name = "Data"', encoding="utf-8")
    with pytest.raises(UserError, match=r"some\.toml: minutes"):
        read_toml(path, prose.Concern, prose.REMEDY)


# --- how values are written


@pytest.mark.parametrize(
    ("value", "how", "text"),
    [
        (1234, ",", "1,234"),
        (-0.456, ".2f", "−0.46"),
        (None, ".2f", "not estimable"),
        (Estimate(0.8312, 0.81, 0.85).to_json(), ".2f", "0.83 (0.81 to 0.85)"),
        (Estimate(0.8312).to_json(), ".2f", "0.83 (no interval)"),
        (Estimate(None).to_json(), ".2f", "not estimable (no interval)"),
        (Estimate(0.41, 0.3, 0.5).to_json(), ".0%", "41% (30% to 50%)"),
        (1 / 41, "threshold", "2.44%"),
        ("network", "model", "the network"),
        ("xgboost", "model", "XGBoost"),
        ("centred_isotonic", "words", "centred isotonic"),
        ([{"kind": "drift"}, {"kind": "drift"}, {"kind": "noise"}], "kinds", "drift, noise"),
        ({"test": 1, "site: North": 2}, "parts", "the test split; North"),
        (["x is not surely above", "y is not below"], "failed", "y is not below"),
        ("A reason.", "sentence", "A reason"),
    ],
)
def test_a_value_is_written_as_a_reader_says_it(value: Any, how: str, text: str) -> None:
    assert written(Found("evaluation.json", ("a",), value), how) == text


def test_prose_and_values_are_escaped(evaluation: RunEvaluation) -> None:
    run = made_run(Case(), evaluation)
    run = replace(run, training=replace(run.training, outcome="<b>died</b> & buried"))
    shown = Pointers(run).render("1 < 2: {training.outcome}, `a < b`")
    assert "&lt;b&gt;died&lt;/b&gt; &amp; buried" in shown
    assert "1 &lt; 2" in shown
    assert "<code>a &lt; b</code>" in shown


def test_an_address_is_a_json_pointer() -> None:
    found = Found("evaluation.json", ("parts", "site: A/B", "a~b"), 1)
    assert found.address == "evaluation.json#/parts/site: A~1B/a~0b"
