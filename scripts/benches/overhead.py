"""A script against the same steps written by hand in PySpark, on tables of three sizes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import mlsql
from mlsql.config.settings import Settings

from .measures import Measure, alternated

_SCRIPT = """
    load csv.`{folder}/in.csv` where header="true" and inferSchema="true" as readings;
    select *, value * 2 as doubled from readings where value > 0.1 as kept;
    select sensor, avg(doubled) as mean, count(*) as readings from kept group by sensor as means;
    save overwrite means as parquet.`{folder}/ours`;
"""


def overhead() -> Iterator[Measure]:
    """One measure a size."""
    settings = Settings(spark={"spark.master": "local[2]"})
    with mlsql.Engine.local(settings) as engine, tempfile.TemporaryDirectory() as folder:
        spark = engine.spark

        def by_hand() -> None:
            readings = spark.read.csv(f"{folder}/in.csv", header=True, inferSchema=True)
            readings.createOrReplaceTempView("by_hand_readings")
            kept = spark.sql("select *, value * 2 as doubled from by_hand_readings where value > 0.1")
            kept.createOrReplaceTempView("by_hand_kept")
            means = spark.sql(
                "select sensor, avg(doubled) as mean, count(*) as readings from by_hand_kept group by sensor"
            )
            means.write.mode("overwrite").parquet(f"{folder}/by_hand")

        for rows, target in ((1_000, 1.25), (200_000, 1.1), (1_000_000, 1.1)):
            write_readings(Path(folder) / "in.csv", rows)
            ours, peer = alternated(lambda: engine.run(_SCRIPT.format(folder=folder)), by_hand)
            yield Measure(f"script of 4 statements, {rows:,} rows, against PySpark", ours, peer, target)


def write_readings(path: Path, rows: int) -> None:
    """A CSV of *rows* readings of 50 sensors."""
    lines = (f"{number},s{number % 50},{number * 7919 % 1000 / 1000}\n" for number in range(rows))
    path.write_text("id,sensor,value\n" + "".join(lines), encoding="utf-8")
