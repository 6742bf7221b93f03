"""Tells those who asked how their jobs ended: durable, signed, tried again.

The deliveries lie in the outbox, written with the ends of jobs. One thread sends those that are
due, many at once but few to one receiver, so that a slow one holds up nobody else. A delivery is
noted as done after the receiver has said so: it arrives at least once.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

from mlsql.errors import MlsqlError, Refused
from mlsql.jobs.callback_messages import Message, Messages
from mlsql.jobs.callback_posts import Outcome, Post
from mlsql.jobs.outbox import Outbox
from mlsql.jobs.states import Delivery, Job
from mlsql.url_targets import Target, Targets, receiver_of

log = logging.getLogger(__name__)

_SHORTEST_PAUSE, _LONGEST_PAUSE = 1.0, 3600.0
_GROWTH, _GROWS = 2.5, 9
"""Ten retries take about an hour and a quarter, and from then on it is one an hour."""
_LONGEST_SLEEP = 60.0
"""A clock that was set is noticed then."""
_SECONDS_AFTER_TROUBLE = 5.0
_SECONDS_TO_FINISH = 3.0
_SECONDS_TO_END = 60.0


def pause_after(tries: int) -> float:
    """Seconds until the next try after that many failed: 1 s to 1 h, growing, up to half less by chance."""
    longest = min(_LONGEST_PAUSE, _GROWTH ** min(tries - 1, _GROWS))
    return max(_SHORTEST_PAUSE, longest * random.uniform(0.5, 1.0))  # noqa: S311 -- no secret


@dataclass(slots=True)
class Tally:
    """What became of the tries since the server began."""

    _counts: Counter[str] = field(default_factory=lambda: Counter(delivered=0, retried=0, dead=0))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, what: str) -> None:
        """Count one more."""
        with self._lock:
            self._counts[what] += 1

    def snapshot(self) -> Mapping[str, int]:
        """The counts by name: delivered, retried (failed, and tried again later), dead (given up)."""
        with self._lock:
            return dict(self._counts)


@dataclass(slots=True)
class Callbacks:
    """Sends what is due in the *outbox*, in a thread of its own: ``with`` starts and stops it."""

    outbox: Outbox
    find: Callable[[str], Job]
    targets: Targets
    messages: Messages
    post: Post
    max_retries: int
    clock: Callable[[], float] = time.time
    pause: Callable[[int], float] = pause_after
    at_once: int = 64
    at_once_to_one: int = 8
    tally: Tally = field(default_factory=Tally)
    _open: dict[str, str] = field(default_factory=dict)
    """The receivers of the deliveries that are being tried, by id."""
    _tries: set[asyncio.Task[None]] = field(default_factory=set)
    _news: asyncio.Queue[None] = field(default_factory=lambda: asyncio.Queue(1))
    _is_stopping: bool = False
    _runner: asyncio.Runner = field(
        default_factory=lambda: asyncio.Runner(loop_factory=asyncio.new_event_loop)  # of the thread alone
    )
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Send from now on; what an earlier server left is due."""
        loop = self._runner.get_loop()
        loop.set_default_executor(ThreadPoolExecutor(self.at_once + 1, thread_name_prefix="callback"))
        self._thread = threading.Thread(target=self._run, name="callbacks", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Look again for what is due; from any thread."""
        with suppress(RuntimeError):  # the loop is closed: the server ends
            self._runner.get_loop().call_soon_threadsafe(self._hear)

    def stop(self) -> None:
        """Begin nothing more, and give what is being sent a moment."""
        self._is_stopping = True
        self.wake()
        if self._thread is not None:
            self._thread.join(_SECONDS_TO_END)

    def replay(self, job: str, number: int) -> Delivery:
        """Send a delivery that is done once more, under its id; else JobConflict."""
        again = self.outbox.replay(job, number, self.clock())
        self.wake()
        return again

    def _hear(self) -> None:
        with suppress(asyncio.QueueFull):  # they are looked at anyway
            self._news.put_nowait(None)

    def _run(self) -> None:
        with self._runner as runner:
            runner.run(self._send())

    async def _send(self) -> None:
        async with self.post:
            await self._send_until_stopped()

    async def _send_until_stopped(self) -> None:
        while not self._is_stopping:
            seconds = await self._begin_due()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.get(), seconds)
        if self._tries:
            await asyncio.wait(self._tries, timeout=_SECONDS_TO_FINISH)

    async def _begin_due(self) -> float:
        """Begin what can be begun now; the seconds until there may be more."""
        try:
            while True:
                looked = self.clock()
                chosen = await asyncio.to_thread(self._startable, looked, dict(self._open))
                if not chosen:
                    return await asyncio.to_thread(self._seconds_to_next, looked)
                for each in chosen:
                    self._begin(each)
        except Exception:  # the next look may go well
            log.exception("the callbacks that are due could not be read")
            return _SECONDS_AFTER_TROUBLE

    def _startable(self, now: float, taken: Mapping[str, str]) -> list[Delivery]:
        """Those due for which there is room."""
        room, load = self.at_once - len(taken), Counter(taken.values())
        busy = [receiver for receiver, number in load.items() if number >= self.at_once_to_one]
        chosen: list[Delivery] = []
        for delivery in self.outbox.due(now, 2 * self.at_once, but_not_to=busy):
            receiver = receiver_of(delivery.callback.url)
            if delivery.id not in taken and len(chosen) < room and load[receiver] < self.at_once_to_one:
                load[receiver] += 1
                chosen.append(delivery)
        return chosen

    def _seconds_to_next(self, looked: float) -> float:
        """Until the first is due that was not when they were *looked* at."""
        following = self.outbox.next_try(looked)
        if following is None:
            return _LONGEST_SLEEP
        return min(max(following - self.clock(), 0.0), _LONGEST_SLEEP)

    def _begin(self, delivery: Delivery) -> None:
        self._open[delivery.id] = receiver_of(delivery.callback.url)
        task = asyncio.get_running_loop().create_task(self._try(delivery))
        self._tries.add(task)
        task.add_done_callback(lambda done: self._ended(delivery, done))

    def _ended(self, delivery: Delivery, task: asyncio.Task[None]) -> None:
        self._tries.discard(task)
        del self._open[delivery.id]
        self._hear()

    async def _try(self, delivery: Delivery) -> None:
        try:
            outcome = await self._outcome(delivery)
            await asyncio.to_thread(self._note, delivery, outcome)
        except Exception:  # others go on
            log.exception("what became of the callback %s could not be written", delivery.id)
            await asyncio.sleep(_SECONDS_AFTER_TROUBLE)  # it is due until that is written

    async def _outcome(self, delivery: Delivery) -> Outcome:
        try:
            target, message = await asyncio.to_thread(self._prepared, delivery)
            return await self.post(target, message)
        except Refused as error:
            return Outcome(error.message, again=False)
        except MlsqlError as error:
            return Outcome(error.message)
        except Exception as error:  # one that cannot be sent must not stop the others
            log.exception("the callback %s could not be sent", delivery.id)
            return Outcome(f"internal error: {type(error).__name__}")

    def _prepared(self, delivery: Delivery) -> tuple[Target, Message]:
        target = self.targets.judge(delivery.callback.url)
        return target, self.messages.of(delivery, self.find(delivery.job), self.clock())

    def _note(self, delivery: Delivery, outcome: Outcome) -> None:
        """Write down what became of a try; the outbox knows when another has written since."""
        callback, tries = delivery.callback, delivery.tries + 1
        most = self.max_retries + 1 if callback.tries is None else callback.tries
        where = receiver_of(callback.url)
        if outcome.error is None:
            self._count("delivered", is_written=self.outbox.delivered(delivery))
            log.debug("the callback %s was delivered to %s", delivery.id, where)
        elif not outcome.again or tries >= most:
            self._count("dead", is_written=self.outbox.dead(delivery, outcome.error))
            log.warning("the callback %s to %s is dead: %s", delivery.id, where, outcome.error)
        else:
            wait = max(self.pause(tries), outcome.wait)
            is_written = self.outbox.retried(delivery, self.clock() + wait, outcome.error)
            self._count("retried", is_written=is_written)
            log.info("the callback %s to %s waits %.0f s: %s", delivery.id, where, wait, outcome.error)

    def _count(self, what: str, *, is_written: bool) -> None:
        if is_written:
            self.tally.add(what)
