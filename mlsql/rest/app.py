"""The application: routes, guards and error replies around one service."""

from __future__ import annotations

from fastapi import FastAPI

from mlsql import __version__
from mlsql.rest import errors, guards
from mlsql.rest.routes import health, jobs, scripts
from mlsql.rest.service import Service


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
    for each in (scripts, jobs, health):
        app.include_router(each.router)
    errors.install(app)
    limits = service.settings.server
    app.add_middleware(guards.BodyLimit, limit=limits.body_limit)
    app.add_middleware(guards.SameMachine)
    app.add_middleware(guards.RequestLimit, limit=limits.requests)
    app.add_middleware(guards.JobIds)  # the outermost: refusals have an id too
    return app
