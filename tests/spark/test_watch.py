"""A process that ends by itself is noticed, and one that is ended after the block is not."""

from __future__ import annotations

import subprocess
from queue import Queue

import pytest

from mlsql.spark.watch import noticing_its_end

SECONDS = 60


@pytest.fixture
def process():
    """One that lives until it is killed."""
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process
        process.kill()


def test_how_a_process_has_ended_is_told(process):
    """As soon as it has."""
    told = Queue()
    with noticing_its_end(process, told.put):
        process.kill()
        assert told.get(timeout=SECONDS) == "was killed by SIGKILL (out of memory?)"


def test_an_end_after_the_block_is_nobodys_concern(process):
    """That is the one that was asked for."""
    told = Queue()
    with noticing_its_end(process, told.put):
        pass
    process.kill()
    process.wait(SECONDS)
    assert told.empty()


def test_without_a_process_there_is_nothing_to_notice():
    """As under spark-submit."""
    with noticing_its_end(None, pytest.fail):
        pass
