"""A process that has imported a library, from which workers are forked.

Importing scikit-learn and MLflow takes seconds of processor time, a fork some milliseconds. Orders for
``python -m mlsql.bridge.fork_server`` come on standard input, a JSON object a line, answers go to
standard output: the process id of each worker at once, its exit code when it has ended. What is
imported here runs nothing, so there is nothing to inherit but code. The process ends when its input
closes.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import os
import random
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from select import select
from typing import Any, NoReturn

from mlsql.bridge import worker

IDLE_SECONDS = 600.0
"""After so long without a worker the process ends; the next training starts another."""


@dataclass(frozen=True, slots=True)
class Order:
    """One worker: the file with its job, where its output goes, its folder and its environment."""

    job: str
    log: str
    folder: str
    environment: dict[str, str]
    threads: int


@dataclass(slots=True)
class _Server:
    """The loop between orders and the ends of workers."""

    orders: int
    deaths: int
    later: list[str]
    """Modules that are imported when nobody waits."""
    living: int = 0
    rest: bytes = b""

    def serve(self) -> None:
        """Fork what is ordered until the input closes or nothing has come for long."""
        while True:
            idle = 0.0 if self.later else IDLE_SECONDS
            ready, _, _ = select([self.orders, self.deaths], [], [], idle)
            if self.deaths in ready:
                os.read(self.deaths, 4096)
                self._bury()
            if self.orders in ready:
                received = os.read(self.orders, 65536)
                if not received:
                    return
                for line in self._lines(received):
                    self._fork(Order(**json.loads(line)))
            if not ready and self.later:
                importlib.import_module(self.later.pop(0))
                gc.freeze()
            elif not ready and not self.living:
                return

    def _lines(self, received: bytes) -> Iterator[bytes]:
        *lines, self.rest = (self.rest + received).split(b"\n")
        return iter(lines)

    def _fork(self, order: Order) -> None:
        pid = os.fork()
        if pid == 0:
            _become_worker(order)
        with suppress(ProcessLookupError):
            os.setpgid(pid, pid)
        self.living += 1
        _answer(pid=pid)

    def _bury(self) -> None:
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                self.living -= 1
                _answer(pid=ended[0], code=os.waitstatus_to_exitcode(ended[1]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Import, then fork on order; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m mlsql.bridge.fork_server")
    parser.add_argument("--first", nargs="*", default=[], help="modules to import before anything else")
    parser.add_argument("--later", nargs="*", default=[], help="modules to import when nobody waits")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's affair
    deaths, noticed = os.pipe()
    os.set_blocking(noticed, False)
    signal.set_wakeup_fd(noticed)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for module in options.first:
        importlib.import_module(module)
    gc.freeze()  # so that the workers' garbage collection leaves the shared pages alone
    _Server(sys.stdin.fileno(), deaths, options.later).serve()
    return 0


def _become_worker(order: Order) -> NoReturn:
    """Go on as the worker of *order*, in a process group of its own, and never return."""
    code = 1
    try:
        os.setpgid(0, 0)  # here and there, so that it is done whoever comes first
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        _redirect(order.log)
        os.chdir(order.folder)
        os.environ.clear()
        os.environ.update(order.environment)
        tempfile.tempdir = None  # looked up again, in the new environment
        random.seed()
        _limit_threads(order.threads)
        code = worker.main(["--job", order.job])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _redirect(log: str) -> None:
    """Output goes to *log*, input is empty."""
    nothing, output = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)


def _limit_threads(count: int) -> None:
    """The libraries that are loaded already have read their environment."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(count)


def _answer(**fields: Any) -> None:
    os.write(1, json.dumps(fields).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
