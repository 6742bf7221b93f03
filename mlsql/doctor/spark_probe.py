"""Starts Spark with pickled settings, asks executors what they have, and writes that as one line of JSON."""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlsql.config.settings import Settings
from mlsql.spark.sessions import slots, start_spark, stop_spark

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession

PACKAGES = ("mlsql", "pyarrow", "pandas", "numpy", "scikit-learn", "mlflow", "pyspark")
_CONNECTORS = {
    "PostgreSQL": "org.postgresql.Driver",
    "MySQL": "com.mysql.cj.jdbc.Driver",
    "MariaDB": "org.mariadb.jdbc.Driver",
    "SQL Server": "com.microsoft.sqlserver.jdbc.SQLServerDriver",
    "Oracle": "oracle.jdbc.OracleDriver",
    "Derby": "org.apache.derby.iapi.jdbc.AutoloadedDriver",
    "Kafka": "org.apache.spark.sql.kafka010.KafkaSourceProvider",
    "Hive": "org.apache.spark.sql.hive.HiveExternalCatalog",
    "S3": "org.apache.hadoop.fs.s3a.S3AFileSystem",
    "Delta": "io.delta.sql.DeltaSparkSessionExtension",
    "Iceberg": "org.apache.iceberg.spark.SparkCatalog",
}
"""Classes by which a connector is known to be there."""


def probe(settings: Settings) -> dict[str, Any]:
    """What a Spark that is started for it says of itself and its executors."""
    spark = start_spark(settings, app_name="mlsql doctor")
    try:
        return told_by(spark)
    finally:
        stop_spark(spark)


def told_by(spark: SparkSession) -> dict[str, Any]:
    """What Spark says of itself and its executors, in plain values."""
    return {
        "spark": spark.version,
        "master": spark.sparkContext.master,
        "slots": slots(spark),
        "driver": _surroundings(),
        "executors": _executors(spark),
        "connectors": [name for name, java in _CONNECTORS.items() if _has_class(spark, java)],
    }


def _executors(spark: SparkSession) -> list[dict[str, Any]]:
    """One answer of each host that ran a task."""
    tasks = max(1, slots(spark))
    asked = spark.range(0, tasks, numPartitions=tasks).mapInArrow(_asker(), "told string")
    told = [json.loads(row.told) for row in asked.collect()]
    return list({each["host"]: each for each in told}.values())


def _asker() -> Any:
    """What a task does; it travels as it is, for executors may lack this package."""
    packages = PACKAGES

    def ask(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import json
        import platform
        import socket
        from importlib.metadata import PackageNotFoundError, version
        from importlib.util import find_spec

        import pyarrow as pa

        def found(package: str) -> str | None:
            try:
                return version(package)
            except PackageNotFoundError:  # on the path, perhaps, and not installed
                return "?" if find_spec(package) else None

        for _ in batches:
            pass
        told = {
            "host": socket.gethostname(),
            "python": platform.python_version(),
            "packages": {each: found(each) for each in packages},
        }
        yield pa.RecordBatch.from_pydict({"told": [json.dumps(told)]})

    return ask


def _surroundings() -> dict[str, Any]:
    """The same of this process."""
    (batch,) = _asker()(iter(()))
    told: dict[str, Any] = json.loads(batch.column(0)[0].as_py())
    return told


def _has_class(spark: SparkSession, name: str) -> bool:
    from py4j.protocol import Py4JJavaError

    jvm: Any = spark._jvm  # noqa: SLF001 -- the Java side is reached by private names alone
    loader = jvm.java.lang.Thread.currentThread().getContextClassLoader()
    try:
        loader.loadClass(name)
    except Py4JJavaError:
        return False
    return True


if __name__ == "__main__":
    # The file is of the doctor that started this process, readable by its user only.
    print(json.dumps(probe(pickle.loads(Path(sys.argv[1]).read_bytes()))))  # noqa: S301, T201
