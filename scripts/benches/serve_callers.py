"""Clients that ask a server of predictions: one connection, and as many requests as it answers."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SECONDS = 240
FEATURES = [0.25 * number for number in range(20)]
PREDICT = "/api/v1/models/forest/predict"
BODY = json.dumps({"rows": [[FEATURES]]})
_QUERY = json.dumps({"data": [FEATURES], "sql": "select forest(vec_dense(feature)) as p"})
_JSON = {"Content-Type": "application/json"}
OK = 200
CONNECTIONS, _CLIENTS = 8, 2


class Caller:
    """One connection that is kept."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        self.lane = ""
        """Who answered the last query."""

    def predict(self) -> Any:
        """The answer for one row."""
        return self.post(PREDICT, BODY)

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
        if reply.status != OK:
            raise RuntimeError(f"{reply.status}: {told.decode()}")
        self.lane = reply.headers.get("X-Mlsql-Lane", "")
        return json.loads(told)


def requests_a_second(port: int, seconds: int) -> tuple[float, str]:
    """How many are answered over several connections, and by whom they were sent.

    By wrk where it is installed, else by processes of our own, which take a part of the machine.
    """
    if shutil.which("wrk"):
        return _by_wrk(port, seconds), "by wrk"
    command = [sys.executable, "-m", "scripts.benches.serve_callers", str(port), str(seconds)]
    clients = [subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) for _ in range(_CLIENTS)]
    counts = [int(each.communicate(timeout=SECONDS)[0]) for each in clients]
    told = f"by {_CLIENTS} processes; `apt-get install wrk` brings a load that takes less of the machine"
    return sum(counts) / seconds, told


def _by_wrk(port: int, seconds: int) -> float:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(
            f"wrk.method='POST'\nwrk.headers['Content-Type']='application/json'\nwrk.body='{BODY}'\n"
        )
        script.flush()
        url = f"http://127.0.0.1:{port}{PREDICT}"
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", script.name, url]
        told = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True).stdout
    if "Non-2xx" in told:
        raise RuntimeError(told)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", told)[1])  # type: ignore[index]


def _load(port: int, seconds: float) -> int:
    """How many requests are answered to this process."""
    counts, until = [0] * (CONNECTIONS // _CLIENTS), time.monotonic() + seconds

    def ask(place: int) -> None:
        caller = Caller(port)
        while time.monotonic() < until:
            caller.predict()
            counts[place] += 1

    together([lambda place=place: ask(place) for place in range(len(counts))])  # type: ignore[misc]
    return sum(counts)


def together(runs: Sequence[Callable[[], object]]) -> None:
    """Run each in a thread of its own, until all have ended."""
    threads = [threading.Thread(target=each, daemon=True) for each in runs]
    for each in threads:
        each.start()
    for each in threads:
        each.join(SECONDS)


if __name__ == "__main__":
    print(_load(int(sys.argv[1]), float(sys.argv[2])))
