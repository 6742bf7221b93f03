"""How tables get to workers, how these run, and who hears of their models."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from mlsql.config.kinds import DURATION, FOLDER, LIMIT, SIZE
from mlsql.options import TEXT, integer, one_of, option


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """The Kafka brokers that training data goes through."""

    bootstrap_servers: str | None = option(
        "bootstrap_servers", TEXT, "Brokers as host:port, with commas between them.", default=None
    )
    partitions: int = option("partitions", integer(1), "Most partitions of a topic.", default=8)
    timeout: float = option("timeout", DURATION, "How long a broker may take to answer.", default=30.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeSettings:
    """How tables get to the workers that train."""

    transport: str = option(
        "transport",
        one_of("auto", "spool", "kafka", "memory"),
        "Through files (spool), Kafka, or memory (tests); auto: Kafka when brokers are named, else files.",
        default="auto",
    )
    spool: Path | None = option(
        "spool",
        FOLDER,
        "Folder of the spool, seen by driver, executors and workers; else a temporary one.",
        default=None,
    )
    message_bytes: int = option("message_bytes", SIZE, "Most bytes of a message.", default=2**20)
    kafka: KafkaSettings = field(default_factory=KafkaSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """How workers run."""

    parallelism: int = option(
        "parallelism", integer(1), "Most workers at once; by default one a core.", default=os.cpu_count() or 1
    )
    timeout: float | None = option("timeout", LIMIT, "How long one training may take.", default=None)
    launcher: str = option(
        "launcher",
        one_of("auto", "local", "spark"),
        "Workers run beside the driver (local) or on executors (spark); auto: where Spark's tasks do.",
        default="auto",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """Who else hears of stored models."""

    tracking_uri: str | None = option(
        "tracking_uri",
        TEXT,
        "MLflow tracking server or store that each training is logged to, a run for each of its models.",
        default=None,
    )
