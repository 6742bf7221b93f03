"""What stands before every route: an id for each request, who may send it, how long it may be.

A server on loopback that runs scripts is in reach of every web page that the person at the
machine has open. So requests that a browser sends for another site are refused (``Origin``,
``Sec-Fetch-Site``), and those for a host name that is not this machine's (DNS rebinding).
Where a token is asked for, no page of another site has one to send: there what browsers say
of themselves is judged alone, for a proxy may call the server by another name.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mlsql.errors import Refused
from mlsql.jobs.errors import TooManyRequests
from mlsql.jobs.logs import about
from mlsql.rest.errors import JOB_HEADER, error_reply

_OTHER_SITES = "pages of other sites may not send scripts to this server"
_OF_WATCHERS = ("/health/", "/metrics")
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class JobIds:
    """Gives each request an id, in ``request.state.job`` and as a header of the reply.

    A route that answers for a job puts the id of that in its place.
    """

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the id among the headers."""
        state = scope.setdefault("state", {})
        state["job"] = uuid.uuid4().hex

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers[JOB_HEADER] = state["job"]
                headers["X-Content-Type-Options"] = "nosniff"  # a script's text is never a page
            await send(message)

        with about(state):  # each line of the log has the job, and the owner when he is known
            await self.app(scope, receive, send_with_id)


@dataclass(frozen=True, slots=True)
class SameMachine:
    """Lets through what programs and pages of this machine's server send, and nothing from other sites."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse what comes from elsewhere."""
        refusal = _refusal(Headers(scope=scope)) if scope["type"] == "http" else None
        if refusal is None:
            await self.app(scope, receive, send)
        else:
            await error_reply(Request(scope), Refused(refusal))(scope, receive, send)


def _refusal(headers: Headers) -> str | None:
    host = headers.get("host", "")
    if _name_of(f"//{host}") not in _LOOPBACK_NAMES:
        return f"requests for the host '{host}' are not answered here, only those for localhost"
    origin = headers.get("origin")
    if origin is not None and origin != f"http://{host}":
        return f"pages of '{origin}' may not send scripts to this server"
    return _OTHER_SITES if _is_of_other_site(headers) else None


@dataclass(frozen=True, slots=True)
class SameSite:
    """Lets through what programs, pages of this server and links to it send."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse what a page of another site sends."""
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        if not _is_of_other_site(headers) or headers.get("sec-fetch-mode") == "navigate":
            await self.app(scope, receive, send)
        else:
            await error_reply(Request(scope), Refused(_OTHER_SITES))(scope, receive, send)


def _is_of_other_site(headers: Headers) -> bool:
    return headers.get("sec-fetch-site", "none") not in ("same-origin", "none")


def _name_of(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


@dataclass(slots=True)
class RequestLimit:
    """Refuses with status 429 what would be more than *limit* requests at once."""

    app: ASGIApp
    limit: int
    _open: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, unless too many are being answered."""
        is_watched = scope.get("path", "").startswith(_OF_WATCHERS)  # a busy server is no dead one
        if scope["type"] == "http" and self._open >= self.limit and not is_watched:
            await error_reply(Request(scope), TooManyRequests(self.limit))(scope, receive, send)
            return
        self._open += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self._open -= 1


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """Ends the reading of a body that is longer than *limit* bytes with status 413."""

    app: ASGIApp
    limit: int

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, unless too much is read."""
        announced = Headers(scope=scope).get("content-length", "") if scope["type"] == "http" else ""
        left = -1 if announced.isdigit() and int(announced) > self.limit else self.limit

        async def receive_within_limit() -> Message:
            nonlocal left
            message: Message = {} if left < 0 else await receive()  # nobody waits for what is not read
            left -= len(message.get("body", b""))
            if left < 0:
                raise HTTPException(413, f"the body is longer than {self.limit} bytes")
            return message

        await self.app(scope, receive_within_limit, send)
