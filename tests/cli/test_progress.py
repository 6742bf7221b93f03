"""What a run tells while it runs, line by line and live."""

from __future__ import annotations

import io
import logging

from mlsql.cli.progress import progress
from mlsql.events import Log, Progress, StatementEnded, StatementStarted, TableShown
from mlsql.spans import Script

SPAN = Script("a.mlsql", "select 1 as a;").span(0, 13)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        """It is."""
        return True


def told(*events, stream=None, level="info"):
    """What is written when *events* come."""
    stream = stream or io.StringIO()
    with progress(stream, level) as sink:
        for event in events:
            sink(event)
    return stream.getvalue()


def test_a_statement_is_told_when_it_starts_and_when_it_took_long_or_made_something():
    """A line each."""
    text = told(
        StatementStarted(1, 2, "select 1 as a", SPAN),
        StatementEnded(1, 2, "select 1 as a", 0.1),
        StatementStarted(2, 2, "save a", SPAN),
        StatementEnded(2, 2, "save a", 0.5, "3 rows"),
    )
    assert text == "[1/2] select 1 as a\n[2/2] save a\n      0.5 s, 3 rows\n"


def test_progress_is_told_once_in_a_while():
    """A hundred reports within a moment are one line; another thing's report is another."""
    reports = [Progress("worker 0", "fitting", share / 100) for share in range(100)]
    assert told(*reports, Progress("publish", "4 of 8 partitions")) == (
        "      worker 0: fitting 0%\n      publish: 4 of 8 partitions\n"
    )


def test_a_line_of_a_candidate_says_whose_it_is():
    """Several are fitted at the same time."""
    lines = told(Log("446 rows", candidate=1), Log("all done")).splitlines()
    assert lines == ["      candidate 1: 446 rows", "      all done"]


def test_a_table_stands_below_its_title():
    """Candidates of a train, drawn as results are."""
    text = told(TableShown("candidates", ("alg", "f1"), (("forest", 0.5), ("linear", None))))
    assert [line.removeprefix("      ") for line in text.splitlines()] == [
        "candidates",
        "alg       f1",
        "------  ----",
        "forest   0.5",
        "linear  null",
    ]


def test_the_log_goes_the_same_way_down_to_its_level():
    """Events and records of the package's loggers alike, secrets masked."""
    stream = io.StringIO()
    with progress(stream, "warning") as sink:
        sink(Log("quiet"))
        sink(Log('password="abc"', "warning"))
        logging.getLogger("mlsql.somewhere").warning("loud %s", 1)
    assert stream.getvalue() == '      password="***"\n      loud 1\n'
    assert logging.getLogger("mlsql").handlers == []


def test_a_closed_stream_does_not_end_the_run():
    """Nobody reads any more."""

    class Broken(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    with progress(Broken(), "info") as sink:
        sink(Log("x"))


def test_a_terminal_keeps_what_ended_and_forgets_what_ran():
    """The running statement is redrawn in place; markup in a title is text."""
    text = told(
        StatementStarted(1, 1, "select [red]a", SPAN),
        Progress("worker 0", "fitting"),
        StatementEnded(1, 1, "select [red]a", 2.0),
        stream=Terminal(),
    )
    assert "[1/1] select [red]a" in text
    assert "2.0 s" in text
