"""Jobs in the database: each change is one transaction, each move of a job one compare-and-set.

A move names the attempt and the state that the job is thought to be in; when it is in another,
nothing is written and the caller is told. The end of a job that has a callback writes its
delivery in the same transaction (:mod:`mlsql.jobs.outbox` hands them out).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    bindparam,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy import delete as delete_from
from sqlalchemy.exc import IntegrityError

from mlsql.commits import Commits
from mlsql.database import reading
from mlsql.jobs.errors import JobConflict, UnknownJob
from mlsql.jobs.states import ACTIVE, ENDS, Callback, Job, JobState, JobSummary, Kept, Submission, may_move
from mlsql.jobs.tables import DELIVERIES, JOBS, SUBMISSION_KEYS
from mlsql.roles import Role

_REQUEST = tuple(
    each.name
    for each in dataclasses.fields(Submission)
    if each.name not in ("owner", "name", "script", "callback")
)
_ADD = insert(JOBS)
_FIND = select(JOBS).where(JOBS.c.id == bindparam("job"))
_FORGET = tuple(
    delete_from(each.table).where(each == bindparam("gone"))
    for each in (DELIVERIES.c.job, SUBMISSION_KEYS.c.job, JOBS.c.id)
)
"""What a job leaves, in the order in which it can be deleted."""
_WITHOUT_SCRIPT = [literal("").label(each.name) if each.name == "script" else each for each in JOBS.columns]
_ASKED_AT_ONCE = 500
_LATEST = JOBS.c.number.desc()
_IN_REQUEST = {
    "priority": JOBS.c.request["priority"].as_integer(),
    "timeout": JOBS.c.request["timeout"].as_float(),
}
_LISTED = tuple(each.name for each in dataclasses.fields(JobSummary))
_SUMMARIES = select(JOBS.c.number, *(_IN_REQUEST.get(name, JOBS.c.get(name)) for name in _LISTED)).order_by(
    _LATEST
)
_RUNNING = select(JOBS).where(JOBS.c.state.in_(ACTIVE)).order_by(_LATEST)
_MOVE = update(JOBS).where(
    JOBS.c.id == bindparam("job"), JOBS.c.state == bindparam("left"), JOBS.c.attempt == bindparam("tried")
)
"""A statement that stands here is built once; its columns are those that it is given values for."""


@dataclass(frozen=True, slots=True)
class SubmissionKey:
    """What a caller named a submission, so that it can be sent again: a key, and a digest of the body."""

    key: str
    body: str
    kept: float
    """Seconds that the key is known for."""


@dataclass(frozen=True, slots=True)
class Page:
    """Jobs, the newest first, and where the next page begins."""

    jobs: tuple[JobSummary, ...]
    next: int | None


@dataclass(slots=True)
class JobStore:
    """The jobs of one database."""

    engine: Engine
    _commits: Commits = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._commits = Commits(self.engine)

    def add(self, job: Job, key: SubmissionKey | None = None) -> Job:
        """Write *job*, or give the one that this key made before; another body of the key is a conflict."""
        try:
            return self._commits.write(partial(_add, job=job, key=key))
        except IntegrityError:  # another request with this key was quicker
            if key is None:
                raise
            return self._commits.write(partial(_add, job=job, key=key))

    def made_with(self, owner: str, key: SubmissionKey, now: float) -> Job | None:
        """The job that *key* of the owner made before; another body of the key is a conflict."""
        with reading(self.engine) as connection:
            return _job_of_key(connection, owner, key, now)

    def find(self, job: str) -> Job:
        """The job with this id, else UnknownJob."""
        with reading(self.engine) as connection:
            row = connection.execute(_FIND, {"job": job}).one_or_none()
        if row is None:
            raise UnknownJob(job)
        return _job(row)

    def active(self) -> Sequence[Job]:
        """The jobs that have not ended, in the order of submission and without their scripts."""
        query = select(*_WITHOUT_SCRIPT).where(JOBS.c.state.in_(ACTIVE)).order_by(JOBS.c.number)
        with reading(self.engine) as connection:
            return [_job(row) for row in connection.execute(query)]

    def latest_active(self, owner: str | None, limit: int) -> Sequence[Job]:
        """At most *limit* jobs that have not ended, of *owner* or of everybody, the newest first."""
        query = _RUNNING if owner is None else _RUNNING.where(JOBS.c.owner == owner)
        with reading(self.engine) as connection:
            return [_job(row) for row in connection.execute(query.limit(limit))]

    def counts(self) -> Mapping[JobState, int]:
        """How many jobs are in each state."""
        query = select(JOBS.c.state, func.count()).group_by(JOBS.c.state)
        with reading(self.engine) as connection:
            found = {JobState(state): number for state, number in connection.execute(query)}
        return {state: found.get(state, 0) for state in JobState}

    def page(
        self,
        *,
        owner: str | None = None,
        states: Iterable[JobState] = (),
        name: str | None = None,
        limit: int = 100,
        before: int | None = None,
    ) -> Page:
        """At most *limit* jobs, those before the place where a page began."""
        query = _SUMMARIES.limit(limit + 1)
        for column, wanted in ((JOBS.c.owner, owner), (JOBS.c.name, name)):
            query = query.where(column == wanted) if wanted is not None else query
        query = query.where(JOBS.c.state.in_(chosen)) if (chosen := list(states)) else query
        query = query.where(JOBS.c.number < before) if before is not None else query
        with reading(self.engine) as connection:
            rows = connection.execute(query).all()
        shown = rows[:limit]
        return Page(tuple(map(_summary, shown)), shown[-1].number if len(rows) > limit else None)

    def move(self, job: Job, state: JobState, **changes: Any) -> bool:
        """Take *job* to *state* when it is still where this record has it; else write nothing, and False."""
        return self._set(job, (job.attempt, state), changes)

    def again(self, job: Job) -> bool:
        """Let a running job wait once more, as its next attempt."""
        return self._set(job, (job.attempt + 1, JobState.QUEUED), {"started": None, "progress": None})

    def request_cancel(self, job: str) -> bool:
        """Note that the end of *job* was asked for; False when it has ended."""
        change = update(JOBS).where(JOBS.c.id == job, JOBS.c.state.in_(ACTIVE)).values(cancel_requested=True)
        return self._commits.write(lambda connection: connection.execute(change).rowcount == 1)

    def expired(self, *, ended_before: float) -> Sequence[str]:
        """The ids of jobs that ended before then and whose results were not swept."""
        query = select(JOBS.c.id).where(
            JOBS.c.expired.is_(False), JOBS.c.ended < ended_before, JOBS.c.state.in_(ENDS)
        )
        with reading(self.engine) as connection:
            return connection.execute(query).scalars().all()

    def mark_expired(self, jobs: Iterable[str]) -> None:
        """Note that the results of *jobs* are kept no more."""
        change = update(JOBS).where(JOBS.c.id == bindparam("job")).values(expired=True)
        if rows := [{"job": each} for each in jobs]:
            self._commits.write(lambda connection: connection.execute(change, rows))

    def forgettable(self, *, ended_before: float, limit: int = 1000) -> Sequence[str]:
        """The ids of jobs that ended before then and whose results were swept, at most *limit*."""
        query = (
            select(JOBS.c.id)
            .where(JOBS.c.expired.is_(True), JOBS.c.ended < ended_before, JOBS.c.state.in_(ENDS))
            .order_by(JOBS.c.ended)
            .limit(limit)
        )
        with reading(self.engine) as connection:
            return connection.execute(query).scalars().all()

    def unknown(self, jobs: Iterable[str]) -> Sequence[str]:
        """Those of *jobs* that are not in the database."""
        left, found = iter(jobs), []
        with reading(self.engine) as connection:
            while some := list(islice(left, _ASKED_AT_ONCE)):
                known = set(connection.execute(select(JOBS.c.id).where(JOBS.c.id.in_(some))).scalars())
                found += [each for each in some if each not in known]
        return found

    def forget(self, jobs: Iterable[str]) -> None:
        """Delete *jobs*, with their callbacks and the keys that made them."""
        if rows := [{"gone": each} for each in jobs]:
            self._commits.write(lambda connection: [connection.execute(each, rows) for each in _FORGET])

    def forget_keys(self, *, made_before: float) -> None:
        """Drop the keys that were made before then."""
        old = delete_from(SUBMISSION_KEYS).where(SUBMISSION_KEYS.c.made < made_before)
        self._commits.write(lambda connection: connection.execute(old))

    def _set(self, job: Job, after: tuple[int, JobState], changes: Mapping[str, Any]) -> bool:
        if not may_move((job.attempt, job.state), after):
            raise ValueError(f"a job does not go from {job.attempt, job.state} to {after}")
        attempt, state = after
        place = {"job": job.id, "left": job.state, "tried": job.attempt}
        values = {"state": state.value, "attempt": attempt, **_stored(changes)}

        def write(connection: Connection) -> bool:
            moved = connection.execute(_MOVE, {**place, **values}).rowcount == 1
            if moved and state.is_end and job.submission.callback:
                connection.execute(insert(DELIVERIES).values(_first_delivery(job, changes["ended"])))
            return moved

        return self._commits.write(write)


def _add(connection: Connection, *, job: Job, key: SubmissionKey | None) -> Job:
    before = _job_of_key(connection, job.owner, key, job.submitted) if key else None
    if before is not None:
        return before
    connection.execute(_ADD, _values(job))
    if key:
        forgotten = SUBMISSION_KEYS.c.made < job.submitted - key.kept
        connection.execute(delete_from(SUBMISSION_KEYS).where(*_owned(job.owner, key), forgotten))
        made = {"owner": job.owner, "key": key.key, "body": key.body, "job": job.id}
        connection.execute(insert(SUBMISSION_KEYS).values(**made, made=job.submitted))
    return job


def _owned(owner: str, key: SubmissionKey) -> tuple[ColumnElement[bool], ...]:
    return SUBMISSION_KEYS.c.owner == owner, SUBMISSION_KEYS.c.key == key.key


def _job_of_key(connection: Connection, owner: str, key: SubmissionKey, now: float) -> Job | None:
    """The job that *key* made before, unless the key is forgotten by now."""
    row = connection.execute(select(SUBMISSION_KEYS).where(*_owned(owner, key))).one_or_none()
    if row is None or row.made < now - key.kept:
        return None
    if row.body != key.body:
        raise JobConflict(
            f"the Idempotency-Key '{key.key}' was sent with another body before",
            hint=f"that made the job '{row.job}'; a new submission takes a new key",
        )
    return _job(connection.execute(select(JOBS).where(JOBS.c.id == row.job)).one())


def _first_delivery(job: Job, ended: float) -> dict[str, Any]:
    first = {"id": f"{job.id}-1", "job": job.id, "number": 1}
    return {**first, "state": "pending", "tries": 0, "next_try": ended}


def _values(job: Job) -> dict[str, Any]:
    submission = job.submission
    callback = dataclasses.asdict(submission.callback) if submission.callback else None
    request = {name: getattr(submission, name) for name in _REQUEST}
    return {
        "id": job.id,
        "owner": submission.owner,
        "name": submission.name,
        "script": submission.script,
        "request": {**request, "parameters": dict(submission.parameters), "callback": callback},
        "state": job.state.value,
        "attempt": job.attempt,
        "cancel_requested": job.cancel_requested,
        "submitted": job.submitted,
        "started": job.started,
        "expired": job.expired,
    }


def _stored(changes: Mapping[str, Any]) -> dict[str, Any]:
    """*changes* as columns hold them."""
    return {
        name: dataclasses.asdict(value) if isinstance(value, Kept) else value
        for name, value in changes.items()
    }


def _summary(row: Row[Any]) -> JobSummary:
    told: dict[str, Any] = dict(zip(_LISTED, row[1:], strict=True))
    told["state"], told["result"] = JobState(told["state"]), _kept(told["result"])
    return JobSummary(**told)


def _job(row: Row[Any]) -> Job:
    request = dict(row.request)
    callback = request.pop("callback")
    submission = Submission(
        owner=row.owner,
        name=row.name,
        script=row.script,
        callback=Callback(**callback) if callback else None,
        role=Role(request.pop("role", Role.OPERATOR)),
        **request,
    )
    return Job(
        id=row.id,
        submission=submission,
        submitted=row.submitted,
        state=JobState(row.state),
        attempt=row.attempt,
        cancel_requested=row.cancel_requested,
        started=row.started,
        ended=row.ended,
        error=row.error,
        result=_kept(row.result),
        progress=row.progress,
        expired=row.expired,
    )


def _kept(result: Mapping[str, Any] | None) -> Kept | None:
    return Kept(**result) if result else None
