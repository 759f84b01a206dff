"""findings.toml: what is right is read, every mistake has one sentence, nothing raises."""

from __future__ import annotations

import math
import os
import random
import re
from datetime import date
from pathlib import Path

import pytest

from take_home import claims
from take_home.claims import Claim

WHOLE = """
[[finding]]
kind = "shifted_rows"
column = "urea"
site = "Elm"
since = 2020-02-01
until = "2021-01-31"
number = 412
decision = "set_missing"
why = "two lines\\nof reasons"
patients = "who"
"""


def read(tmp_path: Path, content: str | bytes) -> claims.Claims:
    """The claims of a file with that content."""
    path = tmp_path / "findings.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return claims.read(path)


def test_a_claim_is_read_with_all_of_its_fields(tmp_path: Path) -> None:
    result = read(tmp_path, WHOLE)
    assert result.mistakes == ()
    assert result.claims == (
        Claim(
            position=1,
            kind="shifted_rows",
            column="urea",
            site="Elm",
            since=date(2020, 2, 1),
            until=date(2021, 1, 31),
            number=412.0,
            decision="set_missing",
            why="two lines\nof reasons",
            patients="who",
        ),
    )


def test_an_empty_file_claims_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "# nothing yet\n") == claims.Claims(())


@pytest.mark.parametrize(
    ("line", "instead", "sentence"),
    [
        (
            'kind = "shifted_rows"',
            'kind = "ghosts"',
            "its kind is not on the list; use unit_change",
        ),
        ('kind = "shifted_rows"', "", "it has no kind; name one"),
        ('column = "urea"', 'column = "ureum"', "its column is not on the list; use a column of"),
        ('column = "urea"', "", "a shifted_rows needs column; name it"),
        ('site = "Elm"', "site = 3", "its site is not on the list; use Abbey, Bridge"),
    ],
)
def test_without_a_kind_and_place_on_the_lists_there_is_no_claim(
    line: str, instead: str, sentence: str, tmp_path: Path
) -> None:
    result = read(tmp_path, WHOLE.replace(line, instead))
    assert result.claims == ()
    assert any(m.startswith(f"finding 1: {sentence}") for m in result.mistakes)


@pytest.mark.parametrize(
    ("line", "instead", "sentence"),
    [
        ("number = 412", "", "it has no number; give the one that its kind asks for"),
        ("number = 412", 'number = "412"', "its number is no number; write number = 12.5"),
        ("number = 412", "number = true", "its number is no number; write number = 12.5"),
        ("number = 412", "number = nan", "its number is not finite; write number = 12.5"),
        ("number = 412", "number = -inf", "its number is not finite; write number = 12.5"),
        ("number = 412", "number = 1" + 400 * "0", "its number is not finite"),
        ("since = 2020-02-01", 'since = "spring"', "its since is no date; write since = 2021"),
        ("since = 2020-02-01", "since = 2020-02-01T10:00:00", "its since is no date"),
        ("since = 2020-02-01", "since = 2022-02-01", "its since is later than its until"),
        ('until = "2021-01-31"', "", "a shifted_rows needs until; name it"),
        ('"set_missing"', '"pray"', "its decision is not on the list; use repair"),
        ('decision = "set_missing"', "", "it has no decision; name one"),
        ('"who"', '"\\u001b[2J"', "its patients holds characters that cannot be printed"),
        ('"who"', "7", "its patients is no text of at most 2,000 characters"),
        ('"who"', '"' + 2001 * "x" + '"', "its patients is no text of at most 2,000 characters"),
        ('"who"', '"who"\nmood = "good"', "it has a field that is none of kind, column"),
    ],
)
def test_a_mistake_elsewhere_has_one_sentence_and_the_claim_stands(
    line: str, instead: str, sentence: str, tmp_path: Path
) -> None:
    result = read(tmp_path, WHOLE.replace(line, instead))
    assert [(c.kind, c.column, c.site) for c in result.claims] == [("shifted_rows", "urea", "Elm")]
    assert len(result.mistakes) == 1
    assert result.mistakes[0].startswith(f"finding 1: {sentence}")


def test_a_place_that_the_kind_has_not_is_left_out_and_told(tmp_path: Path) -> None:
    result = read(tmp_path, WHOLE.replace("shifted_rows", "second_registration"))
    (claim,) = result.claims
    assert (claim.site, claim.column, claim.since) == ("Elm", "", None)
    assert len(result.mistakes) == 3
    assert all("take it out" in mistake for mistake in result.mistakes)


def test_no_more_than_ten_findings_are_read(tmp_path: Path) -> None:
    result = read(tmp_path, 12 * WHOLE)
    assert [claim.position for claim in result.claims] == list(range(1, 11))
    assert result.mistakes == (
        "findings.toml: it has more than 10 findings; the later are not read",
    )


HOSTILE = {
    "binary": bytes(range(256)),
    "no TOML": b"[[finding]\nkind",
    "deep array": b"finding = " + 20_000 * b"[",
    "deep table": b"[[finding]]\n" + b".".join([b"a"] * 20_000) + b" = 1",
    "deep inline": b"finding = [" + 9_000 * b"{a=" + b"1" + 9_000 * b"}" + b"]",
    "other table": b"[secret]\nkind = 'x'",
    "no list": b"finding = 3",
    "list of numbers": b"finding = [1, 'a', [2]]",
    "table": b"[finding]\nkind = 'x'",
    "long integer": b"finding = 1" + 10_000 * b"0",
    "too large": b"#" * 64_001,
    "keys alike": b"[[finding]]\nkind = 1\nkind = 2",
    "everything a list": b"[[finding]]\nkind=[]\ncolumn={}\nsite=[1]\nsince=[]\nwhy=[]",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_any_content_gives_sentences_and_no_exception(name: str, tmp_path: Path) -> None:
    result = read(tmp_path, HOSTILE[name])
    assert result.claims == ()
    assert result.mistakes
    for mistake in result.mistakes:
        assert re.fullmatch(r"(findings\.toml|finding \d+): [^\n]{10,300}", mistake)


def test_what_is_no_plain_file_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(WHOLE)
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "folder", "pipe", "nothing"):
        result = claims.read(tmp_path / name)
        assert result.claims == ()
        assert len(result.mistakes) == 1
        assert "plain file" in result.mistakes[0] or "no such file" in result.mistakes[0]


VALUES = (
    '""', '"unit_change"', '"outcome_gap"', '"shifted_rows"', '"urea"', '"Elm"', '"drop_rows"',
    '"2020-01-01"', '"\\u0000"', "0", "-1", "1e308", "inf", "nan", "true", "2020-02-30",
    "2020-02-01",
    "2020-02-01T00:00:00Z", "07:32:00", "[]", "[[1]]", "{}", "{kind = 1}", "0x1F", '"""a\nb"""',
)  # fmt: skip


def test_every_type_in_every_field_gives_claims_or_sentences(tmp_path: Path) -> None:
    draw = random.Random(0)  # noqa: S311 - values to try
    for _ in range(600):
        lines = [f"{name} = {draw.choice(VALUES)}" for name in claims.FIELDS if draw.random() < 0.8]
        result = read(tmp_path, "\n".join(["[[finding]]", *lines]))
        assert result.claims or result.mistakes
        for claim in result.claims:
            assert claim.kind in claims.KINDS
            assert claim.number is None or math.isfinite(claim.number)
            assert type(claim.since) in (date, type(None))
        assert not any("\n" in mistake or "\0" in mistake for mistake in result.mistakes)
