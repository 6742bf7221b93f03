"""``mlsql.Client`` over real sockets: what it gives, what it raises, and what broken connections do to it."""

from __future__ import annotations

import io
import json
import socket
import threading

import httpx
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mlsql
from mlsql.client.client import Client
from mlsql.client.errors import told_error
from mlsql.client.events import read_stream, run_event
from mlsql.client.requests import Requests
from mlsql.errors import ConfigError, DataError, MlsqlError, RunError, ScriptErrors, UnknownName
from mlsql.events import Metric, StatementEnded, StatementStarted, TableShown
from mlsql.jobs.errors import JobConflict, TooMany, UnknownJob, described
from mlsql.jobs.logs import logging_to
from mlsql.jobs.states import JobState
from mlsql.spans import Script

SECONDS = 60


def test_a_script_gives_its_rows(client):
    """From the text to the last table, in one call."""
    assert mlsql.Client is Client
    assert client.run("select 3 as id as t;") == [{"id": 0}, {"id": 1}, {"id": 2}]
    assert client.run("set a = '1';") == []


def test_a_job_tells_what_was_asked_for(client, server):
    """And what became of it."""
    job = client.submit("select 2 as id as t;", name="mine", priority=3, timeout=90, retry_on_restart=True)
    assert (job.name, job.priority, job.timeout) == ("mine", 3, 90.0)
    ended = client.wait(job)
    assert (ended.state, ended.result.rows, ended.result.complete) == (JobState.SUCCEEDED, 2, True)
    assert job.submitted <= ended.started <= ended.ended
    assert ended == client.job(job.id)


def test_the_result_comes_in_every_form(client):
    """All rows, or some of them."""
    job = client.wait(client.submit("select 3 as id as t;"))
    assert client.rows(job, limit=1, offset=2) == [{"id": 2}]
    assert client.result(job, "csv", offset=2) == b"id\n2\n"
    assert pa.ipc.open_stream(client.result(job, "arrow")).read_all().num_rows == 3
    with client.result_stream(job, "parquet") as chunks:
        assert pa.parquet.read_table(io.BytesIO(b"".join(chunks))).num_rows == 3


def test_what_a_job_tells_arrives_as_the_events_of_a_run(client):
    """In order, each once, with its values."""
    told = []
    client.wait(client.submit("select 1 as id as t;"), progress=told.append)
    assert [type(each).__name__ for each in told[2:]] == [
        *("StatementStarted", "Log", "Progress", "Metric", "TableShown", "Log", "StatementEnded", "Log")
    ]
    assert Metric(0, "f1", 0.75) in told
    assert TableShown("candidates", ("alg", "f1"), (("forest", 0.75),)) in told
    assert [each.message for each in told if hasattr(each, "message")] == [
        *("the job is queued", "the job is running", "the first line", "the last line"),
        "the job is succeeded",
    ]


def test_an_error_is_raised_with_its_class_place_and_hint(client):
    """As the run on the server raised it."""
    with pytest.raises(DataError) as told:
        client.run("set fail = '1';")
    assert str(told.value) == (
        "<script>:1:1: nothing lies there\n    set fail = '1';\n    ^^^\n  hint: look elsewhere"
    )


def test_every_error_of_a_text_is_told_at_once(client):
    """Nothing is submitted."""
    with pytest.raises(ScriptErrors) as told:
        client.submit("load cvs.`x` as t;\nload jbdc.`y` as u;", name="wrong")
    assert [each.hint for each in told.value.errors] == ["did you mean 'csv'?", "did you mean 'jdbc'?"]
    assert [each.span.place for each in told.value.errors] == ["<script>:1:6", "<script>:2:6"]
    assert [*client.jobs(name="wrong")] == []


def test_an_unknown_job_is_told(client):
    """In the class that the server uses."""
    with pytest.raises(UnknownJob, match="no job is called 'nobody'"):
        client.wait("nobody")


def test_jobs_are_listed_over_pages(client, monkeypatch):
    """The newest first, as many as are wanted."""
    monkeypatch.setattr("mlsql.client.client._PAGE", 2)
    mine = {"owner": "lister"}
    jobs = [client.submit("set a = '1';", name=f"job{number}", **mine).id for number in range(5)]
    assert [each.id for each in client.jobs(**mine)] == jobs[::-1]
    assert [each.id for each in client.jobs(limit=3, **mine)] == jobs[:1:-1]
    assert [each.id for each in client.jobs(name="job1", **mine)] == [jobs[1]]
    for job in jobs:
        client.wait(job)
    assert [*client.jobs(states=[JobState.QUEUED, "running"], **mine)] == []


