"""Whatever a column is called, what a message shows can be typed, and is read as that name."""

from __future__ import annotations

import shlex
import subprocess

import hypothesis
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import example, given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from risk_model.app.setting_words import ADDED, accepted, hydra_words
from risk_model.config import Config, Table
from risk_model.config.serialisation import settings_from_dict, settings_to_dict
from risk_model.core.errors import UserError
from risk_model.core.setting_syntax import UNSAYABLE, read_list, read_mapping, setting, shell_word

# What no word of a command line can hold: a NUL, and half of a character.
TYPEABLE = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
# Signs that a shell, Hydra, OmegaConf or the lists themselves would take for their own.
AWKWARD = st.text(st.sampled_from(list("ab ü'\"\\,:=$\x7b}[]()~!*?#&|;<>%@\n\t")), max_size=8)
NAMES = (TYPEABLE | AWKWARD).filter(lambda name: name != UNSAYABLE)
WIDE = "lab (x)", "it's", 'a "b" c\\', "Na [mmol/l], serum", "müde", "${runs}", "a: b", "-1"


def typed(shown: str) -> str:
    """The word that a shell makes of what a message shows."""
    if shown.startswith("$'"):
        command = ["bash", "-c", f"printf %s {shown}"]
        return subprocess.run(command, capture_output=True, check=True).stdout.decode()
    (word,) = shlex.split(shown)
    return word


def read_by_hydra(word: str) -> dict[str, object]:
    """What Hydra and OmegaConf make of one word of ours."""
    (override,) = hydra_words([word])
    parsed = OverridesParser.create().parse_override(override)
    return dict(OmegaConf.to_container(OmegaConf.create({"it": parsed.value()}), resolve=True))  # type: ignore[arg-type]  # it is a dict


@given(st.lists(NAMES, max_size=4))
@example(list(WIDE))
def test_a_list_of_any_names_is_read_as_it_was_shown(names: list[str]) -> None:
    word = typed(setting("data.exclude", names))
    assert read_by_hydra(word) == {"it": names}
    assert read_by_hydra(typed(setting("data.missing", names))) == {
        "it": [ADDED, *names] if names else []
    }


@given(st.dictionaries(NAMES.filter(bool), NAMES.filter(bool), min_size=1, max_size=3))
@example(dict.fromkeys(WIDE, 'known "at" triage, (says O\'Neil): ${x}'))
def test_a_mapping_of_any_names_is_read_as_it_was_shown(reasons: dict[str, str]) -> None:
    assert accepted([typed(setting("data.accept", reasons))]) == reasons


@given(NAMES)
@example("'quoted'")
@example('"as", "two"')
def test_a_text_is_read_as_it_was_shown(text: str) -> None:
    for key in ("data.path", "data.decision.reason", "accept", "output"):
        assert read_by_hydra(typed(setting(key, text))) == {"it": text}


@hypothesis.settings(max_examples=20)
@given(NAMES, NAMES)
@example("$\x7bseed}", "$\x7b")
def test_settings_that_hold_any_text_are_written_down_and_read_back(one: str, other: str) -> None:
    settings = Config(data=Table(path=one, outcome=other, exclude=[one], accept={one: other}))
    assert settings_from_dict(settings_to_dict(settings)) == settings


@pytest.mark.parametrize("name", WIDE)
def test_what_is_shown_is_what_hydra_itself_reads(name: str) -> None:
    _, _, value = typed(setting("data.exclude", [name])).partition("=")
    assert OverridesParser.create().parse_override(f"x={value}").value() == [name]


@pytest.mark.parametrize(
    "name", ["two\nlines", "tab\tand 'quote'", "bell\x07", "line\u2028separator"]
)
def test_a_name_with_a_line_break_is_shown_in_one_line_that_bash_reads(name: str) -> None:
    shown = setting("data.exclude", [name])
    assert shown.isprintable()
    assert read_list("data.exclude", typed(shown).partition("=")[2]) == [name]


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ("[lab (x), Na [mmol/l],O'Neil]", ["lab (x)", "Na [mmol/l]", "O'Neil"]),
        ("[007,99.90,1e3,NULL,true,.5]", ["007", "99.90", "1e3", "NULL", "true", ".5"]),
        ("[]", []),
        ("['a, b', \"it's\"]", ["a, b", "it's"]),
    ],
)
def test_what_stands_between_commas_is_taken_as_it_is_spelt(text: str, texts: list[str]) -> None:
    assert read_list("data.exclude", text) == texts


@pytest.mark.parametrize("text", ["a,b", "[a", "a]", "['a]", '["a" b]', "[a,,b]", "[a,]", "[???]"])
def test_a_list_that_can_be_read_in_two_ways_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UserError, match=r"^[^\n]*data\.exclude[^\n]*;") as refused:
        read_list("data.exclude", text)
    shown = str(refused.value).rpartition("; write ")[2].removesuffix(" for no text")
    if shown.startswith("'data.exclude="):
        read_list("data.exclude", typed(shown).partition("=")[2])


@pytest.mark.parametrize(
    "text", ["a: b", "{a}", "{: b}", "{a: }", "{a: 'b}", "{'a: b}", "{a: ???}"]
)
def test_a_mapping_that_can_be_read_in_two_ways_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UserError, match=r"^[^\n]*data\.accept[^\n]*;"):
        read_mapping("data.accept", text)


def test_a_word_without_anything_odd_is_shown_bare() -> None:
    assert shell_word("run=runs/csv-1") == "run=runs/csv-1"
