"""A run whose scripts go through the real grammar, plan and stages, on the suite's Spark."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlsql import stages
from mlsql.config.settings import BridgeSettings, Settings, TrainSettings
from mlsql.grammar import parse
from mlsql.interpreter import Interpreter
from mlsql.models.store import PathModelStore
from mlsql.policy.policy import Policy
from mlsql.session import Run, Session
from mlsql.spans import Script
from mlsql.spark.sessions import own_session
from mlsql.stop import Stop
from mlsql.variables import Scope


@dataclass
class Scripts:
    """Runs scripts one after the other in one session; ``events`` is what they told."""

    run: Run
    interpreter: Interpreter
    events: list
    path: Path

    def __call__(self, text):
        """The frame of the last table that *text* makes, None without one."""
        last = self.interpreter.run(parse(Script("test.mlsql", text)), self.run)
        return last.frame if last else None

    def rows(self, text):
        """Its rows as dictionaries."""
        return [row.asDict(recursive=True) for row in self(text).collect()]

    def table(self, name, rows, schema):
        """Make a table of *rows*."""
        self.run.spark.createDataFrame(rows, schema).createOrReplaceTempView(name)


@pytest.fixture
def scripts(spark, launcher, builtin_functions, tmp_path):
    """Scripts in a session of their own, whose paths start at the test's folder."""
    session = own_session(spark)
    builtin_functions.register(session)
    settings = Settings(
        bridge=BridgeSettings(spool=tmp_path / "spool"), train=TrainSettings(parallelism=2, timeout=120)
    )
    scope = Scope.for_run(
        owner="ann", job_name="job", home=str(tmp_path), now=datetime(2026, 1, 2, tzinfo=UTC)
    )
    events: list = []
    run = Run(
        id="0123456789abcdef",
        script=Script("test.mlsql", ""),
        session=Session("ann", session),
        settings=settings,
        policy=Policy(working_directory=tmp_path),
        scope=scope,
        stop=Stop(),
        sink=events.append,
    )
    return Scripts(run, Interpreter(stages.builtins(PathModelStore(), launcher=launcher)), events, tmp_path)
