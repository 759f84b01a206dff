"""What does the command say: a list, a card in the orders of the lesson, four steps, a page?"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import risk_model
from risk_model.app.cli import main
from risk_model.core.errors import UserError
from risk_model.lesson.anchors import find
from risk_model.lesson.concepts import cards as reading
from risk_model.lesson.concepts import telling
from risk_model.lesson.concepts.cards import cards
from risk_model.lesson.concepts.lookup import card_named, nearest
from risk_model.lesson.concepts.page import write_concepts

HOW_TO = Path(__file__).parents[2] / "docs" / "lesson.md"
Printed = pytest.CaptureFixture[str]


def said(printed: Printed, *words: str) -> str:
    """What the command prints; it ended well."""
    assert main(["concept", *words]) == 0
    return printed.readouterr().out


def plain(text: str) -> str:
    return " ".join(text.split())


def in_order(text: str, *words: str) -> None:
    """Every one stands in the text, after those before it."""
    at = [plain(text).find(plain(word)) for word in words]
    assert -1 not in at
    assert at == sorted(at)


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of cards of the test's own: two cards that lead to each other."""
    for name, other in (("auroc", "brier"), ("brier", "auroc")):
        text = (reading.FOLDER / f"{name}.toml").read_text(encoding="utf-8")
        near = re.sub(r"(?m)^near = .*$", f'near = ["{other}"]', text)
        (tmp_path / f"{name}.toml").write_text(near, encoding="utf-8")
    monkeypatch.setattr(reading, "FOLDER", tmp_path)
    cards.cache_clear()
    yield tmp_path
    cards.cache_clear()


def test_the_list_holds_every_card_under_its_concern(capsys: Printed) -> None:
    blocks = said(capsys).split("\n\n")
    for concern, names in telling.by_concern().items():
        (block,) = [block for block in blocks if block.startswith(f"{concern}\n")]
        rows = [line.split(maxsplit=1) for line in block.splitlines()[1:]]
        assert rows == [[name, cards()[name].title] for name in names]
    assert sum(map(len, telling.by_concern().values())) == len(cards())


def test_listing_them_imports_nothing_heavy() -> None:
    code = "import sys\nfrom risk_model.app.commands.concept import concept\n"
    code += "concept([])\nconcept(['auroc'])\n"
    code += "heavy = {'pandas', 'torch', 'sklearn', 'scipy', 'xgboost', 'matplotlib', 'jinja2'}\n"
    code += "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    source = Path(risk_model.__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": str(source)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, capture_output=True)


@pytest.mark.parametrize(
    "asked", [["auroc"], ["AUROC"], ["auc-roc"], ["ROC", "curve"], ["roc_curve"], [" AucRoc "]]
)
def test_a_name_is_understood_in_any_spelling(asked: list[str], capsys: Printed) -> None:
    assert said(capsys, *asked).startswith("AUROC (evaluation)")


@pytest.mark.parametrize("name", cards())
def test_a_card_shows_its_six_fields_its_places_and_its_source(name: str, capsys: Printed) -> None:
    card, text = cards()[name], said(capsys, name)
    fields = (card.what, card.why, card.how, card.when, card.pitfall, card.patients)
    in_order(text, *fields, card.snippet, card.source, ", ".join(card.near))
    for anchor in card.anchors_here:
        place = find(anchor)
        line = f"{place.file}, line"
        assert line in text
        assert f"{place.first}" in text


def test_the_order_of_an_answer_is_principle_reason_example_pitfall(capsys: Printed) -> None:
    card, text = cards()["calibration"], said(capsys, "calibration", "--prep")
    words = ("Principle", card.what, "Reason", card.why, "Example", card.how, card.snippet)
    in_order(text, *words, "Pitfall", card.pitfall)
    assert plain(card.patients) not in plain(text)


def test_a_clinician_hears_four_sentences_and_no_code(capsys: Printed) -> None:
    card, text = cards()["calibration"], said(capsys, "calibration", "--audience", "clinician")
    own = card.clinician
    words = ("Intuition", own.intuition, "Benefit", own.benefit, "Limitation", own.limitation)
    in_order(text, *words, "When I would use it", own.when)
    assert "import" not in text


def test_where_a_card_stands_is_told_in_three_ways() -> None:
    card = replace(cards()["auroc"], anchors=(), modality_anchors={})
    assert telling.absence(cards()["auroc"]) == ""
    assert telling.absence(card) == "not built here"
    elsewhere = replace(card, modality_anchors={"smells": ("model/nose.py",), "sounds": ()})
    assert telling.absence(elsewhere) == "built in projects for smells and sounds"


