"""Networks of TensorFlow in the worker: what they fit, say and store."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_diabetes, load_digits
from sklearn.naive_bayes import MultinomialNB

from mlsql.bridge.dataset import Dataset
from mlsql.bridge.errors import DataFault, OptionFault, WorkerError
from mlsql.bridge.request import Columns
from mlsql.bridge.trainer import builtins
from mlsql.bridge.trainers.tensorflow import trainer as trainers
from mlsql.errors import DataError
from mlsql.models.manifest import Column
from mlsql.udf.predictors.stored import find_predictor, loaded


class Listener:
    """A run that keeps what it is told."""

    def __init__(self):
        self.lines, self.doings, self.metrics = [], [], []

    def progress(self, doing, share=None):
        """Keep what is done, and how far it is."""
        self.doings.append((doing, share))

    def log(self, message, level="info"):
        """Keep the line."""
        self.lines.append(message)

    def metric(self, name, value):
        """Keep the number."""
        self.metrics.append((name, value))


@pytest.fixture(scope="module", autouse=True)
def tensorflow():
    """TensorFlow, imported once; its imports warn of much."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainers.FC_CLASSIFY.prepare({})
        import mlflow.pyfunc  # noqa: F401


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """A function that makes a dataset of a matrix, or of named columns, and labels."""

    def make(features, label, kind="bigint", *, weight=None, invalid="error"):
        if isinstance(features, dict):
            types = {"float64": "double", "int64": "bigint", "object": "string", "bool": "boolean"}
            named = tuple(Column(name, types[str(np.asarray(each).dtype)]) for name, each in features.items())
            columns, form = features, "columns"
        else:
            columns, form = {"features": list(features)}, "features"
            named = (Column("features", "array<double>"),)
        weights = {} if weight is None else {"weight": weight}
        table = pa.table(
            {name: pa.array(each) for name, each in (columns | {"label": label} | weights).items()}
        )
        file = tmp_path_factory.mktemp("data") / "rows.arrow"
        with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=50)
        of_weight = None if weight is None else Column("weight", "double")
        return Dataset.open(file, Columns(form, named, Column("label", kind), of_weight, invalid))

    return make


