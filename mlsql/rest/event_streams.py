"""The events of one job as Server-Sent Events: those that are kept, then those that come, until the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from starlette.concurrency import run_in_threadpool

from mlsql.jobs.events import JobEvent, beginning, ending, iso_time, read_events
from mlsql.rest.service import Service

_ALIVE_SECONDS = 15.0
_BREATH_SECONDS = 0.05
_ALIVE = ": alive\n\n"


async def event_stream(
    service: Service, job: str, after: int, is_allowed: Callable[[], bool]
) -> AsyncIterator[str]:
    """The events behind the one with the number *after*; a comment now and then shows that it lives.

    It ends with the job, and when the reader, who is asked for as often, is allowed no more.
    """
    loop, changes = asyncio.get_running_loop(), asyncio.Queue[None](1)
    allowed_until = loop.time() + _ALIVE_SECONDS

    def note() -> None:
        with suppress(asyncio.QueueFull):
            changes.put_nowait(None)

    def wake() -> None:
        with suppress(RuntimeError):  # the loop is closed: the server ends
            loop.call_soon_threadsafe(note)

    with service.jobs.watching(job, wake):
        tail = _Tail(service, job)
        while True:
            events = await run_in_threadpool(tail.read)
            for event in events:
                if event.id > after:
                    yield _written(event)
            if tail.is_over or service.jobs.is_closing:
                return
            if not await _has_changed(changes):
                yield _ALIVE
            if loop.time() >= allowed_until:
                if not await run_in_threadpool(is_allowed):
                    return
                allowed_until = loop.time() + _ALIVE_SECONDS
            await asyncio.sleep(_BREATH_SECONDS)  # what comes close together is read together


class _Tail:
    """What has not been read yet of one job."""

    def __init__(self, service: Service, job: str) -> None:
        self._service, self._job = service, job
        self._offset, self._last = 0, 0
        self.is_over = False

    def read(self) -> list[JobEvent]:
        """The next events; the state is asked first, so that behind an end there is nothing to come."""
        job = self._service.jobs.find(self._job)
        events, self._offset = read_events(self._service.results.of(self._job), self._offset)
        if not self._last:
            events.insert(0, beginning(job))
        self._last = events[-1].id if events else self._last
        if job.state.is_end:
            events.append(ending(job, self._last))
            self.is_over = True
        return events


async def _has_changed(changes: asyncio.Queue[None]) -> bool:
    try:
        await asyncio.wait_for(changes.get(), _ALIVE_SECONDS)
    except TimeoutError:
        return False
    return True


def _written(event: JobEvent) -> str:
    data = json.dumps({"at": iso_time(event.at), **event.data}, ensure_ascii=False)
    return f"id: {event.id}\nevent: {event.kind}\ndata: {data}\n\n"
