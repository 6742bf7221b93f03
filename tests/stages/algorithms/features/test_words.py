"""Words: as numbers, out of texts, and what else texts hold; values by their keys."""

import numpy as np
import pytest

from mlsql.errors import MlsqlError

pytestmark = pytest.mark.spark

TEXTS = [(0, "spark runs queries"), (1, "spark fits"), (2, "")]


@pytest.fixture
def texts(scripts):
    """A table ``t`` of texts ``s``, and ``w``, the words of each."""
    rows = [(number, text, text.split()) for number, text in TEXTS]
    scripts.table("t", rows, "n int, s string, w array<string>")
    return scripts


def test_words_are_arrays_of_numbers(texts, fitted):
    """Word2vec: an array a word, in each form; a word that is new is zeros."""
    options = {"inputCol": "w", "vectorSize": 3, "minCount": 1}
    rows = fitted("Word2vec", "t", options, "f_array(w)", "w")
    (answers,) = texts.rows("select f('runs') as known, f('new') as unseen as one;")
    assert answers["known"] == rows[0].w[1]
    assert answers["unseen"] == [0.0] * 3


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ("", [[[1.0, 2.0], [0.0, 0.0]], [[1.0, 2.0], [3.0, 4.0]], [[0.0, 0.0]] * 2]),
        ("flat", [[1.0, 2.0, 0.0, 0.0], [1.0, 2.0, 3.0, 4.0], [0.0] * 4]),
        ("merge", [[1.0, 2.0], [4.0, 6.0], [0.0, 0.0]]),
        ("index", [[1, 0], [1, 2], [0, 0]]),
    ],
)
def test_texts_are_the_numbers_of_their_words(texts, fitted, result, expected):
    """Word2VecInPlace in its four forms, with vectors from a file."""
    (texts.path / "vectors.txt").write_text("2 2\nspark 1 2\nfits 3 4\n")
    options = {
        "inputCol": "s", "split": " ", "wordvecPaths": "vectors.txt", "length": 2, "resultFeature": result
    }  # fmt: skip
    rows = fitted("Word2VecInPlace", "t", options, "f(s)", "s")
    assert [row.s for row in rows] == expected


def test_learnt_words_add_up(texts, fitted):
    """The sum of a text is the sum of what its words are."""
    options = {"inputCol": "s", "split": " ", "vectorSize": 3, "resultFeature": "merge"}
    rows = fitted("Word2VecInPlace", "t", options, "f(s)", "s")
    (each,) = texts.rows("select f('spark') as a, f('fits') as b as one;")
    assert np.allclose(rows[1].s, np.add(each["a"], each["b"]), atol=1e-15)


def test_words_of_a_dictionary_are_found(texts):
    """TokenExtract finds the longest; TokenAnalysis tells all words; texts keep their ids."""
    (texts.path / "words.txt").write_text("spark runs\nspark\nfits n 10\nspark runs queries well\n")
    found = texts.rows("""
        train t as TokenExtract.`m/x` where idCol="n" and inputCol="s" and dic.paths="words.txt" as found;
        register TokenExtract.`m/x` as f;
        select n, keywords, f(concat("spark ", s)) as more from found join t using (n) order by n as all;
    """)
    assert [row["keywords"] for row in rows_by(found)] == [["spark"], ["spark", "fits"], []]
    assert found[1]["more"] == ["spark", "spark", "fits"]
    told = texts.rows("""
        train t as TokenAnalysis.`m/a` where idCol="n" and inputCol="s" and split=" " as told;
        select * from told order by n as all;
    """)
    assert told[0] == {"n": 0, "keywords": ["spark", "runs", "queries"]}


def rows_by(rows):
    """*rows* in the order of their ``n``."""
    return sorted(rows, key=lambda row: row["n"])


def test_texts_are_counted(scripts, fitted):
    """Phone numbers, accounts, addresses, URLs, pictures and characters, as columns and as functions."""
    text = (
        "打 13812345678 或 ann@example.com，见 https://example.com/a/b.png 和 http://example.com, QQ: 123456"
    )
    scripts.table("t", [(0, text)], "n int, s string")
    (row,) = fitted("FeatureExtractInPlace", "t", {"inputCol": "s"}, "f_url(s)", "url")
    assert (row.phone, row.email, row.url, row.pic, row.chinese, row.length) == (1, 1, 2, 1, 4, len(text))
    assert row.qqwechat == 1
    (answer,) = scripts.rows("select f(s) as counts from t as one;")
    assert answer["counts"][:4] == [1.0, 1.0, 2.0, 1.0]


def test_texts_are_parsed(scripts):
    """Parse gives the words of a text; null gives null."""
    (row,) = scripts.rows("select parse('我爱北京天安门') as words, parse(null) as none as one;")
    assert row == {"words": ["我", "爱", "北京", "天安门"], "none": None}


def test_values_are_found_by_their_keys(scripts):
    """MapValues and TableToMap: of the table, of another or a file, or what stands for the missing.

    That is the value of a key, as MLSQL has it, or a value itself.
    """
    scripts.table("t", [("a", 1), ("b", 2), (None, 3)], "k string, v int")
    scripts.table("u", [("c", 4)], "k string, v int")
    (scripts.path / "more.txt").write_text("d\t5\n")
    (row,) = scripts.rows("""
        train t as MapValues.`m/v` where inputCol="k" and outputCol="v" and mapMissingTo="-1" as x;
        register MapValues.`m/v` as f;
        train t as TableToMap.`m/t` where keyField="k" and valueField="v" and table.names="u"
          and dic.paths="more.txt" and dic.names="file" as y;
        register TableToMap.`m/t` as g;
        train t as TableToMap.`m/p` where keyField="k" and valueField="v" and table.paths="u"
          and table.names="further" and mapMissingTo="b" as z;
        register TableToMap.`m/p` as h;
        select f("b") as known, f("x") as missing, f(null) as none, g("c") as other, g("x") as nothing,
          g_u("a") as elsewhere, g_file("d") as filed, h_further("c") as further, h("x") as default,
          f_array(array("a", "x", null)) as several as one;
    """)
    assert row == {
        "known": 2, "missing": -1, "none": None, "other": 4, "nothing": None, "elsewhere": None, "filed": 5,
        "further": 4, "default": 2, "several": [1, -1, -1],
    }  # fmt: skip
    with pytest.raises(MlsqlError, match="2 names are given to 1 tables"):
        scripts(
            "train t as MapValues.`m/n` where inputCol='k' and outputCol='v' and table.paths='u'"
            " and table.names='a,b';"
        )
