"""What the algorithms are for: a sentence and a script that runs as it stands, for each.

``load modelList`` and ``load modelExample`` show them; the tests run every example.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mlsql.bridge.trainers.estimators import Estimator, read_table
from mlsql.bridge.trainers.tensorflow.networks import NETWORKS
from mlsql.bridge.trainers.tensorflow.trainer import surveyed


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

PYTHON = Description(
    "Runs Python of your own in a worker process, and keeps what its train returns as a version of a model.",
    """\
set code='''
import numpy as np

def train(data, params, run):
    x, y = data.arrays()
    return {label: x[y == label].mean(axis=0) for label in data.classes}

def predict(model, frame):
    x = frame.to_numpy(dtype=float)
    distances = [np.linalg.norm(x - center, axis=1) for center in model.values()]
    return np.array(list(model))[np.argmin(distances, axis=0)]
''';
select id % 10 as x, id % 7 as y, cast(id % 10 > 4 as int) as label from range(200) as points;
train points as PythonAlg.`out/example/centers` where scripts="code" and inputCols="x,y" as models;
register PythonAlg.`out/example/centers` as nearest;
select x, y, nearest(x, y) as guess from points as guesses;
""",
)

_POINTS = "select id % 10 as x, id % 7 as y, cast(id % 10 > 4 as int) as label from range(200) as points;\n"
_SENTENCES = """\
select cast(id % 2 as int) as label, array(id % 5 + 1, id % 2 + 6, id % 3 + 8, 0) as features
from range(200) as sentences;
"""

TENSORFLOW = Description(
    "Fits networks of TensorFlow, those of the other algorithms or your own, in worker processes.",
    _POINTS
    + """\
set net='''
import keras

def build(inputs, outputs, params):
    return keras.Sequential([
        keras.Input((inputs,)),
        keras.layers.Dense(int(params["units"]), "relu"),
        keras.layers.Dense(outputs, "softmax"),
    ])
''';
train points as TensorFlow.`out/example/own` where scripts="net" and inputCols="x,y"
  and fitParam.units="8" and fitParam.epochs="2" as models;
""",
    surveyed(*NETWORKS),
)

FC_CLASSIFY = Description(
    "Classifies by a network of layers in which each unit sees all of the layer before.",
    _POINTS
    + """\
train points as FCClassify.`out/example/layers` where inputCols="x,y" and evaluateTable="points"
  and fitParam.0.layerGroup="16,8" and fitParam.0.epochs="3" as models;
register FCClassify.`out/example/layers` as is_right;
select x, y, is_right(x, y) as guess from points as guesses;
""",
    surveyed("FCClassify"),
)

FC_REGRESS = Description(
    "Finds a number by a network of layers in which each unit sees all of the layer before.",
    _POINTS
    + """\
train points as FCRegress.`out/example/number` where inputCols="x" and labelCol="y"
  and fitParam.0.layerGroup="16" and fitParam.0.epochs="3" as models;
""",
    surveyed("FCRegress"),
)

CNN_CLASSIFY = Description(
    "Classifies texts by the patterns of words that stand together in them.",
    _SENTENCES
    + """\
train sentences as CNNClassify.`out/example/patterns` where fitParam.0.vocabularySize="11"
  and fitParam.0.embeddingSize="4" and fitParam.0.windowGroup="2,3" and fitParam.0.filters="4"
  and fitParam.0.epochs="2" as models;
""",
    surveyed("CNNClassify"),
)

ATTENTION_LSTM_CLASSIFY = Description(
    "Classifies texts by reading them in both directions and weighing what each word says.",
    _SENTENCES
    + """\
train sentences as AttentionLSTMClassify.`out/example/weighed` where fitParam.0.vocabularySize="11"
  and fitParam.0.embeddingSize="4" and fitParam.0.units="4" and fitParam.0.epochs="2" as models;
""",
    surveyed("AttentionLSTMClassify"),
)

LSTM_REGRESS = Description(
    "Finds a number, such as the next one, by reading the last values of a series.",
    """\
select transform(sequence(id, id + 5), each -> sin(each)) as features, sin(id + 6) as label
from range(200) as waves;
train waves as LSTMRegress.`out/example/next` where fitParam.0.units="4" and fitParam.0.epochs="2" as models;
""",
    surveyed("LSTMRegress"),
)
