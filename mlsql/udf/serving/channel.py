"""The server's connection to a scorer: many questions under way at once, each answered by its number."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from mlsql.errors import MlsqlError, RunError
from mlsql.udf.serving.doors import connect
from mlsql.udf.serving.protocol import (
    HELLO_BYTES,
    Frame,
    FrameReader,
    Kind,
    expect_size,
    hello,
    read_error,
    read_hello,
    write_frame,
)

_NUMBERS = 2**32


class NoAnswer(RunError):
    """A question that took too long, or whose scorer hangs."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        told = f"the scorer did not answer within {seconds:g} s"
        super().__init__(told, hint="serving.timeout is the limit", retriable=True)


class Channel(asyncio.Protocol):
    """A connection of one event loop; opened by :func:`open_channel`."""

    def __init__(self) -> None:
        self.most = HELLO_BYTES
        self._reader = FrameReader(_NUMBERS)
        self._waiting: dict[int, asyncio.Future[Frame]] = {}
        self._number = 0
        self._transport: Any = None
        self._loop = asyncio.get_running_loop()
        self.lost = self._loop.create_future()
        """Done when nobody can be asked here any more."""

    @property
    def is_open(self) -> bool:
        """Whether it can be asked."""
        return self._transport is not None and not self._transport.is_closing()

    async def ask(self, kind: Kind, body: bytes, seconds: float) -> Frame:
        """The frame that answers; an error in it is raised, and so is the end of the scorer."""
        expect_size(len(body), self.most)
        if not self.is_open:
            raise _died()
        self._number = number = (self._number + 1) % _NUMBERS or 1
        answer = self._waiting[number] = self._loop.create_future()
        self._transport.write(write_frame(number, kind, body))
        try:
            async with asyncio.timeout(seconds):
                frame: Frame = await answer
        except TimeoutError as error:
            raise NoAnswer(seconds) from error
        finally:
            self._waiting.pop(number, None)
        if frame.kind == Kind.ERROR:
            raise read_error(frame.body)
        return frame

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It can be asked from now on."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Give the answers to those who wait for them; nobody waits for one that came too late."""
        for frame in self._reader.feed(data):
            waiting = self._waiting.get(frame.number)
            if waiting is not None and not waiting.done():
                waiting.set_result(frame)
            elif frame.number == 0:
                self._fail(read_error(frame.body))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's name
        """Whoever waits is told that trying again may help."""
        self._fail(None)
        if not self.lost.done():
            self.lost.set_result(None)

    def close(self) -> None:
        """Let go of the connection."""
        if self.is_open:
            self._transport.close()

    def _fail(self, error: MlsqlError | None) -> None:
        for each in self._waiting.values():
            if not each.done():
                each.set_exception(error or _died())


async def open_channel(socket: Path, seconds: float) -> Channel:
    """A channel to the scorer that listens at *socket*; a retriable RunError when there is none."""
    channel: Channel
    try:
        async with asyncio.timeout(seconds):
            channel, token = await connect(socket, Channel)
    except OSError as error:  # a TimeoutError is one
        raise RunError(f"no scorer answers at {socket}", hint="try again", retriable=True) from error
    try:
        told = read_hello((await channel.ask(Kind.HELLO, hello(token=token), seconds)).body)
    except BaseException:
        channel.close()
        raise
    channel.most = told["message_bytes"]
    return channel


class Channels:
    """The channels of a pool, one for each scorer and event loop that asks; each ends with its loop."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Path, asyncio.Future[Channel]]]
        self._of_loops = WeakKeyDictionary()
        self._held: WeakSet[asyncio.Task[None]] = WeakSet()

    async def to(self, socket: Path) -> Channel:
        """An open channel to the scorer at *socket*, of the loop that runs."""
        loop = asyncio.get_running_loop()
        known = self._of_loops.setdefault(loop, {})
        found = known.get(socket)
        if found is None or (found.done() and (found.exception() or not found.result().is_open)):
            found = known[socket] = loop.create_future()
            self._held.add(loop.create_task(self._hold(socket, found)))
        return found.result() if found.done() else await asyncio.shield(found)

    async def _hold(self, socket: Path, opened: asyncio.Future[Channel]) -> None:
        """Open a channel, and close it when the scorer has gone or the loop cancels its tasks."""
        try:
            channel = await open_channel(socket, self._seconds)
        except MlsqlError as error:
            opened.set_exception(error)
            return
        opened.set_result(channel)
        try:
            await channel.lost
        finally:
            channel.close()


def _died() -> RunError:
    return RunError(
        "the scorer died while it answered", hint="try again: another takes its place", retriable=True
    )
