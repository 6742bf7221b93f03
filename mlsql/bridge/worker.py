"""One candidate in a process of its own: ``python -m mlsql.bridge.worker --job FILE``.

The library is imported while the data is on its way, MLflow in the background while the fit runs.
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
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from queue import Queue
from typing import Any

from mlsql.bridge.control import (
    Channel,
    ChannelClosed,
    Done,
    Failed,
    Logged,
    Measured,
    Progressed,
    Reading,
    Started,
    Work,
    connect,
)
from mlsql.bridge.request import Columns
from mlsql.bridge.trainer import Trainer
from mlsql.errors import MlsqlError
from mlsql.models import Column

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
    columns: Columns
    output: str
    """The folder to store the model in."""

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
        return cls(**{**raw, "address": tuple(raw["address"]), "columns": Columns(**columns)})


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
            channel.send(do(job, run, _end_with_children))
        except ChannelClosed:
            return 1
        except Exception as error:  # noqa: BLE001 — whatever a fit raises is the candidate's result
            channel.send(_failure(error))
    return 0


def do(job: Job, run: WorkerRun, end: Callable[[], None]) -> Done:
    """The job done: the candidate trained, evaluated and stored; *end* is called when the driver goes."""
    channel = run.channel
    orders: Queue[Work] = Queue()
    threading.Thread(target=_listen, args=(channel, orders, end), daemon=True).start()
    start = time.monotonic()
    trainer: Trainer = resolve_name(job.trainer)()
    trainer.prepare(job.params)
    started = time.monotonic()
    channel.send(Started(started - start))
    threading.Thread(target=importlib.import_module, args=(trainer.flavor,)).start()
    work = orders.get()  # comes, or the channel closes
    return _fit(job, trainer, work, run, time.monotonic() - started)


def _fit(job: Job, trainer: Trainer, work: Work, run: WorkerRun, waited: float) -> Done:
    from mlsql.bridge.dataset import Dataset
    from mlsql.bridge.evaluation import evaluate

    data = Dataset.open(Path(work.training), job.columns)
    run.channel.send(Reading(data.rows, waited))
    run.progress("fitting")
    fitted = trainer.train(data, job.params, run)
    metrics: dict[str, float] = {}
    if work.evaluation is not None:
        run.progress("evaluating")
        metrics = evaluate(fitted, Dataset.open(Path(work.evaluation), job.columns), run)
    run.progress("storing")
    fitted.save(Path(job.output))
    return Done(**dataclasses.asdict(fitted.traits), metrics=metrics)


def _failure(error: Exception) -> Failed:
    """What *error* says; errors of ours are sentences, which need no name before them."""
    if isinstance(error, MlsqlError):
        return Failed("", error.message, traceback.format_exc())
    return Failed(type(error).__name__, str(error), traceback.format_exc())


def _listen(channel: Channel, orders: Queue[Work], end: Callable[[], None]) -> None:
    try:
        while True:
            orders.put(channel.receive(None))
    except ChannelClosed:
        if not channel.is_closed:
            end()


def _end_with_children() -> None:
    """End this process at once, and its group when it leads one."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
