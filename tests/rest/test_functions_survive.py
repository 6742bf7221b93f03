"""The functions that owners registered, after the server has ended and another has started."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import contextmanager

import pytest

from mlsql.config.settings import PathSettings, ServerSettings, ServingSettings, Settings
from mlsql.engine import Engine
from mlsql.errors import MissingModel, ScriptError, UnknownName
from mlsql.events import Log
from mlsql.registrations import UnknownFunction
from mlsql.rest.service import engine_service, service_settings, sockets_folder
from mlsql.udf.serving.client import SocketClient

SECONDS = 120
TRAIN_AND_REGISTER = """
select cast(id as double) as a, cast(id % 3 as double) as b, if(id < 20, 'low', 'high') as label
  from range(40) as numbers;
train numbers as SKLearn.`/models/guess` where inputCols="a,b" and labelCol="label"
  and evaluateTable="numbers" and fitParam.0.alg="GaussianNB";
register SKLearn.`/models/guess` as guess where callers='bob';
"""
ASK = "select guess(3, 1) as low, guess(35, 1) as high as t;"
ROWS = [[3.0, 1.0], [35, 1]]
ANSWERS = ["low", "high"]


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """What outlives a server."""
    return tmp_path_factory.mktemp("s")


@pytest.fixture(scope="module")
def server(spark, launcher, state):
    """Starts servers in the same state, one after another, as contexts that give engine and service."""

    @contextmanager
    def server(scorers=1):
        settings = Settings(
            server=ServerSettings(state=state / "state"),
            paths=PathSettings(root=state / "files"),
            serving=ServingSettings(scorers=scorers, timeout=SECONDS),
        )
        with (
            Engine(spark, service_settings(settings), launcher=launcher) as engine,
            engine_service(engine) as service,
        ):
            yield engine, service

    return server


def predicted(service, caller, name):
    """What the scorers answer."""
    return asyncio.run(service.scorers.predict(caller, name, ROWS))


def row(engine, script, **asked):
    """The first row of a script of ann's."""
    with engine.run(script, owner="ann", **asked).reading() as frame:
        return [*frame.first()]


@pytest.fixture(scope="module")
def registered(server, state):
    """A server in which ann has registered ``guess``, and what it said."""
    with server() as (engine, service):
        row(engine, TRAIN_AND_REGISTER)
        folder = state / "files" / "ann" / "models"
        shutil.copytree(folder / "guess", folder / "lost")
        row(engine, "register SKLearn.`/models/lost` as lost;")
        assert row(engine, ASK) == ANSWERS
        with SocketClient(sockets_folder(service.settings), owner="ann", timeout=SECONDS) as client:
            by_socket = client.predict("guess", ROWS)
        return by_socket, predicted(service, "ann", "guess"), predicted(service, "bob", "ann.guess")


def test_what_a_script_registers_is_answered_at_once(registered):
    """Over the socket, by the pool, and for whom the owner lets call it."""
    assert registered == (ANSWERS, ANSWERS, ANSWERS)


def test_after_a_restart_scorers_and_sessions_have_it_again(registered, server):
    """Without a script that registers it."""
    with server() as (engine, service):
        assert predicted(service, "ann", "guess") == ANSWERS
        assert row(engine, ASK) == ANSWERS
        assert row(
            engine, "select guess_proba(3, 1)[1] > 0.5 as low, size(guess_all(3, 1)) as all as t;"
        ) == [
            True,
            1,
        ]
        (found, _) = service.scorers.describe("ann")
        assert (found.function, found.version, found.grants) == ("guess", 0, ("bob",))
        assert found.companions == ("guess_all", "guess_proba")


def test_a_model_that_is_gone_is_a_warning_and_harms_no_other(registered, server, state):
    """It is listed as what it is, and can be unregistered."""
    shutil.rmtree(state / "files" / "ann" / "models" / "lost")
    with server() as (engine, service):
        told = []
        assert row(engine, ASK, sink=told.append) == ANSWERS
        (warning,) = [each for each in told if isinstance(each, Log) and each.level == "warning"]
        assert warning.message.startswith("the function 'lost' is not there: ")
        with pytest.raises(ScriptError):
            row(engine, "select lost(3, 1) as x as t;")
        assert predicted(service, "ann", "guess") == ANSWERS
        with pytest.raises(MissingModel):
            predicted(service, "ann", "lost")
        engine.run("unregister lost;", owner="ann")
        with pytest.raises(UnknownFunction):
            predicted(service, "ann", "lost")


def test_without_scorers_sql_has_the_functions_all_the_same(registered, server):
    """And what is unregistered stays so."""
    with server(scorers=0) as (engine, service):
        assert service.scorers.describe("ann") == ()
        assert row(engine, ASK) == ANSWERS
        engine.run("unregister guess;", owner="ann")
        assert [*service.registrations.of("ann")] == []
        with pytest.raises(UnknownName):
            engine.run("unregister guess;", owner="ann")


def test_a_fresh_session_neither_has_nor_leaves_functions(registered, server):
    """Nobody sees what a script left there."""
    with server(scorers=0) as (engine, service):
        engine.run("register SKLearn.`/models/guess` as fresh;", owner="ann", fresh=True)
        assert service.registrations.find("ann", "fresh") is None


def test_only_owners_can_be_callers(registered, server):
    """Before anything runs."""
    with (
        server(scorers=0) as (engine, _),
        pytest.raises(ScriptError, match="option 'callers' takes names of"),
    ):
        engine.run("register SKLearn.`/models/guess` as guess where callers='Bob!';", owner="ann")
