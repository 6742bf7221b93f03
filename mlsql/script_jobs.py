"""What a job of the service does: run its script on the engine, and keep the rows of its last table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlsql.engine import Engine
from mlsql.events import Sink
from mlsql.job_results import ResultFolders
from mlsql.job_states import Job, Kept
from mlsql.stop import Stop

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


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
        )
        with result.reading() as frame:
            if frame is None or asked.silent:
                return None
            return self.results.keep_frame(job, frame, nulls=not result.run.scope.dialect.omits_nulls)


def spark_tasks(spark: SparkSession, job: str) -> dict[str, int]:
    """How many tasks the Spark stages of *job* have, those that Spark still knows, and how far they are."""
    tracker = spark.sparkContext.statusTracker()
    jobs = [tracker.getJobInfo(each) for each in tracker.getJobIdsForGroup(job)]
    ids = [stage for each in jobs if each for stage in each.stageIds]
    stages = [info for stage in ids if (info := tracker.getStageInfo(stage))]
    return {
        "stages": len(stages),
        "tasks": sum(each.numTasks for each in stages),
        "completed": sum(each.numCompletedTasks for each in stages),
        "failed": sum(each.numFailedTasks for each in stages),
    }
