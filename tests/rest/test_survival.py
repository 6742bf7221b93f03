"""A server that is killed at random moments: no job is unknown, none runs twice unasked, each end is told."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from mlsql.jobs.callback_messages import signature
from tests.receivers import receiver
from tests.rest.stand_in_server import SECRET

ROOT = Path(__file__).parents[2]
SERVER = Path(__file__).with_name("stand_in_server.py")
JOBS = "/api/v1/jobs"
SECONDS = 120
ENDS = {"succeeded", "failed", "cancelled", "timed_out", "lost"}


@dataclass
class Clients:
    """Three who submit as fast as they can, and remember what was accepted."""

    url: str
    callback: str
    accepted: dict[str, bool] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)

    def submit(self, seed):
        """Until the server is gone; every third job may run again."""
        chance = random.Random(seed)
        with httpx.Client(base_url=self.url, timeout=SECONDS) as client, suppress(httpx.TransportError):
            while not self.over.is_set():
                retry = chance.random() < 1 / 3
                body = {"script": "select 1 as id as t;", "owner": f"owner{seed}", "retryOnRestart": retry}
                reply = client.post(JOBS, json={**body, "callback": self.callback})
                self.accepted[reply.json()["id"]] = retry

    @contextmanager
    def busy(self):
        """A block in which they do."""
        threads = [threading.Thread(target=self.submit, args=(seed,)) for seed in range(3)]
        for each in threads:
            each.start()
        try:
            yield
        finally:
            self.over.set()
            for each in threads:
                each.join(SECONDS)


@contextmanager
def server(state):
    """A process and the address that it answers at; it is killed when the block ends."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(SERVER), str(state)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield process, f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


@dataclass
class Moody:
    """Answers of a receiver: every third delivery is turned away at its first try."""

    chance: random.Random
    seen: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)

    def __call__(self, handler):
        """Take a delivery, or not yet."""
        delivery = handler.headers["X-Mlsql-Delivery"]
        is_taken = delivery in self.seen or self.chance.random() > 1 / 3
        self.seen.add(delivery)
        if is_taken:
            self.taken.add(delivery)
        handler.send_response(200 if is_taken else 503)
        handler.send_header("Content-Length", "0")
        handler.end_headers()


def until(is_so):
    """Wait until *is_so*."""
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def listed(client):
    """Every job that the server knows."""
    jobs, cursor = {}, None
    while True:
        page = client.get(JOBS, params={"limit": 1000, **({"cursor": cursor} if cursor else {})}).json()
        jobs.update({each["id"]: each for each in page["jobs"]})
        if (cursor := page["next"]) is None:
            return jobs


def settled(client):
    """Every job, when all have ended."""
    until(lambda: ENDS.issuperset(each["state"] for each in listed(client).values()))
    return listed(client)


@pytest.mark.parametrize("kills", [5, pytest.param(50, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])])
def test_no_accepted_job_is_lost_sight_of_and_none_runs_twice_unasked(tmp_path, kills):
    """SIGKILL while clients submit, jobs run and callbacks wait, then a new server on the same state."""
    state, accepted, moments = tmp_path / "state", {}, random.Random(kills)
    moody = Moody(random.Random(kills))
    state.mkdir(mode=0o700)
    with receiver(moody) as receives:
        for _ in range(kills):
            with server(state) as (process, url):
                clients = Clients(url, receives.url, accepted)
                wanted = len(accepted) + moments.randint(1, 40)
                with clients.busy():
                    until(lambda wanted=wanted: len(accepted) >= wanted)
                    time.sleep(moments.uniform(0, 0.02))
                    process.kill()
        with server(state) as (_, url), httpx.Client(base_url=url, timeout=SECONDS) as client:
            jobs = settled(client)
            finished = [each for each in jobs.values() if each["state"] == "succeeded"]
            (rows,) = {client.get(each["result"]["url"]).text for each in finished[:50]}
            until(lambda: {f"{each}-1" for each in jobs} <= moody.taken)
    runs = Counter((tmp_path / "runs.txt").read_text(encoding="utf-8").split())
    assert len(accepted) > kills
    assert accepted.keys() - jobs.keys() == set()
    assert {each["state"] for each in jobs.values()} <= {"succeeded", "lost"}
    assert rows == '[{"id":1}\n,{"id":2}\n]'
    for job in jobs.values():
        assert runs[job["id"]] <= job["attempt"], job
        assert job["attempt"] == 1 or accepted.get(job["id"], True), job
        assert runs[job["id"]] or job["state"] == "lost", job
    for each in receives.told:
        told = json.loads(each.body)
        assert told["event"] == f"job.{jobs[told['job']['id']]['state']}"
        assert told["id"] == each.headers["X-Mlsql-Delivery"] == f"{told['job']['id']}-1"
        expected = signature(SECRET, each.headers["X-Mlsql-Timestamp"], each.body)
        assert each.headers["X-Mlsql-Signature"] == expected
