"""The moves of a job: only forward, and never out of an end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlsql.jobs.states import ENDS, MOVES, JobState, may_move

PLACES = st.tuples(st.integers(1, 3), st.sampled_from(JobState))
RANK = {JobState.QUEUED: 0, JobState.RUNNING: 1, **dict.fromkeys(ENDS, 2)}


@given(PLACES, PLACES)
def test_a_job_only_moves_forward(before, after):
    """In the order of attempts, and within one from queued over running to an end."""
    if may_move(before, after):
        assert (before[0], RANK[before[1]]) < (after[0], RANK[after[1]])


@given(st.sampled_from(ENDS), st.integers(1, 3), PLACES)
def test_nothing_comes_after_an_end(end, attempt, after):
    """Also no other attempt."""
    assert end.is_end
    assert not may_move((attempt, end), after)


def test_every_end_but_a_cancel_is_of_a_job_that_ran():
    """A job that waits can be cancelled, and that is all."""
    assert MOVES[JobState.QUEUED] == {JobState.RUNNING, JobState.CANCELLED}
    assert MOVES[JobState.RUNNING] == set(ENDS)


def test_only_a_job_that_runs_is_queued_again():
    """As its next attempt."""
    assert may_move((1, JobState.RUNNING), (2, JobState.QUEUED))
    assert not may_move((1, JobState.QUEUED), (2, JobState.QUEUED))
    assert not may_move((1, JobState.RUNNING), (1, JobState.QUEUED))
