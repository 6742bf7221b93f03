"""Programs on the same machine ask a scorer directly: its folder lets in only the server's user.

::

    with SocketClient("/srv/mlsql/scorers", owner="ann") as client:
        client.predict("good_wine", [[9.4, 0.5, 3.3]])
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mlsql.errors import MlsqlError, RunError, ScriptError
from mlsql.udf.serving.doors import TCP, UNIX, connected
from mlsql.udf.serving.functions import AnsweredElsewhere, Companion
from mlsql.udf.serving.protocol import (
    Frame,
    FrameReader,
    Kind,
    expect_size,
    hello,
    read_error,
    read_hello,
    read_json,
    write_frame,
)
from mlsql.udf.serving.questions import write_question

SHARED = "shared-*"
_RECEIVED_BYTES = 256 * 2**10
_MOST_BYTES = 2**31


class Line:
    """One connection to the scorer at *path*, for one question at a time."""

    def __init__(self, path: Path, timeout: float) -> None:
        self.path, self._number, self.most = path, 0, _MOST_BYTES
        self._reader = FrameReader(_MOST_BYTES)
        try:
            self._socket, token = connected(path, timeout)
        except OSError as error:
            raise _no_answer(path, error) from error
        try:
            self.most = read_hello(self.ask(Kind.HELLO, hello(token=token)).body)["message_bytes"]
        except RunError as error:
            self.close()
            raise _no_answer(path, error) from error
        except MlsqlError:
            self.close()
            raise

    def ask(self, kind: Kind, body: bytes) -> Frame:
        """The frame that answers; an error in it is raised."""
        expect_size(len(body), self.most)
        self._number += 1
        try:
            self._socket.sendall(write_frame(self._number, kind, body))
            frame = self._received()
        except OSError as error:
            self.close()
            raise RunError(f"the scorer at {self.path} did not answer: {error}", retriable=True) from error
        if frame.kind == Kind.ERROR:
            raise read_error(frame.body)
        return frame

    def close(self) -> None:
        """Let go of the connection."""
        self._socket.close()

    def _received(self) -> Frame:
        while received := self._socket.recv(_RECEIVED_BYTES):
            for frame in self._reader.feed(received):
                if frame.number in (self._number, 0):
                    return frame
        raise ConnectionResetError("it has closed the connection")


def _no_answer(path: Path, error: Exception) -> RunError:
    return RunError(f"no scorer answers at {path}: {error}", retriable=True)


class SocketClient:
    """Asks the scorers whose sockets are in *folder* for *owner*; one thread at a time."""

    def __init__(self, folder: str | Path, *, owner: str, timeout: float = 30.0) -> None:
        self._folder, self._owner, self._timeout = Path(folder), owner, timeout
        self._lines: dict[str, Line] = {}

    def predict(
        self,
        function: str,
        rows: Sequence[Sequence[object]] | bytes,
        *,
        companion: Companion = "",
    ) -> Any:
        """The answer for each of *rows*, given by position; for an Arrow stream, an Arrow stream.

        *function* is ``f``, ``f@3`` or ``ann.f``. Raises what is wrong with the rows, and a retriable
        RunError when the scorer died meanwhile.
        """
        body = write_question(self._owner, function, rows, companion)
        try:
            frame = self._ask(self._shared(), body)
        except AnsweredElsewhere as elsewhere:
            frame = self._ask(elsewhere.door + Path(self._shared()).suffix, body)
        return frame.body if frame.kind == Kind.TABLE else read_json(frame.body)

    def close(self) -> None:
        """Let go of the connections."""
        for each in self._lines.values():
            each.close()
        self._lines.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, name: str, body: bytes) -> Frame:
        if name not in self._lines:
            self._lines[name] = Line(self._folder / name, self._timeout)
        try:
            return self._lines[name].ask(Kind.PREDICT, body)
        except RunError as error:
            if error.retriable:  # the next question goes over a new connection
                self._lines.pop(name).close()
            raise

    def _shared(self) -> str:
        """The scorer that was asked before, or any."""
        known = next((name for name in self._lines if not name.startswith("own-")), None)
        if known is not None:
            return known
        names = [each.name for each in self._folder.glob(SHARED) if each.suffix in (UNIX, TCP)]
        if not names:
            raise ScriptError(
                f"no scorer listens in {self._folder}", hint="is this serving.sockets of a server?"
            )
        return random.choice(names)  # noqa: S311 -- any will do
