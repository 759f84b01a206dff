"""How like the reference a submitted body is when names do not count.

Two people who know the formula write much the same line, so likeness says something only of a long
body that is the same almost throughout: honest answers to these tasks reached .24 to .73, and .83
where one line is the whole answer. It costs no points; it is a question for the conversation.
"""

from __future__ import annotations

import ast
import io
import keyword
import tokenize
from collections.abc import Sequence
from difflib import SequenceMatcher

from take_home.source import Function, bodies, parse, without_docstring

ALIKE = 0.95  # share of tokens, names blanked
TOKENS = 70  # of the reference's bodies: shorter ones are alike by chance
LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


def near_copy(submitted: str, reference: str, functions: Sequence[str]) -> bool:
    """Whether these functions are the reference's but for names, comments and layout."""
    return likeness(submitted, reference, functions) >= ALIKE


def likeness(submitted: str, reference: str, functions: Sequence[str]) -> float:
    """Share of tokens that the bodies have in common, in order: 0 to 1; below ALIKE a bound of it.

    0 where a file cannot be read, a function is missing, or the reference has fewer than TOKENS.
    """
    theirs, ours = _tokens(submitted, functions), _tokens(reference, functions)
    if len(ours) < TOKENS or not theirs:
        return 0.0
    matcher = SequenceMatcher(None, ours, theirs, autojunk=False)
    # The length alone rules most of them out; comparing a body of 200 kB would take minutes.
    bound = matcher.real_quick_ratio()
    return bound if bound < ALIKE else matcher.ratio()


def _tokens(source: str, functions: Sequence[str]) -> list[str]:
    """Tokens of the bodies one after the other; none when a function is missing."""
    there = bodies(parse(source), functions)
    if len(there) < len(functions):
        return []
    try:
        return [token for function in there.values() for token in _blanked(function)]
    except RecursionError:  # nested deeper than can be written out: not the reference's
        return []


def _blanked(function: Function) -> list[str]:
    """Tokens of one body; each name is the same token."""
    code = "\n".join(ast.unparse(statement) for statement in without_docstring(function))
    return [
        "name" if token.type == tokenize.NAME and not keyword.iskeyword(token.string) else token[1]
        for token in tokenize.generate_tokens(io.StringIO(code).readline)
        if token.type not in LAYOUT
    ]
