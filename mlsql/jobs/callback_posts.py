"""One try to tell a receiver: a POST to an address that was judged, and what is made of the answer.

Nothing of the environment leads elsewhere (no proxy), no redirect is followed, and no connection
is used twice: one that was checked for a name must not serve another name at the same address.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Self

import certifi
import httpx

from mlsql import __version__
from mlsql.jobs.callback_messages import Message
from mlsql.url_targets import Target

_WE = f"mlsql/{__version__}"
_LONGEST_WAIT = 3600.0
_MOST_READ = 2**16
_SECONDS_TO_READ = 1.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a try: without an *error* it went well, else *again* says whether another may help.

    A receiver may ask for *wait* seconds until then.
    """

    error: str | None = None
    again: bool = True
    wait: float = 0.0


def usual_trust() -> ssl.SSLContext:
    """Trusts what this machine trusts (``SSL_CERT_FILE`` too) and what browsers do."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    return context


@dataclass(slots=True)
class Post:
    """Sends messages; a receiver has *seconds* to answer each, in all. ``async with`` closes it."""

    seconds: float
    trust: Callable[[], ssl.SSLContext] = usual_trust
    _transport: httpx.AsyncHTTPTransport | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._transport is not None:
            await self._transport.aclose()

    async def __call__(self, target: Target, message: Message) -> Outcome:
        """Try the addresses of *target* until one takes a connection."""
        transport = await self._opened()
        try:
            async with asyncio.timeout(self.seconds):
                response = await self._answer(transport, target, message)
        except (TimeoutError, httpx.TimeoutException):
            return Outcome(f"no answer within {self.seconds:g} s")
        except httpx.HTTPError as error:
            return Outcome(f"{type(error).__name__}: {error}")
        async with aclosing(response):
            await _read_a_little(response)
        return judged(response.status_code, response.headers)

    async def _answer(
        self, transport: httpx.AsyncHTTPTransport, target: Target, message: Message
    ) -> httpx.Response:
        """The answer of the first that takes a connection; its body is not read yet."""
        *others, last = (self._request(target, str(address), message) for address in target.addresses)
        for request in others:
            with suppress(httpx.ConnectError, httpx.ConnectTimeout):
                return await transport.handle_async_request(request)
        return await transport.handle_async_request(last)

    async def _opened(self) -> httpx.AsyncHTTPTransport:
        """What sends, since the first message: below the client of httpx, which would keep cookies."""
        async with self._lock:
            if self._transport is None:
                tls = await asyncio.to_thread(self.trust)  # reads many certificates
                limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
                self._transport = httpx.AsyncHTTPTransport(verify=tls, trust_env=False, limits=limits)
        return self._transport

    def _request(self, target: Target, address: str, message: Message) -> httpx.Request:
        """A request to *address* that is otherwise as if it went to the host of the URL."""
        url = target.url
        limits = httpx.Timeout(self.seconds, connect=self.seconds / len(target.addresses))
        return httpx.Request(
            "POST",
            url.copy_with(host=address),
            headers={"User-Agent": _WE, "Accept": "*/*", **message.headers, "Host": url.netloc.decode()},
            content=message.body,
            extensions={
                "sni_hostname": url.raw_host.decode().rstrip("."),
                "timeout": limits.as_dict(),
            },
        )


def judged(status: int, headers: Mapping[str, str]) -> Outcome:
    """What an answer means."""
    if httpx.codes.is_success(status):
        return Outcome()
    error = f"the receiver answered {status}"
    if httpx.codes.is_redirect(status):
        error += "; redirects are not followed"
    return Outcome(error, again=status != httpx.codes.GONE, wait=_wait(headers.get("retry-after", "")))


def _wait(text: str) -> float:
    """The seconds that a header ``Retry-After`` asks for, within reason."""
    with suppress(ValueError):
        if text.isascii() and text.isdigit():
            return min(float(text), _LONGEST_WAIT)
        if text:
            moment = parsedate_to_datetime(text)
            left = (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
            return min(max(left, 0.0), _LONGEST_WAIT)
    return 0.0


async def _read_a_little(response: httpx.Response) -> None:
    """Some receivers note it as a failure when nobody takes their words; what they say does not matter."""
    size = 0
    with suppress(TimeoutError, httpx.HTTPError):
        async with asyncio.timeout(_SECONDS_TO_READ):
            async for part in response.aiter_raw():
                size += len(part)
                if size > _MOST_READ:
                    return
