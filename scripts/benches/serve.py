"""Predictions: embedded, over a socket and HTTP, in SQL; against ``mlflow models serve``; swaps under load.

The server is a process of its own with a real Spark, on loopback; its models are trained by a script.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Any

import mlsql
from mlsql.engine import default_owner
from mlsql.udf.serving.client import Line, SocketClient
from mlsql.udf.serving.protocol import Kind, read_json

from .measures import Figure, Measure, Row
from .serve_callers import BODY, FEATURES, SECONDS, Caller, requests_a_second, together
from .serve_processes import (
    MEMORY,
    ModelServer,
    mlflow_server,
    model_server,
    resident_bytes,
    seconds_of,
)

_CALLS, _QUICK_CALLS = 3000, 300
_LOAD_SECONDS, _QUICK_LOAD_SECONDS = 10, 3
_SWAPS = 20
_STARTS = 5
_IMPORT = """
from time import perf_counter
begun = perf_counter()
import mlsql
mlsql.load_predictor
print(perf_counter() - begun)
"""
_WARM_UP = 50
_LARGE = """
select transform(sequence(0, 19), k -> double(pmod(hash(id, k), 1000)) / 1000) as features,
  double(pmod(hash(id), 100)) as label from range(200) as rows;
train rows as SKLearn.`{root}/large` where `fitParam.0.alg`="MLPRegressor" and `fitParam.0.max_iter`="1"
  and `fitParam.0.hidden_layer_sizes`="[3600, 3600]" as t;
"""
_LARGE_MODELS = 10


def serve(*, quick: bool) -> Iterator[Row]:
    """Limits, then the peer."""
    calls = _QUICK_CALLS if quick else _CALLS
    with tempfile.TemporaryDirectory() as name, model_server(Path(name)) as server:
        yield _start()
        yield from _embedded(server.models, calls)
        yield from _over_socket(server.sockets, calls)
        yield from _over_http(server.port, calls)
        yield _throughput(server, _QUICK_LOAD_SECONDS if quick else _LOAD_SECONDS)
        yield _swaps(server.port, server.models)
        yield from _large(server)
        yield _against_mlflow(server, calls // 10)


def _start() -> Row:
    """What a program waits for before it can load a model."""
    run = [sys.executable, "-c", _IMPORT]
    times = [float(subprocess.check_output(run, timeout=SECONDS)) for _ in range(_STARTS)]
    return Figure("import of mlsql.load_predictor, p50", statistics.median(times) * 1e3, 200, "ms")


def _embedded(models: Path, calls: int) -> Iterator[Row]:
    numbers: Sequence[object] = FEATURES
    for name, row, target in (
        ("logistic", [numbers], 20e-6),
        ("forest", [numbers], 60e-6),
        ("pipeline", [*numbers, "kind1", "kind2", "kind3"], 150e-6),
    ):
        predictor = mlsql.load_predictor(str(models / name))
        times = _times(lambda row=row, ask=predictor.predict: ask(row), calls)  # type: ignore[misc]
        value, told = statistics.median(times) * 1e6, f"as {predictor.form}"
        yield Figure(f"embedded, {name}, p50", value, target * 1e6, "µs", told=told)


def _over_socket(sockets: Path, calls: int) -> Iterator[Row]:
    with SocketClient(sockets, owner=default_owner()) as client:
        times = _times(lambda: client.predict("forest", [[FEATURES]]), calls)
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


def _throughput(server: ModelServer, seconds: int) -> Row:
    """With the processor time that a request takes of the server's process and of the scorer's."""
    processes = (server.process, _state(server)["pid"])
    before = [*map(seconds_of, processes)]
    value, told = requests_a_second(server.port, seconds)
    used = [(seconds_of(each) - one) / (value * seconds) for each, one in zip(processes, before, strict=True)]
    told += f"; of the processor {used[0] * 1e6:.0f} µs in the server, {used[1] * 1e6:.0f} µs in the scorer"
    return Figure("requests a second, by one server process", value, 2000, "", at_least=True, told=told)


def _swaps(port: int, models: Path) -> Row:
    over, failed, answered, swapped = threading.Event(), list[str](), [0], [0]

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
                swapped[0] += 1
        finally:
            over.set()

    together([ask, swap])
    told = f"{answered[0]:,} answered"
    return Figure(f"failed requests during {swapped[0]} swaps", len(failed), 0, "", told=told)


def _large(server: ModelServer) -> Iterator[Row]:
    """Ten models of which half fit: each answers, also those that made room, and the limit is kept."""
    models, caller = server.models, Caller(server.port)
    caller.run(_LARGE.format(root=models))
    names = [f"large{number}" for number in range(_LARGE_MODELS)]
    scorer = _state(server)["pid"]
    before = resident_bytes(scorer)
    for each in names:
        shutil.copytree(models / "large", models / each)
        caller.run(f"register SKLearn.`{models}/{each}` as {each};")
    times, resident = list[float](), list[int]()
    for each in [*names, *names]:
        begun = time.perf_counter()
        caller.post(f"/api/v1/models/{each}/predict", BODY)
        times.append(time.perf_counter() - begun)
        resident.append(resident_bytes(scorer))
    state = _state(server)
    size = sum(each.stat().st_size for each in (models / "large").rglob("*.npz")) / 2**20
    told = f"of {_LARGE_MODELS} of {size:.0f} MiB each {state['models']} are loaded"
    yield Figure("models in memory, MiB", state["bytes"] / 2**20, MEMORY / 2**20, "MiB", told=told)
    told = f"above the {before / 2**20:.0f} MiB that it had before"
    name = "most memory of the scorer while they are asked in turns, MiB"
    yield Figure(name, (max(resident) - before) / 2**20, MEMORY / 2**20, "MiB", told=told)
    told = "asked in turns, so that each has to be loaded again"
    yield Figure("a model that had made room, p50", statistics.median(times) * 1e3, 1000, "ms", told=told)


def _state(server: ModelServer) -> Mapping[str, Any]:
    """How the scorer stands."""
    (door,) = server.sockets.glob("shared-*.sock")
    line = Line(door, SECONDS)
    try:
        told: Mapping[str, Any] = read_json(line.ask(Kind.STATE, b"").body)
        return told
    finally:
        line.close()


def _against_mlflow(server: ModelServer, calls: int) -> Row:
    (model,) = server.models.glob("forest/_model_*/model/0")
    with mlflow_server(model) as peer_port:
        peer = Caller(peer_port)
        body = json.dumps({"inputs": [FEATURES]})
        theirs = statistics.median(_times(lambda: peer.post("/invocations", body), calls))
    ours = statistics.median(_times(Caller(server.port).predict, calls))
    return Measure("HTTP, forest, against mlflow models serve", ours, theirs, 0.1)


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
