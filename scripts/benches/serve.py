"""Predictions: embedded, over a socket and HTTP, in SQL; against ``mlflow models serve``; swaps under load.

The server is a process of its own with a real Spark, on loopback; its models are trained by a script.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import mlsql
from mlsql.config.settings import ServerSettings, ServingSettings, Settings
from mlsql.engine import Engine, default_owner
from mlsql.rest.server import listen, serve_until
from mlsql.rest.service import engine_service, sockets_folder
from mlsql.stop import Stop
from mlsql.udf.serving.client import Line, SocketClient
from mlsql.udf.serving.protocol import Kind, read_json

from .measures import Figure, Measure, Row

_ROOT = Path(__file__).parents[2]
_SECONDS = 240
_CALLS, _QUICK_CALLS = 3000, 300
_LOAD_SECONDS, _QUICK_LOAD_SECONDS = 10, 3
_CONNECTIONS, _CLIENTS = 8, 2
_SWAPS = 20
_WARM_UP = 50
_OK = 200
_FEATURES = [0.25 * number for number in range(20)]
_JSON = {"Content-Type": "application/json"}
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
_LARGE = """
select transform(sequence(0, 19), k -> double(pmod(hash(id, k), 1000)) / 1000) as features,
  double(pmod(hash(id), 100)) as label from range(200) as rows;
train rows as SKLearn.`{root}/large` where `fitParam.0.alg`="MLPRegressor" and `fitParam.0.max_iter`="1"
  and `fitParam.0.hidden_layer_sizes`="[3600, 3600]" as t;
