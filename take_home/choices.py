"""Choices that a submitted file shows: a constant, a library's function, an error that is caught.

Only what the candidate added counts: a line that was handed out is nobody's choice. Each rule
gives the choices in the order of the file.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from take_home.graded import GradedTask
from take_home.near_copy import ALIKE, near_copy
from take_home.source import LARGEST, bodies, is_stub, parse

Placed = ast.expr | ast.stmt | ast.excepthandler  # what has a line
FEW = 10  # a whole number below it counts something: parts, columns, members
LIBRARIES = {"scipy", "sklearn", "statsmodels"}
FILLING = {"nan_to_num", "fillna", "clip", "clamp", "clamp_min", "clamp_max", "clip_", "clamp_"}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|\bstopped\b")
UNSEEDED = re.compile(
    r"(numpy\.random|random)\.(?!default_rng|seed|Random|RandomState|Generator|SeedSequence)\w+"
    r"|torch\.rand(n|int|perm)?"
)
SILENCED = re.compile(r"type:\s*ignore|\bnoqa\b")


@dataclass(frozen=True)
class Choice:
    """What was chosen, and the line or value that shows it, as the candidate wrote it."""

    value: str
    seen: str


@dataclass(frozen=True)
class Submitted:
    """A task's file as it came back."""

    task: GradedTask

    @cached_property
    def source(self) -> str:
        """The file; "" where it is too large to be graded."""
        return self.task.submitted if len(self.task.submitted) <= LARGEST else ""

    @cached_property
    def tree(self) -> ast.Module | None:
        """The file's syntax tree; None where it cannot be read."""
        return parse(self.source)

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the file, without their indentation; as Python counts them."""
        return [line.strip() for line in re.split(r"\r\n|\r|\n", self.source)]

    @cached_property
    def handed_out(self) -> set[str]:
        """The lines that the candidate was given."""
        return {line.strip() for line in self.task.handed_out.splitlines()}

    @cached_property
    def nodes(self) -> list[Placed]:
        """What stands on the candidate's own lines, from the top to the bottom."""
        every = ast.walk(self.tree) if self.tree else ()
        own = [node for node in every if isinstance(node, Placed) and self._added(node.lineno)]
        return sorted(own, key=lambda node: (node.lineno, node.col_offset))

    @cached_property
    def calls(self) -> list[ast.Call]:
        """Calls on the candidate's own lines."""
        return [node for node in self.nodes if isinstance(node, ast.Call)]

    @cached_property
    def comments(self) -> list[tuple[str, str]]:
        """The candidate's own comments, each with its line."""
        found = []
        try:
            for token in tokenize.generate_tokens(io.StringIO(self.source).readline):
                if token.type == tokenize.COMMENT and self._added(token.start[0]):
                    found.append((token.string, self.line(token.start[0])))
        except (tokenize.TokenError, SyntaxError):
            return found  # those above the line that is no Python
        return found

    def line(self, number: int) -> str:
        """A line of the file with its number, from 1."""
        text = self.lines[number - 1] if number <= len(self.lines) else ""
        return f"line {number}: {text}"

    def at(self, node: Placed) -> str:
        """The line where something begins."""
        return self.line(node.lineno)

    def _added(self, number: int) -> bool:
        return number <= len(self.lines) and self.lines[number - 1] not in self.handed_out


def unstarted(file: Submitted) -> Iterator[Choice]:
    """Functions that are still as they were handed out."""
    there = bodies(file.tree, file.task.functions)
    stubs = [name for name, function in there.items() if is_stub(function)]
    if stubs:
        yield Choice(", ".join(stubs), file.at(there[stubs[0]]))


def copied(file: Submitted) -> Iterator[Choice]:
    """A body that is the reference's but for its names."""
    task = file.task
    if near_copy(task.submitted, task.reference, task.functions):
        names = ", ".join(task.functions)
        yield Choice(names, f"{names}: at least {ALIKE:.0%} of the tokens, names not compared")


