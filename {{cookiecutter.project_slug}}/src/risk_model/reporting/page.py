"""How does a template become a page? One HTML file that holds its style, needs no network and
appears whole.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from risk_model.core.files import write_atomically
from risk_model.reporting import wording

HERE = Path(__file__).parent


def write_page(path: Path, template: str, view: dict[str, Any]) -> None:
    """Fills a template of this directory with `view` and the report's style; what is not in `view`
    is an error.
    """
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"cell": wording.cell, "kind": kind}
    css = Markup((HERE / "report.css").read_text(encoding="utf-8"))  # noqa: S704 the package's own file
    write_atomically(path, environment.get_template(template).render(css=css, **view).encode())


def kind(verdict: str) -> str:
    """The style of a verdict: pass, fail or unclear."""
    return verdict if verdict in ("pass", "fail") else "unclear"