@pytest.fixture(scope="module")
def digits(dataset):
    """1,797 pictures of digits, four fifths to learn from and the rest held out."""
    matrix, label = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(label))
    training, held_out = np.split(order, [len(order) * 4 // 5])
    return dataset(matrix[training], label[training]), dataset(matrix[held_out], label[held_out])


@pytest.fixture(scope="module")
def listener():
    """What the fit of the digits told."""
    return Listener()


@pytest.fixture(scope="module")
def reader(digits, listener):
    """A network that has learnt to read digits."""
    return trainers.FC_CLASSIFY.train(digits[0], {"layerGroup": "128", "epochs": "10"}, listener)


@pytest.fixture(scope="module")
def stored(reader, tmp_path_factory):
    """The folder with that network."""
    folder = tmp_path_factory.mktemp("stored") / "model"
    reader.save(folder)
    return folder


def accuracy(fitted, data):
    """The share of the rows of *data* that it knows."""
    answers = fitted.answers(data)
    return (answers.guess == answers.truth).mean()


def test_digits_are_read(reader, digits):
    """At least 97 of 100 that were not there in training."""
    assert accuracy(reader, digits[1]) >= 0.97


def test_probabilities_sum_to_one(reader, digits):
    """A column a class, in the order of the classes, which are in the label's type."""
    answers = reader.answers(digits[1])
    assert answers.probabilities.shape == (digits[1].rows, 10)
    np.testing.assert_allclose(answers.probabilities.sum(axis=1), 1, atol=1e-12)
    assert answers.guess.tolist() == answers.probabilities.argmax(axis=1).tolist()
    assert (reader.traits.classes, reader.traits.answer) == (tuple(range(10)), "bigint")


def test_epochs_and_loss_are_told(reader, listener):
    """As progress with its share, and as metrics."""
    ends = [(doing.partition(",")[0], share) for doing, share in listener.doings if "step" not in doing]
    assert ends == [(f"epoch {number} of 10", number / 10) for number in range(1, 11)]
    losses = [value for name, value in listener.metrics if name == "epoch_loss"]
    assert len(losses) == 10
    assert losses[-1] < losses[0]


def test_tensorboard_finds_its_logs_with_the_model(stored):
    """A number an epoch."""
    import tensorflow as tf

    (file,) = (stored / "tensorboard").iterdir()
    events = tf.compat.v1.train.summary_iterator(str(file))
    tags = [value.tag for event in events for value in event.summary.value]
    assert tags.count("epoch_loss") == 10


def test_a_function_of_a_stored_network_answers_as_the_network(stored, reader, digits):
    """From the code that is stored with it."""
    predictor = loaded(find_predictor(stored))
    matrix, _ = digits[1].arrays()
    assert predictor.has_probabilities
    assert predictor.predict(matrix).tolist() == reader.answers(digits[1]).guess.tolist()
    np.testing.assert_array_equal(predictor.probabilities(matrix), reader.answers(digits[1]).probabilities)


def test_the_code_of_a_changed_network_is_never_run(reader, tmp_path):
    """Its checksum is that of the time when the function was registered."""
    reader.save(tmp_path / "model")
    found = find_predictor(tmp_path / "model")
    (tmp_path / "model" / "artifacts" / "network" / "answering.py").write_text("raise SystemExit\n")
    with pytest.raises(DataError, match="is not what it was when its function was registered"):
        loaded(found)


_LOAD = """
import json, sys
sys.modules.update(dict.fromkeys(["mlsql", "pyspark", "lark"]))  # importing them is an ImportError
import mlflow.pyfunc, numpy, pandas
for folder, given in json.loads(sys.stdin.read()):
    model = mlflow.pyfunc.load_model(folder)
    given = numpy.array(given) if isinstance(given, list) else pandas.DataFrame(given)
    print(json.dumps([numpy.asarray(model.predict(given)).tolist(), str(model.metadata.signature)]))
"""


def test_mlflow_loads_a_stored_network_without_us(stored, digits, reader, dataset, tmp_path):
    """A matrix, and columns by their names in any order, with texts and nulls among them."""
    columns = {
        "town": np.array(["here", "there", None, "here"] * 20, dtype=object),
        "size": np.tile([1.0, 2.0, 3.0, 5.0], 20),
        "open": np.tile([True, False], 40),
    }
    homes = dataset(columns, ["yes", "no", "yes", "no"] * 20, "string", invalid="keep")
    fitted = trainers.FC_CLASSIFY.train(homes, {"layerGroup": "8", "epochs": "2"}, Listener())
    fitted.save(tmp_path / "homes")
    matrix = digits[1].arrays()[0]
    shuffled = {
        "open": columns["open"].tolist(),
        "town": columns["town"].tolist(),
        "size": columns["size"].tolist(),
    }
    asked = [(str(stored), matrix.tolist()), (str(tmp_path / "homes"), {**shuffled, "more": [0] * 80})]
    ran = subprocess.run(
        [sys.executable, "-c", _LOAD],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    (digit, of_digits), (answer, of_homes) = map(json.loads, ran.stdout.splitlines())
    assert digit == reader.answers(digits[1]).guess.tolist()
    assert "Tensor('float64', (-1, 64))" in of_digits
    assert answer == fitted.answers(homes).guess.tolist()
    assert "'town': string" in of_homes
    wanted = (stored / "requirements.txt").read_text().splitlines()
    assert [line.partition("==")[0] for line in wanted] == [
        "tensorflow",
        "mlflow",
        "keras",
        "numpy",
        "pandas",
    ]
    loaded_again = trainers.FC_CLASSIFY.load(tmp_path / "homes", homes.columns)
    assert loaded_again.answers(homes).guess.tolist() == answer
    frame = pd.DataFrame(columns)
    assert loaded(find_predictor(tmp_path / "homes")).predict(frame).tolist() == answer


def test_a_fit_goes_on_from_a_stored_network(stored, digits):
    """After one epoch more it is no worse; new weights would be."""
    params = {"layerGroup": "128", "epochs": "1", "learningRate": "0.0001"}
    initial = trainers.FC_CLASSIFY.load(stored, digits[0].columns)
    assert trainers.FC_CLASSIFY.continues(params)
    gone_on = trainers.FC_CLASSIFY.train(digits[0], params, Listener(), initial)
    assert accuracy(gone_on, digits[1]) >= 0.97


@pytest.mark.parametrize("params", [{"layerGroup": "64"}, {"layerGroup": "128", "scale": "false"}])
def test_a_fit_goes_on_with_the_same_layers_only(stored, digits, params):
    """Before a step is made."""
    initial = trainers.FC_CLASSIFY.load(stored, digits[0].columns)
    with pytest.raises(DataFault, match="initialModel is a network of other layers"):
        trainers.FC_CLASSIFY.train(digits[0], params, Listener(), initial)


def test_a_fit_goes_on_with_known_classes_only(stored, dataset):
    """A class that the network has no output for is named."""
    initial = trainers.FC_CLASSIFY.load(stored, Columns("features", (Column("features", "array<double>"),)))
    data = dataset(np.zeros((4, 64)), [1, 2, 11, 1])
    with pytest.raises(DataFault, match="the label '11' is none of the classes"):
        trainers.FC_CLASSIFY.train(data, {"layerGroup": "128"}, Listener(), initial)


def test_rows_are_weighed_where_there_are_weights(dataset):
    """A row of weight 0 teaches nothing."""
    x = np.tile([-1.0, 1.0], 100)
    truth = (x > 0).astype(int)
    wrong = np.arange(200) >= 60
    data = dataset({"x": x}, np.where(wrong, 1 - truth, truth), weight=np.where(wrong, 0.0, 1.0))
    fitted = trainers.FC_CLASSIFY.train(data, {"layerGroup": "4", "learningRate": "0.1"}, Listener())
    assert fitted.answers(data).guess.tolist() == truth.tolist()


def test_a_number_is_answered_in_its_own_unit(dataset):
    """Disease progression from 25 to 346, better than its mean."""
    matrix, label = load_diabetes(return_X_y=True)
    data = dataset(matrix, label, "double")
    params = {"layerGroup": "32", "epochs": "40", "validationSplit": "0.2", "earlyStopping": "2"}
    run = Listener()
    fitted = trainers.FC_REGRESS.train(data, params, run)
    answers = fitted.answers(data)
    assert np.sqrt(np.mean((answers.guess - label) ** 2)) < 0.8 * label.std()
    assert (fitted.traits.kind, fitted.traits.answer, answers.probabilities) == ("regressor", "double", None)
    assert any(name == "epoch_val_loss" for name, _ in run.metrics)


@pytest.fixture(scope="module")
def ordered_words(dataset):
    """Sequences of words of which the order of two decides: counts of words know nothing."""
    random = np.random.default_rng(5)
    words = random.integers(3, 20, (600, 8))
    label = np.array(["first", "then"])[np.arange(600) % 2]
    for row, one in enumerate(label):
        place = random.integers(0, 7)
        words[row, place : place + 2] = (1, 2) if one == "first" else (2, 1)
    return (
        words,
        label,
        dataset(words[:400], label[:400], "string"),
        dataset(words[400:], label[400:], "string"),
    )


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("CNNClassify", {"windowGroup": "2,3", "filters": "16"}),
        ("AttentionLSTMClassify", {"units": "16", "dropout": "0"}),
    ],
)
def test_a_network_of_sequences_sees_what_naive_bayes_cannot(ordered_words, name, params):
    """The order of words, without the help of pairs; on reviews they have it, in test_tensorflow_texts."""
    words, label, training, held_out = ordered_words
    common = {
        "pairSize": "0",
        "vocabularySize": "20",
        "embeddingSize": "8",
        "epochs": "12",
        "learningRate": "0.01",
    }
    fitted = builtins().get(name).train(training, common | params, Listener())
    counts = np.stack([np.bincount(row, minlength=20) for row in words])
    naive = MultinomialNB().fit(counts[:400], label[:400]).score(counts[400:], label[400:])
    assert accuracy(fitted, held_out) > naive + 0.2
    assert (fitted.traits.classes, fitted.traits.answer) == (("first", "then"), "string")


@pytest.fixture(scope="module", params=[20, 4000], ids=["a vector each", "shared vectors"])
def pairs(request):
    """The vocabulary, and a network that gives what pairs say, with random vectors."""
    import keras

    from mlsql.bridge.trainers.tensorflow.pairs import paired

    inputs = keras.Input((8,))
    model = keras.Model(inputs, paired(inputs, request.param, 4))
    (vectors,) = model.get_weights()
    model.set_weights([np.random.default_rng(1).normal(size=vectors.shape)])
    return request.param, model


@settings(max_examples=25)
@given(st.data())
def test_pairs_of_words_say_the_same_wherever_they_stand(pairs, data):
    """The root of their number times the mean of their vectors; nothing where there is none."""
    vocabulary, model = pairs
    words = data.draw(st.lists(st.integers(1, vocabulary - 1), max_size=6))
    before = data.draw(st.integers(0, 8 - len(words)))
    texts = np.zeros((1 + max(1, len(words) - 1), 8), "float32")
    texts[0, before : before + len(words)] = words
    for number, two in enumerate(pairwise(words), 1):
        texts[number, :2] = two
    together, *alone = np.asarray(model(texts))
    np.testing.assert_allclose(together, sum(alone) / np.sqrt(len(alone)), rtol=1e-4, atol=1e-5)
    assert together.any() == (len(words) > 1)


OWN = """
import keras

@keras.saving.register_keras_serializable()
class Twice(keras.layers.Layer):
    def call(self, x):
        return 2 * x

def build(inputs, outputs, params):
    units = int(params["units"])
    return keras.Sequential([
        keras.Input((inputs,)),
        Twice(),
        keras.layers.Dense(units, "relu"),
        keras.layers.Dense(outputs, "softmax"),
    ])
"""
OWN_PARAMS = {"script": OWN, "scriptName": "net.py", "kind": "classifier", "units": "8", "epochs": "2"}


def test_a_network_of_the_users_own_is_fitted_and_stored(dataset, tmp_path):
    """With layers of its own; it answers the same when it is loaded, as everywhere."""
    random = np.random.default_rng(2)
    data = dataset(
        {"a": random.normal(size=80), "b": random.normal(size=80)}, random.integers(0, 2, 80) > 0, "boolean"
    )
    assert trainers.NETWORK.check(OWN_PARAMS) is None
    fitted = trainers.NETWORK.train(data, OWN_PARAMS, Listener())
    fitted.save(tmp_path / "model")
    again = trainers.NETWORK.load(tmp_path / "model", data.columns)
    np.testing.assert_array_equal(again.answers(data).probabilities, fitted.answers(data).probabilities)
    frame = data.inputs()
    assert (
        loaded(find_predictor(tmp_path / "model")).predict(frame).tolist()
        == fitted.answers(data).guess.tolist()
    )
    assert fitted.traits.classes == (False, True)


@pytest.mark.parametrize(
    ("text", "other", "message"),
    [
        ('params["units"]', 'params["unit"]', "net.py:10 in build: KeyError: 'unit'"),
        ("2 * x", "2 * x.many", "net.py:7 in call: "),
        ('outputs, "softmax"', "3", "net.py: the network that build returns answers rows × 3"),
        ("    return keras", "    keras", "net.py: build returned nothing; it returns a Keras model"),
    ],
)
def test_a_mistake_in_an_own_network_is_told_with_its_line(dataset, text, other, message):
    """In the user's file, before a step is made."""
    data = dataset(np.zeros((4, 2)), [0, 1, 0, 1])
    with pytest.raises(WorkerError) as told:
        trainers.NETWORK.train(data, OWN_PARAMS | {"script": OWN.replace(text, other)}, Listener())
    assert message in told.value.message


def test_what_is_not_finite_is_named(dataset):
    """By its column, whether it was a null or not."""
    data = dataset({"a": np.array([1.0, 2.0]), "b": np.array([1.0, np.nan])}, [0, 1], invalid="keep")
    with pytest.raises(
        DataFault, match="a network takes no NaN and no infinite numbers, which there are in 'b'"
    ):
        trainers.FC_CLASSIFY.train(data, {}, Listener())


def test_a_word_beyond_the_vocabulary_is_told(dataset):
    """With the numbers that there may be."""
    data = dataset(np.array([[1, 2], [3, 9]]), [0, 1])
    with pytest.raises(DataFault, match="the word index 9; with vocabularySize=9 they are from 0 to 8"):
        trainers.CNN_CLASSIFY.train(data, {"vocabularySize": "9"}, Listener())


def test_features_that_are_no_whole_sequence_are_told(dataset):
    """A vector a word, so many words."""
    data = dataset(np.zeros((4, 10)), [0, 1, 0, 1])
    with pytest.raises(OptionFault, match="the features are 10 numbers, not 3 × 3 = 9"):
        trainers.CNN_CLASSIFY.train(data, {"sequenceLength": "3", "embeddingSize": "3"}, Listener())


def test_a_text_is_no_number(dataset):
    """The label of a network that regresses."""
    with pytest.raises(DataFault, match="the label column 'label' holds texts"):
        trainers.FC_REGRESS.train(dataset(np.zeros((2, 2)), ["a", "b"], "string"), {}, Listener())


def test_a_loss_that_is_lost_ends_the_fit(dataset):
    """It does not come back."""
    data = dataset(np.random.default_rng(0).normal(size=(64, 2)), np.arange(64.0), "double")
    params = {"optimizer": "sgd", "learningRate": "1e30", "layerGroup": "4", "epochs": "9"}
    with pytest.raises(DataFault, match=r"the loss is (nan|inf) after epoch"):
        trainers.FC_REGRESS.train(data, params, Listener())


_START = """
import sys
from pathlib import Path
from mlsql.bridge.trainers.tensorflow.runtime import start
start()
import tensorflow as tf
tf.zeros(3) + 1
print(tf.config.threading.get_intra_op_parallelism_threads())
"""


def test_tensorflow_starts_without_chatter_and_with_the_threads_it_is_given(tmp_path):
    """Nothing of processors and graphics cards that are not there."""
    import os

    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[3])}
    ran = subprocess.run(
        [sys.executable, "-c", _START],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    assert (ran.stdout.strip(), ran.stderr) == ("1", "")
