"""Are numbers with decoration told from words, codes, bands and dates?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_model.data.first_look.decoration import (
    ambiguous_thousands,
    censored_limit,
    decorations,
    plain_number,
)


def kinds(*texts: str) -> list[tuple[str, str]]:
    return [(d.kind, d.detail) for d in decorations(texts, np.ones(len(texts), dtype=np.int64))]


DECORATED = {
    "5.1 mg/L|7 mg/L|12.5 mg/L": ("unit", "mg/L"),
    "5 mg/L|0.5 g/L|7 mg/l": ("unit", "g/L, mg/L"),
    "37.2 °C|36.9°C|38 °C|n.d.": ("unit", "°C"),
    "70 kg|81.5kg|64 kg": ("unit", "kg"),
    "6.1 x10^9/L|7.0 x10^9/L|11 x10^9/L": ("unit", "x10^9/L"),
    "3 days|10 days|1 day": ("unit", "d"),
    "62 Jahre|63 Jahre|71 Jahre": ("unit", "y"),
    "60 mL/min/1.73m2|71 mL/min/1.73 m²|>90 mL/min/1.73m2|35 ml/min/1.73m2": (
        "unit",
        "mL/min/1.73m²",
    ),
    "'62|'63|'71": ("apostrophe", ""),
    '="62"|="63"|="71"': ("formula", ""),
    '="62"|=63|71': ("formula", ""),
    "5%|10 %|12.5%": ("percent", ""),
    "$5|$12.50|$ 7": ("currency", ""),
    "5 €|12,50 €|7 €": ("currency", ""),
    "1 234|12 345|999": ("thousands", ""),
    "1\u202f234|12\u00a0345|1\u2009999": ("thousands", ""),
    "1'234|12'345|999": ("thousands", ""),
    "1,234|12,345|999": ("thousands", ""),
    "1,234.5|12,345|999.5": ("thousands", ""),
    "1,2|0,79|3|n.d.": ("decimal comma", ""),
    "1,234|0,795|0,8": ("decimal comma", ""),
    "1,2|0,79|3,11": ("decimal comma", ""),
    "1.234,5|12.345,0|2.999,5": ("decimal comma and thousands", ""),
    "1 234,5|12 345,0|999": ("decimal comma and thousands", ""),
    "−3|−4.5|2": ("minus sign", ""),
    "–3|–4.5|2": ("minus sign", ""),
    "3-|4.5-|2": ("trailing minus", ""),
    "(3)|4|(5.5)": ("parentheses", ""),
    "- 3|4|- 5": ("leading sign", ""),
    "<8.1|9.2|10|11.5": ("censored", ""),
    ">90|45|61.2|88": ("censored", ""),
    "90+|45|46|47|48|49|50|51|52|53|54|55": ("censored", ""),
    "5-10|3-5|7-12|6-8": ("range", ""),
    "3 to 5|4 to 8|2 to 9": ("range", ""),
    "3–5|4–8|2–9": ("range", ""),
    "120/80|135/85|141/90": ("fraction", ""),
    "7/10|8/10|3/10": ("fraction", ""),
    "6/6|6/9|6/60": ("fraction", ""),
    "3 days 04:05:06|1 days 00:00:00|2 days, 3:00:00": ("duration", ""),
    "PT5H|P1DT3H|PT30M": ("duration", ""),
    "36:10|50:30|120:15": ("duration", ""),
    "3 y 4 m|2 y 1 m|1 y 11 m": ("duration", ""),
    "1,5E+03|2,5E+03|3,1E-2": ("exponent comma", ""),
    "5.1 x 10^3|4.2 x 10^3|1.1×10³": ("power of ten", ""),
    "~5|ca. 7|about 12": ("approximate", ""),
    "5.1 H|3.2 L|4.4": ("flag", ""),
    "5 L|3.2 L|4.4 L": ("unit", "L"),
    "08:30|09:15|23:59": ("time of day", ""),
}


@pytest.mark.parametrize(("texts", "expected"), DECORATED.items(), ids=DECORATED.keys())
def test_decorated_numbers_are_named(texts: str, expected: tuple[str, str]) -> None:
    assert expected in kinds(*texts.split("|"))


WORDS = [
    "M|F",
    "yes|no|unknown",
    "1|2|3.5|-4|+5|1e5",
    "E11.9|250.01|V57|401",
    "I21|I50.0|J18.9",
    "S0012|S0013|S0014",
    "Grade 1|Grade 2|Grade 3",
    "stage 3a|stage 3b|stage 4",
    "3a|3b|4",
    "[70-80)|[80-90)|[90-100)",
    "40-49|50-59|60-69|70+",
    "<20|20-29|30-39|>=40",
    "0 to 9|10 to 19|20 to 29",
    "<1Mo|1-3Mo|3-12Mo|1-2Yr|2-5Yr",
    "under $11k|$11-$25k|$25-$50k|>$50k",
    "A+|A-|0+|AB+",
    "neg|trace|1+|2+|3+",
    "0|1+|2+|3+",
    "0|1|2|3+",
    "<30|>30|NO",
    ">7|>8|Norm|None",
    "1011 AB|1012 CD|1013 EF",
    "12345-6789|12346-1111|22222-3333",
    "SW1A 1AA|EC1 2BB|N1 9GU",
    "1.2.3|1.2.4|2.0.1",
    "2015-01-02|2015-02-03|2016-01-01",
    "1/2/2015|3/4/2015|12/25/2015",
    "01.02.2015|02.02.2015|03.03.15",
    "5-Mar-2012|6-Mar-2012|7 May 2012",
    "2015-01-02 10:30|2015-01-02T11:30:00Z|2015-01-03 00:00:00",
    "Jan 2015|Feb 2015|Mar 2015",
    "03/2015|04/2015|05/2015",
    "2012Q1|2012Q2|2012-Q3",
    "1/86|2/86|3/87|12/87",
    "24/12|31/1|1/2",
    "10:30 AM|11:20 PM|1:15 pm",
    "123 456 789|223 456 789|323 456 789",
    "34F|52M|61M|22F",
    "112|112/112|110/112|120",
    "2D|3D|4D",
    "1,2|1,3|2,3|1,2,3",
    "1 vessel|2 vessel|3 vessel",
    "T1a|T1b|T2",
    "12-2041|12-1977|3-1021",
    "10 Downing Street|12 High Street|1 Main Road",
    "a long note about 5 mg|another note|a third one",
]


@pytest.mark.parametrize("texts", WORDS)
def test_words_codes_bands_and_dates_are_no_decorated_numbers(texts: str) -> None:
    assert kinds(*texts.split("|")) == []


def test_rows_are_counted_and_the_most_frequent_comes_first() -> None:
    found = decorations(["5,1 mg/L", "6 mg/L", "7 mg/L"], np.array([4, 2, 1]))
    assert [(d.kind, d.rows) for d in found] == [("unit", 7), ("decimal comma", 4)]


def test_no_detail_holds_a_value() -> None:
    for texts in DECORATED:
        for _, detail in kinds(*texts.split("|")):
            assert not set(texts.split("|")) & set(detail.split(", "))


PLAIN = {
    "5": 5,
    "-5.5": -5.5,
    ".5": 0.5,
    "1e3": 1000,
    "5.1 mg/L": 5.1,
    "−3.5 mmol/l": -3.5,
    "'62": 62,
    '="12"': 12,
    "1 234": 1234,
    "1\u00a0234": 1234,
    "1\u2009234.5": 1234.5,
    "1'234": 1234,
    "−3": -3,
    "5 %": 5,
    "(3)": -3,
    "$5": 5,
    "5 €": 5,
    "5.1 H": 5.1,
}


@pytest.mark.parametrize(("text", "number"), PLAIN.items())
def test_the_number_is_read(text: str, number: float) -> None:
    assert plain_number(text) == number


NO_NUMBER = """x|n.d.|<5|90+|120/80|5-10|1.2.2015|2015-01-02|3 days 04:05:06|1,5|1,234|E11.9|S0012
|Grade 2|nan|inf|1e999|10:30|~5|1.2.3|"""


@pytest.mark.parametrize("text", NO_NUMBER.replace("\n", "").split("|"))
def test_what_is_no_number_is_not_read(text: str) -> None:
    assert plain_number(text) is None


def test_marks_of_the_locale_are_told() -> None:
    assert plain_number("1.234,5", ",", ".") == 1234.5
    assert plain_number("1.234", ",", ".") == 1234
    assert plain_number("1.234.567", ",", ".") == 1234567
    assert plain_number("12,5 mg/L", ",") == 12.5
    assert plain_number("1,234", ".", ",") == 1234
    assert plain_number("1,234.5", ".", ",") == 1234.5
    assert plain_number("1,23", ".", ",") is None
    assert plain_number("1.5", ",", ".") is None


@given(st.floats(-1e6, 1e6), st.sampled_from(["", " mg/L", " %", "%", " kg"]))
def test_a_written_number_is_read_back(number: float, unit: str) -> None:
    text = f"{number:.3f}"
    assert plain_number(text + unit) == float(text)
    assert plain_number(text.replace(".", ",") + unit, ",") == float(text)
    assert plain_number(text.replace("-", "−") + unit) == float(text)
    assert plain_number(f"{number:,.3f}".replace(",", " ")) == float(text)


@given(st.text(max_size=30))
def test_any_text_is_read_without_an_error(text: str) -> None:
    plain_number(text)
    plain_number(text, ",", ".")
    censored_limit(text)
    decorations([text, "5 mg", "6 mg"], np.array([1, 1, 1]))


def test_limits_are_read() -> None:
    limits = {"<8.1": 8.1, "> 90": 90, "≤5": 5, ">=3": 3, "90+": 90, "<5 mg/L": 5, "< 1 000": 1000}
    assert {text: censored_limit(text) for text in limits} == limits
    assert censored_limit("<8,1", ",") == 8.1
    assert [censored_limit(t) for t in ("<LOQ", "5", "", "1-5", "A+")] == [None] * 5


def test_thousands_that_may_be_decimals_are_asked_about() -> None:
    assert ambiguous_thousands(["12.345", "7.300", "9.100", "900", "850", "640"])
    assert ambiguous_thousands(["12.345", "7.300", "9.100", "900", "850", "640", "n.d."])
    assert ambiguous_thousands(["112.345", "7.300", "9.101", "1", "2", "3"])


@pytest.mark.parametrize(
    "texts",
    [
        ["12.345", "7.3", "9.100", "900", "850", "640"],
        ["12.345", "7.300", "9.100", "1900", "850", "640"],
        ["0.345", "7.300", "9.100", "900", "850", "640"],
        ["12.345", "7.300", "9.100"],
        ["900", "850", "640"],
        ["12.345", "900"],
    ],
)
def test_plain_decimals_are_not_asked_about(texts: list[str]) -> None:
    assert not ambiguous_thousands(texts)
