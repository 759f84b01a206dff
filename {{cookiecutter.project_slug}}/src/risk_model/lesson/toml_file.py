"""A TOML file as a typed record: a mistake in it is one line that names its place."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from risk_model.core.errors import UserError

T = TypeVar("T")


def read_toml(path: Path, kind: type[T], remedy: str) -> T:
    """What a file holds, checked against its type; `remedy` ends each complaint.

    Raises:
        UserError: there is no such file, it is no TOML, or a value is missing, unknown or of
            another type.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        return TypeAdapter(kind).validate_python(content)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); {remedy}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: is no TOML ({error}); {remedy}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise UserError(f"{path}: {place}: {first['msg']}; {remedy}") from error
