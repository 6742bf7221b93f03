"""Candidates in a process of their own, one by one: ``python -m mlsql.bridge.worker --job FILE``.

The library is imported while the data is on its way, MLflow in the background while the fit runs. A
worker serves until something is raised: then a new process takes the next candidate.
The worker ends itself, and everything that it started, when its control channel closes.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import os
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from pkgutil import resolve_name
from queue import Queue
from typing import TYPE_CHECKING, Any

from mlsql.bridge.control import (
    Channel,
    ChannelClosed,
    Done,
    Failed,
    Judged,
    Logged,
    Measured,
    Progressed,
    Reading,
    Started,
    Work,
    connect,
)
from mlsql.bridge.request import Columns, Equipment
from mlsql.bridge.trainer import Trainer
from mlsql.errors import MlsqlError
from mlsql.models import Column

if TYPE_CHECKING:
    from mlsql.bridge.dataset import Dataset

_IMPORTED_BY_MLFLOW = r"(mlflow|pydantic|requests|urllib3)\b"
"""What these warn of says nothing about a fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one worker is to do; the file that holds it is readable by its owner alone."""

    address: tuple[str, int]
    token: str
    trainer: str
    """The class of the trainer, as ``package.module:Class``."""
    params: dict[str, str]
    """Those of the first candidate, to prepare for."""
    columns: Columns
    stores: bool = True
    """Whether models will be stored, which takes MLflow."""
    equipment: Equipment = field(default_factory=Equipment)

    def write(self, file: Path) -> None:
        """Put the job into *file*, mode 0600."""
        file.touch(mode=0o600, exist_ok=False)
        file.write_text(json.dumps(dataclasses.asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, file: Path) -> Job:
        """The inverse of :meth:`write`."""
        raw: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        columns = raw["columns"]
        columns["features"] = tuple(Column(**each) for each in columns["features"])
        for role in ("label", "weight"):
            columns[role] = Column(**columns[role]) if columns[role] else None
        built = {"columns": Columns(**columns), "equipment": Equipment(**raw["equipment"])}
        return cls(**{**raw, **built, "address": tuple(raw["address"])})


@dataclass(frozen=True, slots=True)
class WorkerRun:
    """What a trainer tells goes to the driver."""

    channel: Channel

    def progress(self, doing: str, share: float | None = None) -> None:
        """Send how far the fit has come."""
        self.channel.send(Progressed(doing, share))

    def log(self, message: str, level: str = "info") -> None:
        """Send a line for the log."""
        self.channel.send(Logged(message, level))

    def metric(self, name: str, value: float) -> None:
        """Send a number that was measured."""
        self.channel.send(Measured(name, value))

    def warn(self, message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        """Send a warning of Python's, in the place of ``warnings.showwarning``."""
        self.log(f"{category.__name__}: {message}", "warning")


def main(arguments: Sequence[str] | None = None) -> int:
    """Do the job of the file named on the command line; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m mlsql.bridge.worker")
    parser.add_argument("--job", type=Path, required=True)
    job = Job.read(parser.parse_args(arguments).job)
    with connect(job.address, job.token) as channel:
        run = WorkerRun(channel)
        warnings.showwarning = run.warn
        warnings.filterwarnings("ignore", module=_IMPORTED_BY_MLFLOW)
        try:
            serve(job, run, _end_with_children)
        except ChannelClosed:
            return 1
        except Exception as error:  # noqa: BLE001 — whatever a fit raises is the candidate's result
            channel.send(_failure(error))
    return 0


def serve(job: Job, run: WorkerRun, end: Callable[[], None]) -> None:
    """Do the work that comes, as long as the driver is there; *end* is called when it goes."""
    channel = run.channel
    orders: Queue[Work | None] = Queue()
    threading.Thread(target=_listen, args=(channel, orders, end), daemon=True).start()
    start = time.monotonic()
    trainer: Trainer = resolve_name(job.trainer)()
    trainer.prepare(job.params)
    ready = time.monotonic()
    channel.send(Started(ready - start))
    if job.stores:
        threading.Thread(target=importlib.import_module, args=(trainer.flavor,)).start()
    while (work := orders.get()) is not None:  # comes, or the channel closes
        with warnings.catch_warnings():  # what one candidate has warned of, the next may warn of too
            channel.send(_Bench(trainer, job.columns, run, time.monotonic() - ready).do(work))
        ready = time.monotonic()


@dataclass(frozen=True, slots=True)
class _Bench:
    """What one piece of work is done with, after *waited* seconds for it."""

    trainer: Trainer
    columns: Columns
    run: WorkerRun
    waited: float

    def do(self, work: Work) -> Done | Judged:
        """The candidate fitted, judged or both; the model stored where there is a folder for it."""
        from mlsql.bridge.evaluation import evaluate
        from mlsql.bridge.validation import cross_validate

        self.run.channel.send(Reading(self._open(work.training or work.evaluation).rows, self.waited))
        if work.model is not None:
            self.run.progress("evaluating")
            stored = self.trainer.load(Path(work.model), self.columns)
            return Judged(evaluate(stored, self._open(work.evaluation), self.run))
        data = self._open(work.training)
        self.trainer.prepare(work.params)
        if work.folds is not None:
            return cross_validate(self.trainer, data, work.params, work.folds, self.run)
        return self._fit(data, work)

    def _fit(self, data: Dataset, work: Work) -> Done | Judged:
        from mlsql.bridge.evaluation import evaluate

        self.run.progress("fitting")
        initial = None if work.initial is None else self.trainer.load(Path(work.initial), self.columns)
        fitted = self.trainer.train(data, work.params, self.run, initial)
        metrics: dict[str, float] = {}
        if work.evaluation is not None:
            self.run.progress("evaluating")
            metrics = evaluate(fitted, self._open(work.evaluation), self.run)
        if work.output is None:
            return Judged(metrics)
        self.run.progress("storing")
        fitted.save(Path(work.output))
        return Done(**dataclasses.asdict(fitted.traits), metrics=metrics)

    def _open(self, file: str | None) -> Dataset:
        from mlsql.bridge.dataset import Dataset

        assert file is not None
        return Dataset.open(Path(file), self.columns)


def _failure(error: Exception) -> Failed:
    """What *error* says; errors of ours are sentences, which need no name before them."""
    if isinstance(error, MlsqlError):
        return Failed("", error.message, traceback.format_exc())
    return Failed(type(error).__name__, str(error), traceback.format_exc())


def _listen(channel: Channel, orders: Queue[Work | None], end: Callable[[], None]) -> None:
    try:
        while True:
            orders.put(channel.receive(None))
    except ChannelClosed:
        orders.put(None)
        if not channel.is_closed:
            end()


def _end_with_children() -> None:
    """End this process at once, and its group when it leads one."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
