"""Who is let in: tokens on every route but the open ones, and what each role may."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import threading
from importlib import import_module
from pkgutil import iter_modules

import pytest
from click.testing import CliRunner

from mlsql.cli import main
from mlsql.config.settings import AuthSettings, ServerSettings, Settings
from mlsql.errors import ConfigError
from mlsql.rest import event_streams, routes
from mlsql.rest.addresses import asks_for_tokens
from mlsql.rest.readiness import Readiness
from mlsql.rest.server import listen
from mlsql.roles import Role

JOBS = "/api/v1/jobs"
OPEN = {"/", "/console/{name}", "/health/liveness", "/health/readiness"}
SCRIPT = {"sql": "select 1 as one as t"}


def bearer(token):
    """The header that carries *token*."""
    return {"Authorization": f"Bearer {token}"}


def test_every_route_but_the_open_ones_asks_for_a_token(guarded):
    """One that is added without asking is found here."""
    modules = [import_module(f"{routes.__name__}.{each.name}") for each in iter_modules(routes.__path__)]
    routers = [getattr(module, name, None) for module in modules for name in ("router", "lean")]
    declared = [each for router in routers if router is not None for each in router.routes]
    answered = {
        each.path
        for each in declared
        for method in each.methods
        if guarded.http.request(method, re.sub(r"{\w+}", "1", each.path)).status_code != 401
    }
    assert answered == OPEN


@pytest.fixture(scope="module")
def bad(guarded):
    """Tokens that are not good, by what is wrong with them."""
    good, other = guarded.token("ann"), guarded.token("bob", Role.OPERATOR)
    revoked = guarded.token("ann")
    assert guarded.http.get(JOBS, headers=bearer(revoked)).status_code == 200
    guarded.service.tokens.revoke(revoked[6:18])
    return {
        "missing": {},
        "empty": {"Authorization": "Bearer"},
        "malformed": bearer("x" * 62),
        "forged": bearer(good[:19] + other[19:]),
        "cut": bearer(good[:-1]),
        "unknown": bearer("mlsql_" + "0" * 12 + good[18:]),
        "expired": bearer(guarded.token("ann", lasts=0.0)),
        "revoked": bearer(revoked),
        "basic": {"Authorization": f"Basic {good}"},
        "cookie": {"Cookie": f"access_token={good}"},
    }


def test_bad_tokens_are_all_answered_alike(guarded, bad):
    """The reply says how to sign in, and nothing of what was wrong."""
    replies = [guarded.http.get(JOBS, headers=headers) for headers in bad.values()]
    assert {(each.status_code, each.headers["WWW-Authenticate"]) for each in replies} == {(401, "Bearer")}
    bodies = [each.text.replace(each.headers["X-Job-Id"], "") for each in replies]
    assert set(bodies) == {bodies[0]}
    assert "Authorization: Bearer" in replies[0].json()["error"]["message"]


@pytest.mark.parametrize("path", [JOBS, "/runningjobs"])
def test_a_token_in_the_address_is_not_read(guarded, path):
    """It would stand in the logs of every proxy."""
    token = guarded.token("ann")
    reply = guarded.http.get(path, params={"access_token": token, "token": token})
    assert reply.status_code == 401


@pytest.mark.parametrize("form", ["data", "json", "files"])
def test_old_clients_send_it_as_a_field(guarded, form):
    """In each form of a body."""
    fields = {**SCRIPT, "access_token": guarded.token("ann")}
    sent = {name: (None, value) for name, value in fields.items()} if form == "files" else fields
    reply = guarded.http.post("/run/script", **{form: sent})
    assert (reply.status_code, reply.json()) == (200, [{"who": "ann"}])


def test_a_bad_header_is_not_made_good_by_a_field(guarded, bad):
    """What stands in the header counts."""
    fields = {**SCRIPT, "access_token": guarded.token("ann")}
    assert guarded.http.post("/run/script", data=fields, headers=bad["revoked"]).status_code == 401


@pytest.mark.parametrize("body", [b"{", b'{"sql": 1, "no": 2}', b"\xff", b"[]"])
def test_a_stranger_hears_nothing_of_his_body(guarded, body):
    """Who he is comes before what he sends."""
    headers = {"Content-Type": "application/json"}
    assert guarded.http.post(JOBS, content=body, headers=headers).status_code == 401
    assert guarded.http.post("/run/script", content=body, headers=headers).status_code == 401


def test_no_token_gets_into_a_log(guarded, bad, caplog):
    """Whatever the level, whether it is good or not."""
    with caplog.at_level(logging.DEBUG), guarded.client("ann") as client:
        client.post("/run/script", data={**SCRIPT, "access_token": guarded.token("ann")})
        for headers in bad.values():
            guarded.http.get(JOBS, headers=headers)
    shown = [*bad.values(), dict(client.headers.items())]
    secrets = {value[-40:] for each in shown for value in each.values() if "mlsql_" in value}
    assert len(secrets) > 5
    assert not [each for each in secrets if each in caplog.text]


def test_a_token_that_another_process_makes_or_revokes_counts_at_once(guarded):
    """The server keeps none in memory."""
    token = guarded.token("new")
    assert guarded.http.get(JOBS, headers=bearer(token)).status_code == 200
    guarded.service.tokens.revoke(token[6:18])
    assert guarded.http.get(JOBS, headers=bearer(token)).status_code == 401


def test_a_stream_of_events_ends_when_its_token_is_revoked(guarded, monkeypatch):
    """The reader is asked for again now and then, while the job runs on."""
    monkeypatch.setattr(event_streams, "_ALIVE_SECONDS", 0.05)
    token = guarded.token("ann")
    waits = {"script": "select 'wait' as t;"}
    job = guarded.http.post(JOBS, json=waits, headers=bearer(token)).json()["id"]
    with guarded.http.stream("GET", f"{JOBS}/{job}/events", headers=bearer(token)) as reply:
        lines = reply.iter_lines()
        assert next(lines)
        guarded.service.tokens.revoke(token[6:18])
        assert not any(line.startswith("event: end") for line in lines)
    assert not guarded.service.jobs.find(job).state.is_end
    guarded.service.jobs.cancel(job)


def test_any_host_name_is_answered_where_tokens_are_asked_for(guarded):
    """A proxy calls the server by the name that it likes, and over TLS."""
    headers = {"Host": "mlsql.example", "Origin": "https://mlsql.example", "Sec-Fetch-Site": "same-origin"}
    with guarded.client("ann") as client:
        assert client.get(JOBS, headers=headers).status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_site_is_refused_and_a_link_to_the_console_is_not(guarded, site):
    """Browsers tell one from the other."""
    from_page = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "cors"}
    assert guarded.http.get("/health/liveness", headers=from_page).status_code == 403
    link = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"}
    assert guarded.http.get("/health/liveness", headers=link).status_code == 200


@pytest.mark.parametrize("path", ["/run/script", JOBS])
def test_an_analyst_works_for_himself(guarded, path):
    """Only an operator names another owner."""
    body = {"sql" if path == "/run/script" else "script": "select 1 as one as t", "owner": "bob"}
    with guarded.client("ann") as ann, guarded.client("olga", Role.OPERATOR) as olga:
        refused = ann.post(path, json=body)
        assert (refused.status_code, refused.json()["error"]["kind"]) == (403, "Refused")
        assert ann.post(path, json={**body, "owner": "ann"}).status_code in (200, 202)
        done = olga.post(path, json=body)
        assert guarded.service.jobs.find(done.headers["X-Job-Id"]).owner == "bob"


@pytest.mark.parametrize("role", list(Role))
def test_a_job_has_the_role_of_who_submits_it(guarded, role):
    """It decides what the script may."""
    with guarded.client("ann", role) as client:
        job = client.post(JOBS, json={"script": "x"}).json()["id"]
    assert guarded.service.jobs.find(job).submission.role is role


def test_what_the_cluster_has_is_told_to_operators(guarded):
    """The four numbers of Byzer."""
    with guarded.client("ann") as ann, guarded.client("olga", Role.OPERATOR) as olga:
        assert ann.get("/instance/resource").status_code == 403
        assert set(olga.get("/instance/resource").json()) == {
            "totalCores",
            "totalTasks",
            "totalUsedMemory",
            "totalMemory",
        }


def test_a_server_that_can_do_its_work_says_so_to_everybody(guarded):
    """Each part is named."""
    reply = guarded.http.get("/health/readiness")
    assert reply.status_code == 200
    assert reply.json() == {"status": "UP", "problems": {"spark": None, "database": None, "state": None}}


def test_a_part_that_hangs_or_fails_is_named():
    """One that hangs is asked once, not again by each probe."""
    asked, go = [], threading.Event()

    def hangs():
        asked.append(1)
        go.wait(60)

    def fails():
        raise ConfigError("nothing is left")

    readiness = Readiness({"spark": hangs, "state": fails, "rest": lambda: None}, seconds=0.2)
    expected = {"spark": "does not answer", "state": "nothing is left", "rest": None}
    assert [readiness.problems(), readiness.problems()] == [expected, expected]
    assert asked == [1]
    go.set()


def test_a_part_that_lacks_something_makes_the_server_not_ready(guarded, monkeypatch):
    """The reply has status 503, and the rest is tried all the same."""
    monkeypatch.setitem(guarded.service.readiness.parts, "spark", lambda: 1 / 0)
    reply = guarded.http.get("/health/readiness")
    assert (reply.status_code, reply.json()["status"]) == (503, "DOWN")
    assert reply.json()["problems"] == {"spark": "ZeroDivisionError", "database": None, "state": None}


@pytest.mark.parametrize(
    ("mode", "host", "asks"),
    [
        ("auto", "127.0.0.1", False),
        ("auto", "localhost", False),
        ("auto", "::1", False),
        ("auto", "0.0.0.0", True),
        ("auto", "::", True),
        ("token", "127.0.0.1", True),
        ("none", "0.0.0.0", False),
    ],
)
def test_beyond_loopback_a_token_is_asked_for(mode, host, asks):
    """Unless the settings say otherwise, which then cannot be listened with."""
    settings = Settings(server=ServerSettings(host=host), auth=AuthSettings(mode=mode))
    assert asks_for_tokens(settings) is asks


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_who_asks_for_no_tokens_cannot_listen_beyond_loopback(host):
    """The error says how he can."""
    with pytest.raises(ConfigError, match="asks nobody who he is") as error:
        listen(host, 0)
    assert "auth.mode = token" in error.value.hint


def test_a_server_that_would_let_everybody_in_does_not_start():
    """It ends before Spark starts, with the code of wrong settings."""
    refused = CliRunner().invoke(main, ["serve", "--host", "0.0.0.0", "--conf", "auth.mode=none"])
    assert (refused.exit_code, "cannot listen on '0.0.0.0'" in refused.stderr) == (2, True)


def test_who_asks_for_tokens_can_listen_anywhere():
    """The port is a free one."""
    with listen("0.0.0.0", 0, anywhere=True) as listener:
        assert listener.getsockname()[0] == "0.0.0.0"


def test_a_name_that_is_none_is_told():
    """It cannot be listened on."""
    with pytest.raises(ConfigError, match="is no address"):
        listen("no-such-host.invalid", 0)


def test_replies_do_not_wait_for_each_other():
    """An accepted connection sends what it has at once, else each reply would take 40 ms."""

    async def accepted():
        found = asyncio.get_running_loop().create_future()

        async def answer(_reader, writer):
            connection = writer.get_extra_info("socket")
            found.set_result(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        with listen("127.0.0.1", 0) as listener:
            async with await asyncio.start_server(answer, sock=listener):
                _, writer = await asyncio.open_connection(*listener.getsockname())
                try:
                    return await asyncio.wait_for(found, 30)
                finally:
                    writer.close()

    assert asyncio.run(accepted())
