"""What a callback carries: a body that tells how a job ended, the caller's headers, a signature."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from mlsql.errors import ScriptError
from mlsql.jobs.states import Delivery, Job, JobState

DELIVERY_HEADER = "X-Mlsql-Delivery"
TIMESTAMP_HEADER = "X-Mlsql-Timestamp"
SIGNATURE_HEADER = "X-Mlsql-Signature"

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[!-~](?:[ \t!-~]*[!-~])?|")
_OURS = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "date",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_OUR_PREFIXES = ("x-mlsql-", "proxy-")
_MOST_HEADERS = 50
_MOST_HEADER_CHARACTERS = 8192

Describe = Callable[[Job], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Message:
    """One try to tell of a job's end."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Messages:
    """Writes messages, as the jobs are described; signed when there is a *secret*.

    *rows* is the JSON of a job's rows, None where they cannot be given.
    """

    describe: Describe
    describe_to_old: Describe
    rows: Callable[[Job], str | None]
    secret: str | None = None

    def of(self, delivery: Delivery, job: Job, now: float) -> Message:
        """The message of a try that is made *now*."""
        kind, body = self._form(job) if delivery.callback.form else self._json(delivery, job)
        timestamp = str(int(now))
        headers = {
            **delivery.callback.headers,
            "Content-Type": kind,
            DELIVERY_HEADER: delivery.id,
            TIMESTAMP_HEADER: timestamp,
        }
        if self.secret is not None:
            headers[SIGNATURE_HEADER] = signature(self.secret, timestamp, body)
        return Message(headers, body)

    def _json(self, delivery: Delivery, job: Job) -> tuple[str, bytes]:
        told = self.describe(job)
        fields = {
            "id": json.dumps(delivery.id),
            "event": json.dumps(f"job.{job.state}"),
            "job": _json_text(told),
            "result": self.rows(job) or "null",
            "resultUrl": _json_text((told.get("result") or {}).get("url")),
            "error": _json_text(job.error),
        }
        body = ",".join(f'"{name}":{text}' for name, text in fields.items())
        return "application/json", f"{{{body}}}".encode()

    def _form(self, job: Job) -> tuple[str, bytes]:
        """The fields that receivers of Byzer read."""
        is_good = job.state is JobState.SUCCEEDED
        rows = self.rows(job) if is_good else ""
        error = "the result is too large to be sent, or is kept no more" if rows is None else _told(job)
        fields = {
            "stat": "succeeded" if is_good else "failed",
            "res": rows or "",
            "msg": error,
            "jobInfo": _json_text(self.describe_to_old(job)),
        }
        return "application/x-www-form-urlencoded", urlencode(fields).encode()


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """What stands in the header X-Mlsql-Signature.

    >>> signature("key", "1700000000", b"{}")
    'sha256=9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae'
    """
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"sha256={digest.hexdigest()}"


def checked_headers(given: Mapping[str, str]) -> Mapping[str, str]:
    """The headers of a caller, when none of them is ours or holds more than one line; else ScriptError."""
    for name, value in given.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise ScriptError(
                f"callbackHeader cannot hold the header {name!r}",
                hint="its name and value are one line of ASCII",
            )
        if name.lower() in _OURS or name.lower().startswith(_OUR_PREFIXES):
            raise ScriptError(f"callbackHeader cannot set the header '{name}'", hint="the server does")
    if len({name.lower() for name in given}) < len(given):
        raise ScriptError("callbackHeader holds a header twice")
    if len(given) > _MOST_HEADERS or sum(map(len, (*given, *given.values()))) > _MOST_HEADER_CHARACTERS:
        raise ScriptError(
            f"callbackHeader holds at most {_MOST_HEADERS} headers of {_MOST_HEADER_CHARACTERS:,} characters"
        )
    return given


def _told(job: Job) -> str:
    return str((job.error or {}).get("message") or "")


def _json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
