"""The log of the service: both forms, whose work a line is about, and what it does not tell."""

from __future__ import annotations

import io
import json
import logging
import threading

from hypothesis import given
from hypothesis import strategies as st

from mlsql.jobs.logs import about, logging_to

log = logging.getLogger("mlsql.test")


def logged(write, *, form="json", level="info"):
    """The lines that *write* leads to."""
    stream = io.StringIO()
    with logging_to(stream, level=level, form=form):
        write()
    return stream.getvalue().splitlines()


def test_a_line_of_json_says_when_who_what_and_about_whom():
    """Nothing more where nothing is known."""
    with about({"job": "j1", "owner": "ann", "other": "x"}):
        (line,) = map(json.loads, logged(lambda: log.warning("%d rows", 3)))
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "warning",
        "logger": "mlsql.test",
        "message": "3 rows",
        "job": "j1",
        "owner": "ann",
    }
    (line,) = map(json.loads, logged(lambda: log.info("started")))
    assert {"job", "owner", "exception"}.isdisjoint(line)


def test_a_line_of_text_has_the_same():
    """For people."""
    with about({"job": "j1", "owner": "ann"}):
        (line,) = logged(lambda: log.warning("3 rows"), form="text")
    assert line.partition(" ")[2] == "WARNING mlsql.test [j1, ann]: 3 rows"


@given(st.text())
def test_no_message_looks_like_two(message):
    """A line end in what a user sent begins no line."""
    assert len(logged(lambda: log.info("%s", message))) <= 1 or "\n" not in json.dumps(message)
    first, *rest = logged(lambda: log.info("%s", message), form="text")
    assert "INFO mlsql.test: " in first
    assert all(each.startswith("    ") for each in rest)


def test_an_exception_comes_whole_and_without_secrets():
    """Messages are masked, too."""

    def write():
        try:
            raise ValueError("jdbc:x://ann:pass@host/db")
        except ValueError:
            log.exception("password='abc'")

    (line,) = map(json.loads, logged(write))
    assert line["message"] == "password='***'"
    assert "ValueError: jdbc:x://ann:****@host/db" in line["exception"]
    assert line["exception"].startswith("Traceback")


def test_whom_it_is_about_is_looked_up_when_it_is_written():
    """A request learns its owner and its job on the way; other threads have their own."""
    request = {"job": "request"}

    def write():
        with about(request):
            request.update(job="j2", owner="bob")
            log.info("mine")
            other = threading.Thread(target=lambda: log.info("another's"))
            other.start()
            other.join()

    mine, others = map(json.loads, logged(write))
    assert (mine["job"], mine["owner"]) == ("j2", "bob")
    assert "job" not in others


def test_the_level_decides_also_for_the_http_server():
    """Its lines about each request come with debug only."""

    def write():
        log.debug("fine")
        log.info("rough")
        logging.getLogger("uvicorn.error").info("GET /")

    assert [json.loads(each)["message"] for each in logged(write)] == ["rough"]
    assert [json.loads(each)["message"] for each in logged(write, level="debug")] == [
        *("fine", "rough", "GET /")
    ]
