"""Plain models in their files: read back as they were, shared by mapping, refused when damaged."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mlsql.errors import DataError
from mlsql.udf.predictors.plain import PLAIN, read_plain, write_plain
from mlsql.udf.predictors.plain.archive import read_arrays, write_arrays
from mlsql.udf.predictors.plain.families import FAMILIES, class_of, family_of
from mlsql.udf.predictors.plain.linear import LinearClassifier

MODEL = LinearClassifier(np.array([[1.0, -2.0]]), np.array([0.5]), ("no", "yes"), "logistic")
SMAPS = Path("/proc/self/smaps")
HOLD = """
import pathlib, sys, numpy
from mlsql.udf.predictors.plain import read_plain
model = read_plain(pathlib.Path(sys.argv[1]))
print(model.predict(numpy.ones(1 << 18)), flush=True)
sys.stdin.read()
"""
TYPES = st.sampled_from([np.float64, np.int64, np.bool_])
SHAPES = st.lists(st.integers(0, 4), min_size=0, max_size=3).map(tuple)


@pytest.fixture
def stored(tmp_path):
    """The folder of a stored model."""
    write_plain(tmp_path, MODEL)
    return tmp_path


@settings(max_examples=30)
@given(kept=st.dictionaries(st.text("abc.", min_size=1), TYPES.flatmap(lambda kind: arrays(kind, SHAPES))))
def test_arrays_are_read_as_they_were_written(kept, tmp_path_factory):
    """Of any type and shape, each at an address that is a multiple of 64; NumPy opens them too."""
    file = tmp_path_factory.mktemp("arrays") / "arrays.npz"
    found = read_arrays(file, write_arrays(file, kept))
    assert found.keys() == kept.keys()
    with np.load(file) as opened:
        for name, array in kept.items():
            np.testing.assert_array_equal(found[name], array)
            np.testing.assert_array_equal(opened[name], array)
            assert found[name].dtype == array.dtype
            assert found[name].ctypes.data % 64 == 0 or not array.size


def test_a_model_is_read_as_it_was_written(stored):
    """With its labels; its arrays cannot be written to."""
    model = read_plain(stored)
    assert (model.classes, model.link, model.threshold) == (MODEL.classes, MODEL.link, MODEL.threshold)
    assert model.predict(np.array([[1.0, 0.0], [0.0, 1.0]])).tolist() == ["yes", "no"]
    with pytest.raises(ValueError, match="read-only"):
        model.coefficients[0, 0] = 7.0


def test_every_family_is_found_by_its_name():
    """A class for each name, and its name for each class."""
    assert {name: family_of(object.__new__(class_of(name))) for name in FAMILIES} == {
        name: name for name in FAMILIES
    }


@pytest.mark.skipif(not SMAPS.exists(), reason="this system does not tell how memory is mapped")
def test_processes_share_the_arrays_of_a_model(tmp_path):
    """They are mapped as one copy for all: of what two processes have used no page is one's alone."""
    wide = LinearClassifier(np.ones((1, 1 << 18)), np.zeros(1), ("no", "yes"))
    file = write_plain(tmp_path, wide) / "arrays.npz"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline() == b"yes\n"  # and it stays until its input ends
        model = read_plain(tmp_path)
        assert model.predict(np.ones(1 << 18)) == "yes"
        mapped = re.search(
            rf"^\S+ (\S+) .*{re.escape(str(file))}\n((?:\w+:.*\n)+)", SMAPS.read_text(), re.MULTILINE
        )
    assert mapped
    sizes = {name: int(size) for name, size in re.findall(r"(\w+): +(\d+) kB", mapped[2])}
    assert (mapped[1], sizes["Anonymous"]) == ("r--s", 0)
    assert sizes["Shared_Clean"] + sizes["Shared_Dirty"] >= 2048
    assert sizes["Private_Clean"] + sizes["Private_Dirty"] <= 64  # of what is around the arrays


@pytest.mark.parametrize("damage", ["number", "cut", "gone", "words", "family"])
def test_a_damaged_model_is_refused(stored, damage):
    """By an error that names the folder, whatever is wrong with the files."""
    arrays_file, model = stored / PLAIN / "arrays.npz", stored / PLAIN / "model.json"
    content = arrays_file.read_bytes()
    if damage == "number":
        place = content.index(np.float64(-2.0).tobytes())
        arrays_file.write_bytes(content[:place] + b"\x01" + content[place + 1 :])
    elif damage == "cut":
        arrays_file.write_bytes(content[: len(content) // 2])
    elif damage == "gone":
        arrays_file.unlink()
    elif damage == "words":
        model.write_text("{")
    else:
        model.write_text(model.read_text().replace("linear_classifier", "os:system"))
    with pytest.raises(DataError, match=str(stored)):
        read_plain(stored)


def test_a_newer_form_asks_for_an_upgrade(stored):
    """And is not guessed at."""
    model = stored / PLAIN / "model.json"
    model.write_text(json.dumps({**json.loads(model.read_text()), "version": 2}))
    with pytest.raises(DataError, match="has form 2, this version of mlsql reads 1"):
        read_plain(stored)