def test_a_place_is_told_by_file_lines_and_symbol() -> None:
    place = find("core/scores.py#auroc")
    wanted = f"core/scores.py, lines {place.first}-{place.last}: auroc"
    assert telling.place_line(place) == wanted
    assert re.fullmatch(
        r"core/scores.py, line \d+: CLIP", telling.place_line(find("core/scores.py#CLIP"))
    )
    assert telling.place_line(find("core/scores.py")).endswith(f"-{find('core/scores.py').last}")


def test_an_unknown_name_gets_the_nearest_cards_and_four_steps(capsys: Printed) -> None:
    asked = "demografic parities"
    card, text = cards()["demographic_parity"], said(capsys, *asked.split())
    assert nearest(asked)[0] == "demographic_parity"
    in_order(text, f"No card is called '{asked}'", ", ".join(nearest(asked)))
    steps = ("1. What I know", "2. First principles", "3. A related example", "4. The gap, and why")
    filled = (card.what, card.why, card.how, card.patients)
    in_order(text, *[word for pair in zip(steps, filled, strict=True) for word in pair])
    assert plain(card.snippet) in plain(text)


@pytest.mark.parametrize("asked", ["zzz", "???", "é" * 500, "{0}", "%s", "../cards/auroc"])
def test_a_name_unlike_any_card_is_answered_without_pretending(asked: str, capsys: Printed) -> None:
    assert nearest(asked) == [] or card_named(asked) is None
    text = said(capsys, asked)
    assert asked in plain(text) or len(asked) > 100
    assert "4. The gap" in text
    assert ("None is spelt like it." in text) == (nearest(asked) == [])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--prep"], "which one? Name it"),
        (["--audience", "clinician"], "which one? Name it"),
        (["auroc", "--all"], "--all takes no name"),
        (["auroc", "--audience", "child"], "invalid choice: 'child'"),
        (["auroc", "--prep", "--audience", "clinician"], "not allowed with"),
    ],
)
def test_what_cannot_be_asked_gets_one_line(
    words: list[str], expected: str, capsys: Printed
) -> None:
    assert main(["concept", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert expected in err
    assert len(err.splitlines()) == 1


def test_no_line_is_longer_than_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    snippet = set(cards()["phi"].snippet.splitlines())
    prose = [line for line in said(capsys, "phi").splitlines() if line.strip() not in snippet]
    assert max(len(line) for line in prose if not line.startswith("    ")) <= 60
    assert not re.search(r"(?m)^ *%", said(capsys, "auprc"))  # a percent sign stays by its number


def test_the_page_holds_every_card_and_needs_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Printed
) -> None:
    monkeypatch.chdir(tmp_path)
    assert str(Path("generated") / "concepts.html") in said(capsys, "--all")
    page = (tmp_path / "generated" / "concepts.html").read_text(encoding="utf-8")
    assert not re.findall(r"<(?:script|link|img)\b|@import|url\(|https?://", page)
    ids = re.findall(r'id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert (
        set(re.findall(r'href="#([^"]+)"', page)) == set(ids) == {*cards(), *telling.by_concern()}
    )
    assert page.count("<code>traps leak</code>") == 1  # what stands in backticks
    assert "`" not in re.sub(r"(?s)<pre>.*?</pre>", "", page)
    assert "np.repeat([0, 1], [950, 50])" in page
    assert "&lt;" in page  # a snippet's comparison is no tag


def test_a_card_of_your_own_is_one_file(own_folder: Path, tmp_path: Path, capsys: Printed) -> None:
    example = re.findall(r"(?s)```toml\n(title.*?)```", HOW_TO.read_text(encoding="utf-8"))[0]
    assert "gini" not in said(capsys)
    cards.cache_clear()
    (own_folder / "gini.toml").write_text(example, encoding="utf-8")
    assert re.search(r"(?m)^  gini +Gini coefficient$", said(capsys))
    assert said(capsys, "somers", "d").startswith("Gini coefficient (evaluation)")
    exec(cards()["gini"].snippet, {})  # noqa: S102
    write_concepts(tmp_path / "page.html")
    assert 'id="gini"' in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_dead_anchor_stops_card_and_page(own_folder: Path, tmp_path: Path) -> None:
    text = (own_folder / "auroc.toml").read_text(encoding="utf-8")
    moved = text.replace("core/scores.py#auroc", "core/scores.py#area")
    (own_folder / "auroc.toml").write_text(moved, encoding="utf-8")
    for show in (lambda: telling.told("auroc"), lambda: write_concepts(tmp_path / "page.html")):
        with pytest.raises(UserError, match="has no 'area'"):
            show()
    assert not (tmp_path / "page.html").exists()
