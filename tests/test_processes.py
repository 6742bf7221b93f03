"""Child processes: their group, their end, and the words for it."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from mlsql.errors import RunError
from mlsql.processes import describe_exit, run_process, start_process
from mlsql.stop import Stop

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def lives(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until(fact, seconds=10):
    """Whether *fact* comes true in time."""
    deadline = time.monotonic() + seconds
    while not fact() and time.monotonic() < deadline:
        time.sleep(0.02)
    return fact()


def start_python(folder, *lines):
    """A child that runs these lines, which may tell a number, and then sleeps."""
    number = str(folder / "number")
    new = f"{number}.new"
    tell = f"def tell(n): pathlib.Path({new!r}).write_text(str(n)); os.rename({new!r}, {number!r})"
    program = folder / "program.py"
    program.write_text("\n".join(["import os, pathlib, time", tell, *lines, "time.sleep(60)"]))
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    return start_process([sys.executable, str(program)], environment=environment)


def told(folder):
    """The number that the child told."""
    assert wait_until((folder / "number").exists)
    return int((folder / "number").read_text())


def test_a_child_that_ends_gives_its_exit_code(tmp_path):
    """And its output is in the log."""
    log = tmp_path / "child.log"
    with start_process([sys.executable, "-c", "print('hello'); raise SystemExit(3)"], log=log) as child:
        assert child.wait(30) == 3
    assert child.last_lines() == "hello"


def test_waiting_has_an_end():
    """A child that still runs gives None."""
    with start_process(SLEEP) as child:
        assert child.wait(0.05) is None
        assert child.exit_code is None


def test_ending_takes_the_children_of_the_child_too(tmp_path):
    """The whole group goes, not only its leader."""
    child = start_python(
        tmp_path,
        "import subprocess, sys",
        f"tell(subprocess.Popen({SLEEP!r}).pid)",
    )
    grandchild = told(tmp_path)
    child.end()
    assert wait_until(lambda: not lives(grandchild))
    assert not lives(child.pid)


def test_a_child_that_ignores_sigterm_is_killed_after_the_grace(tmp_path):
    """The grace is the longest that an end takes."""
    child = start_python(
        tmp_path, "import signal", "signal.signal(signal.SIGTERM, signal.SIG_IGN)", "tell(os.getpid())"
    )
    assert told(tmp_path) == child.pid
    begun = time.monotonic()
    assert child.end(grace=0.2) == -signal.SIGKILL
    assert time.monotonic() - begun < 5


def test_ending_twice_is_harmless():
    """The second end finds nothing to do and tells the same code."""
    child = start_process(SLEEP)
    assert child.end() == child.end() == -signal.SIGTERM


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux tells a child of its parent's end"
)
def test_a_child_dies_with_a_parent_that_is_killed(tmp_path):
    """Even SIGKILL, which lets the parent clean nothing up, leaves no child."""
    parent = start_python(
        tmp_path,
        "from mlsql.processes import start_process",
        f"tell(start_process({SLEEP!r}).pid)",
    )
    child = told(tmp_path)
    assert lives(child)
    os.kill(parent.pid, signal.SIGKILL)
    parent.end()
    assert wait_until(lambda: not lives(child))


def test_the_environment_is_the_one_given_and_no_other():
    """What is not in it does not reach the child."""
    code = "import os,sys; sys.exit(0 if os.environ.get('A') == 'b' and 'HOME' not in os.environ else 1)"
    with start_process([sys.executable, "-c", code], environment={"A": "b"}) as child:
        assert child.wait(30) == 0


def test_a_program_that_is_not_there_is_named():
    """At once, not as an exit code of something else."""
    with pytest.raises(RunError, match="there is no program 'no-such-program'"):
        start_process(["no-such-program"])


def test_how_a_process_ended_is_told_in_words():
    """Codes and signals both."""
    assert describe_exit(-9) == "was killed by SIGKILL (out of memory?)"
    assert describe_exit(-signal.SIGSEGV) == "was killed by SIGSEGV"
    assert describe_exit(-200) == "was killed by signal 200"
    assert describe_exit(1) == "ended with exit code 1"
    assert describe_exit(0) == "ended well"


def test_what_a_process_writes_is_given():
    """Both streams apart, and its code; bytes that are no UTF-8 are replaced."""
    done = run_process(
        ["/bin/sh", "-c", "echo a; echo b >&2; printf '\\377'; exit 3"], timeout=10, ending=Stop().ending
    )
    assert (done.exit_code, done.output, done.errors) == (3, "a\n\ufffd", "b\n")


def test_a_process_that_takes_too_long_is_ended():
    """With all that it started."""
    with pytest.raises(RunError, match=r"'/bin/sh' did not end within 0\.2 s"):
        run_process(["/bin/sh", "-c", "sleep 60 & wait"], timeout=0.2, ending=Stop().ending)


def test_a_program_that_is_not_there_is_told():
    """By its name."""
    with pytest.raises(RunError, match="there is no program '/no/such'"):
        run_process(["/no/such"], timeout=10, ending=Stop().ending)
