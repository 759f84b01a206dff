"""Parts of the project that a smaller edition or another modality lacks are found by name."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

PACKAGE = __name__.partition(".")[0]


def module_exists(name: str) -> bool:
    """Whether this project holds the module of that dotted name below the package.

    >>> module_exists("core.errors"), module_exists("absent.errors")
    (True, False)
    """
    parts = name.split(".")
    # find_spec would fail on a missing parent
    return all(find_spec(".".join([PACKAGE, *parts[:k]])) for k in range(1, len(parts) + 1))


def required_module(name: str) -> ModuleType:
    """The module of that dotted name below the package, where what is read shows that it is there.

    A cohort of recordings, say, exists only in a project that reads them.
    """
    return import_module(f"{PACKAGE}.{name}")


def optional_module(name: str) -> ModuleType | None:
    """The module of that dotted name below the package; None where this project lacks it.

    >>> optional_module("core.errors").__name__.endswith(".core.errors")
    True
    >>> optional_module("core.absent") is None
    True
    """
    return required_module(name) if module_exists(name) else None
