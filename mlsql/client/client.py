"""A server of scripts from Python: submit jobs, follow them, read their results.

::

    with mlsql.Client("http://127.0.0.1:9003", token) as client:
        print(client.run("select 1 as one as t;"))

Errors are those of :mod:`mlsql.errors`, as if the script ran in this process. A submission carries
a key of its own, so that one that is sent again after a broken connection makes no second job.
"""

from __future__ import annotations

import codecs
import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import httpx

from mlsql import __version__
from mlsql.client.events import Tail, read_stream
from mlsql.client.jobs import Callback, Job, callback_fields, given, read_job
from mlsql.client.models import Function, Rows, answers_of, body_of, read_function
from mlsql.client.requests import Requests, pause_before
from mlsql.errors import ConfigError, RunError
from mlsql.events import Sink, ignore
from mlsql.jobs.events import JobEvent
from mlsql.jobs.states import JobState

if TYPE_CHECKING:
    from types import TracebackType

_JOBS = "/api/v1/jobs"
_MODELS = "/api/v1/models"
_PAGE = 100
_CUT_SECONDS = 60.0
"""A stream that says nothing for so long is cut; the server says every 15 s that it lives."""
_FRUITLESS_READS = 3
"""How often the rest of a stream is asked for when its job has ended."""


class Client:
    """The server at *url*, spoken to with *token*; ``with`` or :meth:`close` ends its connections.

    A request may take *timeout* seconds. What fails because the server is busy or restarts is tried
    again for *patience* seconds. May be used by several threads.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:9003",
        token: str | None = None,
        *,
        timeout: float = 60.0,
        patience: float = 60.0,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise ConfigError(f"'{url}' is no address of a server", hint="such as http://127.0.0.1:9003")
        headers = {"User-Agent": f"mlsql/{__version__}"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout)
        self._timeout = timeout
        self._requests = Requests(self._http, patience)

    def run(self, script: str, *, progress: Sink = ignore, **asked: Any) -> list[dict[str, Any]]:
        """The rows of the last table of *script*, which runs as a job; *asked* as :meth:`submit` takes it.

        Raises the error of the script. A connection that breaks meanwhile does no harm.
        """
        job = self.wait(self.submit(script, **asked), progress=progress)
        job.raise_for_state()
        return [] if job.result is None else self.rows(job)

    def submit(  # noqa: PLR0913 - keywords, each with a default
        self,
        script: str,
        *,
        name: str = "",
        parameters: Mapping[str, str] | None = None,
        timeout: float | None = None,
        priority: int = 0,
        retry_on_restart: bool = False,
        owner: str | None = None,
        dialect: str | None = None,
        fresh: bool = False,
        callback: Callback | str | None = None,
        key: str | None = None,
    ) -> Job:
        """The job that *script* becomes, which the server has written down.

        *timeout* is in seconds from its start; a *fresh* one has a session of its own. With the same
        *key* (by default a new one) the same submission gives the same job for 24 hours. Raises
        what the text shows to be wrong.
        """
        fields = {
            "script": script,
            "name": name,
            "parameters": dict(parameters or {}),
            "timeout": None if timeout is None else round(timeout * 1000),
            "priority": priority,
            "retryOnRestart": retry_on_restart,
            "owner": owner,
            "dialect": dialect,
            "sessionPerRequest": fresh,
        }
        body = given(fields) | (callback_fields(callback) if callback else {})
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        reply = self._requests.send("POST", _JOBS, repeatable=True, json=body, headers=headers)
        return self.job(reply.json()["id"])

    def job(self, job: str | Job) -> Job:
        """The job as it is now."""
        return read_job(self._get(_url(job)).json())

    def jobs(
        self,
        *,
        owner: str | None = None,
        states: Sequence[JobState | str] = (),
        name: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Job]:
        """The jobs, the newest first, at most *limit*; they are asked for a page at a time."""
        asked = given({"owner": owner, "state": [*map(str, states)], "name": name})
        left, cursor = limit, None
        while left is None or left > 0:
            size = _PAGE if left is None else min(_PAGE, left)
            page = self._get(_JOBS, params={**asked, **given({"limit": size, "cursor": cursor})}).json()
            yield from map(read_job, page["jobs"])
            left = None if left is None else left - len(page["jobs"])
            cursor = page["next"]
            if cursor is None:
                return

    def wait(self, job: str | Job, *, progress: Sink = ignore, timeout: float | None = None) -> Job:
        """The job when it has ended, however that was; *progress* is given what it tells meanwhile.

        A stream of events that breaks is taken up where it was; where none comes through, the job
        is asked for now and then. After *timeout* seconds the wait ends with a RunError, the job
        does not.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        tail = Tail(progress)
        while True:
            try:
                for event in self._events(job, tail.last, deadline):
                    tail.take(event)
            except RunError as error:
                if not error.retriable:
                    raise
            found = self.job(job)
            if found.state.is_end and (tail.is_over or tail.fruitless >= _FRUITLESS_READS):
                return found
            tail.fruitless += 1
            pause = pause_before(tail.fruitless)
            if deadline is not None and time.monotonic() + pause > deadline:
                raise RunError(f"the job '{found.id}' has not ended within {timeout:g} s", retriable=True)
            time.sleep(pause)

    def events(self, job: str | Job, *, after: int = 0) -> Iterator[JobEvent]:
        """What the job told behind the event *after*, and tells until it ends or the stream breaks."""
        return self._events(job, after, None)

    def rows(self, job: str | Job, *, limit: int | None = None, offset: int = 0) -> list[dict[str, Any]]:
        """The rows that were kept of a job's last table, from *offset* on."""
        rows: list[dict[str, Any]] = json.loads(self.result(job, limit=limit, offset=offset))
        return rows

    def result(
        self, job: str | Job, form: str = "json", *, limit: int | None = None, offset: int = 0
    ) -> bytes:
        """The same as ``json``, ``csv``, ``arrow`` (an IPC stream) or ``parquet``."""
        return self._get(f"{_url(job)}/result", params=_slice(form, limit, offset)).content

    @contextmanager
    def result_stream(
        self, job: str | Job, form: str = "json", *, limit: int | None = None, offset: int = 0
    ) -> Iterator[Iterator[bytes]]:
        """A block that reads a large result piece by piece."""
        with self._requests.stream(f"{_url(job)}/result", params=_slice(form, limit, offset)) as reply:
            yield reply.iter_bytes()

    def log(self, job: str | Job, *, offset: int = 0) -> tuple[str, int]:
        """The log of the job from a byte on, as far as one reply holds, and where to go on."""
        content = self._get(f"{_url(job)}/log", params={"offset": offset}).content
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        text = decoder.decode(content)  # without a character that the end of the reply cuts
        return text, offset + len(content) - len(decoder.getstate()[0])

    def cancel(self, job: str | Job) -> Job:
        """The job, which is cancelled or about to be; a JobConflict when it has ended."""
        return read_job(self._requests.send("POST", f"{_url(job)}/cancel", repeatable=False).json())

    def callbacks(self, job: str | Job) -> list[dict[str, Any]]:
        """The deliveries of the job's end: their state, how often they were tried, the last error."""
        told: dict[str, Any] = self._get(f"{_url(job)}/callbacks").json()
        deliveries: list[dict[str, Any]] = told["callbacks"]
        return deliveries

    def replay(self, job: str | Job, number: int) -> None:
        """Have the delivery *number*, which is done, sent once more."""
        self._requests.send("POST", f"{_url(job)}/callbacks/{number}/replay", repeatable=False)

    def predict(
        self, function: str, rows: Rows | Any, *, companion: str = "", owner: str | None = None
    ) -> list[Any]:
        """The answer of a registered *function*, or of a version of it (``f@3``), for each of *rows*.

        Rows are mappings by the names of the inputs, sequences in their order, or a table that speaks
        Arrow (pyarrow, pandas, polars). *companion* ``proba`` gives the probabilities of the classes,
        ``all`` the answer of every fitted model; *owner* is whose function it is, if not the caller's.
        """
        asked = given({"companion": companion, "owner": owner})
        url = f"{_MODELS}/{quote(function, safe='@')}/predict"
        reply = self._requests.send("POST", url, repeatable=True, params=asked, **body_of(rows))
        return answers_of(reply.content, reply.headers["content-type"])

    def models(self) -> list[Function]:
        """The registered functions that the caller may ask, his own first."""
        return [*map(read_function, self._get(_MODELS).json()["functions"])]

    def close(self) -> None:
        """End the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _get(self, url: str, **request: Any) -> httpx.Response:
        return self._requests.send("GET", url, repeatable=True, **request)

    def _events(self, job: str | Job, after: int, deadline: float | None) -> Iterator[JobEvent]:
        left = _CUT_SECONDS if deadline is None else max(0.01, deadline - time.monotonic())
        within = httpx.Timeout(self._timeout, read=min(_CUT_SECONDS, left))
        headers = {"Last-Event-ID": str(after)} if after else {}
        with self._requests.stream(f"{_url(job)}/events", headers=headers, timeout=within) as reply:
            for event in read_stream(reply.iter_bytes()):
                if event is not None:
                    yield event
                if deadline is not None and time.monotonic() > deadline:
                    return


def _url(job: str | Job) -> str:
    return f"{_JOBS}/{job if isinstance(job, str) else job.id}"


def _slice(form: str, limit: int | None, offset: int) -> dict[str, Any]:
    return given({"format": form, "offset": offset, "limit": limit})
