"""Callbacks over REST: who is told of which end, what is listed and replayed, which targets are refused."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import parse_qs

import pytest

from mlsql.config.settings import CallbackSettings, JobSettings, ServerSettings, Settings
from mlsql.rest import callbacks as rest_callbacks
from mlsql.rest.service import open_service
from tests.receivers import receiver, until
from tests.rest.conftest import answering
from tests.rest.stand_in import StandIn

JOBS = "/api/v1/jobs"
ENDS = ("succeeded", "failed", "cancelled", "timed_out", "lost")


@dataclass
class Server:
    """A client of a running server."""

    http: object
    work: StandIn

    def submit(self, script="select 2 as id as t;", **fields):
        """The id of a new job."""
        reply = self.http.post(JOBS, json={"script": script, **fields})
        assert reply.status_code == 202, reply.text
        return reply.json()["id"]

    def state(self, job):
        """Where the job stands."""
        return self.http.get(f"{JOBS}/{job}").json()["state"]

    def callback(self, job):
        """The one callback of a job that is done."""

        def listed():
            return self.http.get(f"{JOBS}/{job}/callbacks").json()["callbacks"]

        until(lambda: [each for each in listed() if each["state"] != "pending"])
        (found,) = listed()
        return found


@contextmanager
def serving(state, **callbacks):
    """A server whose callbacks may go to loopback unless these settings say else."""
    settings = Settings(
        server=ServerSettings(state=state),
        jobs=JobSettings(concurrency=2),
        callbacks=CallbackSettings(**{"allow": ("127.0.0.1",), "secret": "a key", **callbacks}),
    )
    work = StandIn(settings)
    with open_service(settings, work, work.check) as service, answering(service) as client:
        try:
            yield Server(client, work)
        finally:
            work.go.set()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The server of this module."""
    with serving(tmp_path_factory.mktemp("server") / "state") as server:
        yield server


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """One whose callbacks may only go to public addresses."""
    with serving(tmp_path_factory.mktemp("strict") / "state", allow=()) as server:
        yield server


@pytest.fixture
def told():
    """A receiver."""
    with receiver() as receives:
        yield receives


def bodies(told):
    """What a receiver was told, in JSON."""
    return [json.loads(each.body) for each in told.told]


def test_the_end_of_a_job_is_told_with_its_rows(server, told):
    """And with the job as it is looked up."""
    job = server.submit(callback=told.url, callbackHeader={"Authorization": "Bearer receiver"})
    found = server.callback(job)
    (body,) = bodies(told)
    looked_up = server.http.get(f"{JOBS}/{job}").json()
    assert body == {
        "id": f"{job}-1",
        "event": "job.succeeded",
        "job": {name: value for name, value in looked_up.items() if name != "spark"},
        "result": [{"id": 0}, {"id": 1}],
        "resultUrl": f"{JOBS}/{job}/result",
        "error": None,
    }
    assert told.told[0].headers["Authorization"] == "Bearer receiver"
    assert found == {
        "number": 1,
        "id": f"{job}-1",
        "url": told.url,
        "state": "delivered",
        "tries": 1,
        "nextTry": None,
        "error": None,
    }


def test_a_job_that_fails_is_cancelled_or_takes_too_long_is_told_too(server, told):
    """Each by its own event, with its error; waiting or running."""
    failed = server.submit("set fail=1;", callback=told.url)
    late = server.submit("set wait=1;", callback=told.url, timeout=1)
    running = [server.submit("set wait=1;", callback=told.url) for _ in range(2)]
    until(lambda: {server.state(each) for each in running} == {"running"})
    waiting = server.submit("set wait=1;", callback=told.url)
    for each in (*running, waiting):
        server.http.post(f"{JOBS}/{each}/cancel")
    jobs = [failed, late, *running, waiting]
    assert {server.callback(each)["state"] for each in jobs} == {"delivered"}
    found = {
        each["job"]["id"]: (each["event"], each["result"], each["error"]["kind"]) for each in bodies(told)
    }
    assert found == {
        failed: ("job.failed", None, "DataError"),
        late: ("job.timed_out", None, "TimedOut"),
        **dict.fromkeys([*running, waiting], ("job.cancelled", None, "Cancelled")),
    }


