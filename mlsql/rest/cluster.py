"""What the service asks of Spark besides running scripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from mlsql.engine import Engine
from mlsql.errors import RunError
from mlsql.predictions import Given, predict
from mlsql.roles import Role
from mlsql.spark.sessions import resources


class Cluster(Protocol):
    """Spark, as the service sees it; a test gives one that needs none."""

    def tasks(self, job: str, /) -> Mapping[str, int] | None:
        """How many tasks a job that runs has, and how far they are."""
        ...

    def resources(self) -> Mapping[str, int]:
        """How many cores and how much memory there are, and how much of that is used."""
        ...

    def sessions(self) -> int:
        """How many sessions of owners are open."""
        ...

    def answer(self) -> None:
        """Returns as soon as Spark has answered a query."""
        ...

    def predict(self, given: Given, sql: str, owner: str, role: Role, /) -> str:
        """The rows of a query over those that were given, as JSON."""
        ...

    def log_out(self, owner: str, /) -> None:
        """Close the session of *owner*; a conflict while it is used."""
        ...


@dataclass(frozen=True, slots=True)
class NoCluster:
    """No Spark at all."""

    def tasks(self, _job: str) -> None:
        """Nothing is known."""

    def resources(self) -> Mapping[str, int]:
        """Nothing is there."""
        return {}

    def sessions(self) -> int:
        """None is open."""
        return 0

    def answer(self) -> None:
        """Nothing has to answer."""

    def predict(self, _given: Given, _sql: str, _owner: str, _role: Role) -> str:
        """Nothing can be."""
        raise RunError("there is no Spark to predict with")

    def log_out(self, owner: str) -> None:
        """Nothing is kept."""


@dataclass(frozen=True, slots=True)
class SparkCluster:
    """The Spark of *engine*."""

    engine: Engine

    def tasks(self, job: str) -> Mapping[str, int]:
        """Of the Spark stages that Spark still knows."""
        tracker = self.engine.spark.sparkContext.statusTracker()
        jobs = [tracker.getJobInfo(each) for each in tracker.getJobIdsForGroup(job)]
        ids = [stage for each in jobs if each for stage in each.stageIds]
        stages = [info for stage in ids if (info := tracker.getStageInfo(stage))]
        return {
            "stages": len(stages),
            "tasks": sum(each.numTasks for each in stages),
            "completed": sum(each.numCompletedTasks for each in stages),
            "failed": sum(each.numFailedTasks for each in stages),
        }

    def resources(self) -> Mapping[str, int]:
        """Of the executors that there are now."""
        return resources(self.engine.spark)

    def sessions(self) -> int:
        """Those of the engine."""
        return self.engine.open_sessions

    def answer(self) -> None:
        """A query that needs no executor: jobs may use them all."""
        self.engine.spark.sql("values (1)").collect()

    def predict(self, given: Given, sql: str, owner: str, role: Role) -> str:
        """In the session of *owner*."""
        return predict(self.engine, given, sql, owner, role)

    def log_out(self, owner: str) -> None:
        """Close his session."""
        self.engine.log_out(owner)
