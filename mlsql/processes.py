"""A child process with its own group that dies with its parent, and the words for how it ended."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from mlsql.errors import RunError

_ASK_FOR_SIGTERM_AT_PARENTS_DEATH = """
import ctypes, os, signal, sys
parent, *command = sys.argv[1:]
PR_SET_PDEATHSIG = 1
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
if os.getppid() != int(parent):
    sys.exit("the parent died before its child could ask for a signal")
os.execvp(command[0], command)
"""
_POLL_SECONDS = 0.02
_KILLED_SECONDS = 30.0


class Process(Protocol):
    """A running process, as ``subprocess.Popen`` shows it."""

    @property
    def pid(self) -> int:
        """Its id."""
        ...

    def poll(self) -> int | None:
        """Its exit code, which is negative for a signal; None while it runs."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code when it has ended; TimeoutExpired after *timeout* seconds."""
        ...


@dataclass(frozen=True, slots=True)
class ChildProcess:
    """A running process and the group that it leads; as a context manager it is ended at the end."""

    process: Process
    log: Path | None = None

    @property
    def pid(self) -> int:
        """Its id, which is also that of its group."""
        return self.process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; the negative signal number when a signal killed it."""
        return self.process.poll()

    def wait(self, timeout: float) -> int | None:
        """Its exit code, or None when it still runs after *timeout* seconds."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    def end(self, grace: float = 2.0) -> int:
        """End it with all its children: SIGTERM, and SIGKILL after *grace* seconds; its exit code."""
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + grace
        while self._group_lives() and time.monotonic() < deadline:
            self.process.poll()
            time.sleep(_POLL_SECONDS)
        self._signal(signal.SIGKILL)
        return self.process.wait(_KILLED_SECONDS)

    def last_lines(self, count: int = 20) -> str:
        """The end of its log, for an error message; empty when it has none."""
        if self.log is None or not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):  # macOS refuses to signal a zombie's group
            os.killpg(self.pid, number)

    def _group_lives(self) -> bool:
        try:
            os.killpg(self.pid, 0)
        except (ProcessLookupError, PermissionError):
            return False
        return True


def start_process(
    command: Sequence[str | os.PathLike[str]],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    log: Path | None = None,
    dies_with_parent: bool = True,
) -> ChildProcess:
    """Start *command* in a process group of its own; its output is appended to *log*, or dropped.

    On Linux the kernel ends it with SIGTERM when the *thread* that started it ends: start what
    outlives a thread from one that lives as long, or with ``dies_with_parent=False``. Elsewhere
    the child has to watch its parent itself. *environment* replaces ours.
    """
    program = _program(command)
    output = log.open("ab") if log else subprocess.DEVNULL
    try:
        process = subprocess.Popen(
            _dying_with_parent(command) if dies_with_parent else command,
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise RunError(f"'{program}' cannot be started: {error.strerror}", retriable=True) from error
    finally:
        if not isinstance(output, int):
            output.close()
    return ChildProcess(process, log)


@dataclass(frozen=True, slots=True)
class Finished:
    """What a process left: its exit code and what it wrote."""

    exit_code: int
    output: str
    errors: str


def run_process(
    command: Sequence[str | os.PathLike[str]],
    *,
    timeout: float,
    ending: Callable[[Callable[[], object]], AbstractContextManager[None]],
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Finished:
    """Run *command* to its end in a process group of its own, and give what it wrote.

    *ending* is told how to end it, as ``Stop.ending`` wants to know. What takes longer than
    *timeout* seconds is ended and a RunError.
    """
    program = _program(command)
    try:
        process = subprocess.Popen(
            _dying_with_parent(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        raise RunError(f"'{program}' cannot be started: {error.strerror}") from error
    with process, ChildProcess(process) as child, ending(child.end):
        try:
            output, errors = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as error:
            raise RunError(f"'{program}' did not end within {timeout:g} s") from error
    texts = (each.decode(errors="replace") for each in (output, errors))
    return Finished(process.returncode, *texts)


def _program(command: Sequence[str | os.PathLike[str]]) -> str:
    program = os.fspath(command[0])
    if shutil.which(program) is None:
        raise RunError(f"there is no program '{program}'")
    return program


def _dying_with_parent(command: Sequence[str | os.PathLike[str]]) -> Sequence[str | os.PathLike[str]]:
    """The command behind a few lines that make it so; ``preexec_fn`` is unsafe beside threads."""
    if not sys.platform.startswith("linux"):
        return command
    launcher = [sys.executable, "-I", "-S", "-c", _ASK_FOR_SIGTERM_AT_PARENTS_DEATH]
    return [*launcher, str(os.getpid()), *command]


def describe_exit(code: int) -> str:
    """How a process ended, in words for a sentence.

    >>> describe_exit(0), describe_exit(3)
    ('ended well', 'ended with exit code 3')
    >>> describe_exit(-9)
    'was killed by SIGKILL (out of memory?)'
    """
    if code == 0:
        return "ended well"
    if code > 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"was killed by {name}" + (" (out of memory?)" if -code == signal.SIGKILL else "")
