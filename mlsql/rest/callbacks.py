"""Callbacks of the service: what a request asks for, how a job is told, and the sender of both."""

from __future__ import annotations

from functools import partial

from sqlalchemy import Engine as Database

from mlsql.config.settings import Settings
from mlsql.dialect import BYZER
from mlsql.errors import ScriptError
from mlsql.jobs.callback_messages import Messages, checked_headers
from mlsql.jobs.callback_posts import Post
from mlsql.jobs.callbacks import Callbacks
from mlsql.jobs.errors import ResultGone
from mlsql.jobs.events import iso_time
from mlsql.jobs.outbox import DatabaseOutbox
from mlsql.jobs.results import ResultFolders
from mlsql.jobs.states import Callback, Delivery, DeliveryState, Job, JobState
from mlsql.jobs.store import JobStore
from mlsql.rest.callback_fields import CallbackFields, CallbackReply
from mlsql.rest.replies import job_reply, running_job_reply
from mlsql.url_targets import Targets

ROWS = 5000
"""The most rows in a callback of a job that does not say."""
MOST_BYTES = 4 * 2**20
"""The most bytes of rows in a callback; a larger result is fetched."""


def open_callbacks(settings: Settings, database: Database, results: ResultFolders) -> Callbacks:
    """A sender of the callbacks in *database*, which the caller starts and stops."""
    asked, store = settings.callbacks, JobStore(database)
    return Callbacks(
        DatabaseOutbox(database),
        store.find,
        Targets.read(asked.allow),
        Messages(
            partial(job_reply, result_ttl=settings.jobs.result_ttl),
            running_job_reply,
            partial(sent_rows, results),
            asked.secret,
        ),
        Post(asked.timeout),
        asked.max_retries,
    )


def asked_callback(given: CallbackFields, dialect: str, targets: Targets) -> Callback | None:
    """Whom a request wants to be told; raises ScriptError, and Refused where callbacks may not go."""
    if given.callback is None:
        if given.callback_header or given.callback_format:
            raise ScriptError("'callbackHeader' and 'callbackFormat' need a 'callback', the URL to send to")
        return None
    headers = checked_headers(given.callback_header)
    target = targets.judge(given.callback)
    retries = given.max_retries
    tries = None if retries is None or retries < 0 else retries + 1
    is_form = (given.callback_format or ("form" if dialect == BYZER.name else "json")) == "form"
    return Callback(str(target.url), headers, tries, is_form)


def sent_rows(results: ResultFolders, job: Job) -> str | None:
    """The rows of *job* as JSON; None without success, when they are too large, or kept no more."""
    if job.state is not JobState.SUCCEEDED:
        return None
    if job.result is None:
        return "[]"
    limit = ROWS if job.submission.rows is None else job.submission.rows
    parts, size = [], 0
    try:
        for part in results.open(job).json(limit=limit):
            parts.append(part)
            size += len(part)
            if size > MOST_BYTES:
                return None
    except ResultGone:
        return None
    return b"".join(parts).decode()


def callback_reply(delivery: Delivery) -> CallbackReply:
    """A callback as the caller reads it."""
    is_pending = delivery.state is DeliveryState.PENDING
    return CallbackReply(
        number=delivery.number,
        id=delivery.id,
        url=_shown(delivery.callback.url),
        state=delivery.state,
        tries=delivery.tries,
        nextTry=iso_time(delivery.next_try) if is_pending else None,
        error=delivery.last_error,
    )


def _shown(url: str) -> str:
    """*url* without what may be a secret in it."""
    address, mark, _query = url.partition("?")
    return f"{address}?…" if mark else url
