"""Every error as a reply: its status, its place in the script, and the two forms."""

from __future__ import annotations

import pytest

import mlsql.bridge.errors  # noqa: F401 -- its classes are to be found
from mlsql.errors import (
    Cancelled,
    ConfigError,
    DataError,
    MissingModel,
    MlsqlError,
    Refused,
    RunError,
    ScriptError,
    ScriptErrors,
    TimedOut,
    UnknownName,
)
from mlsql.rest.errors import STATUSES, status_of
from mlsql.spans import Script

SCRIPT = Script("<script>", "load jbdc.`x` as t;\nload cvs.`y` as u;")


def subclasses(kind):
    """*kind* and everything below it."""
    return {kind, *(each for below in kind.__subclasses__() for each in subclasses(below))}


def unmapped(codes):
    """The error classes that no entry of *codes* stands for."""
    return {kind for kind in subclasses(MlsqlError) if not any(base in codes for base in kind.__mro__)}


def test_every_class_of_error_has_a_status():
    """Only the root has none: what is nobody's error is ours."""
    assert unmapped(STATUSES) == {MlsqlError}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ScriptError("x"), 400),
        (UnknownName("source", "jbdc", ["jdbc"]), 400),
        (DataError("x"), 422),
        (MissingModel("/m", found="nothing"), 422),
        (Refused("x"), 403),
        (RunError("x"), 502),
        (TimedOut(1), 408),
        (Cancelled(), 499),
        (ConfigError("x"), 503),
        (MlsqlError("x"), 500),
    ],
)
def test_the_class_decides_the_status(client_of_error, error, status):
    """The nearest class that has one."""
    assert status_of(error) == status
    assert client_of_error(error).post("/run/script", data={"sql": "x"}).status_code == status


def test_an_error_tells_its_place_and_all_of_its_kind(client_of_error):
    """The first error on top, all of them as diagnostics, positions from 1."""
    errors = ScriptErrors(
        [
            UnknownName("source", "jbdc", ["jdbc", "csv"], span=SCRIPT.span(5, 9)),
            UnknownName("source", "cvs", ["jdbc", "csv"], span=SCRIPT.span(25, 28)),
        ]
    )
    reply = client_of_error(errors).post("/run/script", data={"sql": SCRIPT.text})
    error = reply.json()["error"]
    first = {
        "kind": "UnknownName",
        "message": "no source is called 'jbdc'",
        "file": "<script>",
        "line": 1,
        "column": 6,
        "excerpt": "    load jbdc.`x` as t;\n         ^^^^",
        "hint": "did you mean 'jdbc'?",
    }
    assert {name: error[name] for name in first} == first
    assert error["job"] == reply.headers["X-Job-Id"]
    assert [(each["line"], each["hint"]) for each in error["diagnostics"]] == [
        (1, "did you mean 'jdbc'?"),
        (2, "did you mean 'csv'?"),
    ]


def test_an_error_is_plain_text_for_who_accepts_that(client_of_error):
    """The text is that of the command line."""
    error = UnknownName("source", "jbdc", ["jdbc"], span=SCRIPT.span(5, 9))
    reply = client_of_error(error).post("/run/script", data={"sql": "x"}, headers={"Accept": "text/plain"})
    assert reply.text == f"{error}\n"
    assert reply.headers["content-type"].startswith("text/plain")


def test_our_bug_is_told_by_its_id_and_not_by_its_insides(client_of_error):
    """The traceback stays in the log of the server."""
    reply = client_of_error(ZeroDivisionError("password=abc")).post("/run/script", data={"sql": "x"})
    error = reply.json()["error"]
    assert reply.status_code == 500
    assert error["kind"] == "InternalError"
    assert reply.headers["X-Job-Id"] in error["message"]
    assert "abc" not in reply.text


def test_secrets_in_a_message_are_masked(client_of_error):
    """Whatever the sentence quotes."""
    error = RunError("no answer from jdbc:x://ann:pass@host/db")
    assert "pass@" not in client_of_error(error).post("/run/script", data={"sql": "x"}).text


@pytest.mark.parametrize(
    ("method", "path", "status", "sentence"),
    [
        ("GET", "/run/script", 405, "/run/script does not answer GET"),
        ("GET", "/nothing", 404, "nothing answers at /nothing"),
    ],
)
def test_a_route_that_is_not_there_has_the_same_form(client, method, path, status, sentence):
    """Scripts are never run by a GET, which a link could send."""
    reply = client.request(method, path)
    assert (reply.status_code, reply.json()["error"]["message"]) == (status, sentence)
