"""One scorer that is kept alive: started, told the functions, pinged, and started again when it has died.

A thread of its own does that, because the kernel ends a process with the thread that has started it.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

from mlsql.config.settings import ServingSettings
from mlsql.errors import MlsqlError, RunError
from mlsql.processes import ChildProcess, describe_exit, start_process
from mlsql.registrations import Registration
from mlsql.udf.serving.client import Line
from mlsql.udf.serving.protocol import Kind, read_json, write_json

log = logging.getLogger(__name__)

_START_SECONDS = 60.0
_POLL_SECONDS = 0.05
_PING_SECONDS = 5.0
_LEAST_PAUSE, _MOST_PAUSE = 0.1, 30.0
_STEADY_SECONDS = 60.0
"""Who has lived so long is started again at once."""
_HUNG = 4
"""So many times its time limit a question may take until its scorer is ended."""
_NOT_INHERITED = ("PYSPARK_GATEWAY_PORT", "PYSPARK_GATEWAY_SECRET", "PYTHON_WORKER_FACTORY_SECRET")
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True, slots=True)
class ScorerFigures:
    """How a scorer stands, for whoever watches it; what it says of itself is as old as the last ping."""

    name: str
    is_ready: bool
    restarts: int
    models: int = 0
    bytes: int = 0
    evictions: int = 0


@dataclass(slots=True, kw_only=True, eq=False)
class KeptScorer:
    """The scorer that listens at *socket*; *functions* are those that it has to know."""

    socket: Path
    settings: ServingSettings
    functions: Callable[[], Sequence[Registration]]
    opens: str
    own: str | None = None
    ready: Future[None] = field(default_factory=Future)
    """Done while it can be asked; another one when it has died."""
    starts: int = 0
    asked: int = 0
    """How many questions are under way."""
    is_doubted: bool = False
    """Whether one was not answered in time, so that it had better be looked after."""
    _state: Mapping[str, Any] = field(default_factory=dict)
    """What it last said of itself."""
    _line: Line | None = None
    _lock: Lock = field(default_factory=Lock)
    _over: Event = field(default_factory=Event)
    _thread: Thread | None = None

    @property
    def is_ready(self) -> bool:
        """Whether it can be asked now."""
        return self.ready.done()

    @property
    def figures(self) -> ScorerFigures:
        """How it stands."""
        told = {name: self._state.get(name, 0) for name in ("models", "bytes", "evictions")}
        return ScorerFigures(self.socket.stem, self.is_ready, max(0, self.starts - 1), **told)

    def start(self) -> None:
        """Have it run from now on."""
        self._thread = Thread(target=self._keep, name=f"scorer {self.socket.stem}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Have it end; :meth:`close` waits for that."""
        self._over.set()

    def close(self) -> None:
        """End it."""
        self.stop()
        if self._thread is not None:
            self._thread.join(_START_SECONDS)

    def tell(self, put: Sequence[Registration], gone: Sequence[tuple[str, str]] = ()) -> str:
        """Have it take over a change, new models loaded first; what is wrong with one, or an empty text.

        One that is starting reads what there is then.
        """
        with self._lock:
            if self._line is None:
                return ""
            try:
                return self._told(self._line, put, gone, loads=True)
            except MlsqlError as error:
                log.warning("%s was not told of a change: %s", self.socket.stem, error.message)
                self._line.close()  # it is started anew, and reads what there is
                return error.message

    def _keep(self) -> None:
        pause = _LEAST_PAUSE
        while not self._over.is_set():
            began = time.monotonic()
            self.starts += 1
            try:
                self._live()
            except (MlsqlError, OSError) as error:
                log.warning("%s: %s", self.socket.stem, error)
            pause = (
                _LEAST_PAUSE if time.monotonic() - began > _STEADY_SECONDS else min(2 * pause, _MOST_PAUSE)
            )
            self._over.wait(pause)

    def _live(self) -> None:
        """Start the process, and return when it has ended or is to end."""
        self.socket.unlink(missing_ok=True)  # one that was killed leaves it behind
        with start_process(self._command(), environment=_environment(), log=self._log) as process:
            try:
                self._introduce(process)
                self._watch(process)
            finally:
                with self._lock:
                    if self._line is not None:
                        self._line.close()
                    self._line, self._state = None, {}
                    if self.ready.done():
                        self.ready = Future()

    def _introduce(self, process: ChildProcess) -> None:
        """Wait until it listens, and tell it the functions."""
        deadline = time.monotonic() + _START_SECONDS
        while process.exit_code is None and not self.socket.exists() and time.monotonic() < deadline:
            if self._over.wait(_POLL_SECONDS):
                return
        if process.exit_code is not None:
            raise RunError(f"it {describe_exit(process.exit_code)}\n{process.last_lines()}")
        with self._lock:
            self._line = Line(self.socket, self.settings.timeout)
            self._told(self._line, self.functions(), (), loads=False)
            self.ready.set_result(None)

    def _watch(self, process: ChildProcess) -> None:
        pinged = time.monotonic()
        while not self._over.wait(_POLL_SECONDS):
            code = process.exit_code
            if code is not None:
                log.warning("%s %s\n%s", self.socket.stem, describe_exit(code), process.last_lines())
                return
            if self.is_doubted or time.monotonic() - pinged > _PING_SECONDS:
                self.is_doubted = False
                if self._is_hung():
                    log.warning("%s hangs, and is ended", self.socket.stem)
                    return
                pinged = time.monotonic()

    def _is_hung(self) -> bool:
        """Whether it does not answer, or has computed one answer for far too long."""
        with self._lock:
            if self._line is None:
                return False
            try:
                self._state = read_json(self._line.ask(Kind.STATE, b"").body)
            except MlsqlError:
                return True
        return bool(self._state["longest"] > _HUNG * self.settings.timeout)

    def _told(
        self, line: Line, put: Sequence[Registration], gone: Sequence[tuple[str, str]], *, loads: bool
    ) -> str:
        told = {"put": [each.record() for each in put], "gone": gone, "loads": loads}
        troubles: list[str] = read_json(line.ask(Kind.CHANGE, write_json(told)).body)
        return next(filter(None, troubles), "")

    @property
    def _log(self) -> Path:
        return self.socket.with_suffix(".log")

    def _command(self) -> list[str]:
        settings = self.settings
        told = {
            "--socket": str(self.socket),
            "--memory": str(settings.memory),
            "--message-bytes": str(settings.message_bytes),
            "--timeout": str(settings.timeout),
            "--opens": self.opens,
        }
        if self.own is not None:
            told["--own"] = self.own
        command = [sys.executable, "-P", "-m", "mlsql.udf.serving.scorer"]
        return [*command, *(each for pair in told.items() for each in pair)]


def _environment() -> dict[str, str]:
    """Ours without what is secret, and with the place that we import from."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in _NOT_INHERITED and not name.startswith("MLSQL_")
    }
    path = os.pathsep.join(str(Path(each).absolute()) for each in sys.path)
    return kept | _ONE_THREAD | {"PYTHONPATH": path}
