"""The documents of the template: one word for one thing, and links that lead somewhere."""

from __future__ import annotations

import ast
import re

import pytest

from tests.conftest import ROOT, TREE

PAGES = ["README.md", "CONTRIBUTING.md", f"{TREE.name}/README.md"]


def layers() -> list[str]:
    """The layers in the order that the project's own test enforces."""
    tree = ast.parse((TREE / "tests" / "test_project.py").read_text(encoding="utf-8"))
    [value] = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "LAYERS"
    ]
    names: list[str] = ast.literal_eval(value)
    return names


@pytest.mark.parametrize("page", PAGES)
def test_the_layers_are_named_in_the_same_words(page: str) -> None:
    text = " ".join((ROOT / page).read_text(encoding="utf-8").split())
    assert f"Layers, from the floor up: {', '.join(layers())}." in text


@pytest.mark.parametrize("page", PAGES[:2])
def test_every_link_leads_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text(encoding="utf-8"))
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("page", ["Makefile", f"{TREE.name}/Makefile"])
def test_every_command_of_make_has_its_line_of_help(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    phony = re.findall(r"^\.PHONY: (.*)$", text, flags=re.MULTILINE)[0].split()
    helped = re.findall(r"^([a-z-]+):[^\n]*## ", text, flags=re.MULTILINE)
    assert sorted(helped) == sorted(phony)
