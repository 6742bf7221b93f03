"""What we cost against a named peer, measured in the same run, alternating, by medians.

scripts/bench overhead            a table
scripts/bench overhead --json     a list of objects, for a program
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import mlsql
from mlsql.config import Settings

REPEATS = 9
WARM_UPS = 3


@dataclass(frozen=True)
class Measure:
    """Seconds of ours and of the peer; *target* is the ratio that ours may have at most."""

    name: str
    ours: float
    peer: float
    target: float

    @property
    def ratio(self) -> float:
        """How many times the peer's time ours takes."""
        return self.ours / self.peer

    @property
    def holds(self) -> bool:
        """Whether the target is met."""
        return self.ratio <= self.target

    def as_json(self) -> dict[str, object]:
        """The measure with both raw figures."""
        return {
            "name": self.name,
            "ratio": round(self.ratio, 4),
            "target": self.target,
            "holds": self.holds,
            "ours_seconds": round(self.ours, 4),
            "peer_seconds": round(self.peer, 4),
        }


def alternated(ours: Callable[[], object], peer: Callable[[], object]) -> tuple[float, float]:
    """The medians of both, taken in turns so that what disturbs one disturbs the other."""
    times: tuple[list[float], list[float]] = ([], [])
    for repeat in range(WARM_UPS + REPEATS):
        for taken, run in zip(times, (ours, peer), strict=True):
            begun = time.perf_counter()
            run()
            if repeat >= WARM_UPS:
                taken.append(time.perf_counter() - begun)
    return statistics.median(times[0]), statistics.median(times[1])


def overhead() -> Iterator[Measure]:
    """A script against the same steps written by hand in PySpark, on a small and a larger table."""
    script = """
        load csv.`{folder}/in.csv` where header="true" and inferSchema="true" as readings;
        select *, value * 2 as doubled from readings where value > 0.1 as kept;
        select sensor, avg(doubled) as mean, count(*) as readings from kept group by sensor as means;
        save overwrite means as parquet.`{folder}/ours`;
    """
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
            ours, peer = alternated(lambda: engine.run(script.format(folder=folder)), by_hand)
            yield Measure(f"script of 4 statements, {rows:,} rows, against PySpark", ours, peer, target)


def write_readings(path: Path, rows: int) -> None:
    """A CSV of *rows* readings of 50 sensors."""
    lines = (f"{number},s{number % 50},{number * 7919 % 1000 / 1000}\n" for number in range(rows))
    path.write_text("id,sensor,value\n" + "".join(lines), encoding="utf-8")


BENCHES: dict[str, Callable[[], Iterator[Measure]]] = {"overhead": overhead}


def as_table(measures: list[Measure]) -> str:
    """One line a measure, for people."""
    width = max(len(each.name) for each in measures)
    lines = [f"{'':{width}}      ours      peer   ratio  target"]
    for each in measures:
        verdict = "holds" if each.holds else "MISSED"
        figures = f"{each.ours:8.3f} s{each.peer:8.3f} s{each.ratio:8.3f}{each.target:8.3f}"
        lines.append(f"{each.name:{width}}{figures}  {verdict}")
    return "\n".join(lines)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=sorted(BENCHES), help="what to measure")
    parser.add_argument("--json", action="store_true", help="print a list of objects instead of a table")
    given = parser.parse_args()
    measures = list(BENCHES[given.name]())
    print(json.dumps([each.as_json() for each in measures], indent=2) if given.json else as_table(measures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
