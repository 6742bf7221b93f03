"""Models as data: references, and manifests that survive their text."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from mlsql.models.manifest import CandidateRecord, Column, DataRecord, Manifest, ModelRef, StoredModel
from tests.model_strategies import DETAILS, SUMMARIES

TEXT = st.text(max_size=8)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
COLUMN = st.builds(Column, TEXT, st.sampled_from(["double", "string", "array<float>"]))
DATA = st.builds(
    DataRecord,
    rows=st.integers(0),
    bytes=st.integers(0),
    checksum=TEXT,
    transport=TEXT,
    left_out=st.integers(0),
    columns=SUMMARIES,
)
CANDIDATE = st.builds(
    CandidateRecord,
    index=st.integers(0, 99),
    algorithm=TEXT,
    params=st.dictionaries(TEXT, TEXT, max_size=3),
    status=st.sampled_from(["success", "fail"]),
    message=TEXT,
    metrics=st.dictionaries(TEXT, NUMBER, max_size=3),
    detail=st.none() | DETAILS,
    started=TEXT,
    ended=TEXT,
    seconds=NUMBER,
    rows=st.integers(0),
)
CLASSES = st.lists(st.integers(), max_size=3) | st.lists(TEXT, max_size=3) | st.just([True, False])
MANIFEST = st.builds(
    Manifest,
    algorithm=TEXT,
    kind=st.sampled_from(["classifier", "regressor", "clusterer", "transformer"]),
    form=st.sampled_from(["columns", "features"]),
    inputs=st.lists(COLUMN, max_size=3).map(tuple),
    features=st.integers(1),
    output=TEXT,
    label=st.none() | COLUMN,
    classes=st.none() | CLASSES.map(tuple),
    candidates=st.lists(CANDIDATE, max_size=2).map(tuple),
    data=DATA,
    evaluation=st.none() | DATA,
    libraries=st.dictionaries(TEXT, TEXT, max_size=2),
    engine=st.dictionaries(TEXT, TEXT, max_size=2),
    script=TEXT,
)
EMPTY = Manifest(
    algorithm="SKLearn",
    kind="regressor",
    form="columns",
    inputs=(),
    features=0,
    output="double",
    candidates=(
        CandidateRecord(
            index=0, algorithm="", params={}, status="success", started="", ended="", seconds=0.0, rows=1
        ),
    ),
    data=DataRecord(rows=1, bytes=8, checksum="00000000", transport="memory"),
)


@given(MANIFEST)
def test_a_manifest_survives_its_text(manifest):
    """Every field, of every kind, exactly."""
    assert Manifest.from_json(manifest.to_json()) == manifest


@given(MANIFEST)
def test_the_text_of_a_manifest_is_json_for_people(manifest):
    """Any program can read it, and it ends with a newline."""
    text = manifest.to_json()
    assert json.loads(text)["algorithm"] == manifest.algorithm
    assert text.endswith("}\n")


def test_a_manifest_of_before_there_were_figures_still_loads():
    """What it has not is empty."""
    old = json.loads(EMPTY.to_json())
    for record, name in ((old, "engine"), (old["data"], "columns"), (old["candidates"][0], "detail")):
        del record[name]
    assert Manifest.from_json(json.dumps(old)) == EMPTY


def test_a_version_has_its_folder():
    """And each candidate its own below it."""
    ref = ModelRef("/models/wine", 3)
    assert str(ref) == "/models/wine/_model_3"
    assert StoredModel(ref, manifest=None).directory(2) == "/models/wine/_model_3/model/2"
