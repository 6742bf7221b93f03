"""The driver's end of a fork server: worker processes without the cost of their imports."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from threading import Condition, Lock, Thread
from typing import IO, Self

from mlsql.bridge.fork_server import Order
from mlsql.errors import RunError

START_SECONDS = 120.0
"""How long the imports and a fork may take together on a machine with much else to do."""
_POLL_SECONDS = 0.2
_ENDED_SECONDS = 10.0
_LOST = 1
"""The exit code of a worker that ended when its server was gone: nobody has heard the true one."""


@dataclass(slots=True, eq=False, weakref_slot=True)
class ForkServer:
    """A process that imports the modules *first*, and *later* ones when it has time.

    It starts with the first fork, and ends with this object, with this process, and when it has
    long had nothing to do; the next fork starts it anew.
    """

    first: Sequence[str]
    later: Sequence[str]
    environment: Callable[[], Mapping[str, str]]
    running: Server | None = None
    _end: Callable[[], object] | None = None
    _forking: Lock = field(default_factory=Lock)

    def fork(self, order: Order) -> ForkedProcess:
        """A new worker; RunError when there is none within the time limit."""
        with self._forking:
            server = self.running if self.running is not None and self.running.is_alive else self._start()
            try:
                return server.fork(order)
            except BrokenPipeError:  # it has ended just now, for want of work
                return self._start().fork(order)

    def end(self) -> None:
        """End the process; workers that still run are left to those that use them."""
        if self._end is not None:
            self._end()

    def _start(self) -> Server:
        command = [sys.executable, "-P", "-m", "mlsql.bridge.fork_server"]
        command += ["--first", *self.first, "--later", *self.later]
        self.running = Server.start(command, self.environment())
        self._end = weakref.finalize(self, self.running.end)
        return self.running


@dataclass(slots=True)
class ForkedProcess:
    """A worker that another process has forked, as ``subprocess.Popen`` shows a child of its own."""

    pid: int
    server: Server

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        return self.server.exit_code(self.pid)

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, for which *timeout* seconds are waited."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(f"worker {self.pid}", timeout or 0)
            self.server.listen_for(_POLL_SECONDS if timeout is None else min(_POLL_SECONDS, timeout))
        return code


@dataclass(slots=True)
class Server:
    """One run of the process that forks."""

    process: subprocess.Popen[bytes]
    errors: IO[bytes]
    told: Condition = field(default_factory=Condition)
    pids: list[int] = field(default_factory=list)
    codes: dict[int, int] = field(default_factory=dict)

    @classmethod
    def start(cls, command: Sequence[str], environment: Mapping[str, str]) -> Self:
        """The process of *command*, and a thread that hears what it says."""
        errors = TemporaryFile()  # noqa: SIM115 — closed by end()
        try:
            process = subprocess.Popen(
                command,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        except OSError as error:
            errors.close()
            raise RunError(f"'{command[0]}' cannot be started: {error.strerror}", retriable=True) from error
        server = cls(process, errors)
        Thread(target=server._hear, name="mlsql-fork-server", daemon=True).start()
        return server

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self.process.poll() is None

    def fork(self, order: Order) -> ForkedProcess:
        """A new worker; one order at a time."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(dataclasses.asdict(order)).encode() + b"\n")
        self.process.stdin.flush()
        deadline = time.monotonic() + START_SECONDS
        while not self.pids:
            if not self.is_alive:
                raise RunError(f"workers cannot be started: {self._last_line()}", retriable=True)
            if time.monotonic() > deadline:
                self.process.kill()  # or its answer would be taken for that to the next order
                raise RunError(f"no worker was started within {START_SECONDS:g} s", retriable=True)
            self.listen_for(_POLL_SECONDS)
        return ForkedProcess(self.pids.pop(0), self)

    def exit_code(self, pid: int) -> int | None:
        """That of the worker *pid*; None while it runs."""
        if pid in self.codes:
            return self.codes[pid]
        return None if self.is_alive or _lives(pid) else self.codes.get(pid, _LOST)

    def listen_for(self, seconds: float) -> None:
        """Wait until the server has said something, but not longer."""
        with self.told:
            self.told.wait(seconds)

    def end(self) -> None:
        """End the process, which leaves its workers to those that use them."""
        assert self.process.stdin is not None
        with self.errors, self.process.stdin:
            self.process.kill()
        self.process.wait(_ENDED_SECONDS)

    def _hear(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as answers:
            for line in answers:
                answer = json.loads(line)
                with self.told:
                    if "code" in answer:
                        self.codes[answer["pid"]] = answer["code"]
                    else:
                        self.codes.pop(answer["pid"], None)  # an earlier worker had this number
                        self.pids.append(answer["pid"])
                    self.told.notify_all()

    def _last_line(self) -> str:
        """What the process has complained of last."""
        self.errors.seek(0)
        lines = self.errors.read().decode(errors="replace").splitlines()
        return lines[-1] if lines else "the process that they are forked from has ended"


def _lives(pid: int) -> bool:
    """Whether the process *pid*, which is not our child, runs; one that nobody has buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
