"""The application: routes, guards and error replies around one engine."""

from __future__ import annotations

from fastapi import FastAPI

from mlsql import __version__
from mlsql.engine import Engine
from mlsql.rest import errors, guards
from mlsql.rest.dependencies import Runs
from mlsql.rest.routes import health, scripts


def create_app(engine: Engine) -> FastAPI:
    """An ASGI application that runs scripts on *engine*; the caller closes the engine."""
    app = FastAPI(
        title="mlsql",
        version=__version__,
        description="Runs MLSQL scripts on Spark.",
        docs_url=None,  # the pages load scripts from elsewhere
        redoc_url=None,
    )
    app.state.engine = engine
    app.state.runs = Runs()
    app.include_router(scripts.router)
    app.include_router(health.router)
    errors.install(app)
    app.add_middleware(guards.BodyLimit, limit=guards.BODY_LIMIT)
    app.add_middleware(guards.SameMachine)
    app.add_middleware(guards.JobIds)  # the outermost: refusals have an id too
    return app
