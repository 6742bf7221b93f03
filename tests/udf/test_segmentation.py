"""Words of texts: by separators, by jieba with further words, by a plug-in."""

import sys
import tempfile

import pytest

from mlsql.errors import ConfigError, UnknownName
from mlsql.udf.segmentation import Segmentation, made_segmenter, separator

TEXT = "小明在机器学习研究所工作"


def test_separators_part_words():
    """A regular expression, or plain characters; what is empty is no word, and stop words are left out."""
    texts = ["a, b,,c", "", "b"]
    assert Segmentation(split="[, ]+")(texts) == [["a", "b", "c"], [], ["b"]]
    assert Segmentation(split=", ")(texts) == [["a", "b,,c"], [], ["b"]]
    assert Segmentation(split=",", stop_words=("b",))(["a,b,c"]) == [["a", "c"]]


@pytest.mark.parametrize("text", ["", "(a", "(a)|b", "[", "*"])
def test_what_is_no_separator_is_refused(text):
    """Neither what Python cannot read, nor groups, which would be words."""
    with pytest.raises(ValueError):
        separator(text)


def test_chinese_words_are_found():
    """With jieba's dictionary, and with words of one's own."""
    assert Segmentation()(["我 爱北京天安门"]) == [["我", "爱", "北京", "天安门"]]
    assert "机器学习研究所" not in Segmentation()([TEXT])[0]
    words = Segmentation(dictionary=("机器学习研究所\tn\t2000",))([TEXT])[0]
    assert "机器学习研究所" in words
    assert "".join(words) == TEXT


def test_words_have_natures():
    """Given with the words, or deciding which are kept."""
    assert Segmentation(tags=True)(["我爱北京"]) == [["我/r", "爱/v", "北京/ns"]]
    assert Segmentation(natures=("n",))(["我爱北京"]) == [["北京"]]


def test_a_segmenter_is_made_once(tmp_path, monkeypatch):
    """It is kept with its dictionary, and reads and writes no file that others could have put there."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made_segmenter.cache_clear()
    assert made_segmenter("jieba", ()) is made_segmenter("jieba", ())
    assert not [*tmp_path.iterdir()]


def test_without_jieba_it_is_told_how_to_get_it(monkeypatch):
    """The extra that brings it."""
    made_segmenter.cache_clear()
    monkeypatch.setitem(sys.modules, "jieba", None)
    with pytest.raises(ConfigError, match=r"pip install 'mlsql\[chinese\]'"):
        Segmentation()(["我"])


def test_a_package_brings_a_segmenter(tmp_path, monkeypatch):
    """Found by its entry point; another name is told with those that are known."""
    info = tmp_path / "letters-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: letters\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mlsql.segmenters]\nletters = lettering:Letters\n")
    (tmp_path / "lettering.py").write_text(
        "class Letters:\n"
        "    def __init__(self, dictionary): pass\n"
        "    def words(self, text): return list(text)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert Segmentation(segmenter="letters")(["ab"]) == [["a", "b"]]
    with pytest.raises(UnknownName, match="no segmenter is called 'leters'"):
        Segmentation(segmenter="leters")(["ab"])
