"""A trainer for tests that does what its parameter ``do`` says; needs no library."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from mlsql.bridge.errors import OptionFault
from mlsql.bridge.trainer import Answers, Traits


@dataclass(frozen=True)
class Obedient:
    """Raises, hangs, dies, starts children, or trains well."""

    flavor: str = "json"

    def kind(self, params):
        """It regresses."""
        return "regressor"

    def check(self, params):
        """Refuse ``do=refuse``."""
        if params.get("do") == "refuse":
            raise OptionFault("refused", option="do", hint="do something else")

    def takes_list(self, params, name):
        """Only ``list`` does."""
        return name == "list"

    def prepare(self, params):
        """Sign a birth; die early when asked to."""
        if "born" in params:
            Path(params["born"]).write_text(str(os.getpid()))
        if params.get("do") == "die early":
            sys.stderr.write("cannot go on\n")
            os._exit(3)

    def continues(self, params):
        """When asked to."""
        return params.get("do") == "go on"

    def train(self, data, params, run, initial=None):
        """Do it."""
        run.progress("half way", 0.5)
        match params.get("do"):
            case "raise":
                raise ValueError("no fit today")
            case "sign":
                Path(params["sign"]).write_text(str(os.getpid()))
            case "hang" | "hang deaf" | "kill executor" as how:
                Path(params["sign"]).write_text(" ".join(map(str, _hang(how))))
                time.sleep(600)
            case "die":
                say("out of everything")
                os.kill(os.getpid(), signal.SIGKILL)
            case "eat":
                resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
                bytearray(2**32)
            case "talk":
                say("said to the terminal")
                run.log("said to the run")
                run.metric("loss", 0.25)
            case "report":
                return Mean(0.0, "\n".join(_surroundings(initial)))
            case "raise of much" if data.arrays()[1].max() > 5:
                raise ValueError("too much")
            case "raise of many" if data.rows > int(params["most"]):
                raise ValueError("too many")
        return Mean(float(data.arrays()[1].mean()) + float(params.get("add", 0)))

    def load(self, directory, columns):
        """What was saved."""
        return Mean(float((directory / "mean").read_text()))


def _hang(how):
    """Make it hard to end this process; the ids of those that are to end."""
    yield os.getpid()
    if how == "hang deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        yield subprocess.Popen(["sleep", "600"]).pid
    if how == "kill executor":  # worker, foreman, task, daemon, executor
        foreman = os.getppid()
        threading.Timer(1, os.kill, (_parent(_parent(_parent(foreman))), signal.SIGKILL)).start()
        yield foreman


def _parent(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _surroundings(initial):
    """What the worker has been given beside its data."""
    yield f"initial {initial.value}"
    yield f"said {os.environ['MLSQL_SAID']}"
    yield f"words {Path('words').read_text()}"
    yield f"threads {os.environ['OMP_NUM_THREADS']}"


def say(line):
    """Write to the worker's output."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@dataclass(frozen=True)
class Mean:
    """Answers every row with the mean of the labels."""

    value: float
    report: str = ""

    @property
    def traits(self):
        """A regressor of one column."""
        return Traits(kind="regressor", features=1, answer="double", libraries={"none": "0"})

    def answers(self, data):
        """The mean for every row."""
        matrix, truth = data.arrays()
        return Answers(matrix=matrix, truth=truth, guess=truth * 0 + self.value)

    def save(self, directory):
        """A text file."""
        directory.mkdir(parents=True)
        (directory / "mean").write_text(repr(self.value))
        if self.report:
            (directory / "report").write_text(self.report)
