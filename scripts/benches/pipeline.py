"""A script from a CSV to saved predictions, against PySpark and scikit-learn by hand in one process."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlsql
from mlsql.config.settings import Settings

from .measures import Row, Scale, Times

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame, SparkSession

_ROUNDS = 3
_SPARK = {"spark.master": "local[2]", "spark.driver.memory": "3g", "spark.driver.maxResultSize": "0"}
_WIDTH = 8
_NAMES = [f"c{number}" for number in range(1, _WIDTH + 1)]
_PREPARED = ("*", "c1 * c2 as product", "pmod(xxhash64(id), 10) as fold")
_INPUTS = [*_NAMES, "product"]
_SCRIPT = """
load {source} as raw;
select {prepared} from raw where c1 > 0.01 as prepared;
select * from prepared where fold < 8 as training;
select * from prepared where fold >= 8 as holdout;
train training as SKLearn.`{folder}/model` where inputCols="{inputs}" and labelCol="label"
  and evaluateTable="holdout" and keepVersion="false"
  and fitParam.0.alg="LogisticRegression"
  and fitParam.1.alg="DecisionTreeClassifier" and fitParam.1.max_depth="8" and fitParam.1.random_state="1"
as trained;
register SKLearn.`{folder}/model` as guess where autoSelectByMetric="f1";
select id, label, guess({inputs}) as guessed from holdout as scored;
save overwrite scored as parquet.`{folder}/ours`;
"""


def pipeline(scale: Scale) -> Iterator[Row]:
    """One measure a format; a script may cost a fifth more than the same by hand."""
    rounds = min(scale.rounds, _ROUNDS)
    with mlsql.Engine.local(Settings(spark=_SPARK)) as engine, tempfile.TemporaryDirectory() as folder:
        table = _table(engine.spark, scale.rows)
        table.write.parquet(f"{folder}/in.parquet")
        table.write.csv(f"{folder}/in.csv", header=True)
        for form, options in (("csv", {"header": "true", "inferSchema": "true"}), ("parquet", {})):
            hand = ByHand(engine.spark, Path(folder), form, options)
            script = _script(folder, form, options)
            times = Times.of([partial(engine.run, script), hand.run], rounds)
            yield times.speed(f"{form} to saved predictions, {scale.rows:,} rows", 0, 1, 1 / 1.2)


def _script(folder: str, form: str, options: dict[str, str]) -> str:
    conditions = " and ".join(f'{name}="{value}"' for name, value in options.items())
    source = f"{form}.`{folder}/in.{form}`" + (f" where {conditions}" if conditions else "")
    names = {"prepared": ", ".join(_PREPARED), "inputs": ", ".join(_INPUTS)}
    return _SCRIPT.format(source=source, folder=folder, **names)


def _table(spark: SparkSession, rows: int) -> DataFrame:
    """Columns of doubles, and a label that some of them decide."""
    numbers = [f"(xxhash64(id, {each}) & 65535) / 100000 as c{each}" for each in range(1, _WIDTH + 1)]
    return spark.range(rows).selectExpr("id", *numbers).selectExpr("*", "int(c1 + c2 * c3 > c4) as label")


@dataclass(frozen=True)
class ByHand:
    """What whoever knows both libraries would write: one toPandas a table, the fits in this process."""

    spark: SparkSession
    folder: Path
    form: str
    options: dict[str, str]

    def run(self) -> None:
        """From the file to the predictions, with a stored model and its metrics on the way."""
        raw = self.spark.read.options(**self.options).format(self.form).load(f"{self.folder}/in.{self.form}")
        prepared = raw.where("c1 > 0.01").selectExpr(*_PREPARED)
        holdout = prepared.where("fold >= 8")
        best = self._best(*(_pandas(each) for each in (prepared.where("fold < 8"), holdout)))
        _guessed(holdout, best).write.mode("overwrite").parquet(f"{self.folder}/by_hand")

    def _best(self, training: pd.DataFrame, holdout: pd.DataFrame) -> Any:
        """The estimator with the better f1 on *holdout*, all of them stored."""
        import joblib
        from sklearn.linear_model import LogisticRegression
        from sklearn.tree import DecisionTreeClassifier

        judged = {}
        for estimator in (LogisticRegression(), DecisionTreeClassifier(max_depth=8, random_state=1)):
            estimator.fit(training[_INPUTS], training["label"])
            joblib.dump(estimator, self.folder / f"{type(estimator).__name__}.joblib")
            judged[_metrics(estimator, holdout)["f1"]] = estimator
        return judged[max(judged)]


def _pandas(frame: DataFrame) -> pd.DataFrame:
    return frame.select(*_INPUTS, "label").toPandas()


def _metrics(estimator: Any, holdout: pd.DataFrame) -> dict[str, float]:
    """The same figures that a train gives of a classifier."""
    from sklearn import metrics

    truth, guessed = holdout["label"], estimator.predict(holdout[_INPUTS])
    probabilities = estimator.predict_proba(holdout[_INPUTS])
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(truth, guessed, average="weighted")
    return {
        "accuracy": metrics.accuracy_score(truth, guessed),
        "f1": f1,
        "precision": precision,
        "recall": recall,
        "logLoss": metrics.log_loss(truth, probabilities),
        "auc": metrics.roc_auc_score(truth, probabilities[:, 1]),
    }


def _guessed(frame: DataFrame, estimator: Any) -> DataFrame:
    """What the estimator answers for each row."""

    def guess(tables: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for table in tables:
            answers = estimator.predict(table[_INPUTS]).astype("int32")
            yield table[["id", "label"]].assign(guessed=answers)

    return frame.select("id", "label", *_INPUTS).mapInPandas(guess, "id long, label int, guessed int")
