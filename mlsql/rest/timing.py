"""How long each request takes, told to whoever counts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

UNMATCHED = "unmatched"
"""The route of a request that no route answers; its path may be anything."""
_DROPPED = 499


@dataclass(frozen=True, slots=True)
class Timing:
    """Tells *answered* the method, the route as a template, the status and the seconds of each request."""

    app: ASGIApp
    answered: Callable[[str, str, int, float], object]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and tell how long that took; an event stream takes until its end."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), _DROPPED

        async def send_noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_noting)
        finally:
            route = getattr(scope.get("route"), "path", UNMATCHED)
            self.answered(scope["method"], route, status, time.perf_counter() - began)