def test_a_job_is_cancelled_and_read_to_its_end(client):
    """A second cancel is a conflict."""
    job = client.submit("set wait = '1';")
    client.cancel(job)
    ended = client.wait(job)
    assert ended.state is JobState.CANCELLED
    with pytest.raises(mlsql.RunError, match="cancelled"):
        ended.raise_for_state()
    with pytest.raises(JobConflict):
        client.cancel(job)
    text, end = client.log(job)
    assert "the first line" in text
    assert client.log(job, offset=end) == ("", end)


def test_a_wait_ends_in_time_and_the_job_goes_on(client, server):
    """It is waited for once more."""
    job = client.submit("set wait = '1';")
    with pytest.raises(RunError, match=r"has not ended within 0\.2 s"):
        client.wait(job, timeout=0.2)
    server.work.go.set()
    assert client.wait(job).state is JobState.SUCCEEDED
    server.work.go.clear()


def test_a_cut_stream_is_taken_up_where_it_was(server, proxy):
    """Each event comes once, wherever the connection breaks."""
    for cut_after in (1, 400, 900):
        told = []
        with Client(proxy.url) as client:
            job = client.submit("select 1 as id as t;")
            client.wait(job)  # so that the whole stream is there
            before, proxy.cut_after = proxy.cuts, cut_after
            client.wait(job, progress=told.append)
        assert proxy.cuts == before + 1
        assert [type(each) for each in told].count(StatementStarted) == 1
        assert [type(each) for each in told].count(StatementEnded) == 1
        assert len(told) == 10


def test_a_submission_whose_reply_is_lost_makes_one_job(server, proxy):
    """It is sent again with the same key."""
    with Client(proxy.url) as client:
        [*client.jobs()]
        proxy.cut_after = 1
        job = client.submit("select 1 as id as t;", name="cut")
    assert proxy.cuts == 1
    assert [each.id for each in server.jobs(name="cut")] == [job.id]


def test_a_server_that_restarts_is_waited_for(settings, serve):
    """The job that ran is lost, one that waited runs, and both are told to who waits."""
    ended, known = [], threading.Semaphore(0)

    def wait(job):
        with Client(server.url) as client:
            client.job(job)
            known.release()
            ended.append(client.wait(job).state)

    with serve(settings) as server, Client(server.url) as client:
        running, queued = client.submit("set wait = '1';"), None
        server.until(lambda: client.job(running).state is JobState.RUNNING)
        blocking = client.submit("set wait = '2';")
        queued = client.submit("set a = '1';")
        threads = [threading.Thread(target=wait, args=(each,)) for each in (running, queued)]
        server.until(lambda: client.job(blocking).state is JobState.RUNNING)
        for each in threads:
            each.start()
        assert all(known.acquire(timeout=SECONDS) for _ in threads)
        server.work.go.wait(0.3)
        port, server.work.go = server.port, threading.Event()
    with serve(settings, port):
        for each in threads:
            each.join(SECONDS)
    assert sorted(ended) == [JobState.LOST, JobState.SUCCEEDED]


