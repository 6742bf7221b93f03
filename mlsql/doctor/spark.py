"""Whether Spark starts, and what its executors have: asked by a process of its own, which ends in time."""

from __future__ import annotations

import json
import pickle
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlsql.config.settings import Settings
from mlsql.doctor.examination import Check, Finding, failed, ok, warning
from mlsql.processes import run_process
from mlsql.stop import Stop

_SECONDS = 180.0
_LAST_LINES = 3


def _spark(settings: Settings) -> Iterator[Finding]:
    told = _probed(settings)
    yield ok("spark", f"Spark {told['spark']} on {told['master']}, {told['slots']} tasks at once")
    for executor in told["executors"]:
        yield _executor(executor, told["driver"])
    found = ", ".join(told["connectors"]) or "none"
    yield ok("connectors", f"on the classpath of Spark: {found}; `mlsql connectors list` shows others")


def _probed(settings: Settings) -> Mapping[str, Any]:
    """What the probe tells; its error, when it told none."""
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "settings"
        given.touch(0o600)
        given.write_bytes(pickle.dumps(settings))
        command = [sys.executable, "-m", "mlsql.doctor.spark_probe", str(given)]
        ended = run_process(command, timeout=_SECONDS, ending=Stop().ending)
    if ended.exit_code == 0:
        told: Mapping[str, Any] = json.loads(ended.output.splitlines()[-1])
        return told
    raise RuntimeError(" ".join(ended.errors.splitlines()[-_LAST_LINES:]))


def _executor(told: Mapping[str, Any], driver: Mapping[str, Any]) -> Finding:
    """Whether the Python of an executor is the driver's, with its packages."""
    place = f"the executor on {told['host']} runs Python {told['python']}"
    missing = sorted(name for name, found in told["packages"].items() if found is None)
    others = sorted(
        f"{name} {found} (here {driver['packages'][name]})"
        for name, found in told["packages"].items()
        if found not in (None, driver["packages"][name])
    )
    if missing:
        advice = "install them there, or have spark.pyspark.python name a Python that has them"
        return failed("executors", f"{place} without {', '.join(missing)}", advice)
    if others or told["python"] != driver["python"]:
        advice = "let driver and executors have the same environment"
        return warning("executors", f"{place} with {', '.join(others) or 'the same packages'}", advice)
    return ok("executors", f"{place} with the packages of the driver")


SPARK_CHECKS = (Check("spark", _spark, _SECONDS + 30.0),)
