"""Scripts that run now: listed for their owner, found by id or name, and ended."""

from datetime import UTC, datetime

import pytest

from mlsql.config.settings import Settings
from mlsql.errors import Cancelled, UnknownName
from mlsql.events import StatementStarted
from mlsql.grammar.nodes import Word
from mlsql.policy.policy import Policy
from mlsql.session import Run, Session
from mlsql.spans import Script
from mlsql.stages.commands.forms import read_arguments
from mlsql.stages.commands.runs import COMMANDS, find, jobs, progress
from mlsql.variables import Scope

_KILL = COMMANDS["kill"]


def word(text):
    """A word of a call."""
    return Word(text, Script("call", text).span(0, len(text)))


def started(session, number):
    """A run of *session* that is called ``script-NUMBER.mlsql``."""
    settings = Settings()
    scope = Scope(now=datetime(2026, 1, 1, tzinfo=UTC))
    policy = Policy.from_settings(settings, session.owner)
    return Run(f"id-{number}", Script(f"script-{number}.mlsql", "!x;"), session, settings, policy, scope)


def kill(name, run):
    """Have *run* end the script called *name*."""
    return _KILL.run(read_arguments(word("kill"), _KILL.forms, [word(name)]), run)


def test_an_owner_sees_his_own_scripts_while_they_run():
    """Those of all his sessions, by id or name, with the statement that each has come to."""
    session = Session("ann", None)
    others = Session("bob", None, running=session.running)
    one, two, third = started(session, 1), started(session, 2), started(others, 3)
    one.emit(StatementStarted(2, 5, "select 1", one.script.span(0, 1)))
    with session.running.listed(one), session.running.listed(two), session.running.listed(third):
        assert jobs(one).rows == (
            ("id-1", "ann", "script-1.mlsql", 2, 5, "select 1"),
            ("id-2", "ann", "script-2.mlsql", None, None, None),
        )
        assert find(word("script-2.mlsql"), one) is find(word("id-2"), one) is two
        assert progress(two, word("id-1")).rows == ((2, 5, "select 1"),)
        with pytest.raises(UnknownName):
            find(word("id-3"), one)
    assert jobs(one).rows == ()


def test_a_script_that_ends_itself_goes_no_further():
    """As if it had been cancelled from outside."""
    run = started(Session("ann", None), 1)
    with run.session.running.listed(run), pytest.raises(Cancelled):
        kill("id-1", run)


def test_a_script_ends_another(spark):
    """Which is told so, and the result says which one it was."""
    session = Session("ann", spark)
    run, other = started(session, 1), started(session, 2)
    with session.running.listed(run), session.running.listed(other):
        (row,) = kill("script-2.mlsql", run).frame.collect()
    assert (row.id, row.name) == ("id-2", "script-2.mlsql")
    assert isinstance(other.stop.reason, Cancelled)
    assert run.stop.reason is None
