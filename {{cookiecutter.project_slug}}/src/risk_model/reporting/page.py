"""Pages from templates: one HTML file that holds its style, needs no network and appears whole."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from risk_model.core.estimate import Estimate
from risk_model.core.files import write_atomically
from risk_model.reporting.wording import cell

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

HERE = Path(__file__).parent


def write_page(path: Path, template: str, view: DataclassInstance, folder: Path = HERE) -> None:
    """Fills a template of `folder` with the fields of `view` and the report's style.

    Raises:
        jinja2.UndefinedError: the template names something that `view` has not.
    """
    css = Markup((HERE / "report.css").read_text(encoding="utf-8"))  # noqa: S704 the package's own file
    values = {field.name: getattr(view, field.name) for field in fields(view)}
    page = environment(folder).get_template(template).render(css=css, **values)
    write_atomically(path, page.encode())


def environment(folder: Path = HERE) -> Environment:
    """How the templates are read: escaped, and an unknown name is an error."""
    environment = Environment(
        loader=FileSystemLoader([folder, HERE]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters |= {"cell": cell, "kind": kind}
    environment.tests["estimate"] = lambda value: isinstance(value, Estimate)
    return environment


def kind(verdict: str) -> str:
    """The style of a verdict: pass, fail or unclear."""
    return verdict if verdict in ("pass", "fail") else "unclear"