def test_where_no_server_is_that_is_told_soon():
    """With what to look at."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with Client(f"http://127.0.0.1:{port}", patience=0.2) as client, pytest.raises(RunError) as told:
        client.job("any")
    assert told.value.retriable
    assert "does `mlsql serve` run there?" in str(told.value)
    with pytest.raises(ConfigError, match="'localhost:1' is no address of a server"):
        Client("localhost:1")


def answers(*replies):
    """What sends the requests to a server that gives these replies, and the pauses that it made."""
    pauses, left, now = [], list(replies), [0.0]

    def answer(request):
        reply = left.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    def sleep(seconds):
        pauses.append(seconds)
        now[0] += seconds

    http = httpx.Client(transport=httpx.MockTransport(answer), base_url="http://server")
    return Requests(http, 60.0, sleep, lambda: now[0]), pauses


BUSY = httpx.Response(
    429,
    json={"error": {"kind": "QueueFull", "message": "10 jobs wait already"}},
    headers={"Retry-After": "7"},
)
CUT, REFUSED = httpx.ReadError("cut"), httpx.ConnectError("refused")


def test_a_busy_server_is_asked_again_when_it_says():
    """Also for what must not be done twice: it was not done."""
    requests, pauses = answers(BUSY, httpx.Response(200))
    assert requests.send("POST", "/", repeatable=False).status_code == 200
    assert pauses == [7.0]


def test_a_busy_server_is_not_asked_for_ever():
    """The error of the last reply is raised."""
    requests, pauses = answers(*[BUSY] * 20)
    with pytest.raises(TooMany, match="10 jobs wait already"):
        requests.send("GET", "/", repeatable=True)
    assert sum(pauses) <= 60


@pytest.mark.parametrize(("failure", "is_sent_again"), [(CUT, False), (REFUSED, True)])
def test_what_may_have_arrived_is_not_done_twice(failure, is_sent_again):
    """A cut connection says nothing of the request; one that never was says all."""
    requests, pauses = answers(failure, httpx.Response(200))
    if is_sent_again:
        requests.send("POST", "/", repeatable=False)
    else:
        with pytest.raises(RunError, match="cut"):
            requests.send("POST", "/", repeatable=False)
    assert len(pauses) == is_sent_again


def test_a_proxy_in_trouble_is_asked_again_and_then_quoted():
    """Its page is no error of ours."""
    requests, _ = answers(httpx.Response(502, text="<html>Bad\nGateway"), httpx.Response(200))
    assert requests.send("GET", "/", repeatable=True).status_code == 200
    requests, pauses = answers(httpx.Response(404, text="<html>nginx"))
    with pytest.raises(RunError, match="answered 404, and not as a server of mlsql: <html>nginx"):
        requests.send("GET", "/", repeatable=True)
    assert pauses == []


def test_what_the_operator_has_to_do_is_not_waited_for():
    """Status 503 with a ConfigError."""
    told = {"error": {"kind": "ConfigError", "message": "install Java"}}
    requests, pauses = answers(httpx.Response(503, json=told))
    with pytest.raises(ConfigError, match="install Java"):
        requests.send("GET", "/", repeatable=True)
    assert pauses == []


@given(st.lists(st.text(), max_size=5), st.data())
def test_a_stream_gives_its_events_however_it_is_cut_into_pieces(messages, data):
    """Also with line ends of other kinds in the texts, and comments in between."""
    blocks = [
        f"id: {number}\nevent: log\ndata: "
        + json.dumps({"at": "2026-01-01T00:00:00.000Z", "message": text}, ensure_ascii=False)
        for number, text in enumerate(messages, 1)
    ]
    whole = "\n\n".join([*blocks, ": alive", ""]).encode(errors="surrogatepass")
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))
    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    *events, comment = read_stream(pieces)
    assert comment is None
    assert [(each.id, each.data["message"]) for each in events] == [*enumerate(messages, 1)]


def test_an_event_that_is_not_known_is_passed_over():
    """The server may be newer."""
    block = b'id: 1\nevent: surprise\ndata: {"at": "2026-01-01T00:00:00.000Z"}\n\n'
    assert [run_event(each) for each in read_stream([block])] == [None]


@pytest.mark.parametrize(
    "error",
    [
        UnknownName("source", "cvs", ["csv"], span=Script("a", "load cvs").span(5, 8)),
        DataError("x", hint="y"),
        ScriptErrors([DataError("x"), UnknownName("source", "cvs", ["csv"])]),
        RunError("x"),
    ],
)
def test_an_error_is_the_same_on_both_sides(error):
    """Class and text."""
    told = told_error(json.loads(json.dumps(described(error))))
    assert type(told) is type(error)
    assert str(told) == str(error)


def test_a_class_that_is_not_known_is_told_by_its_status():
    """The server may be newer."""
    assert type(told_error({"kind": "Surprise", "message": "x"}, 422)) is DataError
    assert type(told_error({"kind": "InternalError", "message": "x"})) is MlsqlError


def test_the_log_of_the_server_names_job_and_owner(client, server):
    """On the line that tells the end."""
    stream = io.StringIO()
    with logging_to(stream, level="info", form="json"):
        job = client.wait(client.submit("set a = '1';", owner="ann"))
        server.until(lambda: job.id in stream.getvalue())
    (line,) = [json.loads(each) for each in stream.getvalue().splitlines() if job.id in each]
    assert (line["job"], line["owner"]) == (job.id, "ann")
    assert line["message"] == f"the job {job.id} has ended: it is succeeded"
