"""Spark ML's models as functions, vector functions and texts, against Spark's own ways in the same run."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlsql
from mlsql.config.settings import Settings

from .bridge import WIDTH, doubles, table
from .measures import Row, Scale, Times

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_TRAINING_ROWS = 2_000
_TRAINING = """
select {columns}, id % 2 as label from range({rows}) as some;
select vec_dense(array({names})) as features, label from some as training;
"""
_PACKED = "select vec_dense(array({names})) as features from plain as scored;"
_ASK = "select {call} as answer from {table} as answered;"
_VECTORS = """
select transform(sequence(1, {width}), n -> double(id * n % 1009)) as a,
  transform(sequence(1, {width}), n -> double(id * n % 997)) as b from range({rows}) as arrays;
select vec_dense(a) as v, vec_dense(b) as w from arrays as vectors;
"""
_TABLE_OF_TEXTS = "select id, {words} from range({rows}) as texts;"
_TERMS = """
train texts as TfIdfInPlace.`{folder}/terms` where inputCol="text" and split=" "
  and keepVersion="false" as vectors;
"""
_MODELS: Mapping[str, tuple[str, str]] = {
    "LogisticRegression": ("", "probability"),
    "RandomForest": (" and numTrees='20' and maxDepth='5'", "probability"),
    "GBTRegressor": (" and maxIter='20'", "prediction"),
    "KMeans": (" and k='5'", "prediction"),
}
"""What each is trained with, and the column of Spark's transform that the function stands for."""
_SCRIPT = """
train training as {name}.`{folder}/{name}` where featuresCol="features"{params} as trained;
register {name}.`{folder}/{name}` as of_{name};
"""
_FUNCTIONS: Mapping[str, tuple[str, str]] = {
    "vec_argmax": ("vec_argmax(v)", "array_position(a, array_max(a)) - 1"),
    "vec_norm": ("vec_norm(v, 2)", "sqrt(aggregate(a, 0D, (total, each) -> total + each * each))"),
    "vec_sqdist": (
        "vec_sqdist(v, w)",
        "aggregate(zip_with(a, b, (x, y) -> (x - y) * (x - y)), 0D, (total, each) -> total + each)",
    ),
    "vec_wise_add": ("vec_array(vec_wise_add(v, w))", "zip_with(a, b, (x, y) -> x + y)"),
}
"""A call, and the best that plain SQL says of the same rows as arrays."""
_TEXTS = 100_000
_WORDS = "concat_ws(' ', transform(sequence(1, 12), n -> concat('w', pmod(xxhash64(id, n), 5000)))) as text"


def algorithms(scale: Scale) -> Iterator[Row]:
    """Models, vector functions, texts; every way writes its rows to nowhere."""
    settings = Settings(spark={"spark.master": "local[2]", "spark.driver.memory": "2g"})
    with mlsql.Engine.local(settings) as engine, tempfile.TemporaryDirectory() as folder:
        yield from _models(engine, Path(folder), scale)
        yield from _functions(engine, scale)
        yield from _texts(engine, Path(folder), scale)


def _models(engine: mlsql.Engine, folder: Path, scale: Scale) -> Iterator[Row]:
    """A registered function, against the transform of the same stored model."""
    names = ", ".join(f"c{number}" for number in range(1, WIDTH + 1))
    columns = ", ".join(doubles())
    engine.run(_TRAINING.format(columns=columns, names=names, rows=_TRAINING_ROWS))
    table(engine.spark, scale.rows).createOrReplaceTempView("plain")
    engine.run(_PACKED.format(names=names))
    for name, (params, column) in _MODELS.items():
        engine.run(_SCRIPT.format(name=name, folder=folder, params=params))
        (stored,) = (folder / name).glob("_model_*/model/0/sparkml")
        ours = partial(_asked, engine, _ASK.format(call=f"of_{name}(features)", table="scored"))
        ways: list[Callable[[], DataFrame]] = [ours, _transformed(engine, stored, column)]
        times = Times.of([partial(_write, way) for way in ways], scale.rounds)
        yield times.speed(f"{name}, {scale.rows:,} × {WIDTH}, against Spark's transform", 0, 1, 1.0)


def _transformed(engine: mlsql.Engine, stored: Path, column: str) -> Callable[[], DataFrame]:
    from pyspark.ml import PipelineModel

    model = PipelineModel.load(str(stored))
    return lambda: model.transform(_asked(engine, "select * from scored as same;")).select(column)


def _functions(engine: mlsql.Engine, scale: Scale) -> Iterator[Row]:
    """Functions on vectors, against SQL on arrays."""
    engine.run(_VECTORS.format(width=WIDTH, rows=scale.rows))
    for name, (call, plain) in _FUNCTIONS.items():
        ways = [
            partial(_asked, engine, _ASK.format(call=call, table="vectors")),
            partial(_asked, engine, _ASK.format(call=plain, table="arrays")),
        ]
        times = Times.of([partial(_write, way) for way in ways], scale.rounds)
        yield times.speed(f"{name}, {scale.rows:,} rows, against SQL on arrays", 0, 1, 0.8)


def _texts(engine: mlsql.Engine, folder: Path, scale: Scale) -> Iterator[Row]:
    """TfIdfInPlace, against the same pipeline of Spark ML by hand."""
    rows = min(_TEXTS, scale.rows)
    engine.run(_TABLE_OF_TEXTS.format(words=_WORDS, rows=rows))
    script = _TERMS.format(folder=folder)
    ours, by_hand = partial(_asked, engine, script), partial(_weighed, engine.spark)
    times = Times.of([partial(_write, ours), partial(_write, by_hand)], scale.rounds)
    yield times.speed(f"TfIdfInPlace, {rows:,} texts, against Spark ML by hand", 0, 1, 1 / 1.2)


def _weighed(spark: SparkSession) -> DataFrame:
    from pyspark.ml import Pipeline
    from pyspark.ml.feature import IDF, HashingTF, Tokenizer

    texts = spark.table("texts")
    steps: list[Any] = [
        Tokenizer(inputCol="text", outputCol="words"),
        HashingTF(inputCol="words", outputCol="counts"),
        IDF(inputCol="counts", outputCol="weights"),
    ]
    return Pipeline(stages=steps).fit(texts).transform(texts).select("id", "weights")


def _asked(engine: mlsql.Engine, script: str) -> DataFrame:
    frame = engine.run(script).frame
    assert frame is not None
    return frame


def _write(way: Callable[[], DataFrame]) -> None:
    way().write.format("noop").mode("overwrite").save()
