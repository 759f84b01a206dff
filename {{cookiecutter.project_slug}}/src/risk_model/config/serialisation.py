"""Settings as plain values and back: what a run writes into its config.json."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from risk_model.config import NETWORKS, SOURCES, Config, Model
from risk_model.core.errors import UserError
from risk_model.core.files import read_json


def settings_to_dict(settings: Any) -> dict[str, Any]:
    """Settings, or one section of them, as values that JSON knows."""
    return asdict(settings)


def settings_from_dict(content: Mapping[str, Any]) -> Config:
    """The settings that `settings_to_dict` wrote down, checked.

    Raises:
        UserError: there is no such source or network.
        OmegaConfBaseException: there is no such setting, or its value has the wrong type.
    """
    source = _choice(SOURCES, content["data"], "data: unknown source {!r}")
    network = _choice(NETWORKS, content["model"]["network"], "model.network.name: no network {!r}")
    empty = Config(data=source(), model=Model(network=network()))
    settings = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(empty), _plain(content)))
    assert isinstance(settings, Config)  # noqa: S101 - narrows the type for mypy
    return settings


def _plain(value: Any) -> Any:
    r"""Values in which no text refers to another setting: OmegaConf would look up ${...}.

    >>> print(_plain({"path": "a${b}.csv"}))
    {'path': 'a\\${b}.csv'}
    """
    if isinstance(value, Mapping):
        return {key: _plain(content) for key, content in value.items()}
    if isinstance(value, list):
        return [_plain(content) for content in value]
    if isinstance(value, str):
        return re.sub(r"(\\*)\$\{", lambda m: m[1] * 2 + r"\${", value)
    return value


def read_settings(directory: Path) -> Config:
    """The settings that the run in this directory was trained with."""
    return settings_from_dict(read_json(directory / "config.json"))


def _choice(table: Mapping[str, Any], section: Mapping[str, Any], complaint: str) -> Any:
    """The dataclass that a section's `name` chooses."""
    name = section.get("name", "")
    if name not in table:
        raise UserError(f"{complaint.format(name)}; choose one of {', '.join(table)}")
    return table[name]
