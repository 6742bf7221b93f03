"""What servers answer, as a table: ``load rest.`https://example.org/pays` where … as pays``."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import httpx

from mlsql.bridge.errors import OptionFault
from mlsql.errors import DataError, MlsqlError, RunError
from mlsql.grammar.nodes import Word
from mlsql.session import Run
from mlsql.stages.rows import local_table
from mlsql.stages.sources.rest_addresses import Addresses
from mlsql.stages.sources.rest_options import Increment, JsonPlaces, RestReadOptions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_IN_QUERY = ("GET", "HEAD")
_TOO_MANY = 429


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said."""

    status: int
    content: str

    @property
    def asks_again(self) -> bool:
        """Whether another try may help."""
        return self.status == _TOO_MANY or self.status >= 500  # noqa: PLR2004 - where HTTP's server errors begin


@dataclass(frozen=True, slots=True)
class Rest:
    """Servers that are asked over HTTP."""

    doc: ClassVar[str] = "Answers of a server over HTTP: the columns status and content, a row a page."
    read_options: ClassVar[type[RestReadOptions]] = RestReadOptions

    def read(self, run: Run, path: Word, options: RestReadOptions, /) -> DataFrame:
        """The answers, which are fetched at once: they are the same however often the table is used."""
        _expect_complete(options)
        with _placed(run, path), Asking.begun(run, options) as asking:
            answers = list(_pages(asking, path.text))
        return local_table(
            run.spark, [(each.status, each.content) for each in answers], "status int, content string"
        )


@dataclass(frozen=True, slots=True)
class Asking:
    """A client that asks as the options say, and only where the policy lets it."""

    run: Run
    options: RestReadOptions
    client: httpx.Client
    addresses: Addresses = field(default_factory=Addresses)

    @classmethod
    @contextmanager
    def begun(cls, run: Run, options: RestReadOptions) -> Iterator[Asking]:
        """One for a block."""
        is_open = run.policy.hosts is None
        limits = httpx.Timeout(options.timeout, connect=options.connect_timeout)
        # Where addresses are judged, no proxy and no redirect may lead elsewhere.
        with httpx.Client(timeout=limits, trust_env=is_open, follow_redirects=is_open) as client:
            yield cls(run, options, client, Addresses.read(run.policy.hosts))

    def answer(self, url: str) -> Answer:
        """What the server says at last; RunError when it does not."""
        wait = self.options.interval
        for left in reversed(range(self.options.retries + 1)):
            self.run.stop.check()
            try:
                answer = self._try(url)
            except httpx.TransportError as error:
                if left == 0:
                    what = str(error) or type(error).__name__
                    raise RunError(f"the server does not answer: {what}", retriable=True) from error
            else:
                if left == 0 or not answer.asks_again:
                    return answer
            self.run.stop.wait(wait)
            wait *= 2
        raise AssertionError("the last try returns or raises")

    def _try(self, text: str) -> Answer:
        url, address = self.addresses.judged(text)
        deadline = time.monotonic() + self.options.timeout
        with self.client.stream(**self._request(url, address)) as response:
            content = bytearray()
            for block in response.iter_bytes():
                content += block
                if len(content) > self.options.most_bytes:
                    limit = f"the answer has more than {self.options.most_bytes:,} bytes"
                    raise DataError(limit, hint="the option maxBytes allows more")
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout(f"no whole answer within {self.options.timeout:g} s")
                self.run.stop.check()
            return Answer(response.status_code, content.decode(response.encoding or "utf-8", "replace"))

    def _request(self, url: httpx.URL, address: str | None) -> dict[str, Any]:
        """A request to that very address, which is otherwise as if it went to the host of the URL."""
        options = self.options
        headers = {key: each.text for key, each in {**options.old_headers, **options.headers}.items()}
        fields = {key: each.text for key, each in options.form.items()}
        request: dict[str, Any] = {"method": options.method, "url": url, "headers": headers}
        if fields:
            request["params" if options.method in _IN_QUERY else "data"] = fields
        if options.body is not None:
            request["content"] = options.body.encode()
        if address is not None:
            request["url"] = url.copy_with(host=address)
            request["headers"] = {**_without_host(headers), "Host": url.netloc.decode()}
            request["extensions"] = {"sni_hostname": url.raw_host.decode()}
        return request


def _pages(asking: Asking, url: str) -> Iterator[Answer]:
    """The first answer, and those of the pages that follow it."""
    options = asking.options
    for number in range(options.most_pages):
        answer = asking.answer(url)
        yield answer
        values = _next_values(answer, options.page_values, number)
        if options.next_page is None or values is None:
            return
        url = options.next_page
        for place, value in enumerate(values):
            url = url.replace(f"{{{place}}}", value)
        asking.run.stop.wait(options.page_interval)


def _next_values(
    answer: Answer, values: Increment | JsonPlaces | None, number: int
) -> tuple[str, ...] | None:
    """What the next address takes; None when there is no next page."""
    if values is None or not httpx.codes.is_success(answer.status):
        return None
    if isinstance(values, Increment):
        return (str(values.first + number),) if answer.content.strip() not in ("", "[]", "{}") else None
    try:
        whole = json.loads(answer.content)
    except ValueError as error:
        raise DataError("the answer is no JSON, which pageValues are looked up in") from error
    found = [_at(whole, path) for path in values.paths]
    return tuple(map(str, found)) if all(each not in (None, "", False) for each in found) else None


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    """What stands at *path* in a value of JSON; None when nothing does."""
    for step in path:
        match value, step:
            case dict(), _ if step in value:
                value = value[step]
            case list(), int() if -len(value) <= step < len(value):
                value = value[step]
            case _:
                return None
    return value


def _without_host(headers: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in headers.items() if key.casefold() != "host"}


def _expect_complete(options: RestReadOptions) -> None:
    if (options.next_page is None) != (options.page_values is None):
        given = "pageUrl" if options.next_page is not None else "pageValues"
        raise OptionFault("pageUrl and pageValues belong together", option=given)
    if options.body is not None and options.form:
        raise OptionFault("a request has a body or a form", option="body")


@contextmanager
def _placed(run: Run, path: Word) -> Iterator[None]:
    """A block whose errors stand at the path."""
    try:
        yield
    except httpx.InvalidURL as error:
        raise DataError(f"the address of the next page cannot be: {error}", span=path.span) from error
    except MlsqlError as error:
        raise (run.stop.reason or error).at(path.span) from error.__cause__
