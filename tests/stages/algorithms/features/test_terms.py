"""Texts as vectors of terms: the table and the function agree, and so do scikit-learn and Spark."""

from itertools import pairwise

import numpy as np
import pytest

pytestmark = pytest.mark.spark

TEXTS = ["spark runs queries", "spark fits models", "models answer, models answer fast", "", "spark"]


@pytest.fixture
def texts(scripts):
    """A table ``t`` of texts, one of which is null."""
    rows = [(number, text) for number, text in enumerate([*TEXTS, None])]
    scripts.table("t", rows, "n int, text string")
    return scripts


def test_texts_weigh_as_scikit_learn_says(texts):
    """Terms and n-grams, counted and weighed by ln((n + 1) / (df + 1)); null stays null."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    table = texts("""
        train t as TfIdfInPlace.`m` where inputCol="text" and split="[ ,]+" and nGrams="2" as vectors;
        register TfIdfInPlace.`m` as f;
        select n, v.text as vector, f(t.text) as again from vectors v join t using (n) order by n as both;
    """)
    rows = table.collect()
    assert [row.again for row in rows] == [row.vector for row in rows]
    assert rows[-1].vector is None
    by_hand = TfidfVectorizer(analyzer=_terms, norm=None)
    expected = by_hand.fit_transform(TEXTS).toarray()
    counts = by_hand.transform(TEXTS).toarray() / by_hand.idf_
    expected = counts * (by_hand.idf_ - 1)
    ours = np.array([row.vector.toArray() for row in rows[:-1]])
    assert np.allclose(np.sort(ours, axis=1), np.sort(expected, axis=1), atol=1e-12)


def _terms(text):
    words = [word for word in text.replace(",", " ").split(" ") if word]
    return [*words, *map(" ".join, pairwise(words))]


def test_words_are_hashed_and_weighed_as_spark_does(scripts, fitted):
    """HashTfIdf is Spark's HashingTF and IDF, also where words meet in one place, and with minDocFreq."""
    from pyspark.ml.feature import IDF, HashingTF

    rows = [(number, text.replace(",", "").split()) for number, text in enumerate(TEXTS)]
    scripts.table("t", rows, "n int, words array<string>")
    options = {"inputCol": "words", "outputCol": "o", "numFeatures": 7, "minDocFreq": 2}
    ours = fitted("HashTfIdf", "t", options, "f(words)", "o")
    counted = HashingTF(inputCol="words", outputCol="tf", numFeatures=7).transform(
        scripts.run.spark.table("t")
    )
    expected = IDF(inputCol="tf", outputCol="o", minDocFreq=2).fit(counted).transform(counted).collect()
    for mine, theirs in zip(ours, expected, strict=True):
        assert np.allclose(mine.o.toArray(), theirs.o.toArray(), atol=1e-12)


def test_words_have_places_by_how_many_rows_have_them(scripts, fitted):
    """TfIdf is Spark's CountVectorizer and IDF, but for the order of words that are equally frequent."""
    from pyspark.ml.feature import IDF, CountVectorizer

    rows = [(number, text.replace(",", "").split()) for number, text in enumerate(TEXTS)]
    scripts.table("t", rows, "n int, words array<string>")
    ours = fitted("TfIdf", "t", {"inputCol": "words", "outputCol": "o"}, "f(words)", "o")
    table = scripts.run.spark.table("t")
    counted = CountVectorizer(inputCol="words", outputCol="tf").fit(table).transform(table)
    expected = IDF(inputCol="tf", outputCol="o").fit(counted).transform(counted).collect()
    for mine, theirs in zip(ours, expected, strict=True):
        assert np.allclose(np.sort(mine.o.toArray()), np.sort(theirs.o.toArray()), atol=1e-12)