"""
_LARGE_MODELS, _MEMORY = 10, 512 * 2**20
_NAMES = [f"n{number}" for number in range(20)]
_KINDS = ["k0", "k1", "k2"]


def serve(*, quick: bool) -> Iterator[Row]:
    """Limits, then the peer."""
    calls = _QUICK_CALLS if quick else _CALLS
    with tempfile.TemporaryDirectory() as name, _server(Path(name)) as port:
        folder = Path(name)
        yield from _embedded(folder / "models", calls)
        yield from _over_socket(folder / "state", calls)
        yield from _over_http(port, calls)
        yield _throughput(port, _QUICK_LOAD_SECONDS if quick else _LOAD_SECONDS)
        yield _swaps(port, folder / "models")
        yield from _large(port, folder)
        yield _against_mlflow(port, folder / "models", calls // 10)


def _embedded(models: Path, calls: int) -> Iterator[Row]:
    numbers: Sequence[object] = _FEATURES
    for name, row, target in (
        ("logistic", [numbers], 20e-6),
        ("forest", [numbers], 60e-6),
        ("pipeline", [*numbers, "kind1", "kind2", "kind3"], 150e-6),
    ):
        predictor = mlsql.load_predictor(str(models / name))
        times = _times(lambda row=row, ask=predictor.predict: ask(row), calls)  # type: ignore[misc]
        value, told = statistics.median(times) * 1e6, f"as {predictor.form}"
        yield Figure(f"embedded, {name}, p50", value, target * 1e6, "µs", told=told)


def _over_socket(state: Path, calls: int) -> Iterator[Row]:
    settings = Settings(server=ServerSettings(state=state))
    with SocketClient(sockets_folder(settings), owner=default_owner()) as client:
        times = _times(lambda: client.predict("forest", [[_FEATURES]]), calls)
    yield Figure("socket, forest, p50", statistics.median(times) * 1e6, 1000, "µs")


def _over_http(port: int, calls: int) -> Iterator[Row]:
    client = Caller(port)
    before = client.buckets()
    times = sorted(_times(client.predict, calls))
    value = _median_of(before, client.buckets())
    yield Figure("HTTP, forest, p50 in the server (of its histogram)", value * 1e3, 1, "ms")
    yield Figure("HTTP, forest, p50 seen by the client", times[len(times) // 2] * 1e3, 1.5, "ms")
    yield Figure("HTTP, forest, p99 seen by the client", times[len(times) * 99 // 100] * 1e3, 5, "ms")
    times = _times(client.query, calls)
    yield Figure(f"SQL over HTTP, p50, answered by {client.lane}", statistics.median(times) * 1e3, 2, "ms")


def _throughput(port: int, seconds: int) -> Row:
    """By wrk where it is installed, else by processes of our own, which take a part of the machine."""
    name = f"requests a second over {_CONNECTIONS} connections"
    if shutil.which("wrk"):
        value = _by_wrk(port, seconds)
        return Figure(name, value, 2000, "", at_least=True, told="by wrk")
    command = [sys.executable, "-m", "scripts.benches.serve", "load", str(port), str(seconds)]
    clients = [subprocess.Popen(command, stdout=subprocess.PIPE, cwd=_ROOT) for _ in range(_CLIENTS)]
    counts = [int(each.communicate(timeout=_SECONDS)[0]) for each in clients]
    told = f"by {_CLIENTS} processes; `apt-get install wrk` brings a load that takes less of the machine"
    return Figure(name, sum(counts) / seconds, 2000, "", at_least=True, told=told)


def _by_wrk(port: int, seconds: int) -> float:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(
            f"wrk.method='POST'\nwrk.headers['Content-Type']='application/json'\nwrk.body='{_BODY}'\n"
        )
        script.flush()
        url = f"http://127.0.0.1:{port}{_PREDICT}"
        command = ["wrk", "-t1", f"-c{_CONNECTIONS}", f"-d{seconds}s", "-s", script.name, url]
        told = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=True).stdout
    if "Non-2xx" in told:
        raise RuntimeError(told)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", told)[1])  # type: ignore[index]


def load(port: int, seconds: float) -> int:
    """How many requests are answered to this process."""
    counts, until = [0] * (_CONNECTIONS // _CLIENTS), time.monotonic() + seconds

    def ask(place: int) -> None:
        caller = Caller(port)
        while time.monotonic() < until:
            caller.predict()
            counts[place] += 1

    _together([lambda place=place: ask(place) for place in range(len(counts))])  # type: ignore[misc]
    return sum(counts)


def _swaps(port: int, models: Path) -> Row:
    over, failed, answered = threading.Event(), list[str](), [0]

    def ask() -> None:
        caller = Caller(port)
        while not over.is_set():
            try:
                caller.predict()
                answered[0] += 1
            except (RuntimeError, OSError, HTTPException) as error:
                failed.append(str(error))
                caller = Caller(port)

    def swap() -> None:
        try:
            for _ in range(_SWAPS):
                Caller(port).run(f"register SKLearn.`{models}/forest` as forest;")
        finally:
            over.set()

    _together([ask, swap])
    told = f"{answered[0]:,} answered"
    return Figure(f"failed requests during {_SWAPS} swaps", len(failed), 0, "", told=told)


def _large(port: int, folder: Path) -> Iterator[Row]:
    """Ten models of which half fit: each answers, also those that made room, and the limit is kept."""
    models, caller = folder / "models", Caller(port)
    caller.run(_LARGE.format(root=models))
    names = [f"large{number}" for number in range(_LARGE_MODELS)]
    for each in names:
        shutil.copytree(models / "large", models / each)
        caller.run(f"register SKLearn.`{models}/{each}` as {each};")
    times = []
    for each in [*names, *names]:
        begun = time.perf_counter()
        caller.post(f"/api/v1/models/{each}/predict", _BODY)
        times.append(time.perf_counter() - begun)
    settings = Settings(server=ServerSettings(state=folder / "state"))
    (door,) = sockets_folder(settings).glob("shared-*.sock")
    line = Line(door, _SECONDS)
    state = read_json(line.ask(Kind.STATE, b"").body)
    line.close()
    size = sum(each.stat().st_size for each in (models / "large").rglob("*.npz")) / 2**20
    told = f"of {_LARGE_MODELS} of {size:.0f} MiB each {state['models']} are loaded"
    yield Figure("models in memory, MiB", state["bytes"] / 2**20, _MEMORY / 2**20, "MiB", told=told)
    told = "asked in turns, so that each has to be loaded again"
    yield Figure("a model that had made room, p50", statistics.median(times) * 1e3, 1000, "ms", told=told)


def _against_mlflow(port: int, models: Path, calls: int) -> Row:
    (model,) = models.glob("forest/_model_*/model/0")
    with _mlflow(model) as peer_port:
        peer = Caller(peer_port)
        body = json.dumps({"inputs": [_FEATURES]})
        theirs = statistics.median(_times(lambda: peer.post("/invocations", body), calls))
    ours = statistics.median(_times(Caller(port).predict, calls))
    return Measure("HTTP, forest, against mlflow models serve", ours, theirs, 0.1)


class Caller:
    """One connection that is kept."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
        self.lane = ""
        """Who answered the last query."""

    def predict(self) -> Any:
        """The answer for one row."""
        return self.post(_PREDICT, _BODY)

    def query(self) -> Any:
        """The answer for one row in SQL."""
        return self.post("/model/predict", _QUERY)

    def run(self, script: str) -> Any:
        """What a script gives."""
        return self.post("/run/script", json.dumps({"sql": script, "silence": True}))

    def buckets(self) -> Mapping[float, float]:
        """How many requests of the route took at most so many seconds."""
        self._connection.request("GET", "/metrics")
        text = self._connection.getresponse().read().decode()
        found = re.finditer(
            r'mlsql_http_request_seconds_bucket\{le="([^"]+)"[^}]*\{function\}/predict"[^}]*\} (\S+)', text
        )
        return {float(each[1]): float(each[2]) for each in found}

    def post(self, path: str, body: str) -> Any:
        """The reply; a RuntimeError when it is no success."""
        self._connection.request("POST", path, body, _JSON)
        reply = self._connection.getresponse()
        told = reply.read()
        if reply.status != _OK:
            raise RuntimeError(f"{reply.status}: {told.decode()}")
        self.lane = reply.headers.get("X-Mlsql-Lane", "")
        return json.loads(told)


