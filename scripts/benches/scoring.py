"""A stored model in SQL, against the same model in a mapInArrow by hand and in MLflow's spark_udf."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlsql
from mlsql.config.settings import Settings

from .bridge import WIDTH, doubles, table
from .measures import Row, Scale, Times

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

_NAMES = [f"c{number}" for number in range(1, WIDTH + 1)]
_TRAINING_ROWS = 2_000
_SCRIPT = """
select {columns}, cast(id % 2 as int) as label from range({rows}) as some;
select array({names}) as features, label from some as packed;
train some as SKLearn.`{folder}/columns` where inputCols="c1..c{width}" and labelCol="label"
  and `fitParam.alg`="LogisticRegression" as trained_columns;
train packed as SKLearn.`{folder}/features` where labelCol="label"
  and `fitParam.alg`="LogisticRegression" as trained_features;
register SKLearn.`{folder}/columns` as of_columns;
register SKLearn.`{folder}/features` as of_features;
"""
_ASK = "select {call} as answer from scored as answered;"


def scoring(scale: Scale) -> Iterator[Row]:
    """Both forms of a model; every way writes its answers to nowhere."""
    settings = Settings(spark={"spark.master": "local[2]", "spark.driver.memory": "2g"})
    with mlsql.Engine.local(settings) as engine, tempfile.TemporaryDirectory() as folder:
        columns, names = ", ".join(doubles()), ", ".join(_NAMES)
        engine.run(
            _SCRIPT.format(folder=folder, columns=columns, names=names, rows=_TRAINING_ROWS, width=WIDTH)
        )
        plain = table(engine.spark, scale.rows)
        packed = plain.selectExpr(f"array({names}) as features")
        for form, frame, call in (
            ("columns", plain, f"of_columns({names})"),
            ("features", packed, "of_features(features)"),
        ):
            frame.createOrReplaceTempView("scored")
            (model,) = Path(folder, form).glob("_model_*/model/0")
            ways = [
                partial(_answered, engine, call),
                partial(by_hand, frame, model),
                partial(by_mlflow, frame, model),
            ]
            times = Times.of([partial(_write, way) for way in ways], scale.rounds)
            told = f"{form} form, {scale.rows:,} rows"
            yield times.speed(f"{told}, against mapInArrow by hand", 0, 1, 0.9)
            yield times.speed(f"{told}, against mlflow.pyfunc.spark_udf", 0, 2, 1.25)


def by_hand(frame: DataFrame, model: Path) -> DataFrame:
    """The answers as whoever knows both Spark and scikit-learn would compute them."""

    def answer(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import mlflow.sklearn
        import numpy as np
        import pyarrow as pa

        estimator: Any = mlflow.sklearn.load_model(str(model))
        if hasattr(estimator, "steps"):  # behind a step that takes columns by name, which a hand needs not
            estimator = estimator["estimator"]
        for batch in batches:
            if batch.num_columns == 1:
                matrix = batch.column(0).flatten().to_numpy().reshape(-1, WIDTH)
            else:
                matrix = np.column_stack([column.to_numpy() for column in batch.columns])
            answers = estimator.predict(matrix)
            yield pa.RecordBatch.from_arrays([pa.array(answers, pa.int32())], names=["answer"])

    return frame.mapInArrow(answer, "answer int")


def by_mlflow(frame: DataFrame, model: Path) -> DataFrame:
    """The answers of the same folder, by the function that MLflow makes of it."""
    from mlflow.pyfunc import spark_udf
    from pyspark.sql import functions as F  # noqa: N812 (what everybody calls it)

    udf: Any = spark_udf(frame.sparkSession, str(model), result_type="int", env_manager="local")
    inputs = F.struct(*frame.columns) if len(frame.columns) > 1 else frame[frame.columns[0]]
    return frame.select(udf(inputs).alias("answer"))


def _answered(engine: mlsql.Engine, call: str) -> DataFrame:
    frame = engine.run(_ASK.format(call=call)).frame
    assert frame is not None
    return frame


def _write(way: Callable[[], DataFrame]) -> None:
    way().write.format("noop").mode("overwrite").save()
