"""What the service counts and measures, in the form that Prometheus reads.

Each service has a registry of its own. What runs tells by events; what is kept elsewhere (jobs in
the database, callbacks, sessions) is asked for when somebody reads.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from mlsql import __version__
from mlsql.errors import MlsqlError
from mlsql.events import Carried, Event, Sink, WorkerEnded, WorkerStarted
from mlsql.jobs.states import Job, JobState, Kept
from mlsql.jobs.turns import Work
from mlsql.stop import Stop
from mlsql.udf.serving.keeper import ScorerFigures

_REQUEST_SECONDS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30, 300)
_JOB_SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 4 * 3600)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Counts:
    """What is counted elsewhere, by name; asked at each reading."""

    jobs: Callable[[], Mapping[JobState, int]]
    callbacks: Callable[[], Mapping[str, int]]
    sessions: Callable[[], int]
    scorers: Callable[[], Sequence[ScorerFigures]] = tuple


class Metrics:
    """The measures of one service."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        Info("mlsql", "The version of the server.", registry=registry).info({"version": __version__})
        self._requests = Histogram(
            "mlsql_http_request_seconds",
            "How long requests took to be answered, by route and status.",
            ("method", "route", "status"),
            buckets=_REQUEST_SECONDS,
            registry=registry,
        )
        self._accepted = Counter("mlsql_submissions", "Scripts that became jobs.", registry=registry)
        self._refused = Counter(
            "mlsql_submissions_refused",
            "Scripts that became no job, by the error that was told.",
            ("reason",),
            registry=registry,
        )
        self._waits = Histogram(
            "mlsql_job_wait_seconds",
            "How long jobs waited for their turn.",
            buckets=_JOB_SECONDS,
            registry=registry,
        )
        self._runs = Histogram(
            "mlsql_job_run_seconds",
            "How long jobs ran, by the state that they ended in.",
            ("state",),
            buckets=_JOB_SECONDS,
            registry=registry,
        )
        self._predictions = Histogram(
            "mlsql_scorer_request_seconds",
            "How long scorers took to answer what the server asked them.",
            buckets=_REQUEST_SECONDS,
            registry=registry,
        )
        self._not_predicted = Counter(
            "mlsql_scorer_failures",
            "What scorers were asked and did not answer, by the error that was told.",
            ("reason",),
            registry=registry,
        )
        self._workers = Gauge("mlsql_workers", "Worker processes that live now.", registry=registry)
        self._rows = Counter("mlsql_bridge_rows", "Rows carried to workers.", registry=registry)
        self._bytes = Counter("mlsql_bridge_bytes", "Bytes carried to workers.", registry=registry)

    def text(self) -> bytes:
        """Everything, as it is now."""
        return generate_latest(self.registry)

    def count(self, counts: Counts) -> None:
        """Tell what is counted elsewhere too."""
        self.registry.register(_Elsewhere(counts))

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was; its *route* is a template, so that there are only so many of them."""
        known = method if method in _METHODS else "other"
        self._requests.labels(known, route, str(status)).observe(seconds)

    @contextmanager
    def submitting(self) -> Iterator[None]:
        """A block that makes a job of a script, or raises why not."""
        try:
            yield
        except MlsqlError as error:
            self._refused.labels(type(error).__name__).inc()
            raise
        self._accepted.inc()

    @contextmanager
    def asking_scorer(self) -> Iterator[None]:
        """A block that waits for the answer of a scorer, or raises why there is none."""
        began = time.perf_counter()
        try:
            yield
        except Exception as error:
            self._not_predicted.labels(type(error).__name__).inc()
            raise
        finally:
            self._predictions.observe(time.perf_counter() - began)

    def ended(self, job: Job) -> None:
        """A job has, as its record says."""
        if job.ended is not None and job.started is not None:
            self._runs.labels(job.state.value).observe(job.ended - job.started)

    def counting(self, work: Work) -> Work:
        """*work*, whose jobs are measured while they run."""
        return _CountedWork(work, self)

    def began(self, job: Job) -> None:
        """A job has its turn."""
        if job.started is not None:
            self._waits.observe(max(0.0, job.started - job.submitted))

    def take(self, event: Event) -> None:
        """Count what an event tells."""
        match event:
            case Carried(rows, size):
                self._rows.inc(rows)
                self._bytes.inc(size)
            case WorkerStarted():
                self._workers.inc()
            case WorkerEnded():
                self._workers.dec()


@dataclass(frozen=True, slots=True)
class _CountedWork:
    work: Work
    metrics: Metrics

    def __call__(self, job: Job, stop: Stop, sink: Sink, /) -> Kept | None:
        def both(event: Event) -> None:
            self.metrics.take(event)
            sink(event)

        self.metrics.began(job)
        return self.work(job, stop, both)


@dataclass(frozen=True)
class _Elsewhere(Collector):
    counts: Counts

    def collect(self) -> Iterable[Family]:
        """The counts of now."""
        jobs = GaugeMetricFamily("mlsql_jobs", "Jobs that the database knows, by state.", labels=["state"])
        for state, number in self.counts.jobs().items():
            jobs.add_metric([state], number)
        tries = CounterMetricFamily(
            "mlsql_callbacks", "Tries to deliver a callback, by what became of them.", labels=["outcome"]
        )
        for outcome, number in self.counts.callbacks().items():
            tries.add_metric([outcome], number)
        sessions = GaugeMetricFamily(
            "mlsql_sessions", "Sessions of owners that are open.", value=self.counts.sessions()
        )
        return jobs, tries, sessions, *_scorer_families(self.counts.scorers())


def _scorer_families(scorers: Sequence[ScorerFigures]) -> list[Family]:
    """The processes that answer predictions, each by its name."""
    label = ["scorer"]
    ready = GaugeMetricFamily("mlsql_scorer_up", "Whether a scorer can be asked now.", labels=label)
    restarts = CounterMetricFamily(
        "mlsql_scorer_restarts", "How often a scorer was started again after it had ended.", labels=label
    )
    models = GaugeMetricFamily("mlsql_scorer_models", "Models that a scorer holds.", labels=label)
    size = GaugeMetricFamily("mlsql_scorer_models_bytes", "Memory that these models take.", labels=label)
    evictions = CounterMetricFamily(
        "mlsql_scorer_evictions", "Models that made room for others, since the scorer began.", labels=label
    )
    for each in scorers:
        ready.add_metric([each.name], each.is_ready)
        restarts.add_metric([each.name], each.restarts)
        models.add_metric([each.name], each.models)
        size.add_metric([each.name], each.bytes)
        evictions.add_metric([each.name], each.evictions)
    return [ready, restarts, models, size, evictions]
