"""The application: routes, guards and error replies around one service."""

from __future__ import annotations

from anyio import CapacityLimiter
from fastapi import Depends, FastAPI

from mlsql import __version__
from mlsql.rest import errors, guards
from mlsql.rest.dependencies import signed_in
from mlsql.rest.lean import LeanRoutes, known_tokens, lean_routes
from mlsql.rest.routes import callbacks, console, health, jobs, metrics, models, owners, predict, scripts
from mlsql.rest.service import Service
from mlsql.rest.timing import Timing


def create_app(service: Service) -> FastAPI:
    """An ASGI application in front of *service*, which the caller opened and closes."""
    app = FastAPI(
        title="mlsql",
        version=__version__,
        description="Runs MLSQL scripts on Spark.",
        docs_url=None,  # the pages load scripts from elsewhere
        redoc_url=None,
    )
    app.state.service = service
    app.state.predicting = CapacityLimiter(service.settings.jobs.concurrency)
    app.state.known_tokens = known_tokens(service.tokens)
    for each in (health, console):
        app.include_router(each.router)
    lean = (models.lean, predict.router, scripts.lean, jobs.lean)
    for router in lean:  # to be described: LeanRoutes answers
        app.include_router(router, dependencies=[Depends(signed_in)])
    for each in (models, scripts, jobs, callbacks, owners, metrics):
        app.include_router(each.router, dependencies=[Depends(signed_in)])
    errors.install(app)
    app.add_middleware(LeanRoutes, routes=lean_routes(*lean))
    limits = service.settings.server
    app.add_middleware(guards.BodyLimit, limit=limits.body_limit)
    app.add_middleware(guards.SameSite if service.tokens else guards.SameMachine)
    app.add_middleware(guards.RequestLimit, limit=limits.requests)
    app.add_middleware(guards.JobIds)  # refusals have an id too
    app.add_middleware(Timing, answered=service.metrics.answered)
    return app
