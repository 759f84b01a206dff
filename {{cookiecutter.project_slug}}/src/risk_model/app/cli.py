"""The command line: finds a command, runs it, and prints an error as one line with the remedy.

Most commands take Hydra overrides (`training.epochs=20`, `-m seed=0,1,2` for a sweep); serve,
audit, compare and those of the lesson take flags. Heavy libraries are imported by the command that
needs them, so that help is instant.
"""

from __future__ import annotations

import difflib
import os
import select
import signal
import sys
import traceback
from pathlib import Path
from typing import TextIO

from risk_model.app.command_table import COMMANDS
from risk_model.core.errors import UserError

INSTALL = "write make install, or pip install '.[train]' and what else pyproject.toml offers"


def main(arguments: list[str] | None = None) -> int:
    """Runs one command.

    Args:
        arguments: the words after the program's name; None takes them from `sys.argv`.

    Returns:
        0 when the command did what was asked, 2 when the user can mend it, 1 when it is a fault of
        ours or the audit log does not verify, 130 when the user stopped it, 141 when nobody reads
        what it prints any more.
    """
    try:
        code = _run_and_explain(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()  # not when Python ends, where nobody could catch its error
    except BrokenPipeError:
        return _end_quietly()
    return code


def _run_and_explain(arguments: list[str]) -> int:
    """Runs one command; an error becomes one line and a code."""
    debug = "--debug" in arguments
    name, *rest = [word for word in arguments if word != "--debug"] or ["--help"]
    try:
        return _run_command(name, rest)
    except SystemExit as end:  # of the parser of flags, after its help
        return int(end.code or 0)
    except (Exception, KeyboardInterrupt) as error:  # the last resort: one line, no traceback
        if isinstance(error, BrokenPipeError) and _reader_is_gone(sys.stdout):
            raise
        if debug:
            traceback.print_exception(error)
        message, code = _complaint(name, error)
        print(f"error: {message}", file=sys.stderr)
        return code


def _reader_is_gone(stream: TextIO) -> bool:
    """Whether what was printed cannot be delivered: `run --help | head` has read enough."""
    try:
        stream.flush()
        asked = select.poll()
        asked.register(stream.fileno(), 0)
    except BrokenPipeError:
        return True
    except (OSError, ValueError):  # no file of the system: nobody reads it through a pipe
        return False
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in asked.poll(0))


def _end_quietly() -> int:
    """Lets Python end without a word where nobody listens; gives the code that a shell would."""
    for stream in filter(_reader_is_gone, (sys.stdout, sys.stderr)):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return 128 + signal.SIGPIPE


def _complaint(name: str, error: BaseException) -> tuple[str, int]:
    """What the user reads about an error, and the exit code."""
    if isinstance(error, UserError):
        return str(error), 2
    if isinstance(error, ModuleNotFoundError):
        return f"{name} needs {error.name}, which is not installed; {INSTALL}", 2
    if isinstance(error, KeyboardInterrupt):
        return "stopped by the user; nothing half-written is kept", 130
    kind = type(error).__name__
    return f"unexpected {kind} (a bug: please report it; --debug shows where)", 1


def _run_command(name: str, arguments: list[str]) -> int:
    if name in ("-h", "--help", "help"):
        print(_help())
        return 0
    if name not in COMMANDS:
        close = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"choose one of {', '.join(COMMANDS)}"
        raise UserError(f"no command '{name}'; {hint}")
    command = COMMANDS[name]
    if command.flags:
        return command.load()(arguments) or 0
    from risk_model.app.hydra_settings import run_with_settings

    run_with_settings(command, arguments)
    return 0


def _help() -> str:
    program = Path(sys.argv[0]).name
    rows = "\n".join(f"  {command.name:13}{command.help}" for command in COMMANDS.values())
    flags = f"{program} run --help shows every setting; {program} serve --help the flags."
    return f"usage: {program} COMMAND [setting=value ...]\n\n{rows}\n\n{flags} --debug: tracebacks."
