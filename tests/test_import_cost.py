"""What a start costs: nothing heavy is imported before it is used."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = (
    "pyspark",
    "py4j",
    "pandas",
    "pyarrow",
    "numpy",
    "sklearn",
    "mlflow",
    "fastapi",
    "uvicorn",
    "lark",
    "kafka",
)
HELP_SECONDS = 0.3


def run_python(code):
    """What a fresh Python prints that runs *code*."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)


def imported_by(code):
    """Which heavy packages *code* imports."""
    run = run_python(f"import sys\n{code}\nprint('\\n' + ' '.join(n for n in {HEAVY!r} if n in sys.modules))")
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()[-1]


def without(*packages):
    """Lines that make packages impossible to import."""
    return "import sys\n" + "".join(f"sys.modules[{name!r}] = None\n" for name in packages)


HELP = """
from mlsql.cli import main
try: main(['--help'])
except SystemExit: pass
"""


def test_importing_the_package_imports_nothing_heavy():
    """``import mlsql`` is free."""
    assert imported_by("import mlsql") == ""


def test_the_help_imports_nothing_heavy():
    """Whoever asks what there is does not wait for Spark."""
    assert imported_by(HELP) == ""


def test_the_help_comes_at_once():
    """In processor time, the best of five: other work on the machine does not count."""
    times = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert run_python(HELP).returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(times) < HELP_SECONDS


@pytest.mark.parametrize(
    "module",
    [
        "grammar",
        "variables",
        "plan",
        "policy",
        "registry",
        "options",
        "models",
        "events",
        "stages",
        "session",
    ],
)
def test_the_language_needs_no_spark(module):
    """A script can be checked where Spark, Arrow, MLflow and scikit-learn are absent."""
    absent = without("pyspark", "pyarrow", "mlflow", "sklearn", "fastapi", "kafka")
    run = run_python(f"{absent}import mlsql.{module}")
    assert run.returncode == 0, run.stderr


def test_the_stages_can_be_listed_without_spark():
    """Their options and capabilities are declared apart from what they run."""
    code = f"""{without("pyspark", "mlflow", "sklearn", "fastapi")}
import importlib, pkgutil, mlsql.stages
for each in pkgutil.walk_packages(mlsql.stages.__path__, "mlsql.stages."):
    importlib.import_module(each.name)
"""
    run = run_python(code)
    assert run.returncode == 0, run.stderr


def test_a_worker_starts_without_spark_http_and_the_grammar():
    """It has its own Python, on another machine perhaps."""
    run = run_python(without("pyspark", "fastapi", "lark") + "import mlsql.bridge.worker")
    assert run.returncode == 0, run.stderr
