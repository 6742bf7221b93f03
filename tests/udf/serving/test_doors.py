"""The two kinds of doors of a scorer: who comes in, and what is asked there."""

from __future__ import annotations

import json
import socket
import stat
from dataclasses import replace

import pytest

from mlsql.errors import RunError, ScriptError
from mlsql.models.manifest import Column
from mlsql.udf.serving.client import Line, SocketClient
from mlsql.udf.serving.doors import TCP, UNIX, usual_kind
from mlsql.udf.serving.protocol import FrameReader, Kind, hello, read_error, write_frame
from tests.udf.serving.conftest import SECONDS, ask

ROW = [1.0, 2.0]


@pytest.fixture(scope="module", params=[UNIX, TCP])
def pool(request, opened):
    """A pool whose scorers listen at doors of one kind."""
    with opened(doors=request.param, own_scorers=1) as pool:
        yield pool


def test_whoever_may_come_in_is_answered(pool, models):
    """The server, and a program of the same user; also by a scorer that runs the code of an owner."""
    code = replace(models.store("code", 2.0, inputs=(Column("a", "string"),)), runs_code=True)
    for each in (models.store("plain", 1.0), code):
        pool.registrations.put(each)
    assert ask(pool, "ann", "plain", [ROW]) == [3.0]
    assert ask(pool, "ann", "code", [["x"]]) == [0.0]
    with SocketClient(pool._folder, owner="ann", timeout=SECONDS) as client:
        assert client.predict("plain", [ROW]) == [3.0]
        assert client.predict("code", [["x"]]) == [0.0]


def test_the_file_of_a_door_is_for_its_user_alone(pool, models):
    """A socket's, and the one that has the token."""
    pool.registrations.put(models.store("open", 1.0))
    assert ask(pool, "ann", "open", [ROW]) == [3.0]
    assert stat.S_IMODE(pool._folder.stat().st_mode) == 0o700
    (door,) = {each.socket for each in pool._shared}
    assert stat.S_IMODE(door.stat().st_mode) & 0o077 == 0


def test_nobody_comes_in_at_a_port_without_its_token(opened, models, tmp_path):
    """Neither with another one nor with none; a file that says nothing is told."""
    with opened(models.store("kept", 1.0), doors=TCP) as pool:
        assert ask(pool, "ann", "kept", [ROW]) == [3.0]
        told = json.loads((pool._folder / "shared-0.tcp").read_text())
        for wrong in ("", told["token"][:-1], "é", None):
            path = tmp_path / "shared-0.tcp"
            path.write_text(json.dumps(told | {"token": wrong}))
            with pytest.raises(ScriptError, match="opens no door"):
                Line(path, SECONDS)
        path.write_text("{}")
        with pytest.raises(RunError, match="no port and token"):
            Line(path, SECONDS)
        assert ask(pool, "ann", "kept", [ROW]) == [3.0]


def test_what_is_no_hello_is_refused_at_a_port(opened, models):
    """With the reason, and nobody else notices; the token is told to nobody, not even to the log."""
    with opened(models.store("kept", 1.0), doors=TCP) as pool:
        assert ask(pool, "ann", "kept", [ROW]) == [3.0]
        told = json.loads((pool._folder / "shared-0.tcp").read_text())
        for garbage, said in (
            (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "too large"),
            (write_frame(1, Kind.PREDICT, b"{}"), "no hello"),
            (write_frame(1, Kind.HELLO, b"{}"), "no hello"),
            (write_frame(1, Kind.HELLO, hello(version=7, token=told["token"])), "version 7"),
            (write_frame(1, Kind.HELLO, hello(token=None)), "opens no door"),
            (write_frame(1, Kind.HELLO, hello(token="x" * 5000)), "too large"),
        ):
            with socket.create_connection(("127.0.0.1", told["port"]), SECONDS) as bare:
                bare.sendall(garbage)
                (frame,) = FrameReader(10**4).feed(bare.recv(10**4))
                assert said in str(read_error(frame.body))
                assert told["token"] not in frame.body.decode()
        half = socket.create_connection(("127.0.0.1", told["port"]), SECONDS)
        half.sendall(write_frame(1, Kind.HELLO, hello())[:-3])
        assert ask(pool, "ann", "kept", [ROW]) == [3.0]
        half.close()
        (kept,) = pool._shared
        assert told["token"] not in " ".join(kept._command()) + kept._log.read_text()


def test_a_port_is_used_where_there_are_no_sockets(monkeypatch):
    """As on some systems."""
    assert usual_kind() == UNIX
    monkeypatch.delattr("socket.AF_UNIX")
    assert usual_kind() == TCP
