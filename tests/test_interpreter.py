"""The loop: order, what is told, and what stops it. No Spark runs here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from mlsql.config.settings import Settings
from mlsql.errors import Cancelled, ScriptError
from mlsql.events import StatementEnded, StatementStarted
from mlsql.grammar import parse
from mlsql.interpreter import Interpreter, title_of
from mlsql.plan import SelectStep, SetStep
from mlsql.policy.policy import Policy
from mlsql.session import Nothing, Run, Session, Table
from mlsql.spans import Script
from mlsql.variables import Scope


@dataclass
class Recorder:
    """A stage that notes its steps; a query that says ``fail`` fails, one that says ``stop`` cancels."""

    steps: list = field(default_factory=list)

    def run(self, step, run):
        """Note the step, and do what its query says."""
        self.steps.append(step)
        if isinstance(step, SetStep):
            return Nothing()
        if "fail" in step.query.text:
            raise ScriptError("it failed")
        if "stop" in step.query.text:
            run.stop.cancel()
            raise ScriptError("what a cancelled job happens to raise")
        return Table(step.table.text if step.table else None, frame=step.query.text)


@pytest.fixture
def recorder():
    """The stage for both kinds of step."""
    return Recorder()


@pytest.fixture
def execute(recorder):
    """Run a text; the run, which holds the last table, and the events."""

    def execute(text):
        events = []
        script = Script("a.mlsql", text)
        scope = Scope.for_run(owner="ann", job_name="j", home="/h", now=datetime(2026, 1, 2, tzinfo=UTC))
        run = Run("id", script, Session("ann", spark=None), Settings(), Policy(), scope, sink=events.append)
        execute.run, execute.events = run, events
        Interpreter({SelectStep: recorder, SetStep: recorder}).run(parse(script), run)
        return run

    return execute


def test_the_last_statement_that_makes_a_table_gives_the_result(execute):
    """The last table counts, whatever came before it."""
    assert execute("select 1 as a; select 2 as b;").last == Table("b", "select 2")


def test_after_a_statement_without_rows_there_is_no_result(execute):
    """A ``set`` at the end leaves nothing to show."""
    assert execute("select 1 as a; set x = 1;").last is None


def test_each_statement_is_announced_and_reported(execute):
    """Progress says which statement of how many runs, and when it ended."""
    execute("select 1 as a; select 2 as b;")
    told = [(type(event), event.number, event.total) for event in execute.events]
    assert told == [
        (StatementStarted, 1, 2),
        (StatementEnded, 1, 2),
        (StatementStarted, 2, 2),
        (StatementEnded, 2, 2),
    ]


def test_a_failing_statement_stops_the_script_and_is_placed(execute, recorder):
    """What the stage did not place is placed at the statement; nothing behind it runs."""
    with pytest.raises(ScriptError) as caught:
        execute("select 1 as a;\nselect 'fail' as b;\nselect 3 as c;")
    assert caught.value.span.place == "a.mlsql:2:1"
    assert len(recorder.steps) == 2


def test_an_undefined_variable_fails_at_its_own_turn(execute, recorder):
    """Statements before it have run: planning is per statement."""
    with pytest.raises(ScriptError, match="'nix' is not defined"):
        execute("select 1 as a; select '${nix}' as b;")
    assert len(recorder.steps) == 1


def test_a_cancelled_run_is_cancelled_whatever_was_raised(execute):
    """The stop decides, not the accident that it caused."""
    with pytest.raises(Cancelled):
        execute("select 'stop' as a;")


def test_a_title_is_one_line():
    """Progress shows the beginning of a statement, blanks folded."""
    (statement,) = parse(Script("a", "select 1,\n       2 as a"))
    assert title_of(statement) == "select 1, 2 as a"
    assert title_of(statement, most=9) == "select 1…"
