"""The words of the command line in Hydra's grammar, which would read names and reasons as its own.

Paths, names of columns and people's reasons are taken as they stand, whatever commas, brackets,
quotes and "=" they hold; so are the texts of a list. What a list of ADDED_TO names goes behind what
its source knows already: `data.missing=[999]` adds a text, `data.missing=[!NA]` takes one out, and
`data.missing=[]` empties the list.
"""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

from risk_model.config import SOURCES, Deployment
from risk_model.core.files import user_path
from risk_model.core.setting_syntax import quoted, read_list, read_mapping, said, unquoted


def _of_sources(kind: str) -> set[str]:
    types = {f.name: f.type for source in SOURCES.values() for f in fields(source)}
    return {f"data.{name}" for name, type_ in types.items() if type_ == kind and name != "name"}


# free texts: one value, taken as it stands
LITERAL = {"run", "runs", "input", "output", "units", "package", "accept", "data.decision.reason"}
LITERAL |= {f"deployment.{f.name}" for f in fields(Deployment)} | _of_sources("str")
LISTS = _of_sources("list[str]")
ADDED_TO = {"data.missing", "data.missing_in", "data.recorded_after"}
ADDED = "(what the source says)"  # the first text of such a list, until all is composed
ACCEPT = "data.accept"
PATHS = [f"data.{name}" for name in ("path", "schema", "cache", "encoder")]
PATHS += ["runs", "run", "input", "output", "package", "deployment.registry"]
PATHS += ["deployment.sign_key", "deployment.verify_key"]


def hydra_words(arguments: list[str]) -> list[str]:
    r"""Flags and overrides, flags first, as Hydra must get them; `data.accept` is left out.

    Raises:
        UserError: a list is not written as one.

    >>> hydra_words(["data.path=a, b=c.csv", "seed=1", "data.exclude=[lab (x), O'Neil]"])
    ["data.path='a, b=c.csv'", 'seed=1', "data.exclude=['lab (x)','O\\'Neil']"]
    """
    flags = [word for word in arguments if word.startswith("-")]
    many = bool({"-m", "--multirun"} & set(flags))
    overrides = [word for word in arguments if not word.startswith("-")]
    return flags + [_override(w, many) for w in overrides if not w.startswith(f"{ACCEPT}=")]


def accepted(arguments: list[str]) -> dict[str, str]:
    """What the words accept, and why: `data.accept={...}` may name any column.

    Raises:
        UserError: it is not written as one.
    """
    own = [word.partition("=")[2] for word in arguments if word.startswith(f"{ACCEPT}=")]
    return {k: reason for text in own for k, reason in read_mapping(ACCEPT, text).items()}


def _override(word: str, many: bool) -> str:
    key, equals, value = word.partition("=")
    if not equals or not (key in LITERAL or key in LISTS):
        return word
    if key in LITERAL:
        text = unquoted(value)
        return f"{key}={_hydra_text(said(key, value if text is None else text))}"
    if many and not value.startswith("["):
        return word  # a sweep by a function of Hydra's
    lists = re.split(r"(?<=\])\s*,\s*(?=\[)", value) if many else [value]
    return f"{key}={','.join(_hydra_list(key, read_list(key, text)) for text in lists)}"


def _hydra_list(key: str, texts: list[str]) -> str:
    marked = [ADDED, *texts] if texts and key in ADDED_TO else texts
    return f"[{','.join(map(_hydra_text, marked))}]"


def _hydra_text(text: str) -> str:
    """A text in Hydra's quotes, in which ${...} is no reference to another setting."""
    return quoted(re.sub(r"(\\*)\$\{", lambda m: m[1] * 2 + r"\${", text), "'")


def completed(content: dict[str, Any], accept: dict[str, str]) -> dict[str, Any]:
    """The composed settings with what Hydra could not hold.

    Lists go behind what their source says, `accept` goes in, and ~ is the home in every path.
    """
    data = content["data"]
    for key in ADDED_TO:
        name = key.removeprefix("data.")
        if data.get(name, [])[:1] == [ADDED]:
            default = getattr(SOURCES[data["name"]](), name)
            data[name] = _added(default, data[name][1:])
    data["accept"] = {**data["accept"], **accept}
    for key in PATHS:
        *sections, name = key.split(".")
        section = content[sections[0]] if sections else content
        if section.get(name):
            section[name] = str(user_path(section[name]))
    deployment = content["deployment"]
    scheme, slashes, file = deployment["tracking_uri"].partition(":///")
    deployment["tracking_uri"] = f"{scheme}{slashes}{user_path(file)}" if file else scheme + slashes
    return content


def _added(default: list[str], texts: list[str]) -> list[str]:
    """The default with the texts behind it, each once, and without those that are named with a "!".

    >>> _added(["", "NA"], ["999", "!NA"])
    ['', '999']
    """
    out = {text[1:] for text in texts if text.startswith("!") and text[1:] in default}
    behind = [text for text in texts if text.removeprefix("!") not in out]
    return [text for text in dict.fromkeys([*default, *behind]) if text not in out]
