"""The stop of a run: cancel, deadline, and what they end."""

from __future__ import annotations

import threading
import time

import pytest

from mlsql.errors import Cancelled, TimedOut
from mlsql.stop import Stop


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self):
        """The time set."""
        return self.now


def test_a_stop_that_nobody_pressed_lets_everything_run():
    """No reason, no limit."""
    stop = Stop()
    stop.check()
    assert (stop.reason, stop.remaining) == (None, None)


def test_the_deadline_is_a_reason_from_its_moment_on():
    """Not before, and for ever after."""
    clock = Clock()
    stop = Stop(10, clock=clock)
    clock.now = 9.0
    stop.check()
    assert stop.remaining == 1.0
    clock.now = 10.0
    assert stop.remaining == 0.0
    with pytest.raises(TimedOut, match="within its 10 s"):
        stop.check()


def test_a_cancel_weighs_more_than_the_deadline():
    """Who asked is answered so."""
    clock = Clock()
    stop = Stop(1, clock=clock)
    clock.now = 2.0
    stop.cancel()
    assert isinstance(stop.reason, Cancelled)


def test_a_cancel_wakes_a_sleeper_at_once():
    """From another thread."""
    stop = Stop()
    timer = threading.Timer(0.1, stop.cancel)
    timer.start()
    begun = time.monotonic()
    with pytest.raises(Cancelled):
        stop.wait(30)
    timer.join()
    assert time.monotonic() - begun < 10


def test_a_sleeper_does_not_sleep_past_the_deadline():
    """The deadline cuts the wait short."""
    with pytest.raises(TimedOut):
        Stop(0.05).wait(30)


def test_a_wait_that_nothing_disturbs_ends_quietly():
    """After its own time."""
    Stop(30).wait(0.01)


def test_a_cancel_calls_the_endings_the_newest_first_and_each_once():
    """What was started last depends on what was started first."""
    stop, calls = Stop(), []
    with stop.ending(lambda: calls.append("outer")), stop.ending(lambda: calls.append("inner")):
        stop.cancel()
        stop.cancel()
    assert calls == ["inner", "outer"]


def test_an_ending_that_fails_keeps_no_other_from_its_turn():
    """What it raised is told when all have had theirs."""
    stop, calls = Stop(), []

    def fail():
        raise ConnectionError("gone")

    outer, inner = stop.ending(lambda: calls.append("outer")), stop.ending(fail)
    with outer, inner, pytest.raises(ConnectionError, match="gone"):
        stop.cancel()
    assert calls == ["outer"]


def test_an_ending_is_forgotten_with_its_block():
    """What has ended by itself is not ended again."""
    stop, calls = Stop(), []
    with stop.ending(lambda: calls.append("x")):
        pass
    stop.cancel()
    assert calls == []


def test_a_block_that_begins_after_the_stop_does_not_begin():
    """There is nothing to end, so nothing is called."""
    stop, calls = Stop(), []
    stop.cancel()
    with pytest.raises(Cancelled), stop.ending(lambda: calls.append("x")):
        calls.append("ran")
    assert calls == []


def test_the_timer_calls_the_endings_at_the_deadline():
    """As a cancel does, without anybody asking."""
    stop, ended = Stop(0.5), threading.Event()
    with stop.timer(), stop.ending(ended.set):
        assert ended.wait(10)
    assert isinstance(stop.reason, TimedOut)


def test_a_timer_that_is_not_needed_leaves_no_thread():
    """With or without a deadline."""
    before = threading.active_count()
    for stop in (Stop(60), Stop()):
        with stop.timer():
            pass
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before


def test_an_ending_that_came_too_early_is_called_again():
    """Until the block ends, and not after."""
    stop, calls, third = Stop(), [], threading.Event()

    def end():
        calls.append(1)
        if len(calls) == 3:
            third.set()

    with stop.ending(end, again=0.01):
        stop.cancel()
        assert third.wait(60)
    seen = len(calls)
    time.sleep(0.1)
    assert len(calls) <= seen + 1  # one may have begun when the block ended
