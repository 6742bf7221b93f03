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
import shutil
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from pkgutil import resolve_name
from queue import Queue
from typing import TYPE_CHECKING, Any

from mlsql.bridge.control import Channel, ChannelClosed, connect
from mlsql.bridge.parcels import Parcels, send_parcel
from mlsql.bridge.reports import (
    Done,
    Failed,
    Judged,
    Logged,
    Measured,
    Packed,
    Piece,
    Progressed,
    Reading,
    Refused,
    Started,
    Work,
)
from mlsql.bridge.request import Columns, Equipment
from mlsql.bridge.tables import Refusal, Tables
from mlsql.bridge.trainer import StoresForms, Trainer
from mlsql.errors import MlsqlError, RunError
from mlsql.models.manifest import Column

if TYPE_CHECKING:
    from mlsql.bridge.dataset import Dataset
    from mlsql.models.summaries import ClassDetail

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
    depot: str | None = None
    """The folder for tables that workers fetch: its name for all machines, on one of them its path."""

    def to_dict(self) -> dict[str, Any]:
        """The job in plain values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Job:
        """The inverse of :meth:`to_dict`."""
        columns = {**raw["columns"]}
        columns["features"] = tuple(Column(**each) for each in columns["features"])
        for role in ("label", "weight"):
            columns[role] = Column(**columns[role]) if columns[role] else None
        built = {"columns": Columns(**columns), "equipment": Equipment(**raw["equipment"])}
        return cls(**{**raw, **built, "address": tuple(raw["address"])})

    def write(self, file: Path) -> None:
        """Put the job into *file*, mode 0600."""
        file.touch(mode=0o600, exist_ok=False)
        file.write_text(json.dumps(self.to_dict()), encoding="utf-8")

    @classmethod
    def read(cls, file: Path) -> Job:
        """The inverse of :meth:`write`."""
        return cls.from_dict(json.loads(file.read_text(encoding="utf-8")))


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
    home = Path.cwd()
    orders: Queue[Work | None] = Queue()
    threading.Thread(target=_listen, args=(channel, orders, end, home), daemon=True).start()
    start = time.monotonic()
    trainer: Trainer = resolve_name(job.trainer)()
    trainer.prepare(job.params)
    ready = time.monotonic()
    channel.send(Started(ready - start))
    if job.stores:
        threading.Thread(target=importlib.import_module, args=(trainer.flavor,)).start()
    tables = Tables(job.columns, channel, None if job.depot is None else Path(job.depot))
    while (work := orders.get()) is not None:  # comes, or the channel closes
        with warnings.catch_warnings():  # what one candidate has warned of, the next may warn of too
            channel.send(_Bench(trainer, tables, run, home, time.monotonic() - ready).do(work))
        ready = time.monotonic()


@dataclass(frozen=True, slots=True)
class _Bench:
    """What one piece of work is done with, after *waited* seconds for it; parcels lie in *home*."""

    trainer: Trainer
    tables: Tables
    run: WorkerRun
    home: Path
    waited: float

    def do(self, work: Work) -> Done | Judged:
        """The candidate fitted, judged or both; the model stored where there is a folder for it."""
        from mlsql.bridge.evaluation import evaluate_in_detail
        from mlsql.bridge.validation import cross_validate

        tables = self.tables
        tables.bring(work.training, work.evaluation)
        self.run.channel.send(Reading(tables.open(work.training or work.evaluation).rows, self.waited))
        if work.model is not None:
            self.run.progress("evaluating")
            stored = self.trainer.load(self.home / work.model, tables.columns)
            metrics, detail = evaluate_in_detail(stored, tables.open(work.evaluation), self.run)
            return Judged(metrics, detail=detail)
        data = tables.open(work.training)
        self.trainer.prepare(work.params)
        if work.folds is not None:
            return cross_validate(self.trainer, data, work.params, work.folds, self.run)
        return self._fit(data, work)

    def _fit(self, data: Dataset, work: Work) -> Done | Judged:
        from mlsql.bridge.evaluation import evaluate_in_detail

        self.run.progress("fitting")
        columns = self.tables.columns
        initial = None if work.initial is None else self.trainer.load(self.home / work.initial, columns)
        fitted = self.trainer.train(data, work.params, self.run, initial)
        metrics: dict[str, float] = {}
        detail: ClassDetail | None = None
        if work.evaluation is not None:
            self.run.progress("evaluating")
            metrics, detail = evaluate_in_detail(fitted, self.tables.open(work.evaluation), self.run)
        if work.output is None:
            return Judged(metrics, detail=detail)
        self.run.progress("storing")
        output = self.home / work.output
        fitted.save(output)
        forms = fitted.store_forms(output) if isinstance(fitted, StoresForms) else ()
        if output != Path(work.output):  # the name of a parcel
            send_parcel(self.run.channel.send, work.output, output)
            shutil.rmtree(output)
        traits = dataclasses.asdict(fitted.traits)
        measured = traits.pop("measured")
        return Done(**traits, metrics={**measured, **metrics}, detail=detail, forms=forms)


def _failure(error: Exception) -> Failed | Refused:
    """What *error* says; errors of ours are sentences, which need no name before them."""
    if isinstance(error, Refusal):
        return error.told
    if isinstance(error, MlsqlError):
        return Failed("", error.message, traceback.format_exc())
    if isinstance(error, MemoryError):
        return Failed("", f"out of memory: {error}".rstrip(": "), traceback.format_exc())
    return Failed(type(error).__name__, str(error), traceback.format_exc())


def _listen(channel: Channel, orders: Queue[Work | None], end: Callable[[], None], home: Path) -> None:
    parcels = Parcels(home.joinpath)
    try:
        while True:
            message = channel.receive(None)
            if isinstance(message, Piece | Packed):
                parcels.take(message)
            else:
                orders.put(message)
    except RunError as error:
        channel.send(_failure(error))
        orders.put(None)
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