def test_a_job_that_was_lost_and_what_was_not_delivered_is_told_by_the_next_server(tmp_path, told):
    """The receiver turned everything away while the first server ran."""
    told.answers[:] = [503]
    with serving(tmp_path) as server:
        ended = server.submit(callback=told.url)
        until(lambda: told.told)
        running = server.submit("set wait=1;", callback=told.url)
        until(lambda: server.state(running) == "running")
    told.answers[:] = [200]
    with serving(tmp_path) as server:
        assert {server.callback(each)["state"] for each in (ended, running)} == {"delivered"}
    assert {each["job"]["id"]: each["event"] for each in bodies(told)} == {
        ended: "job.succeeded",
        running: "job.lost",
    }


def test_a_callback_is_replayed_under_its_id(server, told):
    """Also one that went well; one that is to come, or that is not there, cannot be."""
    told.answers[:] = [410, 200]
    job = server.submit(callback=told.url)
    assert server.callback(job)["state"] == "dead"
    replay = f"{JOBS}/{job}/callbacks/1/replay"
    reply = server.http.post(replay)
    assert (reply.status_code, reply.json()["state"], reply.json()["tries"]) == (202, "pending", 0)
    assert server.callback(job)["state"] == "delivered"
    assert server.http.post(replay).status_code == 202
    assert server.callback(job)["state"] == "delivered"
    until(lambda: len(told.told) == 3)
    assert {each["id"] for each in bodies(told)} == {f"{job}-1"}
    for number in (0, 2, 2**40, "x"):
        assert server.http.post(f"{JOBS}/{job}/callbacks/{number}/replay").status_code in (400, 404)
    assert server.http.post(f"{JOBS}/nobody/callbacks/1/replay").status_code == 404


def test_one_that_is_pending_is_not_replayed(server, told):
    """It goes out anyway."""
    told.answers[:] = [told.hold]
    job = server.submit(callback=told.url)
    until(lambda: told.told)
    reply = server.http.post(f"{JOBS}/{job}/callbacks/1/replay")
    assert (reply.status_code, reply.json()["error"]["kind"]) == (409, "JobConflict")
    told.answers[:] = [200]
    told.over.set()


def test_a_job_without_a_callback_has_none(server):
    """And one has none before its end."""
    assert server.http.get(f"{JOBS}/{server.submit()}/callbacks").json() == {"callbacks": []}
    waits = server.submit("set wait=1;", callback="http://127.0.0.1:9/")
    assert server.http.get(f"{JOBS}/{waits}/callbacks").json() == {"callbacks": []}
    server.http.post(f"{JOBS}/{waits}/cancel")


@pytest.mark.parametrize("is_async", ["true", "false"])
def test_run_script_takes_a_callback_too(server, told, is_async):
    """As a form with JSON in it; up to outputSize rows; with and without async."""
    fields = {
        "sql": "select 5 as id as t;",
        "async": is_async,
        "outputSize": "3",
        "callback": told.url,
        "callbackHeader": '{"X-A": "b"}',
        "maxRetries": "2",
    }
    assert server.http.post("/run/script", data=fields).status_code == 200
    until(lambda: told.told)
    assert [len(each["result"]) for each in bodies(told)] == [3]
    assert told.told[0].headers["X-A"] == "b"


