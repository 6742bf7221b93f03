"""What a statement costs besides Spark: a script of trivial selects against the same calls by hand."""

from __future__ import annotations

from collections.abc import Iterator

import mlsql
from mlsql.config.settings import Settings

from .measures import Measure, alternated

_COUNT = 100
_WARM_UPS = 6  # the JVM compiles what is called often
_REPEATS = 11


def statements() -> Iterator[Measure]:
    """In one session, so with the same settings; nothing is computed, by either."""
    queries = [f"select {number} as a" for number in range(_COUNT)]
    script = "".join(f"{query} as ours_{number};\n" for number, query in enumerate(queries))
    with mlsql.Engine.local(Settings(spark={"spark.master": "local[2]"})) as engine:
        spark = engine.spark

        def by_hand() -> None:
            for number, query in enumerate(queries):
                spark.sql(query).createOrReplaceTempView(f"by_hand_{number}")

        ours, peer = alternated(lambda: engine.run(script), by_hand, repeats=_REPEATS, warm_ups=_WARM_UPS)
        yield Measure(f"{_COUNT} selects, against spark.sql and createOrReplaceTempView", ours, peer, 1.1)
