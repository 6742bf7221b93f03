"""What a job of the service does: run its script on the engine, and keep the rows of its last table."""

from __future__ import annotations

from dataclasses import dataclass

from mlsql.engine import Engine
from mlsql.events import Sink
from mlsql.jobs.results import ResultFolders
from mlsql.jobs.states import Job, Kept
from mlsql.stop import Stop


@dataclass(frozen=True, slots=True)
class ScriptWork:
    """Runs scripts on *engine*, and keeps their rows in *results*."""

    engine: Engine
    results: ResultFolders

    def __call__(self, job: Job, stop: Stop, sink: Sink, /) -> Kept | None:
        """What was kept; None of a script without a table, or whose rows nobody wants."""
        asked = job.submission
        result = self.engine.run(
            asked.script,
            owner=asked.owner,
            parameters=asked.parameters,
            sink=sink,
            stop=stop,
            job=job.id,
            dialect=asked.dialect,
            fresh=asked.fresh,
            role=asked.role,
            is_read=True,
        )
        with result.reading() as frame:
            if frame is None or asked.silent:
                return None
            run = result.run
            return self.results.keep_frame(
                job, frame, run.session.rows.take, nulls=not run.scope.dialect.omits_nulls
            )
