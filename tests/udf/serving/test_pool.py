"""The life of registered models in real scorer processes: asked, swapped, evicted, killed, hidden."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pyarrow as pa
import pytest

from mlsql.errors import ConfigError, DataError, MissingModel, MlsqlError, RunError, ScriptError
from mlsql.models.manifest import Column
from mlsql.registrations import UnknownFunction
from mlsql.udf.serving.client import Line, SocketClient
from mlsql.udf.serving.lane_columns import Columns
from mlsql.udf.serving.lane_types import NotCarriedOver
from mlsql.udf.serving.protocol import Kind, read_json
from tests.udf.serving.conftest import SECONDS, ask

ROW = [1.0, 2.0]


def stream(**columns):
    """Columns as an Arrow stream."""
    sink, table = pa.BufferOutputStream(), pa.table(columns)
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def read(answers):
    """The one column of an Arrow stream."""
    table = pa.ipc.open_stream(answers).read_all()
    assert table.column_names == ["prediction"]
    return table["prediction"].to_pylist()


def state(pool, name="shared-0.sock"):
    """How a scorer stands."""
    line = Line(pool._folder / name, SECONDS)
    told = read_json(line.ask(Kind.STATE, b"").body)
    line.close()
    return told


def until(holds):
    """Wait until a condition holds."""
    deadline = time.monotonic() + SECONDS
    while not (found := holds()):
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.02)
    return found


def put(pool, registration):
    """Register, and give it back."""
    pool.registrations.put(registration)
    return registration


def test_a_registered_function_answers(pool, models):
    """One row, several, a table, and what stands beside it in SQL."""
    put(pool, models.store("answers", 1.0, 3.0))
    assert ask(pool, "ann", "answers", [ROW]) == [3.0]
    assert ask(pool, "ann", "answers", [ROW, [2, 3], [None, 1.0]]) == [3.0, 5.0, None]
    assert ask(pool, "ann", "answers", []) == []
    assert read(ask(pool, "ann", "answers", stream(b=[2.0, 3.0], a=[1.0, None]))) == [3.0, None]
    assert ask(pool, "ann", "answers", [ROW], companion="proba") == [[3.0, -2.0]]
    every = [{"algIndex": 0, "answer": 3.0}, {"algIndex": 1, "answer": 9.0}]
    assert ask(pool, "ann", "answers", [ROW, [None, 1.0]], companion="all") == [every, None]
    assert read(ask(pool, "ann", "answers", stream(a=[1.0], b=[2.0]), companion="all")) == [every]


def test_questions_that_come_together_are_answered_each(pool, models):
    """Also when one among them is wrong: it alone fails."""
    put(pool, models.store("together", 1.0))

    async def many():
        rows = [[float(number), 1.0] for number in range(40)]
        rows[7] = [1.0, {}]
        asked = (pool.predict("ann", "together", [row]) for row in rows)
        return await asyncio.gather(*asked, return_exceptions=True)

    found = asyncio.run(many())
    assert isinstance(found.pop(7), DataError)
    assert found == [[number + 1.0] for number in range(40) if number != 7]


def test_versions_stand_side_by_side(pool, models):
    """Whatever is registered now."""
    put(pool, models.store("sides", 1.0))
    put(pool, models.store("sides", 2.0))
    assert [ask(pool, "ann", name, [ROW])[0] for name in ("sides", "sides@0", "sides@1")] == [6.0, 3.0, 6.0]
    with pytest.raises(MissingModel):
        ask(pool, "ann", "sides@5", [ROW])


def test_no_request_fails_while_the_model_is_exchanged(pool, models):
    """Twenty times under load; each answer is that of a version, and the last one stays."""
    put(pool, models.store("swapped", 1.0))
    over, found, failed = threading.Event(), set(), []

    def load():
        async def loop():
            while not over.is_set():
                found.update(await pool.predict("ann", "swapped", [ROW]))

        try:
            asyncio.run(loop())
        except MlsqlError as error:
            failed.append(error)

    threads = [threading.Thread(target=load) for _ in range(2)]
    for each in threads:
        each.start()
    for weight in range(2, 22):
        put(pool, models.store("swapped", float(weight)))
        assert ask(pool, "ann", "swapped", [ROW]) == [3.0 * weight]
    over.set()
    for each in threads:
        each.join(SECONDS)
    assert failed == []
    assert found <= {3.0 * weight for weight in range(1, 22)}


def test_an_unregistered_function_is_unknown(pool, models):
    """At once, and to the direct socket too."""
    put(pool, models.store("gone", 1.0))
    with SocketClient(pool._folder, owner="ann") as client:
        assert client.predict("gone", [ROW]) == [3.0]
        pool.registrations.remove("ann", "gone")
        with pytest.raises(UnknownFunction):
            client.predict("gone", [ROW])
    with pytest.raises(UnknownFunction):
        ask(pool, "ann", "gone", [ROW])


def test_who_asks_while_a_function_is_unregistered_is_told_so_or_answered(pool, models):
    """And nothing else."""
    registration, over, found = models.store("flighty", 1.0), threading.Event(), []

    async def ask_on():
        while not over.is_set():
            try:
                found.extend(await pool.predict("ann", "flighty", [ROW]))
            except UnknownFunction:
                found.append(None)
            except MlsqlError as error:
                found.append(error)

    thread = threading.Thread(target=lambda: asyncio.run(ask_on()))
    put(pool, registration)
    thread.start()
    for _ in range(10):
        pool.registrations.remove("ann", "flighty")
        put(pool, registration)
    until(lambda: 3.0 in found)
    over.set()
    thread.join(SECONDS)
    assert set(found) <= {3.0, None}


def test_two_owners_may_call_their_functions_alike(pool, models):
    """Each is answered by his own; by another one's with its owner's name."""
    put(pool, models.store("alike", 1.0))
    put(pool, replace(models.store("others", 2.0), owner="bob", function="alike", grants=("ann",)))
    assert [ask(pool, owner, "alike", [ROW]) for owner in ("ann", "bob")] == [[3.0], [6.0]]
    assert ask(pool, "ann", "bob.alike", [ROW]) == [6.0]
    pool.registrations.remove("ann", "alike")
    assert ask(pool, "bob", "alike", [ROW]) == [6.0]
    with pytest.raises(UnknownFunction):
        ask(pool, "ann", "alike", [ROW])
    pool.registrations.remove("bob", "alike")


def test_fifty_clients_are_answered_at_once(pool, models):
    """Each over a connection of its own, and none by the answer of another."""
    put(pool, models.store("many", 1.0))
    ask(pool, "ann", "many", [ROW])

    def one(number):
        with SocketClient(pool._folder, owner="ann", timeout=SECONDS) as client:
            return [client.predict("many", [[float(number), float(each)]]) for each in range(5)]

    with ThreadPoolExecutor(50) as threads:
        found = [*threads.map(one, range(50))]
    assert found == [[[float(number + each)] for each in range(5)] for number in range(50)]


def test_only_the_owner_and_whom_he_lets_may_call(pool, models):
    """For all others it is not there, neither in a list."""
    put(pool, replace(models.store("mine", 1.0), grants=("bob",)))
    assert ask(pool, "bob", "ann.mine", [ROW]) == [3.0]
    assert [each.function for each in pool.describe("bob")] == ["mine"]
    assert pool.describe("eve") == []
    for caller, name in (("eve", "ann.mine"), ("eve", "mine"), ("bob", "mine")):
        with pytest.raises(UnknownFunction):
            ask(pool, caller, name, [ROW])
        with (
            SocketClient(pool._folder, owner=caller) as client,
            pytest.raises(UnknownFunction),
        ):
            client.predict(name, [ROW])


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([[1.0]] * 2, "row 1 has 1"),
        ([ROW, [1.0]], "row 2 has 1"),
        ([[{}, 1.0]], "cannot answer: TypeError"),
        (b"no stream", "no Arrow stream"),
        (stream(a=[1.0]), "the table has no 'b', which strict takes"),
        (stream(a=[1.0], b=[1.0], c=[1.0]), "no input of strict is called 'c'"),
        (stream(a=[1.0], b=["x"]), "'b' is of the type string, and strict takes double"),
    ],
)
def test_what_is_wrong_with_rows_is_told(pool, models, rows, told):
    """And the scorer answers the next ones."""
    put(pool, models.store("strict", 1.0))
    with pytest.raises(ScriptError, match=told):
        ask(pool, "ann", "strict", rows)
    assert ask(pool, "ann", "strict", [ROW]) == [3.0]


def test_a_question_that_is_too_large_is_refused(pool, models):
    """Before it is sent, and nobody else notices."""
    put(pool, models.store("large", 1.0))
    with pytest.raises(ScriptError, match="too large"):
        ask(pool, "ann", "large", bytes(65 * 2**20))
    assert ask(pool, "ann", "large", [ROW]) == [3.0]


def test_a_model_deleted_underneath_is_a_clear_error(pool, models):
    """As long as it is in memory it answers; what has to be read says that it is gone."""
    registration = put(pool, models.store("deleted", 1.0))
    put(pool, models.store("deleted", 2.0))
    assert ask(pool, "ann", "deleted@0", [ROW]) == [3.0]
    (models.root / "deleted" / "_model_0" / "manifest.json").unlink()
    assert ask(pool, "ann", "deleted@0", [ROW]) == [3.0]
    (models.root / "deleted" / "_model_1" / "manifest.json").unlink()
    put(pool, replace(registration, function="late", version=1, index=None))
    with pytest.raises(MissingModel, match="holds no version 1"):
        ask(pool, "ann", "late", [ROW])
    assert "no version 1" in pool.find("ann", "late").trouble
    assert ask(pool, "ann", "deleted", [ROW]) == [6.0]


def test_the_longest_unused_models_make_room(opened, models):
    """Within the limit of memory, and they come back when they are asked."""
    registered = [models.store(f"m{number}", float(number), nbytes=100) for number in range(10)]
    with opened(memory=350) as pool:
        for each in registered:
            put(pool, each)
        for number in [*range(10), 3, 9, 0]:
            assert ask(pool, "ann", f"m{number}", [ROW]) == [3.0 * number]
        assert state(pool)["bytes"] <= 350
        put(pool, models.store("huge", 1.0, nbytes=400))
        with pytest.raises(DataError, match="takes 400 bytes, and a scorer has 350"):
            ask(pool, "ann", "huge", [ROW])


def test_a_killed_scorer_is_started_again_with_its_models(opened, models):
    """Who was asking is told that trying again may help, and it does."""
    with opened(models.store("phoenix", 2.0)) as pool:
        assert ask(pool, "ann", "phoenix", [ROW]) == [6.0]

        async def killed():
            asyncio.get_running_loop().call_later(0.2, os.kill, state(pool)["pid"], signal.SIGKILL)
            with pytest.raises(RunError) as failed:
                await pool.predict("ann", "phoenix", [["wait", 1.0]])
            assert failed.value.retriable

        asyncio.run(killed())
        assert until(lambda: answered(pool, "phoenix")) == [6.0]
        assert pool._shared[0].starts == 2


def answered(pool, function):
    """The answer, or None where it is to be tried again."""
    try:
        return ask(pool, "ann", function, [ROW])
    except RunError:
        return None


def test_with_several_scorers_one_that_dies_leaves_the_others(opened, models):
    """All answer, and what is registered reaches each."""
    with opened(scorers=2) as pool:
        put(pool, models.store("twice", 1.0))
        until(lambda: all(each.is_ready for each in pool._shared))
        put(pool, models.store("twice", 2.0))
        for name in ("shared-0.sock", "shared-1.sock"):
            line = Line(pool._folder / name, SECONDS)
            assert read_json(line.ask(Kind.STATE, b"").body)["models"] >= 1
            line.close()
        os.kill(state(pool, "shared-1.sock")["pid"], signal.SIGKILL)
        assert until(lambda: answered(pool, "twice")) == [6.0]


def test_code_of_an_owner_runs_in_a_process_of_its_own(opened, models):
    """What it breaks is its own; it ends with the last function that needs it."""
    code = models.store("code", 1.0, inputs=(Column("a", "string"), Column("b", "double")))
    with opened(models.store("calm", 1.0), replace(code, runs_code=True), own_scorers=1) as pool:
        assert ask(pool, "ann", "calm", [ROW]) == [3.0]
        assert ask(pool, "ann", "code", [["x", 2.0]]) == [2.0]
        own = pool._own["ann"].socket.name
        assert state(pool, own)["pid"] != state(pool)["pid"]
        with SocketClient(pool._folder, owner="ann") as client:
            assert client.predict("code", [["x", 2.0]]) == [2.0]
        before = state(pool)["pid"]
        with pytest.raises(RunError, match="died"):
            ask(pool, "ann", "code", [["die", 2.0]])
        assert ask(pool, "ann", "calm", [ROW]) == [3.0]
        assert state(pool)["pid"] == before
        put(pool, replace(code, owner="bob", runs_code=True))
        with pytest.raises(RunError, match="as many owners"):
            ask(pool, "bob", "code", [["x", 2.0]])
        pool.registrations.remove("ann", "code")
        assert not pool._own


def test_a_question_that_takes_too_long_is_given_up(opened, models):
    """The others are answered again when the scorer was found to hang."""
    with opened(models.store("slow", 1.0), timeout=1.0) as pool:
        assert until(lambda: answered(pool, "slow")) == [3.0]
        with pytest.raises(RunError, match=r"within 1 s|died") as late:
            ask(pool, "ann", "slow", [["wait", 1.0]])
        assert late.value.retriable
        assert until(lambda: answered(pool, "slow")) == [3.0]


def test_what_was_registered_before_is_answered_after_a_start(opened, models):
    """Nobody has to register it again."""
    with opened(models.store("early", 2.0)) as pool:
        assert ask(pool, "ann", "early", [ROW]) == [6.0]


def test_a_query_is_answered_by_duckdb_over_the_functions(pool, models):
    """What it cannot be asked about is for Spark."""
    pytest.importorskip("duckdb")
    pytest.importorskip("sqlglot")
    put(pool, models.store("asked", 2.0))
    put(pool, replace(models.store("codes", 1.0), runs_code=True))
    rows = stream(a=[1.0, 2.0], b=[0.5, None])
    sql = "select asked(a, b) as p, a + 1 as q"
    answers = asyncio.run(pool.query("ann", sql, rows))
    assert pa.ipc.open_stream(answers).read_all().to_pylist() == [{"p": 3.0, "q": 2.0}, {"p": None, "q": 3.0}]
    few = Columns({"a": "double", "b": "double"}, [[1.0, 2.0], [0.5, None]])
    for _ in range(2):  # the second time it is known
        answers = asyncio.run(pool.query("ann", sql, few))
        assert answers == Columns({"p": "double", "q": "double"}, [[3.0, None], [2.0, 3.0]])
    for refused in ("select codes(a, b) as p", "select reflect('x', a) as p"):
        with pytest.raises(NotCarriedOver):
            asyncio.run(pool.query("ann", refused, rows))


def test_a_function_that_spark_alone_answers_says_so(pool, models):
    """It is listed with the reason."""
    put(
        pool,
        replace(models.store("spark", 1.0), trouble="functions of ScriptUDF are answered by Spark alone"),
    )
    with pytest.raises(DataError, match="Spark alone"):
        ask(pool, "ann", "spark", [ROW])
    assert "Spark alone" in pool.find("ann", "spark").trouble


def test_without_scorers_everything_is_kept_and_nothing_answered(opened, models):
    """``serving.scorers = 0``."""
    with opened(scorers=0) as pool:
        put(pool, models.store("kept", 1.0))
        assert pool.registrations.find("ann", "kept") is not None
        with pytest.raises(ConfigError, match="no scorers"):
            ask(pool, "ann", "kept", [ROW])


def test_the_scorers_end_with_the_pool(opened, models):
    """None is left, nor its socket."""
    with opened(models.store("last", 1.0)) as pool:
        assert ask(pool, "ann", "last", [ROW]) == [3.0]
        pid, socket = state(pool)["pid"], pool._shared[0].socket
    assert not socket.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_socket_whose_path_is_too_long_names_the_setting(opened, models, tmp_path):
    """The system takes a hundred bytes."""
    with (
        pytest.raises(ConfigError) as refused,
        opened(models.store("deep", 1.0), folder=tmp_path / ("long" * 30)),
    ):
        pass
    assert "serving.sockets" in refused.value.hint
