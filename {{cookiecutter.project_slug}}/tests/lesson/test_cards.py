"""Is every card whole: do its snippet run, its anchors live, its neighbours exist, its figures have
support, and can it be said in three minutes, or to a clinician?
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from risk_model.core.errors import UserError
from risk_model.lesson.anchors import find
from risk_model.lesson.concepts.cards import Card, cards, read
from risk_model.lesson.concepts.lookup import card_named, words

NAMES = list(cards())
SPOKEN = 420  # words in three minutes
SNIPPET = 12  # lines
WIDE = 100  # characters a line of a snippet
FIGURE = re.compile(r"(?<![\w.-])(?:\d[\d,]*(?:\.\d+)?|\.\d+)")
NAMED = re.compile(r"`[^`]*`|95 % (?:\w+ )?interval")  # digits that are part of a name
MEASURED = (Path(__file__).parents[2] / "docs" / "traps.md").read_text(encoding="utf-8")
TRIVIAL = {0.0, 1.0}  # outcomes and bounds
# what a clinician has no use for, in any form of the word
JARGON = re.compile(
    r"\b(?:activation|adamw?\b|architecture|auc\b|auprc|auroc|augment|back-?prop|batch|bayesian|"
    r"bias\b|bootstrap|classif|coefficient|convolution|covariate|cross-?(?:entropy|fit|validat)|"
    r"data ?set|decoder|dropout|embedding|encoder|ensemble|epoch|f1\b|feature|fine-?tun|gradient|"
    r"ground truth|heatmap|hyper-?parameter|imput|inference|kernel|label|latent|layer|learning "
    r"rate|log[ -]odds|logit|loss\b|matrix|metric|minibatch|neural|neuron|normali[sz]|one-hot|"
    r"optimi[sz]er|overfit|parameter|pixel|precision|predictor|quantile|recall\b|regressi|"
    r"regulari[sz]|residual|roc\b|sigmoid|softmax|stochastic|strata|stratif|tensor|test set|token|"
    r"train(?:ing)? (?:set|data)|transformer|validation|variance|vector|weights)",
    re.IGNORECASE,
)


def spoken(card: Card) -> str:
    """What is said aloud: the six fields."""
    return " ".join([card.what, card.why, card.how, card.when, card.pitfall, card.patients])


@pytest.mark.parametrize("name", NAMES)
def test_every_anchor_leads_to_code_of_this_project(name: str) -> None:
    for anchor in cards()[name].anchors_here:
        assert find(anchor).code


@pytest.mark.parametrize("name", NAMES)
def test_a_card_is_complete_short_and_leads_to_others(name: str) -> None:
    card = cards()[name]
    assert all(text.strip() for text in (card.title, spoken(card), card.snippet, card.source))
    assert len(spoken(card).split()) <= SPOKEN
    assert len(card.snippet.strip().splitlines()) <= SNIPPET
    assert max(map(len, card.snippet.splitlines())) <= WIDE
    assert set(card.near) <= set(NAMES) - {name}
    assert card.near


@pytest.mark.parametrize("name", NAMES)
def test_what_a_clinician_hears_is_one_sentence_each(name: str) -> None:
    for text in vars(cards()[name].clinician).values():
        assert text.strip().endswith(".")
        assert 5 <= len(text.split()) <= 45


@pytest.mark.parametrize("name", NAMES)
def test_what_a_clinician_hears_is_no_jargon(name: str) -> None:
    said = " ".join(vars(cards()[name].clinician).values())
    assert JARGON.findall(said) == []


def test_a_word_of_the_trade_is_found_in_any_form() -> None:
    said = "AUROCs, gradients, labelled rows, layers, normalisation; no lossless word, no player."
    found = [word.lower() for word in JARGON.findall(said)]
    assert found == ["auroc", "gradient", "label", "layer", "normalis"]


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_in_the_prose_has_support(name: str) -> None:
    """The snippet computes it, the source is cited with it, or it is one that the traps measured.

    0 and 1 aside; a share may be a percentage. What is counted in words is no measurement.
    """
    card = cards()[name]
    said = " ".join([spoken(card), *vars(card.clinician).values()])
    measured = MEASURED if "`traps " in said else ""
    assert unsupported(said, f"{card.snippet} {card.source} {measured}") == []


def test_a_figure_without_support_is_found() -> None:
    said = "In 1,500 stays 29 % died, F1 was .5, 18 % (95 % interval), `top 7`, SHA-256, .64, .66."
    support = "assert died == 0.29 and area == 0.641; rows = 15_000"
    assert unsupported(said, support) == ["1,500", ".5", "18", ".66"]


def unsupported(said: str, support: str) -> list[str]:
    """The figures that do not stand in the support: as they are, rounded, or as a percentage."""
    numbers = [number(figure) for figure in FIGURE.findall(support.replace("_", ""))]
    known = [*TRIVIAL, *numbers, *(100 * value for value in numbers)]
    figures = FIGURE.findall(NAMED.sub("", said))
    return [f for f in figures if not any(abs(number(f) - k) <= slack(f) for k in known)]


def number(figure: str) -> float:
    return float(figure.replace(",", "").rstrip("."))


def slack(figure: str) -> float:
    """Half of the last decimal of a figure with two or more; a coarser one is exact."""
    decimals = len(figure.partition(".")[2])
    return 0.5 * 10**-decimals if decimals > 1 else 1e-9


def test_no_two_cards_answer_to_one_name() -> None:
    for name, card in cards().items():
        assert {card_named(word) for word in words(name, card)} == {name}


def test_every_snippet_runs() -> None:
    """All in one process: the imports take longer than the snippets."""
    code = "\n".join(f"exec({card.snippet!r}, {{}})" for card in cards().values())
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("what = ", "wath = "), "what: "),
        (('concern = "training"', 'concern = "magic"'), "concern: "),
        (('title = "', "title = "), "is no TOML"),
    ],
)
def test_a_card_with_a_mistake_is_refused_by_name(
    change: tuple[str, str], said: str, tmp_path: Path
) -> None:
    own = tmp_path / "mine.toml"
    text = (Path(read.__code__.co_filename).parent / "cards" / "dropout.toml").read_text("utf-8")
    own.write_text(text.replace(*change), encoding="utf-8")
    with pytest.raises(UserError, match=f"mine.toml: {said}"):
        read(own)
