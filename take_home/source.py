"""A submitted Python file as a syntax tree; it is read, never run."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Sequence

LARGEST = 200_000  # characters; a file beyond it is not graded either
Function = ast.FunctionDef | ast.AsyncFunctionDef


def parse(source: str) -> ast.Module | None:
    """The tree of a file; None where it is no Python, too large, or nested too deep to be read."""
    if len(source) > LARGEST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an odd escape in the candidate's file
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def bodies(tree: ast.Module | None, functions: Sequence[str]) -> dict[str, Function]:
    """These functions of a file, by name ("name" or "Class.name"); those missing are left out."""
    there = {} if tree is None else _definitions(tree)
    return {name: there[name] for name in functions if name in there}


def _definitions(tree: ast.Module) -> dict[str, Function]:
    """Functions of the file and methods of its classes; of two with one name the last counts."""
    found: dict[str, Function] = {}
    for node in tree.body:
        if isinstance(node, Function):
            found[node.name] = node
        elif isinstance(node, ast.ClassDef):
            methods = (each for each in node.body if isinstance(each, Function))
            found |= {f"{node.name}.{method.name}": method for method in methods}
    return found


def excerpt(source: str, functions: Sequence[str]) -> str:
    """The lines of these functions with their numbers; the whole file where one is not there."""
    there = bodies(parse(source), functions)
    if len(there) < len(functions):
        return source
    lines = source.split("\n")
    spans = sorted((each.lineno, each.end_lineno or each.lineno) for each in there.values())
    return "\n\n".join(
        "\n".join(f"{i:4d}  {lines[i - 1]}" for i in range(first, min(last, len(lines)) + 1))
        for first, last in spans
    )


def without_docstring(function: Function) -> list[ast.stmt]:
    """The statements of a function."""
    return function.body[1:] if ast.get_docstring(function) is not None else function.body


def is_stub(function: Function) -> bool:
    """Whether a function is as it was handed out: nothing but `raise NotImplementedError(...)`."""
    statements = without_docstring(function)
    if len(statements) != 1 or not isinstance(statements[0], ast.Raise):
        return False
    raised = statements[0].exc
    called = raised.func if isinstance(raised, ast.Call) else raised
    return isinstance(called, ast.Name) and called.id == "NotImplementedError"
