"""Whatever happens between tasks and reader: the rows of the ledger, each once and in order, or an error.

Hypothesis lets tasks start, send, die and finish in any order, and lets messages be lost, repeated,
delayed, damaged and mixed with those of others.
"""

import re
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mlsql.bridge.errors import InexactData
from mlsql.bridge.messages import Message
from tests.contracts.test_transport import ledger_of, messages_of, numbers, part_of

PARTITIONS = st.integers(0, 2)
ROWS = st.integers(0, 3)
FOREIGN = st.sampled_from([{"job": "other"}, {"stream": "evaluate"}, {"partition": 99}, {"attempt": 99}])
DAMAGED = st.one_of(
    st.fixed_dictionaries({"rows": st.integers(0, 4)}),
    st.fixed_dictionaries({"crc32c": st.integers(0, 9)}),
    st.fixed_dictionaries({"schema": st.just("other")}),
    st.fixed_dictionaries({"sequence": st.integers(-1, 5)}),
    st.fixed_dictionaries({"partition": PARTITIONS}),
    st.fixed_dictionaries({"attempt": st.integers(100, 110)}),
    FOREIGN,
)


class Died(Exception):
    """What a task dies of."""


@dataclass(eq=False)
class Task:
    """One attempt to publish a partition: what it has made, and what of it is still held up."""

    partition: int
    attempt: int
    writer: Any
    ending: ExitStack
    made: list[Message] = field(default_factory=list)
    late: list[Message] = field(default_factory=list)


class Publishing(RuleBasedStateMachine):
    """Tasks that publish the partitions of one frame; the first that finishes one is in the ledger."""

    tasks = Bundle("tasks")

    def __init__(self, transport, job):
        super().__init__()
        self.stream = transport.open(job, "train", partitions=3)
        self.timeout = 0.05 if transport.scheme == "spool" else 20.0
        self.attempts = count(100)
        self.running: list[Task] = []
        self.done: dict[int, Task] = {}
        self.parts: dict[int, Any] = {}
        self.wire: list[Message] = []
        self.suspect: set[int] = set()

    @precondition(lambda self: len(self.running) < 4)
    @rule(target=tasks, partition=PARTITIONS, foreign=st.none() | FOREIGN)
    def start(self, partition, foreign):
        """First tries, tries again, speculation: several tasks may have the same partition at once.

        Before its first message one of others may lie.
        """
        ending, attempt = ExitStack(), next(self.attempts)
        writer = ending.enter_context(self.stream.writer(partition, attempt))
        self.running.append(task := Task(partition, attempt, writer, ending))
        if foreign:
            self._mix(task, foreign)
        return task

    @rule(task=tasks, rows=ROWS)
    def send(self, task, rows):
        """The usual case."""
        self._travel(task, self._make(task, rows))

    @rule(task=tasks, rows=ROWS)
    def lose(self, task, rows):
        """The task believes that it has sent a message."""
        self._make(task, rows)

    @rule(task=tasks, rows=ROWS)
    def delay(self, task, rows):
        """A message that others overtake."""
        task.late.append(self._make(task, rows))

    @precondition(lambda self: any(task.made for task in self.running))
    @rule(task=tasks, data=st.data())
    def repeat(self, task, data):
        """A message comes again, or a lost one after all."""
        if task.made:
            self._travel(task, data.draw(st.sampled_from(task.made)))

    @rule(task=tasks, rows=ROWS, byte=st.integers(0, 999), bit=st.integers(0, 7))
    def damage_the_body(self, task, rows, byte, bit):
        """One bit of it is flipped."""
        message = self._make(task, rows)
        body = bytearray(message.body)
        body[byte % len(body)] ^= 1 << bit
        self._harm(task, replace(message, body=bytes(body)))

    @rule(task=tasks, rows=ROWS, damage=DAMAGED)
    def damage_the_header(self, task, rows, damage):
        """It may say that the message is another one, or another's."""
        message = self._make(task, rows)
        self._harm(task, replace(message, header=replace(message.header, **damage)))

    @rule(task=tasks, rows=ROWS)
    def exchange(self, task, rows):
        """Another message comes in its place, sound in itself."""
        message = self._make(task, rows)
        self._harm(task, message_of(self.stream, task, message.header.sequence, rows + 1))

    @rule(task=tasks, foreign=FOREIGN)
    def mix_in(self, task, foreign):
        """A message of another job, stream, partition or attempt lies between ours."""
        self._mix(task, foreign)

    @rule(task=consumes(tasks))
    def die(self, task):
        """In the middle; what has been sent lies there."""
        self.running.remove(task)
        with pytest.raises(Died), task.ending:
            raise Died

    @rule(task=consumes(tasks))
    def finish(self, task):
        """The first that does counts."""
        for message in reversed(task.late):
            self._travel(task, message)
        self.running.remove(task)
        with task.ending:
            place = task.writer.finish()
        if task.partition not in self.parts:
            self.done[task.partition] = task
            self.parts[task.partition] = part_of(task.made, task.partition, task.attempt, place)

    @precondition(lambda self: self.parts)
    @rule()
    def read(self):
        """As often as one likes: the rows, or what is wrong with a partition that something befell."""
        ledger = ledger_of(self.stream, [self.parts[partition] for partition in sorted(self.parts)])
        lost = {p for p, task in self.done.items() for message in task.made if message not in self.wire}
        found, fault = self._read(ledger)
        if fault:
            named = re.search(r"partition (\d+)\b.*expected .*found", fault)
            assert named, fault
            assert int(named[1]) in lost | self.suspect
        else:
            assert not lost
            assert found == [n for p in sorted(self.done) for n in _rows(self.done[p])]

    def teardown(self):
        """Tasks may outlive their stream."""
        if self.parts:
            self.read()
        self.stream.delete()
        for task in self.running:
            with pytest.raises(Died), task.ending:
                raise Died

    def _read(self, ledger):
        """The numbers that arrive, or what the error says."""
        try:
            return numbers(self.stream, ledger, timeout=self.timeout), None
        except InexactData as error:
            return None, error.message

    def _mix(self, task, foreign):
        message = message_of(self.stream, task, len(task.made), 2)
        self._travel(task, replace(message, header=replace(message.header, **foreign)))

    def _make(self, task, rows):
        task.made.append(message_of(self.stream, task, len(task.made), rows))
        return task.made[-1]

    def _travel(self, task, message):
        task.writer.send(message.header, message.body)
        self.wire.append(message)

    def _harm(self, task, message):
        self.suspect |= {task.partition, message.header.partition}
        self._travel(task, message)


def message_of(stream, task, sequence, rows):
    """The message of that number, with so many rows."""
    return messages_of(stream, task.partition, [0] * sequence + [rows], task.attempt)[-1]


def _rows(task):
    """The numbers that a task has made."""
    for message in task.made:
        first = task.partition * 1000 + message.header.sequence * 10
        yield from range(first, first + message.header.rows)


def test_the_reader_gives_the_rows_of_the_ledger_or_says_what_is_wrong(transport, jobs):
    """Many steps through memory and files, some through Kafka, where every task is a client."""
    most = settings.default.max_examples
    examples, steps = {"memory": (most // 2, 40), "spool": (most // 4, 40), "kafka": (2 + most // 100, 20)}[
        transport.scheme
    ]
    run_state_machine_as_test(
        lambda: Publishing(transport, next(jobs)),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
