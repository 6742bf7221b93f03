"""Signals: the first one cancels, a second SIGTERM changes nothing, a second Ctrl-C ends the process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mlsql.cli.exits import exit_codes

ROOT = Path(__file__).parents[2]
SECONDS = 60
PROGRAM = """
import sys, time
from mlsql.cli.signals import until_stopped
from mlsql.stop import Stop

stop = Stop()

def work():
    print("works", flush=True)
    while stop.reason is None:
        time.sleep(0.01)
    sys.stdin.readline()  # what is to be done before the end takes until the test says so
    return 7

sys.exit(until_stopped(work, stop, lambda text: print(text, flush=True)))
"""


@pytest.fixture
def process():
    """A process that works until a signal comes, and then until a line comes."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", PROGRAM], env=environment, **pipes) as process:
        assert process.stdout.readline() == "works\n"
        yield process
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_was_begun_is_ended_well_whatever_sigterm_comes_after(process, number):
    """Service managers send it to the group and to the process."""
    process.send_signal(number)
    assert process.stdout.readline() == "stopping …\n"
    for _ in range(2):
        process.send_signal(signal.SIGTERM)
    output, _ = process.communicate("\n", timeout=SECONDS)
    assert (process.returncode, output) == (7, "")


def test_a_second_interrupt_ends_the_process(process):
    """Whoever sits there does not want to wait."""
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "stopping …\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(SECONDS) == -signal.SIGINT


def test_an_interrupt_before_the_run_begins_ends_as_cancelled(capsys):
    """While settings are read, or the script is checked."""
    with pytest.raises(SystemExit) as ended, exit_codes():
        raise KeyboardInterrupt
    assert (ended.value.code, capsys.readouterr().err) == (5, "cancelled\n")
