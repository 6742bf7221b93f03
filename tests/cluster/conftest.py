"""A standalone Spark cluster on this machine: a Master and two Workers of PySpark's own jars."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pyspark
import pytest

from mlsql.processes import start_process
from mlsql.spark.java import find_java

ROOT = Path(__file__).parents[2]
SPARK = Path(pyspark.__file__).parent
START_SECONDS = 120
SUBMIT_SECONDS = 600
_MODULES = ("java.lang", "java.lang.invoke", "java.io", "java.net", "java.nio", "java.util", "sun.nio.ch")
_OPTIONS = [
    "-Xmx256m",
    "-XX:TieredStopAtLevel=1",
    *(f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in _MODULES),
]


@dataclass(frozen=True)
class Cluster:
    """A running cluster, and what a job needs to be submitted to it."""

    master: str
    python: Path
    """An interpreter with the packages of this one, but not with ours."""
    package: Path
    temporary: Path
    """Where all processes of the cluster make their temporary files."""

    def submit(self, *command, conf, files=()):
        """What ``spark-submit`` in client mode says, having run *command* with the package and *files*."""
        given = {
            "spark.executor.cores": "1",
            "spark.executor.memory": "512m",
            "spark.driver.memory": "512m",
            "spark.ui.enabled": "false",
            "spark.sql.shuffle.partitions": "4",
            "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1",
        } | conf
        options = [each for name, value in given.items() for each in ("--conf", f"{name}={value}")]
        shipped = ",".join(map(str, (self.package, *files)))
        submit = [str(SPARK / "bin" / "spark-submit"), "--master", self.master, "--py-files", shipped]
        return subprocess.run(
            [*submit, *options, *map(str, command)],
            env=self.environment | {"PYSPARK_PYTHON": str(self.python)},
            cwd=self.temporary.parent,
            capture_output=True,
            text=True,
            timeout=SUBMIT_SECONDS,
            check=False,
        )

    @property
    def environment(self):
        """That of every process of the cluster: nothing leads to this checkout."""
        return environment(self.temporary)


def environment(temporary):
    """What Spark's programs are started with."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    (core,) = (SPARK / "jars").glob("spark-core_*.jar")
    return inherited | {
        "SPARK_SCALA_VERSION": core.name.removeprefix("spark-core_").partition("-")[0],
        "JAVA_HOME": str(find_java()),
        "SPARK_HOME": str(SPARK),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_WORKER_DIR": str(temporary / "work"),
        "TMPDIR": str(temporary),
        "SPARK_LOCAL_DIRS": str(temporary / "spark"),
    }


@pytest.fixture(scope="session")
def package(tmp_path_factory):
    """The wheel of this checkout, under the name by which Spark knows archives of Python."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "--quiet"]
    built = subprocess.run(
        [*command, "--wheel-dir", folder, ROOT], capture_output=True, text=True, timeout=280, check=False
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    return shutil.copy(wheel, folder / "mlsql.zip")


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory):
    """A Python with the packages of this one, in which ``mlsql`` cannot be imported."""
    folder = tmp_path_factory.mktemp("python") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], timeout=120, check=True)
    site = sysconfig.get_path("purelib", "venv", {"base": str(folder)})
    # A folder that a .pth names is searched, but its own .pth files (one leads here) are not read.
    (Path(site) / "packages.pth").write_text(sysconfig.get_path("purelib"))
    python = folder / "bin" / "python"
    found = subprocess.run(
        [python, "-c", "import pyspark, mlsql.bridge"],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "No module named 'mlsql.bridge'" in found.stderr
    return python


@pytest.fixture(scope="session")
def cluster(tmp_path_factory, package, bare_python):
    """A Master and two Workers with a core each, on ports of their own choice; all end with the tests."""
    folder = tmp_path_factory.mktemp("cluster")
    temporary = folder / "temporary"
    temporary.mkdir()
    with ExitStack() as processes:

        def start(name, *arguments, until):
            log = folder / f"{name}.log"
            deploy = f"org.apache.spark.deploy.{arguments[0]}"
            command = [find_java() / "bin" / "java", *_OPTIONS, "-cp", f"{SPARK}/jars/*", deploy]
            process = start_process(
                [*command, "--host", "127.0.0.1", "--port", "0", "--webui-port", "0", *arguments[1:]],
                environment=environment(temporary),
                log=log,
            )
            processes.enter_context(process)
            return lambda: _awaited(until, log, process)

        master = start("master", "master.Master", until=r"Starting Spark master at (spark://\S+)")()
        size = ("--cores", "1", "--memory", "1g", master)
        workers = [
            start(f"worker-{number}", "worker.Worker", *size, until="(Successfully registered)")
            for number in range(2)
        ]
        for registered in workers:
            registered()
        yield Cluster(master, bare_python, package, temporary)


def _awaited(pattern, log, process):
    """What *pattern* finds in *log*, once it is there."""
    deadline = time.monotonic() + START_SECONDS
    while (found := re.search(pattern, log.read_text() if log.exists() else "")) is None:
        assert process.exit_code is None, process.last_lines()
        assert time.monotonic() < deadline, process.last_lines()
        time.sleep(0.1)
    return found[1]
