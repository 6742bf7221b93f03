"""Owners apart: what is another's is not there, and nobody can tell it from what never was."""

from __future__ import annotations

import pytest

from mlsql.config.settings import PathSettings, SecuritySettings, ServerSettings, Settings
from mlsql.rest.service import service_settings
from mlsql.roles import Role

JOBS = "/api/v1/jobs"
ROUTES = [
    ("GET", ""),
    ("GET", "/result"),
    ("GET", "/log"),
    ("GET", "/events"),
    ("POST", "/cancel"),
    ("GET", "/callbacks"),
    ("POST", "/callbacks/1/replay"),
]


@pytest.fixture(scope="module")
def clients(guarded):
    """Clients of two analysts and an operator, by owner."""
    with (
        guarded.client("ann") as ann,
        guarded.client("bob") as bob,
        guarded.client("olga", Role.OPERATOR) as olga,
    ):
        yield {"ann": ann, "bob": bob, "olga": olga}


@pytest.fixture(scope="module")
def done(clients):
    """A job of ann's that has ended, with a result and a log."""
    reply = clients["ann"].post("/run/script", data={"sql": "x", "jobName": "done"})
    assert reply.json() == [{"who": "ann"}]
    return reply.headers["X-Job-Id"]


@pytest.fixture(scope="module")
def running(clients):
    """A job of ann's that runs as long as the module."""
    return clients["ann"].post(JOBS, json={"script": "wait", "name": "secret-plan"}).json()["id"]


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("kind", ["done", "running"])
def test_a_job_of_another_is_as_unknown_as_one_that_never_was(clients, request, method, path, kind):
    """The replies are the same but for the id that was asked for."""
    job, nothing = request.getfixturevalue(kind), "0" * 32
    replies = [clients["bob"].request(method, f"{JOBS}/{each}{path}") for each in (job, nothing)]
    assert [each.status_code for each in replies] == [404, 404]
    told = [each.text.replace(each.headers["X-Job-Id"], "") for each in replies]
    assert told[0].replace(job, nothing) == told[1]
    assert replies[0].headers["X-Job-Id"] != job


def test_his_own_is_there_and_everybodys_for_an_operator(clients, done):
    """With its result and its log."""
    for who in ("ann", "olga"):
        assert clients[who].get(f"{JOBS}/{done}").json()["owner"] == "ann"
        assert clients[who].get(f"{JOBS}/{done}/result").json() == [{"who": "ann"}]
        assert "said by ann" in clients[who].get(f"{JOBS}/{done}/log").text


def test_a_list_holds_his_own(clients, done, running):
    """That of an operator everybody's; another's is refused to analysts."""
    clients["bob"].post("/run/script", data={"sql": "x"})
    owners = {who: {each["owner"] for each in listed(clients[who])} for who in clients}
    assert owners["ann"] == {"ann"}
    assert owners["bob"] == {"bob"}
    assert owners["olga"] >= {"ann", "bob"}
    assert {each["id"] for each in listed(clients["olga"], owner="ann")} >= {done, running}
    assert clients["bob"].get(JOBS, params={"owner": "ann"}).status_code == 403


def listed(client, **asked):
    """The jobs that *client* is told."""
    return client.get(JOBS, params=asked).json()["jobs"]


def test_running_jobs_are_his_own(clients, running):
    """Their names and scripts, too."""
    assert running in clients["ann"].get("/runningjobs").json()
    assert clients["bob"].get("/runningjobs").json() == {}
    assert running in clients["olga"].get("/runningjobs").json()


def test_a_job_of_another_cannot_be_killed(clients, running):
    """Neither by its id nor by its name, and not for its owner."""
    killed = [
        clients["bob"].post("/killjob", data=fields).status_code
        for fields in ({"groupId": running}, {"jobName": "secret-plan"})
    ]
    assert killed == [404, 404]
    acting = clients["bob"].post("/killjob", data={"jobName": "secret-plan", "owner": "ann"})
    assert acting.status_code == 403
    assert clients["ann"].get(f"{JOBS}/{running}").json()["state"] == "running"


def test_a_name_that_another_uses_is_free(clients, running):
    """So that names cannot be probed."""
    taken = clients["ann"].post("/run/script", data={"sql": "x", "jobName": "secret-plan"})
    assert (taken.status_code, running in taken.text) == (409, True)
    assert clients["bob"].post("/run/script", data={"sql": "x", "jobName": "secret-plan"}).status_code == 200


def test_an_idempotency_key_is_its_owners(clients):
    """The same of another makes a job of his own."""
    headers = {"Idempotency-Key": "one"}
    jobs = [
        clients[who].post(JOBS, json={"script": "x"}, headers=headers).json()["id"]
        for who in ("ann", "bob", "ann")
    ]
    assert jobs[0] == jobs[2] != jobs[1]


def test_a_session_of_another_cannot_be_closed(guarded, clients, monkeypatch):
    """His own can, by its owner or an operator; the token stays good."""
    closed = []
    monkeypatch.setattr(type(guarded.service.cluster), "log_out", lambda _self, owner: closed.append(owner))
    assert clients["bob"].post("/user/logout", data={"owner": "ann"}).status_code == 403
    assert clients["ann"].post("/user/logout").json() == {"msg": "success"}
    assert clients["olga"].post("/user/logout", json={"owner": "bob"}).status_code == 200
    assert closed == ["ann", "bob"]
    assert clients["ann"].get(JOBS).status_code == 200


def test_owners_are_apart_unless_the_settings_say_otherwise(tmp_path):
    """Their paths begin in a root, which by default lies beside the database."""
    state = tmp_path / "state"
    found = service_settings(Settings(server=ServerSettings(state=state)))
    assert (found.security.profile, found.paths.root) == ("service", state / "files")
    given = Settings(server=ServerSettings(state=state), paths=PathSettings(root=tmp_path))
    assert service_settings(given).paths.root == tmp_path
    local = Settings(server=ServerSettings(state=state), security=SecuritySettings(profile="local"))
    assert service_settings(local) == local


def test_secrets_in_a_script_are_starred_wherever_it_is_shown(guarded, clients):
    """Passwords by the name of their option, tokens by their form."""
    token = guarded.token("ann")
    script = f"connect jdbc where url='x' and password='hunter2' as db; -- {token}\nwait"
    job = clients["ann"].post(JOBS, json={"script": script, "name": "connects"}).json()["id"]
    shown = [
        clients["ann"].get(path).text for path in ("/runningjobs", JOBS, f"{JOBS}/{job}", f"{JOBS}/{job}/log")
    ]
    assert job in shown[0]
    assert [secret for secret in ("hunter2", token) if secret in "".join(shown)] == []
