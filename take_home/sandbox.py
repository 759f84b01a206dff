"""A submitted file at work where it can harm nobody: a process in bubblewrap, asked and watched.

Inside runs `python -B /tree/adapters.py REPLY TASK` in the folder /tmp, with `/tree/src` to import
from:

- `argv[1]` is the number of the descriptor for replies, `argv[2]` the task's name.
- Each line of stdin is a request, one JSON value. Read it line by line: stdin is closed only after
  the last reply has come.
- Each request is answered by one line of JSON on the descriptor. stdout and stderr are no replies;
  their last 4,000 bytes are kept for people.

The submitted code runs in the process that replies, so it can reply whatever it likes, and no token
could tell the adapter's reply from a forged one. A reply is therefore data, judged against expected
values that never enter. What is made sure here: a reply that came before its request, and a second
one to the same request, end the sandbox: no line that was left over answers a later request.

Start a sandbox from the main thread: the kernel ends it when the thread that started it ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from take_home import bubblewrap, seccomp, watch
from take_home.bubblewrap import LIMITS, Limits, SandboxError
from take_home.descriptors import Pipes, content
from take_home.reply import Reply, parsed
from take_home.tree import audit_folder, read_folder, refuse_tree

__all__ = ["LIMITS", "Limits", "Reply", "Sandbox", "SandboxError"]

START_SECONDS = 30.0


class Sandbox:
    """One sandboxed process, from `with` to the end of its block, when nothing of it is left.

    Args:
        tree: the reference's project, seen as `/tree`: readable by everybody, with `adapters.py`,
            without compiled files (one of the same time and size would run instead of the
            candidate's) and without `.git`.
        files: path in the tree -> the bytes that stand there instead, for this sandbox only. The
            tree must have a file of that path.
        task: the adapter's second argument.
        audit: whether there is a folder `/audit` to write to, for `audit_files`.
        limits: what it may use.

    Raises:
        SandboxError: on entering and in `ask`, when the sandbox does not start; on entering, for a
            tree that it cannot show.
    """

    def __init__(
        self,
        tree: Path,
        files: Mapping[str, bytes],
        task: str,
        audit: bool = False,
        limits: Limits = LIMITS,
    ) -> None:
        self.tree, self.files, self.task = tree, files, task
        self.audit, self.limits = audit, limits
        self._problem = ""
        self._audit_folder = -1

    def __enter__(self) -> Self:
        root = bubblewrap.is_root()
        bwrap = bubblewrap.tool("bwrap", "bubblewrap")
        refuse_tree(self.tree, self.files)
        for program in ("prlimit", "setpriv"):
            bubblewrap.tool(program, "util-linux")
        self._begun = time.monotonic()
        with contextlib.ExitStack() as stack:
            self._start(bwrap, root, stack)
        try:
            self._open_child(self._child_pid())
            self._watch = watch.Watch(self.first_process, self._child, self.limits)
            self._watch.start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()
        if self._audit_folder >= 0:
            os.close(self._audit_folder)
            self._audit_folder = -1

    @property
    def log(self) -> str:
        """The end of what the process printed: at most 4,000 bytes, without control characters."""
        text = self._pipes.log.decode("utf-8", errors="replace")
        return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)

    def ask(self, line: bytes, last: bool, seconds: float) -> Reply:
        """Sends one request and waits for its reply.

        After a problem the process is ended, and every later request has the same problem.

        Args:
            line: one JSON value, without a line feed inside.
            last: no request follows this one.
            seconds: how long to wait.

        Raises:
            SandboxError: bubblewrap gave up before Python started.
        """
        if not self._problem and self._pipes.has_reply():
            self._problem = "answered before it was asked"
        reply = Reply(None, self._problem)
        if not self._problem:
            reply = self._exchange(line.removesuffix(b"\n") + b"\n", seconds)
            if self._watch.problem:
                reply = Reply(None, self._watch.problem)
        if reply.problem:
            self._problem = reply.problem
            self._stop()
        elif self.audit and self._audit_folder < 0:
            self._audit_folder = audit_folder(self.first_process)
        if last:
            self._pipes.close_request()
        return reply

    def audit_files(self) -> dict[str, bytes]:
        """The regular files under `/audit` by relative path, as they are now; none before the first
        reply. Links, pipes, what lies deeper than 3 folders and what is larger than a file may be
        are left out.
        """
        if self._audit_folder < 0:
            return {}
        return read_folder(self._audit_folder, self.limits.file)

    def _start(self, bwrap: str, root: bool, stack: contextlib.ExitStack) -> None:
        """Starts bubblewrap; `stack` closes what only bubblewrap needs."""

        def lent(descriptor: int) -> int:
            stack.callback(os.close, descriptor)
            return descriptor

        system_calls = lent(content(seccomp.program()))
        pairs = [os.pipe() for _ in range(4)]
        (request, send), (receive, reply), (read, output), (self._status, status) = pairs
        self._pipes = Pipes(send, receive, read)
        for descriptor in (request, reply, output, status):
            lent(descriptor)
        files = {path: lent(content(data)) for path, data in self.files.items()}
        options = bubblewrap.options(self.tree.resolve(), files, self.limits, root, self.audit)
        options += ["--seccomp", str(system_calls), "--json-status-fd", str(status)]
        arguments = lent(content("\0".join(options).encode()))
        python = [sys.executable, "-B", f"{bubblewrap.TREE}/adapters.py", str(reply), self.task]
        self._process = subprocess.Popen(
            [bwrap, "--args", str(arguments), *bubblewrap.command(self.limits, root), *python],
            stdin=request,
            stdout=output,
            stderr=output,
            pass_fds=(reply, status, arguments, system_calls, *files.values()),
            env={"PATH": bubblewrap.ENVIRONMENT["PATH"]},
            start_new_session=True,
        )

    def _child_pid(self) -> int:
        """The number of the namespace's first process, whose end is the end of all in it."""
        self._child = -1
        text = b""
        end = self._begun + START_SECONDS
        while b"\n" not in text:
            ready = select.select([self._status], [], [], max(end - time.monotonic(), 0))[0]
            piece = os.read(self._status, 4096) if ready else b""
            if not piece:
                raise self._not_started()
            text += piece
        self.first_process = int(json.loads(text.partition(b"\n")[0])["child-pid"])
        return self.first_process

    def _open_child(self, number: int) -> None:
        try:
            self._child = os.pidfd_open(number)
        except ProcessLookupError as error:
            raise self._not_started() from error

    def _not_started(self) -> SandboxError:
        self._process.kill()
        self._process.wait()
        self._stop()
        return SandboxError(
            f"The sandbox does not start: {self.log.strip() or 'bubblewrap says nothing'}. "
            f"Remedy: {bubblewrap.remedy(self.log)}"
        )

    def _exchange(self, line: bytes, seconds: float) -> Reply:
        end = time.monotonic() + seconds
        last_end = self._begun + self.limits.wall
        unsent, reply = line, b""
        while b"\n" not in reply:
            now = time.monotonic()
            if now > min(end, last_end):
                limit = f"{seconds:g} s" if end < last_end else f"{self.limits.wall:g} s in all"
                return Reply(None, f"ran longer than {limit}")
            unsent, piece = self._pipes.step(unsent, 0.1)
            reply += piece
            if len(reply) > self.limits.reply:
                return Reply(None, f"answered with more than {self.limits.reply >> 20} MB")
            if self._watch.problem or self._pipes.reply < 0:
                return Reply(None, self._watch.problem or self._ended())
        first, _, rest = reply.partition(b"\n")
        return Reply(None, "answered one request twice") if rest else parsed(first)

    def _ended(self) -> str:
        """Why the pipe of the replies was closed without an answer."""
        try:
            code = self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            return "closed its reply without an answer"
        # Bubblewrap names the code only of a process that it could start.
        if b"exit-code" not in os.read(self._status, 4096):
            raise self._not_started()
        number = code - 128
        name = signal.Signals(number).name if number in list(signal.Signals) else f"code {code}"
        return f"ended without an answer ({name})"

    def _stop(self) -> None:
        """Ends every process of the sandbox and waits until the last is gone; twice is no harm."""
        if self._child >= 0:
            self._watch.stop()
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._child, signal.SIGKILL)
            select.select([self._child], [], [])  # process 1 ends after all others of its namespace
            os.close(self._child)
            self._child = -1
        if self._process.returncode is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=5)
            self._process.kill()
            self._process.wait()
        self._pipes.close()
        if self._status >= 0:
            os.close(self._status)
            self._status = -1
