"""Spark ML's models as functions, vector functions and texts, against Spark's own ways in the same run."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
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
_PACKED = "vec_dense(array({names})) as features"
_ARRAYS = (
    "id",
    "transform(sequence(1, {width}), n -> id * n % 1009 / 7D) as a",
    "transform(sequence(1, {width}), n -> id * n % 997 / 3D + 1) as b",
)
_TABLE_OF_TEXTS = "select id, {words} from range({rows}) as texts;"
_TERMS = """
train texts as TfIdfInPlace.`{folder}/terms` where inputCol="text" and split=" "
  and keepVersion="false" as vectors;
"""
_MODELS: Mapping[str, tuple[str, str]] = {
    "LogisticRegression": ("", "probability"),
    "RandomForest": (" and numTrees='20' and maxDepth='5'", "probability"),
    "NaiveBayes": (" and modelType='gaussian'", "probability"),
    "GBTRegressor": (" and maxIter='20'", "prediction"),
    "LinearRegression": ("", "prediction"),
    "KMeans": (" and k='5'", "prediction"),
}
"""What each is trained with, and the column of Spark's transform that the function stands for."""
_SCRIPT = """
train training as {name}.`{folder}/{name}` where featuresCol="features"{params} as trained;
register {name}.`{folder}/{name}` as of_{name};
"""
_SUM = "aggregate({each}, 0D, (total, each) -> total + each)"
_SQUARES = _SUM.format(each="transform({a}, x -> x * x)")
_TOTAL = _SUM.format(each="{a}")
_DEVIATION = f"({_SQUARES} - power({_TOTAL}, 2) / size({{a}})) / (size({{a}}) - 1)"
_PRODUCTS = _SUM.format(each="zip_with({a}, {b}, (x, y) -> x * y)")
_OF_B = _SQUARES.replace("{a}", "{b}")
_FUNCTIONS: Mapping[str, str] = {
    "vec_dense({a})": "array_to_vector({a})",
    "vec_array({v})": "{a}",
    "vec_argmax({v})": "array_position({a}, array_max({a})) - 1",
    "vec_norm({v}, 2)": f"sqrt({_SQUARES})",
    "vec_norm({v}, 1)": _SUM.format(each="transform({a}, x -> abs(x))"),
    "vec_sqdist({v}, {w})": _SUM.format(each="zip_with({a}, {b}, (x, y) -> (x - y) * (x - y))"),
    "vec_cosine({v}, {w})": f"try_divide({_PRODUCTS}, sqrt({_SQUARES} * {_OF_B}))",
    "vec_mean({v})": f"{_TOTAL} / size({{a}})",
    "vec_stddev({v})": f"sqrt({_DEVIATION})",
    "vec_wise_add({v}, {w})": "array_to_vector(zip_with({a}, {b}, (x, y) -> x + y))",
    "vec_wise_dif({v}, {w})": "array_to_vector(zip_with({a}, {b}, (x, y) -> x - y))",
    "vec_wise_mul({v}, {w})": "array_to_vector(zip_with({a}, {b}, (x, y) -> x * y))",
    "vec_wise_mod({v}, {w})": "array_to_vector(zip_with({a}, {b}, (x, y) -> x % y))",
    "vec_inplace_add({v}, 2)": "array_to_vector(transform({a}, x -> x + 2))",
    "vec_inplace_ew_mul({v}, 2)": "array_to_vector(transform({a}, x -> x * 2))",
    "vec_ceil({v})": "array_to_vector(transform({a}, x -> double(ceil(x))))",
    "vec_floor({v})": "array_to_vector(transform({a}, x -> double(floor(x))))",
    "vec_concat(array({v}, {w}))": "array_to_vector(concat({a}, {b}))",
    "vec_slice({v}, array(0, 5, 19))": "array_to_vector(transform(array(0, 5, 19), place -> {a}[place]))",
    "vec_range({v}, array(2, 12))": "array_to_vector(slice({a}, 3, 10))",
    "vec_mk_string(';', {v})": "array_join(cast({a} as array<string>), ';')",
    "onehot(int(id % 20), 20)": "array_to_vector(transform(sequence(0, 19), n -> if(n = id % 20, 1D, 0D)))",
}
"""A call on vectors, and what plain SQL says of the same rows."""
_NUMPY: Mapping[str, Callable[..., Any]] = {
    "vec_argmax({v})": lambda a: a.argmax(axis=1).astype("float64"),
    "vec_norm({v}, 2)": lambda a: (a * a).sum(axis=1) ** 0.5,
    "vec_sqdist({v}, {w})": lambda a, b: ((a - b) ** 2).sum(axis=1),
    "vec_stddev({v})": lambda a: a.std(axis=1, ddof=1),
}
"""What a pandas UDF would say, of those that SQL says worst."""
_ON_VECTORS = {"v": "v", "w": "w", "a": "vector_to_array(v, 'float64')", "b": "vector_to_array(w, 'float64')"}
_ON_ARRAYS = {"v": "a", "w": "b", "a": "a", "b": "b"}
_ARRAYS_TOO = ("vec_argmax({v})", "vec_norm({v}, 2)", "vec_sqdist({v}, {w})", "vec_wise_add({v}, {w})")
_ROUNDS_OF_FUNCTIONS = 3
_TEXTS = 100_000
_WORDS = "concat_ws(' ', transform(sequence(1, 12), n -> concat('w', pmod(xxhash64(id, n), 5000)))) as text"


