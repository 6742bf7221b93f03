"""What the algorithms are for: a sentence and a script that runs as it stands, for each.

``load modelList`` and ``load modelExample`` show them; the tests run every example.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mlsql.bridge.trainers.estimators import Estimator, read_table


@dataclass(frozen=True, slots=True)
class Description:
    """A sentence, a script, and how to learn of the *models* that have parameters of their own."""

    doc: str
    example: str
    models: Callable[[], Mapping[str, Estimator]] = dict


RATE_SAMPLER = Description(
    "Marks each row with the part of a split that it falls into, always the same one.",
    """\
select id as n, if(id % 3 = 0, "a", "b") as label from range(100) as numbers;
run numbers as RateSampler.`` where labelCol="label" and sampleRate="0.8,0.2" as marked;
select * from marked where __split__ = 0 as training;
select * from marked where __split__ = 1 as holdout;
""",
)
UNDESCRIBED = Description("Fits models in worker processes, outside of Spark.", "")

EVALUATE = Description(
    "Judges a stored model on a table: a row with a column a metric.",
    """\
select id % 10 as x, cast(id % 10 > 4 as int) as label from range(200) as points;
train points as SKLearn.`out/example/judged` where inputCols="x" and fitParam.0.alg="GaussianNB";
run points as Evaluate.`out/example/judged` where metrics="accuracy,f1" as scores;
""",
)

SKLEARN = Description(
    "Fits estimators of scikit-learn in worker processes, and keeps them as a version of a model.",
    """\
select id % 10 as x, id % 7 as y, cast(id % 10 > 4 as int) as label from range(200) as points;
run points as RateSampler.`` where sampleRate="0.8,0.2" as marked;
select * from marked where __split__ = 0 as training;
select * from marked where __split__ = 1 as holdout;
train training as SKLearn.`out/example/points` where evaluateTable="holdout"
  and inputCols="x,y" and labelCol="label"
  and fitParam.0.alg="LogisticRegression"
  and fitParam.1.alg="DecisionTreeClassifier" and fitParam.1.max_depth=3
  as models;
register SKLearn.`out/example/points` as is_right where autoSelectByMetric="f1";
select x, y, is_right(x, y) as guess from points as guesses;
""",
    read_table,
)