def constant(file: Submitted) -> Iterator[Choice]:
    """Numbers that were chosen: neither a few of something nor the status of an answer."""
    statuses = {id(call.args[0]) for call in file.calls if call.args and _answers(call)}
    for node in file.nodes:
        value = node.value if isinstance(node, ast.Constant) else None
        if not isinstance(value, int | float) or isinstance(value, bool):
            continue
        few = value < FEW and value % 1 == 0
        if id(node) not in statuses and not few:
            text = ast.get_source_segment(file.source, node)
            yield Choice(text or str(value), file.at(node))


def _answers(call: ast.Call) -> bool:
    """Whether a call makes an error or a response, whose first argument may be a status."""
    return _last(call.func).endswith(("Error", "Response"))


def library(file: Submitted) -> Iterator[Choice]:
    """Functions and estimators of a statistics library."""
    modules = _imports(file.tree)
    for call in file.calls:
        names = _dotted(call.func)
        if names and modules.get(names[0], "").split(".")[0] in LIBRARIES:
            yield Choice(names[-1], file.at(call))


def caught(file: Submitted) -> Iterator[Choice]:
    """Handlers that take every error."""
    for node in file.nodes:
        if isinstance(node, ast.ExceptHandler):
            kind = node.type.id if isinstance(node.type, ast.Name) else ""
            if node.type is None or kind in ("Exception", "BaseException"):
                yield Choice("every error", file.at(node))


def filled(file: Submitted) -> Iterator[Choice]:
    """Values that are replaced or limited."""
    for call in file.calls:
        if (name := _last(call.func)) in FILLING:
            yield Choice(name, file.at(call))


def random(file: Submitted) -> Iterator[Choice]:
    """Draws from a generator without a seed."""
    modules = _imports(file.tree)
    for call in file.calls:
        first, *others = _dotted(call.func) or [""]
        place = ".".join([modules.get(first, first), *others])
        bare = place == "numpy.random.default_rng" and not call.args and not call.keywords
        if bare or UNSEEDED.fullmatch(place):
            yield Choice(place, file.at(call))


def loop(file: Submitted) -> Iterator[Choice]:
    """Loops of Python over the rows."""
    for node in file.nodes:
        if isinstance(node, ast.For) and isinstance(node.iter, ast.Call):
            name = _last(node.iter.func)
            counted = any(
                isinstance(a, ast.Call) and _last(a.func) == "len" for a in node.iter.args
            )
            if name in ("iterrows", "itertuples") or (name == "range" and counted):
                yield Choice(name, file.at(node))


def unfinished(file: Submitted) -> Iterator[Choice]:
    """Comments that say there is more to do."""
    for comment, line in file.comments:
        if UNFINISHED.search(comment):
            yield Choice(comment, line)


def silenced(file: Submitted) -> Iterator[Choice]:
    """Comments that quiet a checker."""
    for comment, line in file.comments:
        if SILENCED.search(comment):
            yield Choice(comment, line)


# By the name that texts/questions.toml gives the rule.
RULES: dict[str, Callable[[Submitted], Iterator[Choice]]] = {
    rule.__name__: rule
    for rule in (
        unstarted, copied, unfinished, caught, filled, random, library, constant, silenced, loop,
    )
}  # fmt: skip


def _imports(tree: ast.Module | None) -> dict[str, str]:
    """The module or object that each imported name stands for, such as np: numpy."""
    names: dict[str, str] = {}
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.split(".")[0]
                names[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return names


def _dotted(called: ast.expr) -> list[str]:
    """The names of what is called: np.random.rand is np, random, rand; [] if it is more."""
    names: list[str] = []
    while isinstance(called, ast.Attribute):
        names.append(called.attr)
        called = called.value
    return [called.id, *reversed(names)] if isinstance(called, ast.Name) else []


def _last(called: ast.expr) -> str:
    """The name of the function or method that is called, whatever stands before it."""
    if isinstance(called, ast.Attribute):
        return called.attr
    return called.id if isinstance(called, ast.Name) else ""
