"""Everything about Hydra: from the words on the command line to typed settings, errors in one line.

Hydra composes groups and overrides, sweeps with `-m`, and prints the settings for `--help`. It is
kept from writing folders and logs of its own and from adding keys; `setting_words` keeps it from
reading a file's name as its own grammar.
"""

from __future__ import annotations

import difflib
import os
import re
import sys
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import hydra
from hydra.core.config_store import ConfigStore
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from risk_model import config
from risk_model.app.command_table import Command
from risk_model.app.setting_words import accepted, completed, hydra_words
from risk_model.config import FIRST_SOURCE, NETWORKS, SOURCES, Config, Data, Model
from risk_model.config.bounds import check_settings
from risk_model.config.serialisation import settings_from_dict, settings_to_dict
from risk_model.core.errors import UserError
from risk_model.core.files import user_path
from risk_model.core.setting_syntax import shell_word

# proposed by the network; the training takes them over unless they are set
PROPOSED = ("learning_rate", "epochs", "patience")
# files that name a set of settings, each in a folder of `config`
SETS = ("experiment", "debug")

# No folder of Hydra's own, no log file beside the user's data: a run's directory has its settings.
HYDRA = {
    "run": {"dir": "."},
    "sweep": {"dir": "${user_path:${runs}}", "subdir": "."},
    "output_subdir": None,
    "help": {"app_name": __name__.partition(".")[0]},
}
QUIET = [{"override hydra/hydra_logging": "none"}, {"override hydra/job_logging": "none"}]
FLAGS = ("--help", "-h", "--cfg", "--multirun", "-m", "--info")
VALUES_OF_FLAGS = ("job", "hydra", "all")


def run_with_settings(command: Command, arguments: list[str]) -> None:
    """Composes the settings and runs the command with them, once a job of a sweep.

    Args:
        command: the row of the table of commands.
        arguments: the words after the command's name.

    Raises:
        UserError: a setting does not exist, has the wrong type, or would be ignored.
    """
    _refuse_untyped(arguments)
    _refuse_flags(command, arguments)
    _refuse_ignored(command, arguments)
    words, accept = hydra_words(arguments), accepted(arguments)
    _register_settings()
    failures: list[Exception] = []  # an exception that passed through Hydra is printed by it too

    def job(composed: DictConfig) -> None:
        try:
            command.load()(_settings(composed, accept))
        except Exception as error:
            failures.append(error)

    os.environ["HYDRA_FULL_ERROR"] = "1"  # makes Hydra raise instead of printing and exiting
    before = sys.argv
    sys.argv = [f"{Path(before[0]).name} {command.name}", *words]
    folder = str(Path(config.__file__).parent)
    try:
        hydra.main(version_base="1.3", config_path=folder, config_name="config")(job)()
        for failure in failures:
            raise failure
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(_explain(error)) from error
    finally:
        sys.argv = before


def _register_settings() -> None:
    """Registers the settings of no group, the networks, and the sources with their network."""
    OmegaConf.register_new_resolver("user_path", lambda text: str(user_path(text)), replace=True)
    store = ConfigStore.instance()
    defaults: list[object] = ["_self_", {"model/network": "mlp"}, {"data": FIRST_SOURCE}]
    defaults += [{name: None} for name in SETS]
    primary = settings_to_dict(Config())
    del primary["data"], primary["model"]["network"]
    primary["training"] |= {name: f"${{model.network.{name}}}" for name in PROPOSED}
    primary["split"]["folds"] = "${model.network.folds}"
    store.store("config", {"defaults": [*defaults, *QUIET], "hydra": HYDRA, **primary})
    for name, network in NETWORKS.items():
        store.store(name, network, group="model/network")
    for name, source in SOURCES.items():
        proposes = {"override /model/network@_global_.model.network": source.network}
        node = {"defaults": [proposes, "_self_"], **settings_to_dict(source())}
        store.store(name, node, group="data")


