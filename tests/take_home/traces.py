"""Whether a folder shows a body that was taken out: its lines, or nine of its tokens in a row."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from take_home.stub import body_lines, find_function
from take_home.tasks import PACKAGE, TASKS

WINDOW = 9
TOKEN = re.compile(r"\w+|[^\w\s]")
SHORTEST = 24  # characters; a shorter line says nothing by itself


def removed_bodies(solved: Path) -> Iterator[tuple[str, str]]:
    """What the project with solutions has and the one without lacks: its name and its text."""
    package = solved / "src" / PACKAGE
    for task in TASKS:
        names = [(task.file, name) for name in (*task.functions, *task.unasked)]
        for file, name in [*names, *task.elsewhere]:
            yield f"{file}#{name}", _body((package / file).read_text(encoding="utf-8"), name)
        for name in task.helpers:
            text = (package / task.file).read_text(encoding="utf-8")
            yield f"{task.file}#{name}", _definition(text, name)
        for name in task.absent:
            source = (package / name).read_text(encoding="utf-8")
            for node in ast.parse(source).body:
                if isinstance(node, ast.FunctionDef):
                    yield f"{name}#{node.name}", _body(source, node.name)


def _body(source: str, name: str) -> str:
    lines = source.splitlines()
    first, last = body_lines(lines, find_function(ast.parse(source), name))
    return "\n".join(line for line in lines[first - 1 : last] if not line.lstrip().startswith("#"))


def _definition(source: str, name: str) -> str:
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return _body(source, name)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return ast.unparse(node)
    raise LookupError(name)


def windows(text: str) -> set[tuple[str, ...]]:
    """Every run of WINDOW tokens."""
    tokens = TOKEN.findall(text)
    return {tuple(tokens[i : i + WINDOW]) for i in range(len(tokens) - WINDOW + 1)}


def normalised(text: str) -> set[str]:
    """Its lines without blanks, those long enough to tell something."""
    lines = {"".join(line.split()) for line in text.splitlines()}
    return {line for line in lines if len(line) >= SHORTEST}


def traces(solved: Path, handed_out: Path) -> list[str]:
    """The lines and windows of removed bodies that stand in some file: body, file and text."""
    bodies = [(name, windows(text), normalised(text)) for name, text in removed_bodies(solved)]
    found = []
    for path in sorted(p for p in handed_out.rglob("*") if p.is_file()):
        text = path.read_bytes().decode("utf-8", "replace")
        here, lines = windows(text), normalised(text)
        for name, of_body, of_lines in bodies:
            shared = [" ".join(w) for w in of_body & here] + sorted(of_lines & lines)
            found += [f"{name} in {path.relative_to(handed_out)}: {said}" for said in shared]
    return found


# What a removed body shares with files that stay and says nothing of how the task is done: how this
# project reads a size, an empty array or a column, in the words around it.
HARMLESS = (
    "step = at_once(features.shape[1], chunk)",
    "float(gain / len(risk)) if len(risk) else NAN",
    "/ len(risk)) if len(risk) else NAN",
    "events = int(labels.sum())",
    "= np.where(labels == 1,",
    "refuse_activation(logits)",
    "logits) targets = _for_each_member(labels, logits)",
    ".to_numpy(dtype=np.float64, na_value=np.nan)",
    "np.where(np.isnan(age), len(",
    ', age, side="right")',
    "for name, column in strata(cohort).items()",
    ': if name == "age band":',
    "= 0.0, 1.0 for",
    ").astype(np.int64),",
    "= np.empty(len(names)",
    "np.arange(len(order),",
    '.request_id: facts["request_id"] =',
    '= await self.audit.append("',
    ")).astype(np.float32)",
)


def is_harmless(hit: str) -> bool:
    """Whether a trace is a part of one of HARMLESS."""
    shared = "".join(hit.partition(": ")[2].split())
    return any(shared in "".join(text.split()) for text in HARMLESS)