def algorithms(scale: Scale) -> Iterator[Row]:
    """Models, vector functions, texts; every way writes its rows to nowhere."""
    settings = Settings(spark={"spark.master": "local[2]", "spark.driver.memory": "3g"})
    with mlsql.Engine.local(settings) as engine, tempfile.TemporaryDirectory() as folder:
        yield from _models(engine, Path(folder), scale)
        yield from _functions(engine.spark, replace(scale, rounds=min(scale.rounds, _ROUNDS_OF_FUNCTIONS)))
        yield from _texts(engine, Path(folder), scale)


def _models(engine: mlsql.Engine, folder: Path, scale: Scale) -> Iterator[Row]:
    """A registered function, against the transform of the same stored model, on rows in memory."""
    names = ", ".join(f"c{number}" for number in range(1, WIDTH + 1))
    columns = ", ".join(doubles())
    engine.run(_TRAINING.format(columns=columns, names=names, rows=_TRAINING_ROWS))
    scored = _kept(table(engine.spark, scale.rows).selectExpr(_PACKED.format(names=names)))
    for name, (params, column) in _MODELS.items():
        engine.run(_SCRIPT.format(name=name, folder=folder, params=params))
        (stored,) = (folder / name).glob("_model_*/model/0/sparkml")
        ours = partial(scored.selectExpr, f"of_{name}(features) as answer")
        ways: list[Callable[[], DataFrame]] = [ours, _transformed(scored, stored, column)]
        times = Times.of([partial(_write, way) for way in ways], scale.rounds)
        yield times.speed(f"{name}, {scale.rows:,} × {WIDTH}, against Spark's transform", 0, 1, 1.0)
    scored.unpersist()


def _transformed(scored: DataFrame, stored: Path, column: str) -> Callable[[], DataFrame]:
    from pyspark.ml import PipelineModel

    model = PipelineModel.load(str(stored))
    return lambda: model.transform(scored).select(column)


def _functions(spark: SparkSession, scale: Scale) -> Iterator[Row]:
    """Every function on vectors, some on arrays too, against the best plain formulation on the same rows."""
    arrays = spark.range(scale.rows).selectExpr(*(each.format(width=WIDTH) for each in _ARRAYS))
    vectors = _kept(arrays.selectExpr("id", "vec_dense(a) as v", "vec_dense(b) as w"))
    for call, plain in _FUNCTIONS.items():
        yield _function(call, plain, vectors, "vectors", _ON_VECTORS, scale)
    vectors.unpersist()
    arrays = _kept(arrays)
    for call in _ARRAYS_TOO:
        yield _function(call, _FUNCTIONS[call], arrays, "arrays", _ON_ARRAYS, scale)
    arrays.unpersist()


def _function(
    call: str, plain: str, rows: DataFrame, kind: str, columns: Mapping[str, str], scale: Scale
) -> Row:
    ways: dict[str, Callable[[], DataFrame]] = {
        "": partial(rows.selectExpr, f"{call.format(**columns)} as answer"),
        "SQL": partial(rows.selectExpr, f"{plain.format(**columns)} as answer"),
    }
    if call in _NUMPY:
        ways["pandas"] = _by_pandas(_NUMPY[call], rows, [columns["a"], columns["b"]])
    peer = "SQL"
    if "pandas" in ways:
        tried = Times.of([partial(_write, ways[each]) for each in ("SQL", "pandas")], 1, warm_ups=1)
        peer = "SQL" if tried.wall[0] <= tried.wall[1] else "pandas"
    times = Times.of([partial(_write, ways[each]) for each in ("", peer)], scale.rounds)
    name = f"{call.format(**columns)}, {scale.rows:,} rows of {kind}, against plain {peer}"
    return times.speed(name, 0, 1, 0.8)


def _by_pandas(formula: Callable[..., Any], rows: DataFrame, columns: list[str]) -> Callable[[], DataFrame]:
    """The *formula* over matrices as a pandas UDF."""
    from pyspark.sql import functions as sf
    from pyspark.sql.udf import UserDefinedFunction
    from pyspark.util import PythonEvalType

    def answer(*arrays: Any) -> Any:
        import numpy as np
        import pandas as pd

        return pd.Series(formula(*(np.stack(each) for each in arrays)))

    asked = columns[: formula.__code__.co_argcount]
    udf = UserDefinedFunction(answer, "double", evalType=PythonEvalType.SQL_SCALAR_PANDAS_UDF)
    return lambda: rows.select(udf(*map(sf.expr, asked)).alias("answer"))


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


def _kept(frame: DataFrame) -> DataFrame:
    """The rows in memory, so that both sides read them from there."""
    frame = frame.cache()
    _write(lambda: frame)
    return frame


def _asked(engine: mlsql.Engine, script: str) -> DataFrame:
    frame = engine.run(script).frame
    assert frame is not None
    return frame


def _write(way: Callable[[], DataFrame]) -> None:
    way().write.format("noop").mode("overwrite").save()
