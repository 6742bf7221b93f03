"""A real Apache Kafka broker on this machine, for trying things out and for the tests.

It comes once from Maven Central, by the Ivy inside PySpark, into the cache of mlsql; as for
Spark, DEFAULT_ARTIFACT_REPOSITORY names a mirror. It listens on the loopback address alone, on
free ports.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from mlsql.config.loading import cache_folder
from mlsql.errors import MlsqlError, RunError
from mlsql.processes import describe_exit, start_process
from mlsql.spark.java import find_java
from mlsql.spark.maven import default_repositories, fetch_jars

VERSION = "4.1.0"
START_SECONDS = 120
TRIES = 3
"""Another program may take a port between its choice and the start of the broker."""
END_SECONDS = 10

SERVER_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={folder}/data
num.partitions=1
default.replication.factor=1
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
"""


@dataclass(frozen=True)
class Broker:
    """A broker that runs: its process, its port, the folder that holds all it has."""

    pid: int
    port: int
    folder: str

    @property
    def address(self) -> str:
        """What clients call bootstrap servers."""
        return f"127.0.0.1:{self.port}"

    @property
    def runs(self) -> bool:
        """Whether the process is there and is this broker, not another that got its number."""
        return f"{self.folder}/server.properties" in _command_of(self.pid)

    def end(self) -> None:
        """End the process and remove what it kept."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.runs:
                os.killpg(self.pid, number)
                _wait(lambda: not self.runs, END_SECONDS)
        shutil.rmtree(self.folder, ignore_errors=True)


def start(state: Path, *, dies_with_us: bool = False) -> Broker:
    """A broker that accepts connections; the one of *state* when it runs already."""
    running = find(state)
    if running is not None:
        return running
    libraries = fetched_libraries()
    state.mkdir(parents=True, exist_ok=True)
    broker = _launched(state, libraries, dies_with_us=dies_with_us)
    (state / "broker.json").write_text(json.dumps(asdict(broker)), encoding="utf-8")
    return broker


def find(state: Path) -> Broker | None:
    """The broker of *state* that runs; what a dead one left is swept."""
    try:
        broker = Broker(**json.loads((state / "broker.json").read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    if broker.runs:
        return broker
    stop(state, broker)
    return None


def stop(state: Path, broker: Broker) -> None:
    """End the broker of *state*."""
    broker.end()
    (state / "broker.json").unlink(missing_ok=True)


def topics(broker: Broker) -> list[str]:
    """The topics of users; Kafka's own start with two underscores."""
    from kafka import KafkaAdminClient

    client = KafkaAdminClient(bootstrap_servers=broker.address, request_timeout_ms=10_000)
    try:
        return sorted(name for name in client.list_topics() if not name.startswith("__"))
    finally:
        client.close()


def _launched(state: Path, libraries: Path, *, dies_with_us: bool, tries: int = TRIES) -> Broker:
    """A broker in a folder of its own; one that cannot start is tried again, on other ports."""
    folder = Path(tempfile.mkdtemp(prefix="broker-", dir=state))
    try:
        return _launch(folder, libraries, dies_with_us=dies_with_us)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if tries == 1 or not isinstance(error, RunError):
            raise
    return _launched(state, libraries, dies_with_us=dies_with_us, tries=tries - 1)


def _launch(folder: Path, libraries: Path, *, dies_with_us: bool) -> Broker:
    port, controller = _free_ports(2)
    properties = folder / "server.properties"
    properties.write_text(SERVER_PROPERTIES.format(folder=folder, port=port, controller=controller), "utf-8")
    heap = os.environ.get("KAFKA_HEAP_OPTS", "-Xmx256m").split()
    java = [str(find_java() / "bin" / "java"), *heap, "-cp", f"{libraries}/*"]
    storage = [*java, "kafka.tools.StorageTool"]
    identity = _answer([*storage, "random-uuid"]).split()[-1]
    _answer([*storage, "format", "-t", identity, "-c", str(properties)])
    log = folder / "broker.log"
    command = [*java, "kafka.Kafka", str(properties)]
    process = start_process(command, folder=folder, log=log, dies_with_parent=dies_with_us)
    if not _wait(lambda: process.exit_code is not None or _accepts(port), START_SECONDS) or process.exit_code:
        process.end()
        ended = describe_exit(process.exit_code or 0)
        raise RunError(f"the broker {ended} before it accepted a connection:\n{process.last_lines()}")
    return Broker(process.pid, port, str(folder))


def fetched_libraries() -> Path:
    """The folder with the broker's 45 jars, fetched when they are not there."""
    libraries = cache_folder() / "kafka" / VERSION
    if not libraries.is_dir():
        where = " and ".join(default_repositories())
        print(f"fetching Apache Kafka {VERSION} from {where} (43 MB, once)", file=sys.stderr, flush=True)
        fetch_jars([f"org.apache.kafka:kafka_2.13:{VERSION}"], libraries)
    return libraries


def _answer(command: list[str], seconds: float = START_SECONDS) -> str:
    """What a program prints; an error with the end of that when it fails."""
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as error:
        raise RunError(f"'{command[-1]}' did not answer within {seconds:g} s") from error
    if ended.returncode != 0:
        lines = (ended.stdout + ended.stderr).strip().splitlines()
        raise RunError(f"Java {describe_exit(ended.returncode)}:\n" + "\n".join(lines[-15:]))
    return ended.stdout


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on; told apart by holding all of them open at once.

    They are below those that Linux gives to outgoing connections, which would take them meanwhile.
    """
    sockets: list[socket.socket] = []
    while len(sockets) < count:
        with suppress(OSError):
            sockets.append(socket.create_server(("127.0.0.1", random.randrange(20_000, 32_000))))  # noqa: S311
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _wait(fact: Callable[[], bool], seconds: float) -> bool:
    """Whether *fact* comes true in time."""
    deadline = time.monotonic() + seconds
    while not fact():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _command_of(pid: int) -> str:
    """The command line of a process; empty when it has ended."""
    file = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self").exists():
        return file.read_text(encoding="utf-8", errors="replace").replace("\0", " ") if file.exists() else ""
    listing = subprocess.run(
        ["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listing.stdout


def _run(state: Path) -> None:
    """A broker of one's own: ended when standard input ends or a signal comes."""
    broker = start(state, dies_with_us=True)
    try:
        print(broker.address, flush=True)
        sys.stdin.read()
    finally:
        stop(state, broker)


def _do(command: str, state: Path) -> str | None:
    """What to print for *command*; None for ``no broker runs``."""
    if command == "start":
        return start(state).address
    if command == "fetch":
        return f"Apache Kafka {VERSION} lies in {fetched_libraries()}"
    broker = find(state)
    if broker is None:
        return "no broker runs" if command == "stop" else None
    if command == "stop":
        stop(state, broker)
        return f"the broker on {broker.address} has ended"
    return broker.address if command == "status" else "\n".join(topics(broker))


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="scripts/kafka", description=__doc__)
    parser.add_argument("command", choices=["start", "stop", "status", "topics", "run", "fetch"])
    parser.add_argument(
        "--state", type=Path, help="where to keep the broker; by default in the cache of mlsql"
    )
    given = parser.parse_args()
    state = given.state or cache_folder() / "kafka" / "broker"
    try:
        if given.command == "run":
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
            _run(state)
            return 0
        told = _do(given.command, state)
    except MlsqlError as error:
        print(error, file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 130
    if told is None:
        print("no broker runs; scripts/kafka start starts one", file=sys.stderr)
        return 1
    if told:
        print(told)
    return 0


if __name__ == "__main__":
    sys.exit(main())
