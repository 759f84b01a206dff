"""What can be asked for at the command line? Errors are one line with the remedy.

Most commands take Hydra overrides (`training.epochs=20`, `-m seed=0,1,2` for a sweep); serve,
audit, compare and traps take flags. Heavy libraries are imported by the command that needs them, so
that help is instant.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from risk_model.core.errors import UserError

COMMANDS = {
    "run": "data, train, evaluate and register, in one go",
    "data": "read a cohort, check it for leaks and quality, show its splits",
    "train": "fit the three models, calibrate them, choose the champion",
    "evaluate": "open the test split and the external cohorts of a trained run; with package=, "
    "judge it on other data",
    "register": "put an evaluated run's packages into the registry",
    "recalibrate": "fit a line behind a package's risk on other data: package=champion data=... "
    "output=...",
    "stability": "refit a run's baselines on other samples: how much would a patient's risk change",
    "compare": "put two evaluated runs side by side: compare RUN RUN",
    "score": "risks for every row of a file: score input=new.csv output=risks.csv",
    "traps": "five mistakes on real data, and what each does to the figures: traps [NAME]",
    "serve": "answer requests with the registered champion",
    "audit": "verify that nobody edited the audit log",
}
FLAGS = ("serve", "audit", "compare", "traps")
OF_A_RUN = ("evaluate", "register", "stability")
FUNCTIONS = {"train": "train_only"}


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; 0 when it did what was asked, 2 when the user can mend it, 1 when it is a
    fault of ours.
    """
    words = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in words
    command, *rest = [word for word in words if word != "--debug"] or ["--help"]
    try:
        return _dispatch(command, rest)
    except UserError as error:
        return _complain(str(error), debug, code=2)
    except ModuleNotFoundError as error:
        remedy = (
            "write make install, or pip install '.[train]' and what else pyproject.toml lists "
            "as extras"
        )
        return _complain(
            f"{command} needs {error.name}, which is not installed; {remedy}", debug, code=2
        )
    except KeyboardInterrupt:
        return _complain("stopped by the user; nothing half-written is kept", debug, code=130)
    except (
        Exception
    ) as error:  # the last resort of a command line: one line, and the way to the traceback
        return _complain(
            f"unexpected {type(error).__name__} (a bug: please report it; --debug shows where)",
            debug,
            1,
        )


def _dispatch(command: str, rest: list[str]) -> int:
    if command in ("-h", "--help", "help"):
        print(_help())
    elif command not in COMMANDS:
        close = difflib.get_close_matches(command, COMMANDS, n=1)
        hint = (
            f"; did you mean '{close[0]}'?" if close else f"; choose one of {', '.join(COMMANDS)}"
        )
        raise UserError(f"no command '{command}'{hint}")
    elif command in FLAGS:
        return {"serve": _serve, "audit": _audit, "compare": _compare, "traps": _traps}[command](
            rest
        )
    else:
        _hydra(command, rest)
    return 0


def _complain(message: str, debug: bool, code: int) -> int:
    if debug:
        import traceback

        traceback.print_exc()
    print(f"error: {message}", file=sys.stderr)
    return code


def _help() -> str:
    program = Path(sys.argv[0]).name
    lines = [f"usage: {program} COMMAND [setting=value ...]", ""]
    lines += [f"  {name:13}{text}" for name, text in COMMANDS.items()]
    lines += [
        "",
        f"{program} run --help shows every setting; {program} serve --help the flags. --debug: "
        "tracebacks.",
    ]
    return "\n".join(lines)


def _hydra(command: str, rest: list[str]) -> None:
    import hydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from risk_model.config import compose

    compose.refuse_untyped(rest)
    _refuse_flags(command, rest)
    _refuse_ignored(command, rest)
    compose.register_configs()

    failures: list[
        Exception
    ] = []  # Hydra would print a line of its own over an exception that passed through it

    def task(composed: Any) -> None:
        try:
            commands = import_module("risk_model.app.commands")
            getattr(commands, FUNCTIONS.get(command, command))(compose.settings(composed))
        except Exception as error:
            failures.append(error)

    os.environ["HYDRA_FULL_ERROR"] = "1"  # makes Hydra raise instead of printing and exiting
    before, sys.argv = (
        sys.argv,
        [f"{Path(sys.argv[0]).name} {command}", *compose.literal_overrides(rest)],
    )
    try:
        hydra.main(version_base="1.3", config_path=compose.CONFIG_DIR, config_name="config")(task)()
        for failure in failures:
            raise failure
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(_explain(error)) from error
    finally:
        sys.argv = before


def _refuse_flags(command: str, rest: list[str]) -> None:
    known = ("--help", "-h", "--cfg", "--multirun", "-m", "--info", "job", "hydra", "all")
    for word in rest:
        if word.startswith("-") and word.split("=")[0] not in known:
            raise UserError(
                f"no flag '{word}'; {command} takes settings like training.epochs=20 (see "
                f"{command} --help)"
            )
        if not word.startswith("-") and "=" not in word and word not in known:
            raise UserError(f"'{word}': settings are written name=value (see {command} --help)")


