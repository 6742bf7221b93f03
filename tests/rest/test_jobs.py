"""``/api/v1/jobs`` and the jobs of old clients, over a real socket; what a job does is a stand-in."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

from mlsql.config.settings import JobSettings, ServerSettings, Settings
from mlsql.errors import ConfigError
from mlsql.rest.service import open_service
from tests.rest.stand_in import StandIn

JOBS = "/api/v1/jobs"
SECONDS = 60
ENDS = ("succeeded", "failed", "cancelled", "timed_out", "lost")


@dataclass
class Server:
    """A client of a running server, the work of its jobs, and its state folder."""

    http: object
    work: StandIn
    state: Path

    def submit(self, script="select 1 as id as t;", **fields):
        """The id of a new job."""
        reply = self.http.post(JOBS, json={"script": script, **fields})
        assert reply.status_code == 202, reply.text
        return reply.json()["id"]

    def look_up(self, job):
        """The job as it is told now."""
        return self.http.get(f"{JOBS}/{job}").json()

    def when(self, job, *states):
        """The job, when it is in one of these states."""
        deadline = time.monotonic() + SECONDS
        while (found := self.look_up(job))["state"] not in states:
            assert time.monotonic() < deadline, found
            time.sleep(0.01)
        return found

    def ended(self, job):
        """The job, when it has ended."""
        return self.when(job, *ENDS)

    def events(self, job, after=None):
        """The events of a job until its end, as (id, kind, data)."""
        headers = {} if after is None else {"Last-Event-ID": str(after)}
        with self.http.stream("GET", f"{JOBS}/{job}/events", headers=headers) as reply:
            assert reply.headers["content-type"].startswith("text/event-stream")
            blocks = "".join(reply.iter_text()).split("\n\n")
        lines = [
            dict(line.split(": ", 1) for line in block.splitlines())
            for block in blocks
            if block.startswith("id")
        ]
        return [(int(each["id"]), each["event"], json.loads(each["data"])) for each in lines]


@pytest.fixture
def serve(tmp_path, client_of_service):
    """Starts a server with these settings of jobs on the state of the test."""

    @contextmanager
    def serving(requests=256, **jobs):
        server = ServerSettings(state=tmp_path / "state", requests=requests)
        settings = Settings(server=server, jobs=JobSettings(**{"concurrency": 2, **jobs}))
        work = StandIn(settings)
        with open_service(settings, work, work.check) as service, client_of_service(service) as client:
            yield Server(client, work, tmp_path / "state")

    return serving


@pytest.fixture
def server(serve):
    """Two jobs at once."""
    with serve() as server:
        yield server


def test_a_job_is_submitted_looked_up_and_read(server):
    """The thin line from the script to its rows."""
    reply = server.http.post(JOBS, json={"script": "select 3 as id as t;", "name": "mine", "priority": 2})
    job = reply.json()
    assert (reply.status_code, job["url"]) == (202, f"{JOBS}/{job['id']}")
    assert reply.headers["location"] == job["url"]
    assert reply.headers["X-Job-Id"] == job["id"]
    found = server.ended(job["id"])
    assert (found["state"], found["name"], found["priority"], found["error"]) == (
        "succeeded",
        "mine",
        2,
        None,
    )
    assert found["submitted"] <= found["started"] <= found["ended"]
    assert found["statement"] == {
        "number": 1,
        "total": 1,
        "line": 1,
        "file": "<script>",
        "title": "select 3 as id as t;",
    }
    assert (found["result"]["rows"], found["result"]["complete"]) == (3, True)
    reply = server.http.get(found["result"]["url"])
    assert (reply.json(), reply.headers["X-Job-Id"]) == ([{"id": 0}, {"id": 1}, {"id": 2}], job["id"])


@pytest.mark.parametrize("form", ["json", "csv", "arrow", "parquet"])
def test_a_result_is_given_in_each_form_and_by_pages(server, form):
    """With its media type."""
    job = server.submit("select 9 as id as t;")
    server.ended(job)
    reply = server.http.get(f"{JOBS}/{job}/result", params={"format": form, "offset": 7, "limit": 5})
    assert reply.status_code == 200
    media_type = reply.headers["content-type"]
    match form:
        case "json":
            assert (media_type, reply.json()) == ("application/json", [{"id": 7}, {"id": 8}])
        case "csv":
            assert (media_type.partition(";")[0], reply.text) == ("text/csv", "id\n7\n8\n")
        case "arrow":
            assert pa.ipc.open_stream(reply.content).read_all()["id"].to_pylist() == [7, 8]
        case "parquet":
            assert reply.content[:4] == reply.content[-4:] == b"PAR1"


def test_a_script_without_a_table_has_no_rows(server):
    """In every form."""
    job = server.submit("set a=1;")
    assert server.ended(job)["result"] is None
    assert server.http.get(f"{JOBS}/{job}/result").json() == []
    assert server.http.get(f"{JOBS}/{job}/result?format=csv").text.strip() == ""
    for form in ("arrow", "parquet"):
        assert server.http.get(f"{JOBS}/{job}/result?format={form}").status_code == 200


def test_static_errors_are_all_told_and_nothing_is_queued(server):
    """With their places."""
    reply = server.http.post(JOBS, json={"script": "load jbdc.`x` as t;\nload cvs.`y` as u;"})
    assert reply.status_code == 400
    assert [each["line"] for each in reply.json()["error"]["diagnostics"]] == [1, 2]
    assert server.http.get(JOBS).json() == {"jobs": [], "next": None}


def test_a_failed_job_tells_why_and_has_no_result(server):
    """The result is a conflict."""
    job = server.submit("set fail=1;")
    found = server.ended(job)
    assert (found["state"], found["error"]["kind"], found["error"]["message"]) == (
        "failed",
        "DataError",
        "nothing lies there",
    )
    reply = server.http.get(f"{JOBS}/{job}/result")
    assert (reply.status_code, "it is failed" in reply.json()["error"]["message"]) == (409, True)


def test_a_job_is_cancelled_while_it_waits_and_while_it_runs(serve):
    """An ended one is a conflict, and says what it is."""
    with serve(concurrency=1) as server:
        running, waiting = server.submit("set wait=1;"), server.submit("set wait=1;")
        server.when(running, "running")
        assert server.http.post(f"{JOBS}/{waiting}/cancel").json()["state"] == "cancelled"
        reply = server.http.post(f"{JOBS}/{running}/cancel")
        assert (reply.status_code, reply.json()["cancelRequested"]) == (202, True)
        assert server.ended(running)["state"] == "cancelled"
        reply = server.http.post(f"{JOBS}/{running}/cancel")
        assert (reply.status_code, "it is cancelled" in reply.json()["error"]["message"]) == (409, True)


def test_a_job_times_out(server):
    """Milliseconds, from when it runs."""
    found = server.ended(server.submit("set wait=1;", timeout=50))
    assert (found["state"], found["timeout"], found["error"]["kind"]) == ("timed_out", 50, "TimedOut")


@pytest.mark.parametrize("path", ["", "/result", "/log", "/events", "/cancel"])
def test_an_unknown_job_is_told(server, path):
    """Everywhere."""
    reply = server.http.request("POST" if path == "/cancel" else "GET", f"{JOBS}/nothing{path}")
    assert (reply.status_code, reply.json()["error"]["kind"]) == (404, "UnknownJob")


def test_a_full_queue_says_when_to_try_again(serve):
    """Both for jobs and for ``/run/script``."""
    with serve(concurrency=1, queue=1) as server:
        server.when(server.submit("set wait=1;"), "running")
        server.submit("set wait=1;")
        for path, body in ((JOBS, {"script": "set wait=1;"}), ("/run/script", {"sql": "set wait=1;"})):
            reply = server.http.post(path, json=body)
            assert (reply.status_code, reply.json()["error"]["kind"]) == (429, "QueueFull")
            assert int(reply.headers["Retry-After"]) > 0


def test_the_same_key_gives_the_same_job(server):
    """The same body; another one is a conflict."""
    body, key = {"script": "select 1 as id as t;"}, {"Idempotency-Key": "k 1"}
    first, again = (server.http.post(JOBS, json=body, headers=key) for _ in range(2))
    assert first.json() == again.json()
    assert again.headers["X-Job-Id"] == first.json()["id"]
    reply = server.http.post(JOBS, json={**body, "priority": 1}, headers=key)
    assert (reply.status_code, reply.json()["error"]["kind"]) == (409, "JobConflict")
    assert len(server.http.get(JOBS).json()["jobs"]) == 1
    assert server.http.post(JOBS, json=body, headers={"Idempotency-Key": "x" * 256}).status_code == 400


def test_jobs_are_listed_by_pages_and_filters(server):
    """The newest first."""
    ids = [server.submit("set a=1;", name=f"n{number % 2}", owner="ann") for number in range(5)]
    for job in ids:
        server.ended(job)
    seen, cursor = [], None
    while True:
        params = {
            "limit": 2,
            "owner": "ann",
            "state": ["succeeded", "failed"],
            **({"cursor": cursor} if cursor else {}),
        }
        page = server.http.get(JOBS, params=params).json()
        seen.extend(each["id"] for each in page["jobs"])
        if (cursor := page["next"]) is None:
            break
    assert seen == ids[::-1]
    assert len(server.http.get(JOBS, params={"name": "n1"}).json()["jobs"]) == 2
    assert server.http.get(JOBS, params={"state": "running"}).json()["jobs"] == []


@pytest.mark.parametrize("query", ["limit=0", "limit=many", "state=gone", "cursor=-1"])
def test_a_parameter_that_cannot_be_read_is_told(server, query):
    """In the one form of errors."""
    reply = server.http.get(f"{JOBS}?{query}")
    assert reply.status_code == 400
    assert query.partition("=")[0] in reply.json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"scirpt": "x"}, 400, "scirpt"),
        ({"script": "set a=1;", "callback": "http://10.0.0.1/"}, 403, "10.0.0.1 is no public address"),
        ({"script": "set a=1;", "timeout": -1}, 400, "timeout"),
        ({"script": "set a=1;", "timeout": 10**400}, 400, "timeout"),
        ({"script": "set a=1;", "parameters": [1]}, 400, "parameters"),
        ({"script": "set a=1;", "name": "a\x00b"}, 400, "name"),
        ([1], 400, "object"),
    ],
)
def test_a_wrong_submission_is_told(server, body, status, said):
    """Field by field."""
    reply = server.http.post(JOBS, json=body)
    assert (reply.status_code, said in reply.text) == (status, True)


def test_half_a_character_is_no_text(server):
    """JSON can escape it, and no database could hold it."""
    body = json.dumps({"script": "set a='\ud800';"})
    reply = server.http.post(JOBS, content=body, headers={"Content-Type": "application/json"})
    assert (reply.status_code, "UTF-8" in reply.text) == (400, True)


def test_a_file_in_a_form_is_no_script(server):
    """A field is a text."""
    reply = server.http.post("/run/script", files={"sql": ("a.mlsql", "set a=1;")})
    assert (reply.status_code, "is a file" in reply.text) == (400, True)


def test_scripts_have_limits(serve):
    """Bytes and statements."""
    with serve(script_limit=100, statements=3) as server:
        for script, said in (("set a='" + "x" * 100 + "';", "bytes"), ("set a=1;" * 4, "statements")):
            assert said in server.http.post(JOBS, json={"script": script}).json()["error"]["message"]
            assert said in server.http.post("/run/script", json={"sql": script}).json()["error"]["message"]
        server.submit("set a=1;" * 3)


def test_events_come_until_the_end_and_can_be_resumed(server):
    """Numbered through, without secrets; a reader goes on behind the last one that it had."""
    job = server.submit("set wait=1;")
    server.when(job, "running")
    threading.Timer(0.2, server.work.go.set).start()
    events = server.events(job)
    assert [(number, kind) for number, kind, _ in events] == [
        (1, "state"), (2, "state"), (3, "statement"), (4, "log"), (5, "state"),
    ]  # fmt: skip
    assert [data["state"] for _, kind, data in events if kind == "state"] == [
        "queued",
        "running",
        "succeeded",
    ]
    assert "abc" not in str(events)
    assert server.events(job, after=3) == events[3:]
    for nonsense in ("nonsense", "9" * 5000, "-1"):
        assert server.events(job, after=nonsense) == events


def test_the_log_can_be_followed(server):
    """Where one has stopped one goes on; without secrets."""
    job = server.submit("set a=1;")
    server.ended(job)
    reply = server.http.get(f"{JOBS}/{job}/log")
    assert "[1/1] set a=1;" in reply.text
    assert "abc" not in reply.text
    offset = reply.headers["X-Next-Offset"]
    assert int(offset) == len(reply.content)
    for beyond in (offset, 2**53):
        assert server.http.get(f"{JOBS}/{job}/log", params={"offset": beyond}).text == ""


def test_what_waited_runs_after_a_restart_and_results_are_still_there(serve):
    """A server that was ended and started again."""
    with serve(concurrency=1) as server:
        done = server.submit("select 2 as id as t;")
        server.ended(done)
        ran = server.submit("set wait=1;")
        server.when(ran, "running")
        waited = server.submit("select 1 as id as t;")
    with serve(concurrency=1) as server:
        assert server.ended(waited)["state"] == "succeeded"
        assert server.look_up(ran)["state"] == "lost"
        assert len(server.http.get(f"{JOBS}/{done}/result").json()) == 2


def test_an_asynchronous_script_replies_at_once(server):
    """With the job; an old client gets an empty array."""
    reply = server.http.post(
        "/run/script", data={"sql": "select 2 as id as t;", "async": "true", "outputSize": "1"}
    )
    job = reply.json()["job"]
    assert reply.json() == {"job": job, "url": f"{JOBS}/{job}"}
    assert reply.headers["X-Job-Id"] == job
    found = server.ended(job)
    assert (found["result"]["rows"], found["result"]["complete"]) == (1, False)
    old = server.http.post("/run/script", json={"sql": "set a=1;", "async": True, "dialect": "byzer"})
    assert old.json() == []
    assert server.http.post("/run/script", json={"sql": "load nothing", "async": True}).status_code == 400


def test_a_script_that_is_waited_for_is_a_job_as_any_other(server):
    """Found by the id of the reply; its name stands alone among the active ones."""
    replies = []

    def run():
        replies.append(
            server.http.post("/run/script", json={"sql": "set wait=1;", "jobName": "alone", "owner": "ann"})
        )

    thread = threading.Thread(target=run)
    thread.start()
    deadline = time.monotonic() + SECONDS
    while not (found := server.http.get("/runningjobs").json()):
        assert time.monotonic() < deadline
    (job,) = found
    server.when(job, "running")
    shown = server.http.get("/runningjobs").json()[job]
    assert (shown["jobName"], shown["owner"], shown["groupId"], shown["jobContent"]) == (
        "alone",
        "ann",
        job,
        "set wait=1;",
    )
    again = server.http.post("/run/script", json={"sql": "set a=1;", "jobName": "alone", "owner": "ann"})
    assert again.status_code == 409
    assert server.http.post("/killjob", data={"jobName": "alone", "owner": "bob"}).status_code == 404
    killed = server.http.post("/killjob", data={"jobName": "alone", "owner": "ann"})
    assert killed.json() == {"job": job}
    thread.join(SECONDS)
    assert (replies[0].status_code, replies[0].headers["X-Job-Id"]) == (499, job)
    assert server.http.post("/killjob", json={"groupId": job}).status_code == 409
    assert server.http.post("/killjob", json={}).status_code == 400


def test_many_synchronous_scripts_do_not_keep_others_from_an_answer(serve):
    """They wait in the queue without a thread each."""
    with serve(concurrency=1) as server:

        def run():
            server.http.post("/run/script", json={"sql": "set wait=1;"})

        threads = [threading.Thread(target=run) for _ in range(60)]
        for each in threads:
            each.start()
        deadline = time.monotonic() + SECONDS
        while len(server.http.get("/runningjobs").json()) < 60:
            assert time.monotonic() < deadline
        server.work.go.set()
        for each in threads:
            each.join(SECONDS)
        states = {each["state"] for each in server.http.get(JOBS).json()["jobs"]}
        assert states == {"succeeded"}


def test_more_requests_at_once_than_may_be_are_refused(serve):
    """Event streams count."""
    with serve(requests=1) as server:
        job = server.submit("set wait=1;")
        with server.http.stream("GET", f"{JOBS}/{job}/events"):
            reply = server.http.get(JOBS)
            assert (reply.status_code, reply.headers["Retry-After"]) == (429, "1")
            assert server.http.get("/health/liveness").status_code == 200
            server.work.go.set()


def test_the_state_folder_is_its_owners_alone_and_of_one_server(server, serve):
    """Another server would take these jobs for lost."""
    job = server.submit()
    server.ended(job)
    assert not [path for path in server.state.rglob("*") if path.stat().st_mode & 0o077 and path.is_dir()]
    assert (server.state / "jobs.sqlite").stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConfigError, match="another server uses"), serve():
        pass


def test_the_description_of_the_interface_names_every_reply(server):
    """Each route of jobs has models for its success and for its errors."""
    paths = server.http.get("/openapi.json").json()["paths"]
    for path, operations in paths.items():
        for operation in operations.values():
            if not path.startswith("/health/"):
                assert {"400", "429", "500"} <= operation["responses"].keys(), path
                assert "ErrorReply" in json.dumps(operation["responses"]["400"])
    assert "SubmitJob" in json.dumps(paths[JOBS]["post"]["requestBody"])
    assert "JobPage" in json.dumps(paths[JOBS]["get"]["responses"]["200"])
