"""What this machine talks to: the port of the server, its database, the Kafka broker, MLflow."""

from __future__ import annotations

import socket
import tempfile
import uuid
from collections.abc import Iterator

from mlsql.config.settings import Settings
from mlsql.doctor.examination import Check, Finding, failed, ok, warning

_BROKER_SECONDS = 15.0
_ANSWER_SECONDS = 10.0


def _port(settings: Settings) -> Iterator[Finding]:
    host, port = settings.server.host.strip("[]"), settings.server.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, port), family=family):
            yield ok("port", f"{host}:{port} is free for `mlsql serve`")
    except OSError as error:
        told = f"{host}:{port} cannot be listened on: {error.strerror}"
        yield warning("port", told, "a server may run there already; else server.port names another")


def _database(settings: Settings) -> Iterator[Finding]:
    url = settings.jobs.database
    if url is None:
        yield ok("database", "a file of SQLite in server.state")
        return
    from sqlalchemy import create_engine, make_url, text

    shown = make_url(url).render_as_string()
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            connection.execute(text("select 1"))
    finally:
        engine.dispose()
    yield ok("database", f"{shown} answers")


def _broker(settings: Settings) -> Iterator[Finding]:
    """A topic is made and deleted: that is what a training does."""
    kafka = settings.bridge.kafka
    if kafka.bootstrap_servers is None:
        yield ok(
            "kafka", "no broker is named (bridge.kafka.bootstrap_servers): rows to train on go through files"
        )
        return
    from mlsql.bridge.transports.kafka import KafkaTransport

    with tempfile.TemporaryDirectory() as records:
        transport = KafkaTransport(
            bootstrap_servers=kafka.bootstrap_servers,
            records=records,
            timeout=min(kafka.timeout, _BROKER_SECONDS),
        )
        transport.open(f"doctor-{uuid.uuid4().hex}", "check", partitions=1).delete()
    yield ok("kafka", f"{kafka.bootstrap_servers}: a topic was made and deleted")


def _mlflow(settings: Settings) -> Iterator[Finding]:
    uri = settings.models.tracking_uri
    if uri is None or not uri.startswith("http"):
        yield ok(
            "mlflow",
            f"trainings are logged to {uri}" if uri else "trainings are not logged (models.tracking_uri)",
        )
        return
    import httpx

    try:
        httpx.get(f"{uri.rstrip('/')}/health", timeout=_ANSWER_SECONDS).raise_for_status()
        yield ok("mlflow", f"{uri} answers")
    except httpx.HTTPError as error:
        advice = "trainings go well all the same, and are not logged"
        yield failed("mlflow", f"{uri} does not answer as MLflow: {error}", advice)


SERVICE_CHECKS = (
    Check("port", _port),
    Check("database", _database),
    Check("kafka", _broker, 60.0),
    Check("mlflow", _mlflow),
)
