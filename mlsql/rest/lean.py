"""Routes that answer in a fraction of a millisecond: what a request needs, and no more.

FastAPI describes them, like all others. What it does for a request besides (looking for the route, solving
dependencies, asking the database for the token in another thread) takes several times as long as an answer.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute, APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from mlsql.engine import default_owner
from mlsql.errors import MlsqlError
from mlsql.rest.callers import Caller
from mlsql.rest.dependencies import expect_token, signed_in
from mlsql.rest.errors import error_reply, http_reply
from mlsql.tokens import Token, TokenStore

_SECONDS = 1.0
"""How long a token counts that was found good: so long after it is revoked, it still predicts."""
_MOST_KEPT = 1_000
_BEARER = "Bearer "


class LeanRoute(APIRoute):
    """A route whose function is given the parameters of its path and query as they are sent, as texts."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request."""
        endpoint: Callable[..., Coroutine[Any, Any, Response]] = self.endpoint
        names = inspect.signature(endpoint).parameters.keys()

        async def answer(request: Request) -> Response:
            given = request.path_params
            if request.scope["query_string"]:
                query = request.query_params
                given = {**{name: query[name] for name in query.keys() & names}, **given}
            return await endpoint(request, **given)

        self.answer = answer
        return answer


@dataclass(frozen=True, slots=True)
class LeanRoutes:
    """Answers what *routes* answer, before the application looks for a route, and leaves it the rest."""

    app: ASGIApp
    routes: Sequence[LeanRoute]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        route = self._found(scope)
        if route is None:
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive, send)
        try:
            response = await route.answer(request)
        except MlsqlError as error:
            response = error_reply(request, error)
        except HTTPException as error:
            response = http_reply(request, error)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    def _found(self, scope: Scope) -> LeanRoute | None:
        if scope["type"] != "http" or scope["method"] != "POST":
            return None
        for each in self.routes:
            match = each.path_regex.match(scope["path"])
            if match:
                scope["path_params"], scope["route"] = match.groupdict(), each
                return each
        return None


@dataclass(slots=True)
class KnownTokens:
    """The tokens of *store*, each asked for at most once a second."""

    store: TokenStore
    clock: Callable[[], float] = time.monotonic
    _found: dict[str, tuple[Token, float]] = field(default_factory=dict)

    async def find(self, text: str) -> Token | None:
        """The token that *text* is; None when it is none, or was good no more a moment ago."""
        token, until = self._found.get(text, (None, 0.0))
        if token is not None and self.clock() < until:
            return token
        self._found.pop(text, None)
        token = await run_in_threadpool(self.store.find, text)
        if token is not None:
            if len(self._found) >= _MOST_KEPT:
                self._found.pop(next(iter(self._found)))
            self._found[text] = token, self.clock() + _SECONDS
        return token


async def known_caller(request: Request) -> Caller:
    """Who sent a request, as :func:`mlsql.rest.dependencies.signed_in` says, a moment ago at most."""
    known: KnownTokens | Caller = request.app.state.known_tokens
    if isinstance(known, Caller):
        request.state.owner = known.owner
        return known
    shown = request.headers.get("authorization", "")
    if not shown.startswith(_BEARER):
        return await signed_in(request, None)
    token = expect_token(await known.find(shown[len(_BEARER) :].strip()))
    request.state.owner = token.owner
    return Caller(token.owner, token.role)


def known_tokens(tokens: TokenStore | None) -> KnownTokens | Caller:
    """What an application keeps of its callers: the person at the machine where no token is asked for."""
    return Caller(default_owner()) if tokens is None else KnownTokens(tokens)


def lean_routes(*routers: APIRouter) -> list[LeanRoute]:
    """Those of *routers*, whose paths have no prefix."""
    return [each for router in routers for each in router.routes if isinstance(each, LeanRoute)]
