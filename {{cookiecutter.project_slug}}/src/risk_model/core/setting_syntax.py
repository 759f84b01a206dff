"""Settings as text: as a person must type one into a shell, and as what was typed is read.

Lists and mappings hold names of columns and people's reasons, so what stands between two commas is
taken as it is spelt: `[lab (x), 007, O'Neil]` are three texts. Quotes, as Hydra's grammar has them,
are needed only round what holds a comma, begins with a quote or ends with a space.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

from risk_model.core.errors import UserError

# What Hydra would read as that text too; everything else is quoted when it is shown.
PLAIN = re.compile(r"(?!(?i:true|false|null|nan|inf)\Z)[A-Za-z_][A-Za-z0-9_]*")
QUOTED = re.compile(r"""(?s)"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'""")
Value = str | Sequence[str] | Mapping[str, str]
UNSAYABLE = "???"  # OmegaConf's sign for a setting without a value


def setting(key: str, value: Value) -> str:
    """`key=value` as it must be typed in a shell, for a message that says what to do.

    >>> print(setting("data.exclude", ["age", "lab (x)"]))
    'data.exclude=[age,"lab (x)"]'
    >>> print(setting("data.accept", {"O'Neil, score": "known at triage"}))
    'data.accept={"O'"'"'Neil, score": "known at triage"}'
    >>> print(setting("run", "runs/csv-1"), setting("data.path", "my table.csv"))
    run=runs/csv-1 'data.path=my table.csv'
    """
    if isinstance(value, str):
        text = quoted(value) if QUOTED.fullmatch(value) else value
    elif isinstance(value, Mapping):
        pairs = (f"{_element(name)}: {quoted(reason)}" for name, reason in value.items())
        text = "{" + ", ".join(pairs) + "}"
    else:
        text = "[" + ",".join(map(_element, value)) + "]"
    return shell_word(f"{key}={text}")


def shell_word(word: str) -> str:
    r"""A word that a shell hands over as it is; line breaks and their like as bash writes them.

    >>> print(shell_word("a b"), shell_word("a\nb"))
    'a b' $'a\nb'
    """
    if word.isprintable():
        # a mark at the end would be taken for one of the sentence that the word stands in
        return f"'{word}'" if re.fullmatch(r"[\w=.,:-]*[.,:]", word) else shlex.quote(word)
    shown = (c if c.isprintable() else _escape(c) for c in re.sub(r"(['\\])", r"\\\1", word))
    return f"$'{''.join(shown)}'"


def _escape(character: str) -> str:
    code = ord(character)
    return {"\n": r"\n", "\t": r"\t", "\r": r"\r"}.get(
        character, f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    )


def _element(text: str) -> str:
    return text if PLAIN.fullmatch(text) else quoted(text)


def quoted(text: str, quote: str = '"') -> str:
    r"""A text in quotes, as Hydra's grammar has them: a backslash counts only before a quote.

    >>> print(quoted('a "b" \\'))
    "a \"b\" \\"
    """
    inside = re.sub(rf"(\\*){quote}", lambda m: m[1] * 2 + "\\" + quote, text)
    return quote + inside + "\\" * (len(inside) - len(inside.rstrip("\\"))) + quote


def unquoted(text: str) -> str | None:
    """What stands in quotes; None where the text is not all in one pair of them.

    >>> unquoted("'a b'"), unquoted("'a' or 'b'")
    ('a b', None)
    """
    match = QUOTED.fullmatch(text)
    if match is None:
        return None
    quote = text[0]
    return re.sub(rf"(\\+)({quote}|\Z)", lambda m: m[1][: len(m[1]) // 2] + m[2], text[1:-1])


def read_list(key: str, text: str) -> list[str]:
    """The texts of `[a, "b, c"]`.

    Raises:
        UserError: there are no brackets, a quote is not closed, or a place is empty.

    >>> read_list("data.exclude", '[lab (x), "a, b", 007]')
    ['lab (x)', 'a, b', '007']
    """
    if not re.fullmatch(r"(?s)\[.*\]", text):
        names = [name.strip() for name in text.strip("[]").split(",")]
        raise _unreadable(key, text, list(filter(None, names)) or ["name"])
    return [_text(key, piece, [piece]) for piece in _pieces(text[1:-1], ",")]


def read_mapping(key: str, text: str) -> dict[str, str]:
    """The texts of `{a: why, "b: c": "why, and when"}`, each by its name.

    A piece between commas that names nothing goes on with the text before it.

    Raises:
        UserError: there are no braces, a quote is not closed, or a name has no text.

    >>> read_mapping("data.accept", "{lab (x): small, but needed, dose: known (triage)}")
    {'lab (x)': 'small, but needed', 'dose': 'known (triage)'}
    """
    example = {"column": "why"}
    if not re.fullmatch(r"(?s)\{.*\}", text):
        raise _unreadable(key, text, example)
    texts: dict[str, str] = {}
    name = ""
    for piece in _pieces(text[1:-1], ",:"):
        named = QUOTED.match(piece)
        before, colon, after = piece[named.end() if named else 0 :].partition(":")
        if colon:
            shown = (named[0] if named else "") + before.rstrip()
            name = _text(key, shown, {shown: "why"})
            texts[name] = after.strip()
        elif texts:
            texts[name] += f", {piece}"
        else:
            raise _unreadable(key, text, example)
    return {name: _text(key, reason, {name: reason}) for name, reason in texts.items()}


def _pieces(text: str, before_quotes: str) -> list[str]:
    """What stands between commas; none in quotes that open a piece or follow `before_quotes`."""
    pieces, start, at, opens = [], 0, 0, True
    while at < len(text):
        whole = QUOTED.match(text, at) if opens else None
        if whole:
            at, opens = whole.end(), False
            continue
        if text[at] == ",":
            pieces.append(text[start:at].strip())
            start = at + 1
        opens = text[at] in before_quotes or (opens and text[at].isspace())
        at += 1
    return [*pieces, text[start:].strip()] if text.strip() else []


def _text(key: str, piece: str, example: Value) -> str:
    """What a piece says; `example` is how it would be typed to say what it looks like."""
    text = unquoted(piece) if piece[:1] in ("'", '"') else piece
    if text is None:
        raise UserError(f"{key}: a quote is not closed; write {setting(key, example)}")
    if not piece:
        raise UserError(f'{key}: a text is missing; leave its comma out, or write "" for no text')
    return said(key, text)


def said(key: str, text: str) -> str:
    """The text; UserError for the one that settings cannot hold."""
    if text == UNSAYABLE:
        raise UserError(f"{key}: {UNSAYABLE!r} means a setting without a value; use another name")
    return text


def _unreadable(key: str, text: str, example: Value) -> UserError:
    return UserError(
        f"{shell_word(f'{key}={text}')}: cannot be read as a setting; write {setting(key, example)}"
    )
