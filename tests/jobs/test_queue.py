"""The laws of the queue: limits, fairness among owners, priority, age."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from mlsql.jobs.queue import JobQueue, Limits

OWNERS = st.sampled_from(["ann", "bob", "eve"])
LIMITS = st.builds(Limits, st.integers(1, 4), st.integers(1, 4), st.just(100))
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), OWNERS, st.integers(-2, 2)),
        st.tuples(st.just("take")),
        st.tuples(st.just("end"), st.integers(0, 5)),
        st.tuples(st.just("remove"), st.integers(0, 20)),
    ),
    max_size=60,
)


def taken(queue):
    """Every job that may be taken now, in order."""
    return list(iter(queue.take, None))


@given(LIMITS, ACTIONS)
def test_no_limit_is_passed_and_no_job_is_lost_or_taken_twice(limits, actions):
    """Whatever is added, taken, ended and removed in whatever order."""
    queue, added, removed, gone, running = JobQueue(limits), {}, set(), [], []
    for action in actions:
        match action:
            case ("add", owner, priority):
                added[f"{len(added)}"] = owner
                queue.add(f"{len(added) - 1}", owner, priority)
            case ("take",):
                if (job := queue.take()) is not None:
                    gone.append(job)
                    running.append(job)
            case ("end", number) if running:
                queue.ended(added[running.pop(number % len(running))])
            case ("remove", number):
                if queue.remove(str(number)):
                    removed.add(str(number))
        assert len(running) == queue.running <= limits.concurrency
        owners = Counter(added[job] for job in running)
        assert max(owners.values(), default=0) <= limits.per_owner
        assert len(queue) == len(added) - len(gone) - len(removed)
    while len(queue) or running:
        gone.extend(more := taken(queue))
        running.extend(more)
        queue.ended(added[running.pop()])
    assert sorted([*gone, *removed]) == sorted(added)
    assert len(gone) == len(set(gone))


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=20))
def test_of_one_owner_the_highest_priority_comes_first_and_then_the_oldest(priorities):
    """A stable order."""
    queue = JobQueue(Limits(100, 100, 100))
    for number, priority in enumerate(priorities):
        queue.add(str(number), "ann", priority)
    order = sorted(range(len(priorities)), key=lambda number: (-priorities[number], number))
    assert taken(queue) == [str(number) for number in order]


@given(st.integers(1, 4), st.integers(2, 5), st.integers(1, 10))
def test_owners_take_turns_however_many_jobs_one_has(concurrency, owners, each):
    """While all of them wait, none is more than one job behind another."""
    queue = JobQueue(Limits(concurrency, concurrency, 1000))
    jobs = {}
    for owner in range(owners):
        for number in range(each * (1 + 10 * (owner == 0))):  # the first has eleven times as many
            job = f"{owner}-{number}"
            jobs[job] = str(owner)
            queue.add(job, str(owner), priority=5 * (owner == 0))
    served, running = Counter(), []
    while all(served[str(owner)] < each for owner in range(owners)):
        for job in taken(queue):
            served[jobs[job]] += 1
            running.append(job)
        assert max(served.values()) - min(served[str(owner)] for owner in range(owners)) <= 1 + concurrency
        queue.ended(jobs[running.pop(0)])


def test_an_owner_who_comes_late_is_served_next():
    """He has fewer jobs running than those who were there."""
    queue = JobQueue(Limits(2, 2, 100))
    for number in range(5):
        queue.add(f"ann-{number}", "ann")
    assert taken(queue) == ["ann-0", "ann-1"]
    queue.add("bob-0", "bob")
    queue.ended("ann")
    assert taken(queue) == ["bob-0"]
