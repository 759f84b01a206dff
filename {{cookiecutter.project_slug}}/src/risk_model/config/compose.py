"""How do words on the command line become typed settings? Hydra composes, the dataclasses check,
errors stay short.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

from risk_model.config import NETWORKS, SOURCES, Config, Data, Deployment, Model
from risk_model.core.errors import UserError

CONFIG_DIR = str(Path(__file__).parent)
FIRST_SOURCE = (Path(__file__).parent / "first_source.txt").read_text(encoding="utf-8").strip()
PROPOSED = ("learning_rate", "epochs", "patience")  # of training, unless they are set

# Values that are file or column names: taken as they stand, whatever commas, spaces and "=" they
# hold.
LITERAL = {"run", "runs", "input", "output", "package"}
LITERAL |= {
    f"data.{f.name}"
    for source in SOURCES.values()
    for f in fields(source)
    if f.type == "str" and f.name != "name"
}
LITERAL |= {f"deployment.{f.name}" for f in fields(Deployment)}

# No folder of Hydra's own, no log file beside the user's data: a run's directory holds its
# settings.
HYDRA: dict[str, Any] = {
    "run": {"dir": "."},
    "sweep": {"dir": "${runs}", "subdir": "."},
    "output_subdir": None,
}
QUIET = [{"override hydra/hydra_logging": "none"}, {"override hydra/job_logging": "none"}]


def register_configs() -> None:
    """Makes the dataclasses known to Hydra: the primary config, the networks, and the sources with
    their network.
    """
    store = ConfigStore.instance()
    first: list[Any] = [
        "_self_",
        {"model/network": "mlp"},
        {"data": FIRST_SOURCE},
        {"experiment": None},
        {"debug": None},
    ]
    store.store("config", {"defaults": [*first, *QUIET], "hydra": HYDRA, **_primary()})
    for name, network in NETWORKS.items():
        store.store(name, network, group="model/network")
    for name, source in SOURCES.items():
        proposes = {"override /model/network@_global_.model.network": source.network}
        store.store(
            name, {"defaults": [proposes, "_self_"], **to_container(source())}, group="data"
        )


def _primary() -> dict[str, Any]:
    """The settings of no group; those of PROPOSED refer to the network that will be chosen."""
    content = {key: value for key, value in to_container(Config()).items() if key != "data"}
    del content["model"]["network"]
    content["training"] |= {name: f"${{model.network.{name}}}" for name in PROPOSED}
    return content


def literal_overrides(arguments: list[str]) -> list[str]:
    """The overrides with file and column names quoted, so that Hydra's grammar leaves them alone;
    flags come first.

    `data.accept={...}` may hold any column, which Hydra calls adding a key.

    >>> literal_overrides(["data.path=a, b=c.csv", "seed=1"])
    ["data.path='a, b=c.csv'", 'seed=1']
    """
    flags = [word for word in arguments if word.startswith("-")]
    words = [
        re.sub("^data.accept=", "++data.accept=", word)
        for word in arguments
        if not word.startswith("-")
    ]
    return flags + [_quoted(word) for word in words]


def _quoted(argument: str) -> str:
    key, equals, value = argument.partition("=")
    if (
        key not in LITERAL
        or not equals
        or (len(value) > 1 and value[0] == value[-1] and value[0] in "'\"")
    ):
        return argument
    escaped = re.sub(r"(\\*)'", lambda m: m.group(1) * 2 + r"\'", value)
    escaped += "\\" * (len(escaped) - len(escaped.rstrip("\\")))
    return f"{key}='{escaped}'"


def refuse_untyped(arguments: list[str]) -> None:
    """UserError for the Hydra prefixes that add or delete keys: every setting that exists has a
    type and a default.
    """
    for argument in arguments:
        if argument.startswith(("+", "~")) and not argument.startswith(("+experiment=", "+debug=")):
            raise UserError(
                f"{argument}: settings cannot be added or removed; write {argument.lstrip('+~')!r}"
            )


def settings(composed: DictConfig) -> Config:
    """What Hydra composed, as dataclasses; UserError naming a key that does not exist or a value of
    the wrong type.
    """
    content = OmegaConf.to_container(composed, resolve=True)
    if not isinstance(content, dict):
        raise UserError("the configuration is not a mapping of settings")
    chosen = {
        str(key): value
        for key, value in content.items()
        if key not in ("hydra", "experiment", "debug")
    }
    source = SOURCES.get(chosen["data"].get("name", ""))
    if source is None:
        raise UserError(
            f"data: unknown source {chosen['data'].get('name')!r}; choose one of "
            f"{', '.join(SOURCES)}"
        )
    network = NETWORKS.get(chosen["model"]["network"].get("name", ""))
    if network is None:
        raise UserError(
            f"model.network.name: there is no such network; choose one of {', '.join(NETWORKS)}"
        )
    merged = OmegaConf.merge(
        OmegaConf.structured(Config(data=source(), model=Model(network=network()))), chosen
    )
    result = OmegaConf.to_object(merged)
    assert isinstance(result, Config)  # noqa: S101 - narrows the type for mypy
    return result


def from_container(content: dict[str, Any]) -> Config:
    """Settings that a run wrote down, as dataclasses again."""
    return settings(OmegaConf.create(content))


def to_container(config: Any) -> dict[str, Any]:
    """Settings, or one section of them, as plain values: for a run's config.json."""
    content = OmegaConf.to_container(OmegaConf.structured(config))
    return {str(key): value for key, value in content.items()} if isinstance(content, dict) else {}


def keys(config: Any, prefix: str = "") -> list[str]:
    """Every setting's dotted name."""
    names = []
    for f in fields(config):
        value = getattr(config, f.name)
        names += keys(value, f"{prefix}{f.name}.") if is_dataclass(value) else [prefix + f.name]
    return names


def nearest(key: str) -> str:
    """The existing setting closest to a misspelt one, as "; did you mean …?", or ""."""
    configs = [Config(data=source()) for source in SOURCES.values()]
    configs += [
        Config(data=Data(), model=Model(network=network())) for network in NETWORKS.values()
    ]
    known = sorted({name for config in configs for name in keys(config)})
    close = difflib.get_close_matches(key, known, n=1)
    return f"; did you mean '{close[0]}'?" if close else ""