def _refuse_ignored(command: str, rest: list[str]) -> None:
    """What acts on a trained run keeps the settings it was trained with: UserError for one that
    would be ignored.
    """
    given = {
        word.split("=")[0].lstrip("+~"): word
        for word in rest
        if "=" in word and not word.startswith("-")
    }
    if command not in OF_A_RUN or "package" in given:
        return
    kept = {"evaluation.refits"} if command == "stability" else set()
    heard = ("run", "runs", "accept", "deployment", "hydra")
    for key in [key for key in given if key.split(".")[0] not in heard and key not in kept]:
        told = (
            f"{command} keeps the settings that the run was trained with, so this would change "
            "nothing"
        )
        raise UserError(f"{key}: {told}; leave it out, or train with it: run {given[key]}")


def _explain(error: Exception) -> str:
    """Hydra's and OmegaConf's errors in one line that names the key."""
    from risk_model.config.compose import nearest

    text = str(error.__cause__ or error)
    override = getattr(error, "override", "")
    if override:
        return (
            f"{override}: cannot be read as a setting; put quotes round a value that holds "
            "commas, colons or braces"
        )
    full_key = re.search(r"full_key: (\S+)", text)
    unknown = re.search(r"Key '([^']+)' (?:is )?not in|Could not override '([^']+)'", text)
    first = text.splitlines()[0].strip().rstrip(".")
    if unknown or "not in struct" in text:
        key = (
            full_key.group(1)
            if full_key
            else next((g for g in unknown.groups() if g), "")
            if unknown
            else ""
        )
        return f"no setting '{key}'{nearest(key)}"
    if "missing mandatory value" in text:
        key = full_key.group(1) if full_key else "data.path"
        return f"{key}: needs a value; write {key}=..."
    choices = re.findall(r"^\t(\S+)$", str(error), flags=re.MULTILINE)
    offered = f"; choose one of {', '.join(choices)}" if choices else ""
    where = f"{full_key.group(1)}: " if full_key else ""
    return f"{where}{first}{offered}"


class _Flags(argparse.ArgumentParser):
    """A parser whose complaints are one line, as everywhere else."""

    def error(self, message: str) -> NoReturn:
        """Raises what the command line prints."""
        raise UserError(f"{self.prog}: {message}; see {self.prog} --help")


def _compare(rest: list[str]) -> int:
    from risk_model.validation.comparison import compare

    parser = _Flags(prog="compare", description=COMMANDS["compare"])
    parser.add_argument("first", type=Path, metavar="RUN", help="directory of an evaluated run")
    parser.add_argument("second", type=Path, metavar="RUN", help="of another one")
    flags = parser.parse_args(rest)
    path, told = compare(flags.first, flags.second)
    print(f"{told}\n\npage      {path}")
    return 0


def _traps(rest: list[str]) -> int:
    from risk_model.lesson.traps import listing, run

    parser = _Flags(prog="traps", description=COMMANDS["traps"])
    parser.add_argument("name", nargs="?", default="", help="which one; without it they are listed")
    parser.add_argument(
        "--data", default="", help="the data to show it on, where there is a choice"
    )
    parser.add_argument("--cache", default="", help="where downloads are kept")
    flags = parser.parse_args(rest)
    print(run(flags.name, flags.data, flags.cache) if flags.name else listing())
    return 0


def _serve(rest: list[str]) -> int:
    parser = _Flags(prog="serve", description=COMMANDS["serve"])
    parser.add_argument(
        "--name", default="", help="registered model (default: the only one there is)"
    )
    parser.add_argument(
        "--registry", type=Path, default=Path("models"), help="the registry's directory"
    )
    parser.add_argument(
        "--package", type=Path, help="serve this package directory instead of the champion"
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--audit", type=Path, default=Path("audit/audit.db"), help="the audit log")
    parser.add_argument(
        "--accept", default="", help='serve what was too few to judge: "your name: your reason"'
    )
    flags = parser.parse_args(rest)
    from risk_model.deployment.registry import champion
    from risk_model.deployment.serve import serve

    package = flags.package or champion(flags.registry, flags.name)
    serve(package, flags.host, flags.port, flags.audit, accept=flags.accept)
    return 0


def _audit(rest: list[str]) -> int:
    parser = _Flags(prog="audit", description=COMMANDS["audit"])
    parser.add_argument("log", type=Path, nargs="?", default=Path("audit/audit.db"))
    parser.add_argument(
        "--head",
        default="",
        help="a head kept from an earlier verification, which must still be there",
    )
    flags = parser.parse_args(rest)
    from risk_model.deployment.audit_verification import verify

    verdict = verify(flags.log, flags.head)
    print(f"{flags.log}: {verdict.records:,} records follow from the first; head {verdict.head}")
    if verdict.problem:
        print(f"error: {flags.log}: {verdict.problem}; keep the file as evidence", file=sys.stderr)
    return 1 if verdict.problem else 0
