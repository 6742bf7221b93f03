"""Servers of predictions, in processes of their own: ours, with a real Spark, and MLflow's."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from mlsql.config.settings import ServerSettings, ServingSettings, Settings
from mlsql.engine import Engine
from mlsql.rest.server import listen, serve_until
from mlsql.rest.service import engine_service, sockets_folder
from mlsql.stop import Stop

from .serve_callers import OK, ROOT, SECONDS, Caller

MEMORY = 512 * 2**20
"""Bytes of models that a scorer may hold."""
_NAMES = [f"n{number}" for number in range(20)]
_KINDS = ["k0", "k1", "k2"]
_SCRIPT = """
select transform(sequence(0, 19), k -> double(pmod(hash(id, k), 1000)) / 100) as features,
  transform(sequence(0, 2), k -> concat('kind', pmod(hash(id, -k), 5))) as kinds,
  pmod(hash(id), 7) > 3 as label from range(5000) as raw;
select features, int(label or features[0] > 5) as label, {numbers}, {kinds} from raw as rows;
train rows as SKLearn.`{root}/logistic` where `fitParam.0.alg`="LogisticRegression" and `fitParam.0.max_iter`="300" as t;
register SKLearn.`{root}/logistic` as logistic;
train rows as SKLearn.`{root}/forest` where `fitParam.0.alg`="RandomForestClassifier"
  and `fitParam.0.n_estimators`="100" and `fitParam.0.max_depth`="10" as t;
register SKLearn.`{root}/forest` as forest;
set prepared='''
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def train(data, params, run):
    frame, labels = data.inputs(), data.labels()
    kinds = ["k0", "k1", "k2"]
    numbers = [each for each in frame.columns if each not in kinds]
    steps = [
        ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), numbers),
        ("kinds", OneHotEncoder(handle_unknown="ignore"), kinds),
    ]
    return make_pipeline(ColumnTransformer(steps), LogisticRegression(max_iter=300)).fit(frame, labels)
''';
train rows as PythonAlg.`{root}/pipeline` where scripts="prepared" and labelCol="label" and inputCols="{inputs}" as t;
"""  # noqa: E501 -- statements


@dataclass(frozen=True, slots=True)
class ModelServer:
    """Our server: where it listens, its process, and the folder of its state and models."""

    port: int
    process: int
    folder: Path

    @property
    def models(self) -> Path:
        """Where models are stored."""
        return self.folder / "models"

    @property
    def sockets(self) -> Path:
        """Where its scorers listen."""
        return sockets_folder(Settings(server=ServerSettings(state=self.folder / "state")))


@contextmanager
def model_server(folder: Path) -> Iterator[ModelServer]:
    """Our server, whose state and models are in *folder*."""
    command = [sys.executable, "-m", "scripts.benches.serve_processes", str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            numbers = ", ".join(f"features[{number}] as {name}" for number, name in enumerate(_NAMES))
            kinds = ", ".join(f"kinds[{number}] as {name}" for number, name in enumerate(_KINDS))
            inputs = ",".join([*_NAMES, *_KINDS])
            root = folder / "models"
            Caller(port).run(_SCRIPT.format(root=root, numbers=numbers, kinds=kinds, inputs=inputs))
            yield ModelServer(port, process.pid, folder)
        finally:
            assert process.stdin is not None
            process.stdin.close()  # which ends it
            try:
                process.wait(SECONDS)
            finally:
                process.kill()


def _serve_models(folder: Path) -> None:
    """Answer until the standard input ends; print the port."""
    settings = Settings(
        server=ServerSettings(state=folder / "state"),
        serving=ServingSettings(memory=MEMORY),
        spark={"spark.master": "local[2]"},
    )
    stop = Stop()
    with (
        Engine.local(settings) as engine,
        engine_service(engine) as opened,
        listen("127.0.0.1", 0) as listener,
    ):
        print(listener.getsockname()[1], flush=True)

        def end() -> None:
            sys.stdin.read()
            stop.cancel()

        threading.Thread(target=end, daemon=True).start()
        serve_until(stop, opened, listener)


@contextmanager
def mlflow_server(model: Path) -> Iterator[int]:
    """MLflow's own server of a stored model."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(model)]
    command += ["-p", str(port), "--env-manager", "local", "--workers", "1"]
    output: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    process = subprocess.Popen(command, start_new_session=True, env={**os.environ, "PATH": beside}, **output)
    try:
        _until_it_answers(port)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(30)
        finally:
            process.kill()


def _until_it_answers(port: int) -> None:
    until = time.monotonic() + SECONDS
    while True:
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/ping")
            if connection.getresponse().status == OK:
                return
        except (OSError, HTTPException):
            pass
        if time.monotonic() > until:
            raise RuntimeError("mlflow models serve does not answer")
        time.sleep(0.2)


def seconds_of(process: int) -> float:
    """How much of a processor a process has used. Needs Linux's /proc."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(process: int) -> int:
    """How much memory a process has now. Needs Linux's /proc."""
    pages = int(Path(f"/proc/{process}/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    _serve_models(Path(sys.argv[1]))
