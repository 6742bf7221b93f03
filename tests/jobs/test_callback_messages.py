"""What a callback carries: headers that are a caller's to set, a body, a signature over both."""

from __future__ import annotations

import hashlib
import hmac
import json
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsql.errors import ScriptError
from mlsql.jobs.callback_messages import Messages, checked_headers, signature
from mlsql.jobs.states import Callback, Delivery, Job, JobState, Submission

ERROR = {"kind": "DataError", "message": "nothing lies there"}


def delivery(**callback):
    """One to a receiver."""
    return Delivery(id="abc-1", job="abc", next_try=0.0, callback=Callback("http://x/", **callback))


def job(state=JobState.SUCCEEDED, error=None):
    """A job that ended so."""
    return Job(
        id="abc",
        submission=Submission(owner="ann", script="select 1"),
        submitted=1.0,
        state=state,
        error=error,
    )


def messages(rows='[{"id":1}]', secret="key"):
    """A writer that describes jobs by their states."""
    return Messages(
        lambda job: {"id": job.id, "state": job.state.value, "result": {"url": "/api/v1/jobs/abc/result"}},
        lambda job: {"groupId": job.id},
        lambda _job: rows,
        secret,
    )


def test_a_message_tells_the_job_its_rows_and_where_the_others_are():
    """As one JSON object."""
    message = messages().of(delivery(), job(), now=12.9)
    assert json.loads(message.body) == {
        "id": "abc-1",
        "event": "job.succeeded",
        "job": {"id": "abc", "state": "succeeded", "result": {"url": "/api/v1/jobs/abc/result"}},
        "result": [{"id": 1}],
        "resultUrl": "/api/v1/jobs/abc/result",
        "error": None,
    }
    assert message.headers["Content-Type"] == "application/json"
    assert message.headers["X-Mlsql-Delivery"] == "abc-1"
    assert message.headers["X-Mlsql-Timestamp"] == "12"


@pytest.mark.parametrize("state", [each for each in JobState if each.is_end])
def test_every_end_is_told(state):
    """By an event of its name, with the error."""
    error = None if state is JobState.SUCCEEDED else ERROR
    body = json.loads(messages(rows=None).of(delivery(), job(state, error), 0.0).body)
    assert (body["event"], body["result"], body["error"]) == (f"job.{state}", None, error)


@pytest.mark.parametrize(
    ("state", "rows", "expected"),
    [
        (JobState.SUCCEEDED, "[]", {"stat": ["succeeded"], "res": ["[]"]}),
        (JobState.FAILED, None, {"stat": ["failed"], "msg": ["nothing lies there"]}),
        (JobState.CANCELLED, None, {"stat": ["failed"], "msg": ["nothing lies there"]}),
        (
            JobState.SUCCEEDED,
            None,
            {"stat": ["succeeded"], "msg": ["the result is too large to be sent, or is kept no more"]},
        ),
    ],
)
def test_a_form_has_the_fields_of_byzer(state, rows, expected):
    """All four, some of them empty."""
    error = None if state is JobState.SUCCEEDED else ERROR
    message = messages(rows).of(delivery(form=True), job(state, error), 0.0)
    fields = parse_qs(message.body.decode(), keep_blank_values=True)
    assert fields == {"res": [""], "msg": [""], "jobInfo": ['{"groupId":"abc"}'], **expected}
    assert message.headers["Content-Type"] == "application/x-www-form-urlencoded"


@given(st.text(st.characters(codec="utf-8"), min_size=1), st.integers(0, 2**33), st.binary())
def test_a_signature_covers_the_time_and_the_body(secret, now, body):
    """HMAC-SHA256 over both, with a point between them."""
    expected = hmac.new(secret.encode(), f"{now}.".encode() + body, hashlib.sha256)
    assert signature(secret, str(now), body) == f"sha256={expected.hexdigest()}"


def test_without_a_secret_nothing_is_signed():
    """A signature with an empty key would look like one."""
    assert "X-Mlsql-Signature" not in messages(secret=None).of(delivery(), job(), 0.0).headers
    assert "X-Mlsql-Signature" in messages().of(delivery(), job(), 0.0).headers


def test_the_headers_of_the_caller_go_along():
    """Beside ours."""
    given = checked_headers({"Authorization": "Bearer abc", "X-Empty": "", "User-Agent": "ann's job"})
    assert given.items() <= messages().of(delivery(headers=given), job(), 0.0).headers.items()


@pytest.mark.parametrize(
    "headers",
    [
        {"X-A": "a\r\nHost: other"},
        {"X-A": "a\nb"},
        {"X-A": "a\0b"},
        {"X-A": " a"},
        {"X-A": "ä"},
        {"X-A\r\nHost": "other"},
        {"X A": "a"},
        {"X-A:": "a"},
        {"": "a"},
        {"Host": "other"},
        {"hOST": "other"},
        {"Content-Length": "0"},
        {"Transfer-Encoding": "chunked"},
        {"Connection": "keep-alive"},
        {"Content-Type": "text/plain"},
        {"X-Mlsql-Signature": "sha256=00"},
        {"Proxy-Authorization": "x"},
        {"X-A": "1", "x-a": "2"},
        {"X-A": "x" * 10_000},
        {f"X-{number}": "" for number in range(51)},
    ],
)
def test_headers_that_are_not_the_callers_are_told(headers):
    """Those of HTTP, ours, and what is more than one line."""
    with pytest.raises(ScriptError, match="callbackHeader"):
        checked_headers(headers)


@given(st.text(max_size=10), st.text(max_size=20))
def test_no_header_that_is_taken_holds_a_line_end(name, value):
    """Whatever is given."""
    try:
        taken = checked_headers({name: value})
    except ScriptError:
        return
    for text in (*taken, *taken.values()):
        text.encode("ascii")
        assert text.isprintable() or "\t" in text
        assert not set(text) & set("\r\n\0")
