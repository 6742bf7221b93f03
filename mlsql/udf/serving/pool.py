"""The scorers of a server: as many as the settings say, told of each register, asked by the routes.

Rows are given by position, in the order of ``Registration.inputs``, or as an Arrow stream with the inputs
by name, which is answered by one with the column ``prediction``. A function is called ``f``, ``f@3`` or
``ann.f``. Opening a pool waits for nothing; the processes start beside when there is a function to answer.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

from mlsql.config.settings import ServingSettings
from mlsql.database import private_folder
from mlsql.errors import ConfigError, RunError
from mlsql.registrations import MemoryRegistrations, Registration, Registrations, ToldRegistrations
from mlsql.udf.serving.channel import Channels, NoAnswer
from mlsql.udf.serving.doors import UNIX, usual_kind
from mlsql.udf.serving.functions import AnsweredElsewhere, Companion, door_of
from mlsql.udf.serving.keeper import KeptScorer, ScorerFigures
from mlsql.udf.serving.lane_columns import Columns
from mlsql.udf.serving.lane_types import NotCarriedOver
from mlsql.udf.serving.protocol import Frame, Kind, read_json
from mlsql.udf.serving.questions import read_columns, write_query, write_question
from mlsql.udf.serving.shelf import wanted_by

OPENS = "mlsql.udf.predictors.ready:open_ready"
OPENS_DATA = "mlsql.udf.predictors.ready:open_data"
"""Where owners share a scorer, no model is unpickled."""
_LONGEST_SOCKET = 100
"""Bytes of a path; the kernel takes 107, on macOS 103."""


class ScorerPool:
    """The scorers whose *doors*, by default of the system's usual kind, are in *folder*.

    *opens* names what opens stored models instead of ours.

    They answer what *kept* holds when the pool is opened, and what :attr:`registrations` is told later.
    """

    def __init__(
        self,
        settings: ServingSettings,
        folder: Path,
        kept: Registrations,
        *,
        opens: str | None = None,
        doors: str | None = None,
    ) -> None:
        self.settings, self._folder, self._opens = settings, folder, opens
        self._doors = doors or usual_kind()
        self.registrations: Registrations = ToldRegistrations(kept=kept, told=self._change)
        self._kept = kept
        self._functions = MemoryRegistrations()
        self._shared: list[KeptScorer] = []
        self._own: dict[str, KeptScorer] = {}
        self._troubles: dict[tuple[str, str], str] = {}
        self._starting, self._turns = Lock(), defaultdict[str, Lock](Lock)
        self._channels = Channels(settings.timeout)
        self._is_closed = False

    async def predict(
        self,
        caller: str,
        function: str,
        rows: Sequence[Sequence[object]] | bytes,
        *,
        companion: Companion = "",
    ) -> list[object] | bytes:
        """The answer for each of *rows*; of ``proba`` the probabilities, of ``all`` those of all candidates.

        Raises UnknownFunction, ScriptError or DataError for what is wrong with the rows, and a
        retriable RunError when the scorer died meanwhile.
        """
        registration = self._functions.called(caller, function)
        wanted_by(registration)
        question = write_question(caller, function, rows, companion)
        frame = await self._ask(self._scorers_for(registration), Kind.PREDICT, question)
        if frame.kind == Kind.TABLE:
            return frame.body
        answers: list[object] = read_json(frame.body)
        return answers

    async def query(self, caller: str, sql: str, rows: Columns | bytes) -> Columns | bytes:
        """What *sql* gives over *rows*: columns, or of an Arrow stream another.

        NotCarriedOver says why it is for Spark.
        """
        try:
            frame = await self._ask(self._started(), Kind.QUERY, write_query(caller, sql, rows))
        except AnsweredElsewhere as error:
            raise NotCarriedOver(f"'{error.function}' runs code of its owner's") from error
        return frame.body if frame.kind == Kind.TABLE else read_columns(frame.body)

    def find(self, caller: str, function: str) -> Registration:
        """The function that *caller* means; ``trouble`` says why it is not answered."""
        return self._judged(self._functions.called(caller, function))

    def describe(self, caller: str) -> Sequence[Registration]:
        """The functions that *caller* may call, his own first, then in the order of their names."""
        found = self._functions.callable_by(caller)
        order = sorted(found, key=lambda name: (found[name].owner != caller, name))
        return [self._judged(found[name]) for name in order]

    def figures(self) -> Sequence[ScorerFigures]:
        """How each scorer stands that has been started."""
        with self._starting:
            return [each.figures for each in (*self._shared, *self._own.values())]

    def __enter__(self) -> Self:
        for each in self._kept.listed():
            self._functions.put(each)
        for each in self._functions.listed() if self.settings.scorers else ():
            self._provide(each)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._starting:
            self._is_closed = True
            scorers = [*self._shared, *self._own.values()]
        for each in scorers:
            each.stop()
        for each in scorers:
            each.close()

    def _change(self, owner: str, function: str, now: Registration | None) -> None:
        """Have the scorers answer *function* of *owner* as it stands *now*; returns when they do."""
        with self._turns[owner]:  # what is told last stands
            if now is None:
                self._functions.remove(owner, function)
            else:
                self._functions.put(now)
            self._troubles.pop((owner, function), None)
            trouble = self._spread(owner, function, now) if self.settings.scorers else ""
            if trouble:
                self._troubles[owner, function] = trouble
            self._end_unused(owner)

    def _spread(self, owner: str, function: str, now: Registration | None) -> str:
        put, gone = ([], [(owner, function)]) if now is None else ([now], [])
        if now is not None:
            self._provide(now)
        own = self._own.get(owner)
        scorers = [*self._shared, *([own] if own else [])]
        return next(filter(None, [each.tell(put, gone) for each in scorers]), "")

    def _provide(self, registration: Registration) -> None:
        """Have the scorers that it needs; where there are too many, asking it says so."""
        if not registration.trouble:
            try:
                self._scorers_for(registration)
            except RunError as error:
                self._troubles[registration.owner, registration.function] = error.message

    def _scorers_for(self, registration: Registration) -> list[KeptScorer]:
        """Those that can answer a function, which start if they have not."""
        shared, owner = self._started(), registration.owner
        if not registration.runs_code:
            return shared
        with self._starting:
            if owner not in self._own:
                self._expect_room()
                self._own[owner] = self._new(door_of(owner), owner)
            return [self._own[owner]]

    def _started(self) -> list[KeptScorer]:
        """Those that all owners share."""
        if not self._shared:
            with self._starting:
                self._expect_open()
                if not self._shared:
                    names = [f"shared-{number}" for number in range(self.settings.scorers)]
                    self._shared = [self._new(name) for name in names]
        return self._shared

    def _new(self, name: str, own: str | None = None) -> KeptScorer:
        socket = private_folder(self._folder) / f"{name}{self._doors}"
        if self._doors == UNIX and len(str(socket).encode()) > _LONGEST_SOCKET:
            raise ConfigError(
                f"the path of the socket {socket} is too long for the system",
                hint="serving.sockets names another folder for it",
            )
        functions = self._functions.listed if own is None else partial(self._functions.of, own)
        opens = self._opens or (OPENS_DATA if own is None else OPENS)
        scorer = KeptScorer(socket=socket, settings=self.settings, functions=functions, opens=opens, own=own)
        scorer.start()
        return scorer

    def _end_unused(self, owner: str) -> None:
        """End the scorer of an owner who has no function left that needs it."""
        if owner in self._own and not any(each.runs_code for each in self._functions.of(owner)):
            with self._starting:
                scorer = self._own.pop(owner)
            scorer.close()

    def _expect_open(self) -> None:
        if self._is_closed or not self.settings.scorers:
            raise ConfigError("this server has no scorers", hint="serving.scorers is how many there are")

    def _expect_room(self) -> None:
        self._expect_open()
        if len(self._own) >= self.settings.own_scorers:
            raise RunError(
                f"as many owners as may have scorers for code of their own: {len(self._own)}",
                hint="serving.own_scorers is the limit",
            )

    async def _ask(self, scorers: Sequence[KeptScorer], kind: Kind, body: bytes) -> Frame:
        """The answer of the one that has least to do, when one is ready."""
        ready = [each for each in scorers if each.is_ready] or [await self._awaited(scorers)]
        scorer = min(ready, key=lambda each: each.asked)
        channel = await self._channels.to(scorer.socket)
        scorer.asked += 1
        try:
            return await channel.ask(kind, body, self.settings.timeout)
        except NoAnswer:
            scorer.is_doubted = True
            raise
        finally:
            scorer.asked -= 1

    async def _awaited(self, scorers: Sequence[KeptScorer]) -> KeptScorer:
        starting = [asyncio.wrap_future(each.ready) for each in scorers]
        by_future = dict(zip(starting, scorers, strict=True))
        done, _ = await asyncio.wait(
            starting, timeout=self.settings.timeout, return_when=asyncio.FIRST_COMPLETED
        )
        if not done:
            raise RunError("the scorers are still starting", hint="try again", retriable=True)
        return by_future[done.pop()]

    def _judged(self, registration: Registration) -> Registration:
        key = registration.owner, registration.function
        is_current = self._functions.find(*key) == registration
        trouble = self._troubles.get(key) if is_current else None
        return replace(registration, trouble=trouble) if trouble else registration
