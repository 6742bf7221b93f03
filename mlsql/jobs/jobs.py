"""Jobs from submission to end: written down, queued, run, timed out, cancelled, found again after a crash.

What a job does is a callable that is given in, and so is where its files lie: this module knows
neither engine nor Spark. Every change of state is in the database before anybody is told.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Self, TypeVar

from sqlalchemy.exc import OperationalError

from mlsql.errors import Cancelled, RunError
from mlsql.jobs.errors import JobConflict, QueueFull, described
from mlsql.jobs.events import EventLog
from mlsql.jobs.logs import about
from mlsql.jobs.queue import JobQueue, Limits
from mlsql.jobs.states import Job, JobState, JobSummary, Submission
from mlsql.jobs.store import JobStore, SubmissionKey
from mlsql.jobs.sweeper import Folders
from mlsql.jobs.turns import Ending, Work, cancelled, lost, take_turn
from mlsql.stop import Stop

Known = TypeVar("Known", Job, JobSummary)

log = logging.getLogger(__name__)

_WRITE_AGAIN_SECONDS = (0.1, 0.5, 2.0, 5.0)
_LONGEST_WRITE_SECONDS = 120.0
"""Longer than a database makes a writer wait for others."""
_WRITTEN_AT_THE_END = ("ended", "error", "result", "progress")


@dataclass(slots=True)
class _Live:
    """What is known here of a job that has not ended."""

    owner: str
    name: str
    waiter: Future[Ending] | None = None
    stop: Stop | None = None
    events: EventLog | None = None
    is_cancelled: bool = False
    written: Future[None] = field(default_factory=Future)
    """Done when it is in the database."""


@dataclass(slots=True)
class Jobs:
    """All jobs of one server; ``with`` recovers what an earlier one left, and ends what runs."""

    store: JobStore
    work: Work
    limits: Limits
    folders: Folders
    clock: Callable[[], float] = time.time
    delivery_written: Callable[[], object] = lambda: None
    """Told when there is an end that somebody wants to be told of."""
    job_ended: Callable[[Job], object] = lambda _job: None
    """Told each job that has ended, when that is written."""
    _live: dict[str, _Live] = field(default_factory=dict)
    _watchers: defaultdict[str, list[Callable[[], object]]] = field(default_factory=lambda: defaultdict(list))
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _closing: threading.Event = field(default_factory=threading.Event)
    _queue: JobQueue = field(init=False)
    _pool: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self._queue = JobQueue(self.limits)
        self._pool = ThreadPoolExecutor(self.limits.concurrency, thread_name_prefix="job")

    def __enter__(self) -> Self:
        self.recover()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(
        self,
        submission: Submission,
        *,
        job: str | None = None,
        key: SubmissionKey | None = None,
        waiter: Future[Ending] | None = None,
        is_only_one: bool = False,
    ) -> Job:
        """The job of *submission*, durably written; with a *key* that was used before, the one of then.

        The *waiter* is told the end. With *is_only_one* a name that an active job of the owner has
        is a conflict. Raises QueueFull when too many wait.
        """
        now = self.clock()
        new = Job(id=job or uuid.uuid4().hex, submission=submission, submitted=now)
        before = self.store.made_with(submission.owner, key, now) if key else None
        if before is not None:
            return before
        if self._admit(new, waiter, is_only_one=is_only_one):
            # It runs at once, so it is written as running: one commit, and the disk is waited for once.
            new = replace(new, state=JobState.RUNNING, started=now)
            if waiter is not None and key is None:
                return self._run_while_written(new)
        try:
            made = self.store.add(new, key)
        except BaseException:
            self._forget(new)
            raise
        if made.id != new.id:
            self._forget(new)
            return made
        self._live[new.id].written.set_result(None)
        self._await_turn(new)
        return new

    def find(self, job: str) -> Job:
        """The job with this id, with its progress as of now; else UnknownJob."""
        return self.with_progress(self.store.find(job))

    def with_progress(self, job: Known) -> Known:
        """The record or summary of a job with how far it is now, when it runs."""
        live = self._live.get(job.id)
        return replace(job, progress=live.events.progress) if live and live.events else job

    def active(self, owner: str, name: str) -> str | None:
        """The id of the owner's active job of that name."""
        with self._lock:
            return self._named(owner, name)

    def cancel(self, job: str) -> Job:
        """The job, which is cancelled or about to be; a conflict when it has ended.

        A running one shows ``cancel_requested`` until all that it started has ended.
        """
        with self._lock:
            live = self._live.get(job)
            waits = self._queue.remove(job)
        if waits:
            self.store.request_cancel(job)
            waiting = self.store.find(job)
            self._finish(waiting, cancelled(waiting))
        elif live is None or not self.store.request_cancel(job):
            raise JobConflict(f"the job '{job}' has ended: it is {self.store.find(job).state}")
        else:
            self._stop(live)
        self._tell(job)
        return self.find(job)

    @contextmanager
    def watching(self, job: str, changed: Callable[[], object]) -> Iterator[None]:
        """A block in which *changed* is called, from any thread, when the job tells something or ends."""
        with self._lock:
            self._watchers[job].append(changed)
        try:
            yield
        finally:
            with self._lock:
                self._watchers[job].remove(changed)
                if not self._watchers[job]:
                    del self._watchers[job]

    def recover(self) -> None:
        """Queue what waited when the server ended, and settle what ran."""
        for job in self.store.active():
            if job.state is JobState.RUNNING and not self._interrupt(job, "died"):
                continue
            with self._lock:
                self._live[job.id] = live = _Live(job.owner, job.submission.name)
                live.written.set_result(None)
                self._queue.add(job.id, job.owner, job.submission.priority)
        self._start_next()

    @property
    def is_closing(self) -> bool:
        """Whether the server is ending."""
        return self._closing.is_set()

    def stop(self) -> None:
        """Start nothing more, and end what runs; does not wait for it."""
        with self._lock:
            self._closing.set()
            live = list(self._live.values())
            watched = list(self._watchers)
        for each in live:
            if each.stop is not None:
                each.stop.cancel()
            elif each.waiter is not None:
                _resolve(each.waiter, Cancelled())
        for job in watched:
            self._tell(job)

    def close(self) -> None:
        """Wait for what runs, which is lost unless it may run again; what waits stays queued."""
        self.stop()
        self._pool.shutdown()

    def _admit(self, job: Job, waiter: Future[Ending] | None, *, is_only_one: bool) -> bool:
        """Whether *job* has a place to run at once; raises when it cannot even wait."""
        submission = job.submission
        with self._lock:
            self._expect_open()
            if len(self._live) - self._queue.running >= self.limits.queue:
                raise QueueFull(self.limits.queue)
            if is_only_one and (other := self._named(submission.owner, submission.name)):
                raise JobConflict(f"the job '{other}' of the name '{submission.name}' has not ended yet")
            self._live[job.id] = _Live(submission.owner, submission.name, waiter)
            return self._queue.begin(submission.owner)

    def _run_while_written(self, job: Job) -> Job:
        """Start *job*, of which nobody is told anything until it has ended, and write it down meanwhile."""
        live = self._live[job.id]
        with self._lock:
            self._expect_open()
            self._pool.submit(self._turn, job.id, live, job)
        try:
            self.store.add(job)
        except BaseException as error:
            live.written.set_exception(error)
            self._stop(live)
            raise
        live.written.set_result(None)
        return job

    def _await_turn(self, job: Job) -> None:
        """Give *job* to the pool when it has a place already, unless all ends; else have it wait."""
        with self._lock:
            has_place = job.state is JobState.RUNNING
            is_late = has_place and self._closing.is_set()
            if not has_place:
                self._queue.add(job.id, job.owner, job.submission.priority)
            elif not is_late:
                self._pool.submit(self._turn, job.id, self._live[job.id], job)
        if is_late:
            self._wait_again(job)
        self._start_next()

    def _expect_open(self) -> None:
        if self._closing.is_set():
            raise RunError("the server is ending", retriable=True)

    def _stop(self, live: _Live) -> None:
        """Have a job end that has a place to run."""
        with self._lock:
            live.is_cancelled = True
            stop = live.stop
        if stop is not None:
            stop.cancel()

    def _named(self, owner: str, name: str) -> str | None:
        same = (job for job, live in self._live.items() if (live.owner, live.name) == (owner, name))
        return next(same, None)

    def _forget(self, job: Job) -> None:
        """Give back the place of a job that is not written after all."""
        with self._lock:
            del self._live[job.id]
            if job.state is JobState.RUNNING:
                self._queue.ended(job.owner)
        self._start_next()

    def _start_next(self) -> None:
        """Give the pool what may run now."""
        with self._lock:
            while not self._closing.is_set() and (job := self._queue.take()) is not None:
                self._pool.submit(self._turn, job, self._live[job])

    def _turn(self, job: str, live: _Live, record: Job | None = None) -> None:
        """One job's turn: it runs, unless it was cancelled; its place is given back however it ends."""
        try:
            with about({"job": job, "owner": live.owner}):
                self._run(record or self.store.find(job), live)
        except Exception:  # its place must be given back
            log.exception("the end of the job %s could not be written; it is lost when the server ends", job)
        finally:
            with self._lock:
                self._queue.ended(live.owner)
                self._live.pop(job, None)
            if live.waiter is not None and not live.waiter.done():
                _resolve(live.waiter, RunError("how the job ended is not known"))
            self._start_next()

    def _run(self, job: Job, live: _Live) -> None:
        stop = Stop(job.submission.timeout)
        with self._lock:
            if not (is_closing := self._closing.is_set()):
                live.stop = stop
        if is_closing:
            self._wait_again(job)
            return
        if live.is_cancelled:
            self._finish(job, cancelled(job))
            return
        running = self._begun(job)
        if running is None:
            return
        live.events = EventLog(self.folders.of(job.id), lambda: self._tell(job.id), self.clock)
        ending = take_turn(running, self.work, stop, live.events, lambda: self._tell(job.id))
        if ending.job.state is JobState.CANCELLED and self.is_closing and not live.is_cancelled:
            self._interrupt(running, "ended")
        else:
            self._finish(running, ending)

    def _wait_again(self, job: Job) -> None:
        """Let a job that has not done anything yet wait for the next server."""
        if job.state is JobState.RUNNING:
            self._expect_written(job)
            self.store.again(job)

    def _expect_written(self, job: Job) -> None:
        """Wait until *job* is in the database; raise why it cannot be written."""
        if (live := self._live.get(job.id)) is not None:
            live.written.result(_LONGEST_WRITE_SECONDS)

    def _begun(self, job: Job) -> Job | None:
        """The record of *job* as running, which is written; None when it is elsewhere by now."""
        if job.state is JobState.RUNNING:
            return job
        running = replace(job, state=JobState.RUNNING, started=self.clock())
        is_moved = self.store.move(job, JobState.RUNNING, started=running.started)
        return running if is_moved else None

    def _interrupt(self, job: Job, how: str) -> bool:
        """Let a job that cannot run on wait once more, if that was asked for; else write that it is lost."""
        if job.submission.retry_on_restart and not job.cancel_requested:
            return self.store.again(job)
        self._finish(job, cancelled(job) if job.cancel_requested else lost(job, how))
        return False

    def _finish(self, job: Job, ending: Ending) -> None:
        """Write the end of *job*, then tell whoever waits."""
        error = described(ending.error) if ending.error is not None else None
        if error is not None and error["kind"] == "InternalError":
            log.error("internal error in the job %s", job.id, exc_info=ending.error)
        ending = replace(ending, job=replace(ending.job, error=error, ended=self.clock()))
        self._write_end(job, ending.job)
        log.info("the job %s has ended: it is %s", job.id, ending.job.state)
        self.job_ended(ending.job)
        if job.submission.callback is not None:
            self.delivery_written()
        with self._lock:
            live = self._live.pop(job.id, None)
        if live is not None and live.waiter is not None:
            with suppress(InvalidStateError):  # the server ends, and has told it so
                live.waiter.set_result(ending)
        self._tell(job.id)

    def _write_end(self, job: Job, ended: Job) -> None:
        """Try more than once: a job whose end is not written counts as running."""
        self._expect_written(job)
        changes = {name: getattr(ended, name) for name in _WRITTEN_AT_THE_END}
        for seconds in _WRITE_AGAIN_SECONDS:
            try:
                self.store.move(job, ended.state, **changes)
            except OperationalError as error:
                log.warning("the end of the job %s is written again: %s", job.id, error)
                time.sleep(seconds)
            else:
                return
        self.store.move(job, ended.state, **changes)

    def _tell(self, job: str) -> None:
        with self._lock:
            watchers = list(self._watchers.get(job, ()))
        for changed in watchers:
            changed()


def _resolve(waiter: Future[Ending], error: Exception) -> None:
    with suppress(InvalidStateError):  # the end may have been told in the same moment
        waiter.set_exception(error)