def _settings(composed: DictConfig, accept: dict[str, str]) -> Config:
    """What Hydra composed, and what is accepted, as the typed settings."""
    content = OmegaConf.to_container(composed, resolve=True)
    assert isinstance(content, dict)  # noqa: S101 - narrows the type for mypy
    groups = ("hydra", *SETS)
    own = {str(key): value for key, value in content.items() if key not in groups}
    settings = settings_from_dict(completed(own, accept))
    check_settings(settings)
    return settings


def _refuse_untyped(arguments: list[str]) -> None:
    """Refuses to add or delete a key: every setting that exists has a type and a default."""
    allowed = tuple(f"+{name}=" for name in SETS)
    for word in arguments:
        if word.startswith(("+", "~")) and not word.startswith(allowed):
            remedy = f"write {shell_word(word.lstrip('+'))}" if word[0] == "+" else "leave it out"
            raise UserError(f"{word}: settings cannot be added or removed; {remedy}")


def _refuse_flags(command: Command, arguments: list[str]) -> None:
    """Refuses flags that are not Hydra's, and words that are no setting."""
    see = f"(see {command.name} --help)"
    for word in arguments:
        if word.startswith("-") and word.split("=")[0] not in FLAGS:
            example = f"{command.name} takes settings like training.epochs=20"
            raise UserError(f"no flag '{word}'; {example} {see}")
        if not word.startswith("-") and "=" not in word and word not in VALUES_OF_FLAGS:
            raise UserError(f"'{word}': settings are written name=value {see}")


def _refuse_ignored(command: Command, arguments: list[str]) -> None:
    """Refuses a setting of training for a command that keeps those its run was trained with."""
    overrides = [word for word in arguments if "=" in word and not word.startswith("-")]
    by_key = {word.split("=")[0].lstrip("+~"): word for word in overrides}
    if not command.acts_on_run or "package" in by_key:
        return
    used = ("run", "runs", "accept", "deployment", "hydra")
    for key, override in by_key.items():
        if key.split(".")[0] not in used and key not in command.own_settings:
            raise UserError(
                f"{key}: {command.name} keeps the settings that the run was trained with, so this "
                f"would change nothing; leave it out, or train with it: run {shell_word(override)}"
            )


def _explain(error: Exception) -> str:
    """Hydra's and OmegaConf's errors in one line that names the key."""
    override = getattr(error, "override", "")
    if override:
        remedy = "put quotes round a value that holds commas, colons or braces"
        return f"{override}: cannot be read as a setting; {remedy}"
    text = str(error.__cause__ or error)
    full_key = re.search(r"full_key: (\S+)", text)
    key = full_key[1] if full_key else ""
    unknown = re.search(r"Key '([^']+)' (?:is )?not in|Could not override '([^']+)'", text)
    if unknown or "not in struct" in text:
        key = key or (unknown[1] or unknown[2] if unknown else "")
        return f"no setting '{key}'{_nearest(key)}"
    if "missing mandatory value" in text:
        key = key or "data.path"
        return f"{key}: needs a value; write {key}=..."
    first_line = text.splitlines()[0].strip().rstrip(".")
    choices = ", ".join(re.findall(r"^\t(\S+)$", str(error), flags=re.MULTILINE))
    offer = f"; choose one of {choices}" if choices else ""
    return f"{key}: {first_line}{offer}" if key else f"{first_line}{offer}"


def _nearest(key: str) -> str:
    """The choices that have that setting, else the one closest to a misspelt one, or ""."""
    configs = {f"data={name}": Config(data=source()) for name, source in SOURCES.items()}
    for name, network in NETWORKS.items():
        configs[f"model/network={name}"] = Config(data=Data(), model=Model(network=network()))
    names = {choice: _setting_names(config) for choice, config in configs.items()}
    if owners := [choice for choice, own in names.items() if key in own]:
        return f" with these choices; it is there with {', '.join(owners)}"
    close = difflib.get_close_matches(key, sorted(set().union(*names.values())), n=1)
    return f"; did you mean '{close[0]}'?" if close else ""


def _setting_names(section: Any, prefix: str = "") -> list[str]:
    """Every setting's dotted name."""
    names = []
    for f in fields(section):
        value = getattr(section, f.name)
        nested = is_dataclass(value)
        names += _setting_names(value, f"{prefix}{f.name}.") if nested else [prefix + f.name]
    return names
