"""The console: a page at ``/`` with its modules and styles, which every caller may load."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Annotated

from fastapi import APIRouter, Header, Response
from starlette.exceptions import HTTPException

router = APIRouter(include_in_schema=False)

MEDIA_TYPES: Mapping[str, str] = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
"""What is served, by the ending of its name."""

HEADERS: Mapping[str, str] = {
    # Nothing but what this server sends is loaded, run or shown, and no text becomes HTML.
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; object-src 'none';"
    " frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",  # asked for again each time, and told by its digest that it is the same
}

_NAME = re.compile(r"[a-z]+\.(css|js|svg)")


@router.get("/")
def page(if_none_match: Annotated[str | None, Header()] = None) -> Response:
    """The page; the rest is loaded by it."""
    return _file("index.html", if_none_match)


@router.get("/console/{name}")
def file(name: str, if_none_match: Annotated[str | None, Header()] = None) -> Response:
    """A module, the style sheet, the icon."""
    if not _NAME.fullmatch(name):
        raise HTTPException(404)
    return _file(name, if_none_match)


def _file(name: str, known: str | None) -> Response:
    try:
        content = (files("mlsql.rest") / "console" / name).read_bytes()
    except FileNotFoundError as error:
        raise HTTPException(404) from error
    headers = {**HEADERS, "ETag": f'"{hashlib.sha256(content).hexdigest()[:32]}"'}
    if known == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=MEDIA_TYPES[name.rpartition(".")[2]])
