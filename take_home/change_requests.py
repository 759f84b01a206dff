"""Change requests: ten minutes each, done live on the candidate's own work."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import ConfigDict

from risk_model.lesson.toml_file import read_toml

FILE = Path(__file__).parent / "texts" / "change_requests.toml"
FINDINGS = "findings"  # the request that is about the claims, not about a task
REMEDY = "each [[requests]] has about, ask, shows and wrong"


@dataclass(frozen=True)
class ChangeRequest:
    """What to ask, what a good answer shows, and what goes wrong.

    `about` is a task's name, or FINDINGS.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    about: str
    ask: str
    shows: str
    wrong: str


@dataclass(frozen=True)
class _File:
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    requests: list[ChangeRequest]


def change_requests(path: Path = FILE) -> dict[str, ChangeRequest]:
    """The requests by what they are about.

    Raises:
        UserError: the file cannot be read, or a request lacks one of its texts.
    """
    return {request.about: request for request in read_toml(path, _File, REMEDY).requests}
