"""Writes ``params.json``: ``python -m mlsql.stages.algorithms.mllib.survey``, with a Spark at hand."""

from __future__ import annotations

import json
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from mlsql.stages.algorithms.mllib.catalogue import SPARK_CLASSES
from mlsql.stages.algorithms.mllib.params import SEED, TABLE

OURS = frozenset(
    {
        "featuresCol",
        "labelCol",
        "weightCol",
        "predictionCol",
        "probabilityCol",
        "rawPredictionCol",
        "leafCol",
        "quantilesCol",
        "linkPredictionCol",
        "offsetCol",
        "topicDistributionCol",
        "userCol",
        "itemCol",
        "ratingCol",
        "itemsCol",
    }
)
"""Columns that the statement names, and columns of answers, which have their names from us."""


def surveyed() -> dict[str, dict[str, list[Any]]]:
    """The Params of each estimator as the running Spark has them: converter, default and sentence."""
    return {name: _of(resolve_name(name)()) for name in SPARK_CLASSES}


def _of(estimator: Any) -> dict[str, list[Any]]:
    return {
        param.name: [param.typeConverter.__name__, _default(estimator, param), _sentence(param.doc)]
        for param in estimator.params
        if param.name not in OURS
    }


def _default(estimator: Any, param: Any) -> Any:
    if param.name == "seed":
        return SEED
    return estimator.getOrDefault(param) if estimator.hasDefault(param) else None


def _sentence(doc: str) -> str:
    text = " ".join(doc.split()).rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."


def main() -> None:
    """Write the table anew."""
    from mlsql.config.settings import Settings
    from mlsql.spark.sessions import start_spark, stop_spark

    spark = start_spark(Settings())
    try:
        text = json.dumps(surveyed(), indent=1, sort_keys=True)
    finally:
        stop_spark(spark)
    (Path(__file__).parent / TABLE).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
