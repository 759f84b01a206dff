"""Facts in plain text: Markdown that no value can break, on one line, its signs made harmless."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from risk_model.core.table import Row
from risk_model.reporting.wording import cell

UNKNOWN = "Unknown"


def plain(value: object) -> str:
    r"""Any value on one line, as a table shows it.

    >>> print(plain("ward <b> | 3"))
    ward &lt;b> \| 3
    """
    return " ".join(cell(value).split()).replace("<", "&lt;").replace("|", "\\|")


def or_unknown(value: object) -> str:
    """The value as `plain` gives it; "Unknown" for what is None or empty."""
    return UNKNOWN if value is None or value == "" else plain(value)


def table(rows: Sequence[Row]) -> str:
    """Rows as a table, the first one's keys as headings; "" when there are none."""
    if not rows:
        return ""
    lines = [[plain(key) for key in rows[0]], ["---"] * len(rows[0])]
    lines += [[plain(row.get(key, "")) for key in rows[0]] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def bullets(facts: Mapping[str, str]) -> str:
    """Name and text of each fact, one a line; the text as it stands."""
    return "\n".join(f"- {name}: {text}" for name, text in facts.items())


def section(heading: str, *blocks: str) -> str:
    """A heading and the blocks below it that are not empty."""
    return "\n\n".join([f"## {heading}", *(block for block in blocks if block)])


def document(*blocks: str) -> bytes:
    """The blocks that are not empty, as a file's content."""
    return ("\n\n".join(block for block in blocks if block) + "\n").encode()


def anchor(heading: str) -> str:
    """What a link to a heading ends with.

    >>> anchor("Out of scope")
    'out-of-scope'
    """
    return "".join(c for c in heading.lower().replace(" ", "-") if c.isalnum() or c in "-_")
