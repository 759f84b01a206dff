"""Are spellings of one thing joined, and different things kept apart?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_model.data.first_look.spelling import folded, is_placeholder, is_ticked, near_equal


@pytest.mark.parametrize(
    "texts",
    [
        "Male|male|MALE.| male ",
        "non-smoker|Non smoker|nonsmoker",
        "COVID-19|Covid 19|covid19",
        "Müller|MULLER|müller",
        "Ｍａｌｅ|male",
        "07|7|7.0|007",
        "a12|A12|A-12|A 012",
        "St. Mary's|St Mary's|st marys",
        "Straße|STRASSE",
    ],
)
def test_near_equal_spellings_are_one_group(texts: str) -> None:
    spellings = texts.split("|")
    assert near_equal(spellings) == [tuple(sorted(spellings))]


@pytest.mark.parametrize(
    "texts",
    [
        "A+|A-|A",
        "<5|>5|5",
        "1-2|12|1.2",
        "0.5|5|-5",
        "1.5 mg|15 mg",
        "AA|Aa|aa",
        "A01.0|A01",
        "male|female",
        "S0012|S0021",
        "9007199254740993|9007199254740992",
        "?|-",
    ],
)
def test_different_things_are_kept_apart(texts: str) -> None:
    assert near_equal(texts.split("|")) == []


@given(st.text(max_size=20))
def test_folding_twice_changes_nothing_of_letters(text: str) -> None:
    assert folded(folded(text)) == folded(text)
    assert folded(text.upper().lower()) == folded(text.lower().upper().lower())


@pytest.mark.parametrize(
    "text",
    """Unknown|unk|UNK.|n/a|N.A.|none given|not done|Not recorded|?|-|--|...|xxx|test|0|000|9999
    |99999999|No ID|anonymous|TBD|pending|missing|nk|-9|-99|-1|0.0|unbekannt|k.A.|keine Angabe
    |nicht erhoben|inconnu|non renseigné|NC|desconocido|sin dato|No consta|sconosciuto
    |non disponibile|desconhecido|não informado|onbekend|niet bekend|n.v.t.""".split("|"),
)
def test_placeholders_are_known(text: str) -> None:
    assert is_placeholder(text)


@pytest.mark.parametrize(
    "text", "1|12|999|99|S0012|Anna|A|m|yes|-5|10|1000|Smith|5.0|e9".split("|")
)
def test_identifiers_are_no_placeholders(text: str) -> None:
    assert not is_placeholder(text)


@pytest.mark.parametrize(
    "text", "x|X|✓|✔|yes|Y|true|1|1.0|on|checked|ja|Oui|si|sí|sim|(x)|☒".split("|")
)
def test_ticks_are_known(text: str) -> None:
    assert is_ticked(text)


@pytest.mark.parametrize("text", "no|0|false|n|nein|off||unchecked|2|-".split("|"))
def test_what_is_no_tick(text: str) -> None:
    assert not is_ticked(text)