@pytest.mark.parametrize(
    ("fields", "is_form"),
    [
        ({"dialect": "byzer"}, True),
        ({"callbackFormat": "form"}, True),
        ({"dialect": "byzer", "callbackFormat": "json"}, False),
        ({"callbackFormat": ""}, False),
    ],
)
def test_receivers_of_byzer_get_a_form(server, told, fields, is_form):
    """By the dialect, unless a format is named."""
    sent = {
        "sql": "select 1 as id as t;",
        "async": "true",
        "callback": told.url,
        "maxRetries": "-1",
        **fields,
    }
    assert server.http.post("/run/script", data=sent).status_code == 200
    until(lambda: told.told)
    (message,) = told.told
    if not is_form:
        assert json.loads(message.body)["event"] == "job.succeeded"
        return
    form = {name: value for name, (value,) in parse_qs(message.body.decode()).items()}
    assert (form["stat"], json.loads(form["res"])) == ("succeeded", [{"id": 0}])
    assert json.loads(form["jobInfo"])["jobContent"] == "select 1 as id as t;"


def test_a_result_that_is_too_large_is_fetched(server, told, monkeypatch):
    """The callback says where."""
    monkeypatch.setattr(rest_callbacks, "MOST_BYTES", 100)
    job = server.submit("select 1000 as id as t;", callback=told.url)
    assert server.callback(job)["state"] == "delivered"
    (body,) = bodies(told)
    assert (body["result"], body["resultUrl"]) == (None, f"{JOBS}/{job}/result")
    assert len(server.http.get(body["resultUrl"]).json()) == 1000


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/",
        "http://localhost:9/",
        "http://0x7f.1:9/",
        "http://2130706433:9/",
        "http://[::1]:9/",
        "http://[::ffff:7f00:1]:9/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://0.0.0.0/",
        "http://ann:secret@93.184.215.14/",
        "file:///etc/passwd",
    ],
)
def test_a_target_that_callbacks_may_not_go_to_is_refused_at_once(strict, url):
    """With 403; nothing becomes a job."""
    for path, field_name in ((JOBS, "script"), ("/run/script", "sql")):
        reply = strict.http.post(path, json={field_name: "select 1 as id as t;", "callback": url})
        assert (reply.status_code, reply.json()["error"]["kind"]) == (403, "Refused"), reply.text
        assert "secret" not in reply.text
    assert strict.http.get(JOBS).json()["jobs"] == []


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"callback": "http://"}, "is no URL"),
        ({"callbackHeader": {"X-A": "b"}}, "need a 'callback'"),
        ({"callback": "http://127.0.0.1/", "callbackHeader": {"Host": "x"}}, "cannot set the header 'Host'"),
        (
            {"callback": "http://127.0.0.1/", "callbackHeader": {"X": "a\r\nb: c"}},
            "cannot hold the header 'X'",
        ),
        ({"callback": "http://127.0.0.1/", "callbackHeader": "no JSON"}, "'callbackHeader' cannot be read"),
        ({"callback": "http://127.0.0.1/", "callbackHeader": [1]}, "'callbackHeader' cannot be read"),
        ({"callback": "http://127.0.0.1/", "callbackFormat": "xml"}, "'callbackFormat' cannot be read"),
        ({"callback": "http://127.0.0.1/", "maxRetries": 101}, "'maxRetries' cannot be read"),
    ],
)
def test_fields_of_a_callback_that_cannot_be_are_told(server, fields, message):
    """With 400."""
    reply = server.http.post(JOBS, json={"script": "select 1 as id as t;", **fields})
    assert reply.status_code == 400
    assert message in reply.text


def test_what_may_be_a_secret_of_the_receiver_is_shown_to_nobody(server, told):
    """Neither headers nor what stands behind a question mark, in listing, job, or log."""
    job = server.submit(
        "set fail=1;", callback=f"{told.url}?token=secret", callbackHeader={"Authorization": "Bearer secret"}
    )
    assert server.callback(job)["url"] == f"{told.url}?…"
    assert told.told[0].path == "/hook?token=secret"
    shown = [
        server.http.get(f"{JOBS}{path}").text for path in ("", f"/{job}", f"/{job}/callbacks", f"/{job}/log")
    ]
    assert "secret" not in "".join(shown) + told.told[0].body.decode()
