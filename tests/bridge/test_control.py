"""The control channel."""

from __future__ import annotations

import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsql.bridge.control import Channel, ChannelClosed, Door, connect
from mlsql.bridge.reports import (
    Arrived,
    Assigned,
    Done,
    Ended,
    Failed,
    Logged,
    Measured,
    Packed,
    Piece,
    Progressed,
    Reading,
    Refused,
    Shipment,
    Started,
    Work,
)

TEXTS = st.text()
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
LABELS = st.one_of(TEXTS, st.integers(), st.booleans(), NUMBERS)
PLAIN = st.dictionaries(TEXTS, TEXTS | st.integers())
SHIPMENTS = st.builds(Shipment, PLAIN, PLAIN)
MESSAGES = st.one_of(
    st.builds(Work, SHIPMENTS, st.none() | SHIPMENTS),
    st.builds(Piece, TEXTS, TEXTS),
    st.builds(Packed, TEXTS, st.integers(), st.integers()),
    st.builds(Assigned, PLAIN, st.integers()),
    st.builds(Ended, TEXTS),
    st.builds(Arrived, TEXTS, TEXTS, PLAIN),
    st.builds(Refused, TEXTS, st.none() | TEXTS, st.none() | TEXTS),
    st.builds(Work, TEXTS, st.none() | TEXTS),
    st.builds(Started, NUMBERS),
    st.builds(Reading, st.integers(), NUMBERS),
    st.builds(Progressed, TEXTS, st.none() | NUMBERS),
    st.builds(Logged, TEXTS, TEXTS),
    st.builds(Measured, TEXTS, NUMBERS),
    st.builds(Failed, TEXTS, TEXTS, TEXTS),
    st.builds(
        Done,
        kind=st.sampled_from(["classifier", "regressor", "clusterer"]),
        features=st.integers(),
        answer=TEXTS,
        classes=st.none() | st.lists(LABELS).map(tuple),
        metrics=st.dictionaries(TEXTS, NUMBERS),
        libraries=st.dictionaries(TEXTS, TEXTS),
    ),
)


@pytest.fixture
def ends():
    """Both ends of a channel."""
    left, right = _pair()
    with left, right:
        yield left, right


def _pair():
    with Door() as door:
        far = connect(door.address, door.token)
        near = door.admit(5)
    assert near is not None
    return near, far


@given(st.lists(MESSAGES, max_size=5))
def test_messages_arrive_as_they_were_sent(messages):
    """The receiver gets equal messages in the same order."""
    near, far = _pair()
    with near, far:
        for message in messages:
            far.send(message)
        assert [near.receive(5) for _ in messages] == messages


def test_a_silent_worker_is_not_waited_for_longer_than_asked(ends):
    """Receiving gives None after its timeout."""
    near, _ = ends
    assert near.receive(0.01) is None


def test_a_message_larger_than_a_packet_arrives_whole(ends):
    """Half a megabyte comes as one message."""
    near, far = ends
    message = Failed("ValueError", "x" * 500_000, "")
    sender = threading.Thread(target=far.send, args=(message,))
    sender.start()
    assert near.receive(5) == message
    sender.join()


def test_each_side_notices_that_the_other_has_gone(ends):
    """After a close, receiving raises on the other side, and sooner or later so does sending."""
    near, far = ends
    near.close()
    with pytest.raises(ChannelClosed):
        far.receive(5)
    with pytest.raises(ChannelClosed):
        _send_forever(far)


def _send_forever(channel):
    while True:
        channel.send(Logged("still there?"))


def test_a_stranger_without_the_token_is_turned_away():
    """The door stays open for the worker after a stranger has knocked."""
    with Door() as door:
        stranger = connect(door.address, "0" * len(door.token))
        assert door.admit(5) is None
        with pytest.raises(ChannelClosed):
            stranger.receive(5)
        worker = connect(door.address, door.token)
        admitted = door.admit(5)
        assert isinstance(admitted, Channel)
        admitted.close()
        worker.close()


def test_a_stranger_who_leaves_early_is_turned_away():
    """Half a token is none."""
    with Door() as door:
        with socket.create_connection(door.address) as stranger:
            stranger.sendall(door.token[:10].encode())
        assert door.admit(5) is None


def test_a_token_works_once():
    """Nobody comes in after the worker."""
    with Door() as door:
        worker = connect(door.address, door.token)
        admitted = door.admit(5)
        assert admitted is not None
        with pytest.raises(OSError, match="refused"):
            connect(door.address, door.token)
        admitted.close()
        worker.close()


def test_the_door_is_on_loopback_alone():
    """Other machines cannot knock."""
    with Door() as door:
        assert door.address[0] == "127.0.0.1"
