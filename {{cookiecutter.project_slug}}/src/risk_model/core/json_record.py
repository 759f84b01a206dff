"""A typed record as JSON and back: what crosses files is a frozen dataclass, and only files see
JSON.

Pydantic checks what is read: an unknown key, a missing one or a value of another type is an error
that names its place, so that a misspelt name cannot pass for an absent one.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

from pydantic import ConfigDict, TypeAdapter, ValidationError

from risk_model.core.errors import UserError

_ADAPTERS: dict[type, TypeAdapter[Any]] = {}


def _adapter(record: type) -> TypeAdapter[Any]:
    """Pydantic's validator of a class, which takes milliseconds to make and is made once."""
    if record not in _ADAPTERS:
        _ADAPTERS[record] = TypeAdapter(record)
    return _ADAPTERS[record]


class JsonRecord:
    """Gives a frozen dataclass `to_json` and `from_json`."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    def to_json(self) -> dict[str, Any]:
        """The record as values that JSON knows, keys in the order of the fields."""
        content: dict[str, Any] = _adapter(type(self)).dump_python(self, mode="json")
        return content

    @classmethod
    def from_json(cls, content: Any) -> Self:
        """The record that `to_json` wrote.

        Raises:
            UserError: a key is missing or unknown, or a value has another type; names the first.
        """
        try:
            record: Self = _adapter(cls).validate_python(content)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"])) or "content"
            raise UserError(
                f"{cls.__name__}: {place}: {first['msg']}; this file was written by another "
                "version or edited by hand: run the command that makes it again"
            ) from error
        return record
