"""A resident process that holds registered models and answers questions at a door of this machine.

``python -m mlsql.udf.serving.scorer --socket PATH`` listens in a folder that only its user can enter, as
:mod:`~mlsql.udf.serving.doors` tells: whoever comes in is trusted to say for whom he asks. The server
tells it the functions, and asks on one connection, so that questions that queue up arrive together and
nobody has to wait for company. Without the process that has started it, it ends.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import hmac
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, NoReturn

from mlsql.errors import MlsqlError, ScriptError
from mlsql.udf.serving.desk import Desk
from mlsql.udf.serving.doors import listen
from mlsql.udf.serving.protocol import (
    HELLO_BYTES,
    Frame,
    FrameReader,
    Kind,
    hello,
    read_hello,
    write_error,
    write_frame,
)
from mlsql.udf.serving.shelf import Shelf

log = logging.getLogger(__name__)

OPENS = "mlsql.udf.predictors.ready:open_ready"
_THREADS = 4
_PARENT_SECONDS = 1.0
_SWITCH_SECONDS = 0.0005
"""How long a thread may compute before it lets the event loop answer a row; Python's own 5 ms are long."""
_MOST_CONNECTIONS = 1024


@dataclass(slots=True)
class _Doors:
    """How many connections are open."""

    count: int = 0


class Connection(asyncio.Protocol):
    """One who asks: his hello, then frames as they come; what is no frame ends it."""

    def __init__(self, desk: Desk, doors: _Doors, token: str = "") -> None:
        self._desk, self._doors, self._token = desk, doors, token
        self._reader = FrameReader(HELLO_BYTES)
        self._is_known = False
        self._patience: asyncio.TimerHandle | None = None
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the hello."""
        self._transport = transport
        self._doors.count += 1
        if self._doors.count > _MOST_CONNECTIONS:
            self._transport.abort()
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Answer what is complete."""
        try:
            frames = self._reader.feed(data)
            if not self._is_known and frames:
                self._greet(frames.pop(0))
        except MlsqlError as error:
            self._refuse(error)
            return
        if frames:
            self._forget_patience()  # what is incomplete now has begun now
        self._watch()
        if frames:
            self._desk.take(frames, self._send)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's name
        """Nobody waits any more."""
        self._doors.count -= 1
        self._forget_patience()

    def pause_writing(self) -> None:
        """Who does not read answers is not asked for more questions."""
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """He reads again."""
        self._transport.resume_reading()

    def _greet(self, frame: Frame) -> None:
        if frame.kind != Kind.HELLO:
            raise ScriptError("what came is no hello of a client of scorers")
        shown = read_hello(frame.body).get("token")
        if not hmac.compare_digest(str(shown or "").encode(), self._token.encode()):
            raise ScriptError("this token opens no door of this scorer", hint="the file with its port has it")
        self._reader.most = self._desk.message_bytes
        self._is_known = True
        told = hello(pid=os.getpid(), message_bytes=self._desk.message_bytes)
        self._send(write_frame(frame.number, Kind.HELLO, told))

    def _watch(self) -> None:
        """What has begun, a hello or a frame, has to be complete in time."""
        if self._is_known and self._reader.is_between:
            self._forget_patience()
        elif self._patience is None:
            loop = asyncio.get_running_loop()
            self._patience = loop.call_later(self._desk.shelf.timeout, self._transport.abort)

    def _forget_patience(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _refuse(self, error: MlsqlError) -> None:
        """Tell why, as the answer to everything, and close."""
        self._send(write_frame(0, Kind.ERROR, write_error(error)))
        self._transport.close()

    def _send(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)


async def serve(asked: argparse.Namespace) -> None:
    """Answer at the socket until a signal comes, or the process that started this one is gone."""
    loop, parent = asyncio.get_running_loop(), os.getppid()
    ended = loop.create_future()
    for each in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(each, ended.cancel)
    shelf = Shelf(resolve_name(asked.opens), asked.memory, asked.timeout)
    threads, changes = ThreadPoolExecutor(_THREADS), ThreadPoolExecutor(1)
    desk = Desk(shelf, asked.message_bytes, threads, changes, _calling(loop), asked.own)
    doors = _Doors()
    asked.socket.unlink(missing_ok=True)
    await listen(asked.socket, partial(Connection, desk, doors))
    gc.freeze()  # what is imported stays
    while not ended.done() and os.getppid() == parent:
        await asyncio.wait([ended], timeout=_PARENT_SECONDS)
    asked.socket.unlink(missing_ok=True)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Serve, and leave behind what threads still compute: nobody waits for it."""
    parser = argparse.ArgumentParser(prog="python -m mlsql.udf.serving.scorer")
    parser.add_argument("--socket", type=Path, required=True, help="where to listen")
    parser.add_argument("--memory", type=int, required=True, help="most bytes of models")
    parser.add_argument("--message-bytes", type=int, required=True, help="most bytes of a frame")
    parser.add_argument(
        "--timeout", type=float, required=True, help="seconds that a model or a frame may take"
    )
    parser.add_argument("--own", help="the owner whose code may run here")
    parser.add_argument("--opens", default=OPENS, help="what opens a stored model: package.module:function")
    asked = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's affair
    sys.setswitchinterval(_SWITCH_SECONDS)
    os.umask(0o077)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(serve(asked))
        logging.shutdown()
        os._exit(0)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, which is faster, where it is installed."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _calling(loop: asyncio.AbstractEventLoop) -> Callable[..., object]:
    """Has *loop* call a function; none is called when it has ended."""

    def call(function: Callable[..., object], *given: object) -> None:
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(function, *given)

    return call


if __name__ == "__main__":
    main()