_PREDICT = "/api/v1/models/forest/predict"
_BODY = json.dumps({"rows": [[_FEATURES]]})
_QUERY = json.dumps({"data": [_FEATURES], "sql": "select forest(vec_dense(feature)) as p"})


def _median_of(before: Mapping[float, float], after: Mapping[float, float]) -> float:
    """The seconds below which half of the requests between two readings lie, even within a bucket."""
    counts = {limit: count - before.get(limit, 0) for limit, count in sorted(after.items())}
    half, low, below = max(counts.values()) / 2, 0.0, 0.0
    for limit, count in counts.items():
        if count >= half:
            return low + (limit - low) * (half - below) / (count - below)
        low, below = limit, count
    return low


def _times(run: Callable[[], object], count: int) -> list[float]:
    for _ in range(_WARM_UP):
        run()
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        run()
        times.append(time.perf_counter() - begun)
    return times


def _together(runs: Sequence[Callable[[], object]]) -> None:
    threads = [threading.Thread(target=each, daemon=True) for each in runs]
    for each in threads:
        each.start()
    for each in threads:
        each.join(_SECONDS)


@contextmanager
def _server(folder: Path) -> Iterator[int]:
    command = [sys.executable, "-m", "scripts.benches.serve", "server", str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT
    ) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            numbers = ", ".join(f"features[{number}] as {name}" for number, name in enumerate(_NAMES))
            kinds = ", ".join(f"kinds[{number}] as {name}" for number, name in enumerate(_KINDS))
            inputs = ",".join([*_NAMES, *_KINDS])
            root = folder / "models"
            Caller(port).run(_SCRIPT.format(root=root, numbers=numbers, kinds=kinds, inputs=inputs))
            yield port
        finally:
            assert process.stdin is not None
            process.stdin.close()  # which ends it
            try:
                process.wait(_SECONDS)
            finally:
                process.kill()


def serve_models(folder: Path) -> None:
    """Answer until the standard input ends; print the port."""
    settings = Settings(
        server=ServerSettings(state=folder / "state"),
        serving=ServingSettings(memory=_MEMORY),
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
def _mlflow(model: Path) -> Iterator[int]:
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
    until = time.monotonic() + _SECONDS
    while True:
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/ping")
            if connection.getresponse().status == _OK:
                return
        except (OSError, HTTPException):
            pass
        if time.monotonic() > until:
            raise RuntimeError("mlflow models serve does not answer")
        time.sleep(0.2)


if __name__ == "__main__":  # the server that is measured, or a client that loads it
    match sys.argv[1:]:
        case ["server", folder]:
            serve_models(Path(folder))
        case ["load", port, seconds]:
            print(load(int(port), float(seconds)))
