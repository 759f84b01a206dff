"""Anchors: places of this project's own code that a card or a page points at, by symbol.

How does a text stay true while the code moves? An anchor is `file#symbol`, or `file#symbol "text"`
with a text that stands once within the symbol, for example `training/loop.py#fit "patience"`. It is
found in the syntax tree each time it is shown, never by a line number, and one that leads nowhere
is an error.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from risk_model.core.errors import UserError

PACKAGE = Path(__file__).parents[1]
SHOWN = 12  # lines of code, at most, around a text
Span = tuple[int, int]


@dataclass(frozen=True)
class Place:
    """Code that an anchor led to: the file below the package, its lines from 1, and the code.

    `symbol` is empty where the anchor names a file alone.
    """

    file: str
    symbol: str
    first: int
    last: int
    code: str

    @property
    def name(self) -> str:
        """The place in one word: `training/loop.py#fit`."""
        return f"{self.file}#{self.symbol}" if self.symbol else self.file


def find(anchor: str) -> Place:
    """The code that an anchor names.

    With a text the lines around it, SHOWN at most and within the symbol; without one the symbol.

    Raises:
        UserError: there is no such file or symbol, or the text does not stand there exactly once.
    """
    place, _, quoted = anchor.partition(' "')
    file, _, symbol = place.partition("#")
    path, text = PACKAGE / file, quoted.removesuffix('"')
    if not path.is_file():
        raise UserError(f"anchor {anchor}: there is no file {file}")
    lines, (first, last) = _lines(path), _span(anchor, path, symbol)
    if text:
        first, last = _around(anchor, lines, (first, last), text)
    return Place(file, symbol, first, last, "\n".join(lines[first - 1 : last]))


def line(anchor: str) -> str:
    """The one line in which an anchor's text stands, without its indentation.

    Raises:
        UserError: as `find`, or the anchor holds no text.
    """
    text = anchor.partition(' "')[2].removesuffix('"')
    if not text:
        raise UserError(f"anchor {anchor}: names no text and so no line")
    return next(code for code in find(anchor).code.splitlines() if text in code).strip()


def _span(anchor: str, path: Path, symbol: str) -> Span:
    spans = _spans(path)
    if symbol not in spans:
        raise UserError(f"anchor {anchor}: {path.name} has no '{symbol}'")
    return spans[symbol]


def _around(anchor: str, lines: list[str], span: Span, text: str) -> Span:
    first, last = span
    at = [i for i in range(first, last + 1) if text in lines[i - 1]]
    if len(at) != 1:
        raise UserError(f"anchor {anchor}: the text stands there {len(at)} times")
    start = max(first, at[0] - SHOWN // 2)
    return start, min(last, start + SHOWN - 1)


@cache
def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


@cache
def _spans(path: Path) -> dict[str, Span]:
    """First and last line of each function, class, method and constant; of all under ''."""
    spans = {"": (1, max(1, len(_lines(path))))}
    if path.suffix == ".py":
        _collect(ast.parse(path.read_text(encoding="utf-8")), "", spans)
    return spans


def _collect(node: ast.AST, prefix: str, spans: dict[str, Span]) -> None:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = min([child.lineno, *(d.lineno for d in child.decorator_list)])
            spans[f"{prefix}{child.name}"] = first, child.end_lineno or first
            _collect(child, f"{prefix}{child.name}.", spans)
        elif isinstance(child, ast.Assign | ast.AnnAssign):
            targets = child.targets if isinstance(child, ast.Assign) else [child.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            spans |= {f"{prefix}{name}": (child.lineno, child.end_lineno or 0) for name in names}
