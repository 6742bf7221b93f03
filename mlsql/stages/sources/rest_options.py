"""What a ``load rest`` may say; the names with ``config.`` are those of older engines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mlsql.config.kinds import DURATION, SIZE
from mlsql.options import TEXT, Kind, OptionText, integer, one_of, option, option_family

_AUTO = "auto-increment:"


@dataclass(frozen=True, slots=True)
class Increment:
    """The numbers of pages, from *first* on."""

    first: int


@dataclass(frozen=True, slots=True)
class JsonPlaces:
    """Where in an answer stand the values that the next address takes: each a path of keys and indexes."""

    paths: tuple[tuple[str | int, ...], ...]


def _read_page_values(text: str) -> Increment | JsonPlaces:
    if text.startswith(_AUTO):
        return Increment(int(text.removeprefix(_AUTO)))
    return JsonPlaces(tuple(_read_path(each.strip()) for each in text.split(";")))


def _read_path(text: str) -> tuple[str | int, ...]:
    """``$.a.b[0]`` → ``("a", "b", 0)``."""
    if not text.startswith("$"):
        raise ValueError(text)
    parts = text[1:].replace("[", ".[").split(".")[1:]
    if not parts or not all(parts):
        raise ValueError(text)
    return tuple(int(each[1:-1]) if each.startswith("[") and each.endswith("]") else each for each in parts)


PAGE_VALUES: Kind[Increment | JsonPlaces] = Kind(
    "paths such as '$.cursor;$.next[0]', or 'auto-increment:1'", _read_page_values
)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class RestReadOptions:
    """How a server is asked, and how often."""

    method: str = option(
        "method",
        one_of("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"),
        "Method of the request.",
        default="GET",
        aliases=("config.method",),
    )
    headers: Mapping[str, OptionText] = option_family("header.", "Headers of the request, by their names.")
    old_headers: Mapping[str, OptionText] = option_family("config.header.", "The same, in older scripts.")
    form: Mapping[str, OptionText] = option_family(
        "form.", "Fields: of the query with GET and HEAD, else of a form."
    )
    body: str | None = option("body", TEXT, "Body of the request.", default=None, aliases=("config.body",))
    retries: int = option(
        "retries",
        integer(0, 20),
        "How often a request is tried again that found no answer, or 429 or 5xx.",
        default=3,
        aliases=("config.retry",),
    )
    interval: float = option(
        "retryInterval", DURATION, "How long to wait before that, at first; then twice as long.", default=1.0
    )
    connect_timeout: float = option(
        "connectTimeout",
        DURATION,
        "How long a server may take to accept a connection.",
        default=10.0,
        aliases=("config.connect-timeout",),
    )
    timeout: float = option(
        "timeout",
        DURATION,
        "How long an answer may take, in all.",
        default=60.0,
        aliases=("config.socket-timeout",),
    )
    most_bytes: int = option("maxBytes", SIZE, "Most bytes of an answer.", default=16 * 2**20)
    next_page: str | None = option(
        "pageUrl",
        TEXT,
        "Address of the next page, in which {0}, {1} … stand for the pageValues.",
        default=None,
        aliases=("config.page.next",),
    )
    page_values: Increment | JsonPlaces | None = option(
        "pageValues",
        PAGE_VALUES,
        "Where these stand in the answer before, or numbers that grow; without one there are no more pages.",
        default=None,
        aliases=("config.page.values",),
    )
    most_pages: int = option(
        "maxPages", integer(1, 10_000), "Most pages.", default=100, aliases=("config.page.limit",)
    )
    page_interval: float = option(
        "pageInterval",
        DURATION,
        "How long to wait between pages.",
        default=0.0,
        aliases=("config.page.interval",),
    )
