"""A scorer by itself: what comes to its socket may be anything, and its disk may be full."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mlsql.config.settings import ServingSettings
from mlsql.errors import RunError, ScriptError
from mlsql.processes import start_process
from mlsql.udf.serving.client import Line, SocketClient
from mlsql.udf.serving.keeper import KeptScorer, _environment
from mlsql.udf.serving.protocol import (
    FrameReader,
    Kind,
    hello,
    read_error,
    read_json,
    write_frame,
    write_json,
)
from mlsql.udf.serving.questions import write_question
from tests.udf.serving.conftest import SECONDS
from tests.udf.serving.stand_in import PLACE

ROW = [1.0, 2.0]


def scorer(folder, log=None, **settings):
    """A scorer process that listens in *folder*."""
    chosen = replace(ServingSettings(), **settings)
    kept = KeptScorer(socket=folder / "shared-0.sock", settings=chosen, functions=list, opens=PLACE)
    process = start_process(kept._command(), environment=_environment(), log=log)
    deadline = time.monotonic() + SECONDS
    while not kept.socket.exists():
        assert process.exit_code is None, process.last_lines()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The folder of a scorer that gives nobody much time."""
    folder = tmp_path_factory.mktemp("s")
    with scorer(folder, folder / "log", timeout=0.5, message_bytes=100_000):
        yield folder


@pytest.fixture
def known(place, models):
    """A function that the scorer was told of."""
    registration = models.store("f", 1.0)
    line = Line(place / "shared-0.sock", SECONDS)
    told = {"put": [registration.record()], "gone": [], "loads": True}
    assert read_json(line.ask(Kind.CHANGE, write_json(told)).body) == [""]
    line.close()
    return place


def connected(place):
    """A bare connection."""
    bare = socket.socket(socket.AF_UNIX)
    bare.settimeout(SECONDS)
    bare.connect(str(place / "shared-0.sock"))
    return bare


def all_of(bare):
    """What comes until the scorer closes the connection."""
    received = b""
    try:
        while more := bare.recv(65536):
            received += more
    except ConnectionResetError:
        pass
    bare.close()
    return received


def answers(place):
    """What a well-behaved client is told."""
    with SocketClient(place, owner="ann", timeout=SECONDS) as client:
        return client.predict("f", [ROW])


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        bytes(range(255, -1, -1)) * 4,
        b"\xff" * 100,
        write_frame(1, Kind.HELLO, b"{}"),
        write_frame(1, Kind.PREDICT, b""),
        write_frame(1, Kind.HELLO, hello(version=7)),
    ],
)
def test_garbage_ends_its_connection_and_nothing_else(known, garbage):
    """With the reason, where it was a frame at all."""
    bare = connected(known)
    bare.sendall(garbage)
    (frame,) = FrameReader(10**6).feed(all_of(bare))
    assert (frame.number, frame.kind) == (0, Kind.ERROR)
    assert str(read_error(frame.body))
    assert answers(known) == [3.0]


@pytest.mark.parametrize("half", [b"", write_frame(1, Kind.HELLO, hello())[:-3]])
def test_who_does_not_say_hello_in_time_is_sent_away(known, half):
    """He may hold no connection."""
    bare = connected(known)
    bare.sendall(half)
    assert all_of(bare) == b""
    assert answers(known) == [3.0]


def test_half_a_question_is_given_up(known):
    """After the time that one may take to come in."""
    line = Line(known / "shared-0.sock", SECONDS)
    line._socket.sendall(write_frame(5, Kind.PREDICT, b"x" * 100)[:-1])
    assert all_of(line._socket) == b""
    assert answers(known) == [3.0]


def test_who_always_sends_is_answered(known):
    """Though a frame is under way at each moment, for longer than one may take."""
    line, question = Line(known / "shared-0.sock", SECONDS), write_question("ann", "f", [ROW], "")
    whole, found, reader = write_frame(7, Kind.PREDICT, question), [], FrameReader(1000)
    line._socket.sendall(whole[:9])
    while len(found) < 6:
        time.sleep(0.15)
        line._socket.sendall(whole[9:] + whole[:9])
        found += reader.feed(line._socket.recv(1000))
    assert [read_json(each.body) for each in found] == [[3.0]] * 6
    line.close()


def test_who_has_said_hello_may_be_silent(known):
    """A program keeps its connection between questions."""
    line = Line(known / "shared-0.sock", SECONDS)
    time.sleep(0.8)  # longer than the scorer waits for the rest of a frame
    question = write_question("ann", "f", [ROW], "")
    assert read_json(line.ask(Kind.PREDICT, question).body) == [3.0]
    line.close()


def test_a_frame_that_is_too_large_ends_its_connection(known):
    """A client asks first how much may be sent."""
    line = Line(known / "shared-0.sock", SECONDS)
    assert line.most == 100_000
    with pytest.raises(ScriptError, match="too large"):
        line.ask(Kind.PREDICT, b"x" * 100_001)
    line._socket.sendall(write_frame(9, Kind.PREDICT, b"x" * 100_001))
    (frame,) = FrameReader(10**6).feed(all_of(line._socket))
    assert "too large" in str(read_error(frame.body))
    assert answers(known) == [3.0]


def test_an_answer_that_is_too_large_is_an_error(known):
    """Of many rows."""
    with SocketClient(known, owner="ann", timeout=SECONDS) as client:
        with pytest.raises(ScriptError, match="too large"):
            client.predict("f", [[number / 7, 0.1] for number in range(3000)], companion="all")
        assert client.predict("f", [ROW]) == [3.0]


def test_a_frame_of_no_known_kind_is_an_error(known):
    """And the connection goes on."""
    line = Line(known / "shared-0.sock", SECONDS)
    with pytest.raises(ScriptError, match="no question"):
        line.ask(77, b"")
    assert read_json(line.ask(Kind.STATE, b"").body)["models"] >= 1
    line.close()


def test_its_socket_is_for_its_user_alone(known):
    """Whoever may enter the folder is trusted."""
    assert (known / "shared-0.sock").stat().st_mode & 0o077 == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full disk to write to")
def test_a_full_disk_keeps_nobody_from_an_answer(tmp_path_factory, models):
    """Only the log is written."""
    folder, registration = tmp_path_factory.mktemp("s"), models.store("f", 1.0)
    gone = replace(registration, function="gone", version=9)
    with scorer(folder, Path("/dev/full")):
        line = Line(folder / "shared-0.sock", SECONDS)
        told = {"put": [gone.record(), registration.record()], "gone": [], "loads": True}
        troubles = read_json(line.ask(Kind.CHANGE, write_json(told)).body)
        line.close()
        assert "no version 9" in troubles[0]  # which it logs
        assert answers(folder) == [3.0]


def test_where_nobody_listens_the_client_says_so(tmp_path):
    """Also behind a socket that was left."""
    with SocketClient(tmp_path, owner="ann") as client:
        with pytest.raises(ScriptError, match="no scorer listens"):
            client.predict("f", [ROW])
        (tmp_path / "shared-0.sock").touch()
        with pytest.raises(RunError, match="no scorer answers") as refused:
            client.predict("f", [ROW])
        assert refused.value.retriable


def test_a_scorer_imports_nothing_heavy():
    """It has to start in a moment."""
    heavy = ("pyspark", "pandas", "pyarrow", "sklearn", "mlflow", "fastapi", "lark", "sqlalchemy", "duckdb")
    code = f"import sys, mlsql.udf.serving.scorer; print([n for n in {heavy!r} if n in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env=_environment(),
        check=True,
    )
    assert run.stdout.strip() == "[]"
