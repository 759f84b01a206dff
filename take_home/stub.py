"""Emptying functions: signature, decorators and docstring stay, the body becomes one `raise`.

Standard library only. What is left passes the formatter, the linter and the type checker: imports
that nothing uses any more go as well.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

LINE_LENGTH = 100
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class _Lines:
    """The lines of a file and what replaces some of them, from the bottom up."""

    lines: list[str]
    edits: list[tuple[int, int, list[str]]] = field(default_factory=list)

    def replace(self, first: int, last: int, new: list[str]) -> None:
        """Notes that the lines from first to last (from 1, both included) become these."""
        self.edits.append((first, last, new))

    def text(self) -> str:
        """The file after all edits."""
        for first, last, new in sorted(self.edits, reverse=True):
            self.lines[first - 1 : last] = new
        return "\n".join(self.lines) + "\n"


def stubbed(source: str, bodies: dict[str, str], left_out: Iterable[str] = ()) -> str:
    """A source whose functions have no body.

    Args:
        source: of a Python file.
        bodies: what the empty function raises as NotImplementedError, by its name
            (`function` or `Class.method`).
        left_out: functions and constants of the module that go altogether.

    Raises:
        LookupError: the source has no function or constant of such a name.
        ValueError: a function stands on one line with its body.
    """
    tree, text = ast.parse(source), _Lines(source.splitlines())
    for name, message in bodies.items():
        node = find_function(tree, name)
        first, last = body_lines(text.lines, node)
        indent = " " * (node.col_offset + 4)
        text.replace(first, last, [f'{indent}raise NotImplementedError("{message}")'])
    for name in left_out:
        text.replace(*_with_what_leads_to_it(text.lines, _definition(tree, name)), [])
    return _without_unused_imports(text.text())


def find_function(tree: ast.Module, name: str) -> Function:
    """The function or method of that name; LookupError when there is none."""
    inside: list[ast.stmt] = tree.body
    *classes, function = name.split(".")
    for of_class in classes:
        found = (n for n in inside if isinstance(n, ast.ClassDef) and n.name == of_class)
        inside = next((node.body for node in found), [])
    for node in inside:
        if isinstance(node, Function) and node.name == function:
            return node
    raise LookupError(f"no function {name}")


def body_lines(lines: list[str], node: Function) -> tuple[int, int]:
    """First and last line of a body, from 1: what follows the docstring, comments included."""
    if node.body[0].lineno == node.lineno:
        raise ValueError(f"{node.name} stands on one line with its body")
    if ast.get_docstring(node) is not None:
        first = (node.body[0].end_lineno or 0) + 1
    else:
        first = node.body[0].lineno
        while lines[first - 2].lstrip().startswith("#"):
            first -= 1
    last = node.body[-1].end_lineno or first
    while last < len(lines) and _is_deeper_comment(lines[last], node.col_offset):
        last += 1
    return first, last


def _is_deeper_comment(line: str, column: int) -> bool:
    bare = line.lstrip()
    return bare.startswith("#") and len(line) - len(bare) > column


def _definition(tree: ast.Module, name: str) -> ast.stmt:
    for node in tree.body:
        if isinstance(node, Function) and node.name == name:
            return node
        if isinstance(node, ast.Assign) and [t.id for t in _names(node.targets)] == [name]:
            return node
    raise LookupError(f"no function or constant {name}")


def _names(nodes: list[ast.expr]) -> list[ast.Name]:
    return [node for node in nodes if isinstance(node, ast.Name)]


def _with_what_leads_to_it(lines: list[str], node: ast.stmt) -> tuple[int, int]:
    """First and last line of a definition, its decorators, comment and blank lines above too."""
    decorators = node.decorator_list if isinstance(node, Function) else []
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    while lines[first - 2].startswith("#"):
        first -= 1
    while not lines[first - 2].strip():
        first -= 1
    return first, node.end_lineno or node.lineno


def _without_unused_imports(source: str) -> str:
    tree, text = ast.parse(source), _Lines(source.splitlines())
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            kept = [a for a in node.names if _bound(a) in used or _is_future(node)]
            if len(kept) < len(node.names):
                last = node.end_lineno or node.lineno
                text.replace(node.lineno, last, _import(node, kept) if kept else [])
    return _without_blank_runs(text.text())


def _bound(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


def _is_future(node: ast.Import | ast.ImportFrom) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _import(node: ast.Import | ast.ImportFrom, kept: list[ast.alias]) -> list[str]:
    """The statement with these names alone, as the formatter writes it."""
    names = [f"{a.name} as {a.asname}" if a.asname else a.name for a in kept]
    start = f"from {node.module} import " if isinstance(node, ast.ImportFrom) else "import "
    whole = start + ", ".join(names)
    if len(whole) <= LINE_LENGTH:
        return [whole]
    return [f"{start}(", *(f"    {name}," for name in names), ")"]


def _without_blank_runs(source: str) -> str:
    """The blank lines that the formatter wants among and after imports, where some have gone."""
    lines, body = source.splitlines(), ast.parse(source).body
    positions = [i for i, n in enumerate(body) if isinstance(n, ast.Import | ast.ImportFrom)]
    if not positions:
        return source
    last = body[positions[-1]].end_lineno or 0
    head = [line for i, line in enumerate(lines[:last]) if line.strip() or lines[i - 1].strip()]
    rest = lines[last:]
    while rest and not rest[0].strip():
        del rest[0]
    following = body[positions[-1] + 1 :][:1]
    apart = 2 if following and isinstance(following[0], Function | ast.ClassDef) else 1
    return "\n".join([*head, *([""] * apart if rest else []), *rest]) + "\n"
