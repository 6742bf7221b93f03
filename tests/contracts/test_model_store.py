"""What every model store must do: versions come into being whole, never change, and are found again."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow.fs import _MockFileSystem

from mlsql.errors import MissingModel
from mlsql.file_systems import RemoteFolder
from mlsql.models.manifest import CandidateRecord, Column, DataRecord, Manifest, ModelRef
from mlsql.models.memory import MemoryModelStore
from mlsql.models.remote import RemoteModelStore
from mlsql.models.store import DirectoryModelStore
from tests.model_strategies import DETAILS, SUMMARIES

STORES = ["memory", "directory", "object"]
SOME = settings(max_examples=20, suppress_health_check=list(HealthCheck), deadline=None)

names = st.text(min_size=1, max_size=6)
columns = st.builds(Column, names, st.sampled_from(["double", "array<float>", "string"]))
records = st.builds(
    CandidateRecord,
    index=st.integers(0, 9),
    algorithm=names,
    params=st.dictionaries(names, names, max_size=2),
    status=st.sampled_from(["success", "fail", "judged", "skipped"]),
    message=names,
    metrics=st.dictionaries(names, st.floats(allow_nan=False), max_size=2),
    deviations=st.dictionaries(names, st.floats(allow_nan=False), max_size=2),
    detail=st.none() | DETAILS,
    started=names,
    ended=names,
    seconds=st.floats(0, 1e6),
    rows=st.integers(0),
)
data = st.builds(
    DataRecord,
    rows=st.integers(0),
    bytes=st.integers(0),
    checksum=names,
    transport=names,
    columns=SUMMARIES,
)
manifests = st.builds(
    Manifest,
    algorithm=names,
    kind=st.sampled_from(["classifier", "regressor", "clusterer"]),
    form=st.sampled_from(["columns", "features"]),
    inputs=st.lists(columns, max_size=3).map(tuple),
    features=st.integers(1, 1000),
    output=names,
    label=st.none() | columns,
    classes=st.none()
    | st.lists(names, max_size=3).map(tuple)
    | st.lists(st.integers(), max_size=3).map(tuple),
    candidates=st.lists(records, max_size=2).map(tuple),
    data=data,
    evaluation=st.none() | data,
    statement=names,
)


@pytest.fixture(params=STORES)
def place(request, tmp_path_factory):
    """A store and a path in it at which nothing lies, fresh at every call."""

    def fresh():
        folder = tmp_path_factory.mktemp(request.param)
        path = "mock://bucket/model" if request.param == "object" else str(folder / "model")
        return new_store(request.param, folder), path

    return fresh


def new_store(name, folder):
    """An empty store."""
    if name == "object":
        return RemoteModelStore(opens_mock())
    return MemoryModelStore(folder) if name == "memory" else DirectoryModelStore()


def opens_mock():
    """Opens folders of one file system in memory, which makes folders that are there already."""
    system = _MockFileSystem()
    return lambda uri: RemoteFolder(uri, system, uri.removeprefix("mock://"))


@pytest.fixture
def manifest():
    """One manifest."""
    rows = DataRecord(rows=3, bytes=72, checksum="0a1b2c3d", transport="memory")
    return Manifest(
        algorithm="SKLearn",
        kind="classifier",
        form="columns",
        inputs=(Column("a", "double"),),
        features=1,
        output="string",
        candidates=(),
        data=rows,
    )


def stored(store, path, manifest):
    """A new version."""
    with store.begin(path) as draft:
        return draft.commit(manifest)


@given(manifest=manifests)
@SOME
def test_what_was_committed_is_what_is_opened(place, manifest):
    """A version comes back as it was stored, whatever its manifest holds."""
    store, path = place()
    written = stored(store, path, manifest)
    assert store.open(path) == store.open(path, written.ref.version) == written
    assert written.manifest == manifest


@given(made=st.lists(manifests, min_size=1, max_size=4))
@SOME
def test_the_newest_version_is_opened_unless_another_is_asked_for(place, made):
    """Numbers ascend, and each keeps its own manifest."""
    store, path = place()
    versions = [stored(store, path, manifest).ref.version for manifest in made]
    assert versions == sorted(set(versions)) == list(store.versions(path))
    assert store.open(path).manifest == made[-1]
    assert [store.open(path, version).manifest for version in versions] == made


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_what_is_not_committed_leaves_nothing(place, error, manifest):
    """Failure and Ctrl-C alike take the draft away, with the files in it."""
    store, path = place()

    def fail():
        with store.begin(path) as draft:
            (draft.directory / "model").mkdir()
            (draft.directory / "model" / "half").write_text("written")
            files.append(draft.directory)
            raise error

    files = []
    with pytest.raises(error):
        fail()
    assert not files[0].exists()
    assert not store.versions(path)
    with pytest.raises(MissingModel):
        store.open(path)


def test_a_block_without_commit_leaves_nothing(place):
    """Committing is what makes a version, not the end of the block."""
    store, path = place()
    with store.begin(path) as draft:
        folder = draft.directory
        assert not store.versions(path)
    assert not folder.exists()
    assert not store.versions(path)


def test_a_version_exists_from_its_commit_on(place, manifest):
    """What fails afterwards in the block does not take it back."""
    store, path = place()

    def fail_late():
        with store.begin(path) as draft:
            draft.commit(manifest)
            raise ValueError("later")

    with pytest.raises(ValueError, match="later"):
        fail_late()
    assert store.open(path).manifest == manifest


def test_a_version_never_changes(place, manifest):
    """A second commit is refused, the first one stays."""
    store, path = place()
    with store.begin(path) as draft:
        draft.commit(manifest)
        with pytest.raises(FileExistsError, match="never changes"):
            draft.commit(manifest)
    assert store.open(path).manifest == manifest


def test_two_drafts_at_once_have_two_numbers(place, manifest):
    """The one that ends later is not in the way of the other, whichever commits."""
    store, path = place()
    with store.begin(path) as first, store.begin(path) as second:
        assert first.ref.version != second.ref.version
        second.commit(manifest)
        assert list(store.versions(path)) == [second.ref.version]
        first.commit(manifest)
    assert list(store.versions(path)) == sorted({first.ref.version, second.ref.version})


def test_paths_are_apart(place, manifest):
    """A model at one path is none at another, a path below it included."""
    store, path = place()
    stored(store, path, manifest)
    for other in (path + "2", path + "/below"):
        assert not store.versions(other)
        assert stored(store, other, manifest).ref == ModelRef(other, 0)


def test_a_deleted_version_is_gone_and_the_others_stay(place, manifest):
    """Deleting takes one version; doing it twice is an error that says so."""
    store, path = place()
    first, second = (stored(store, path, manifest).ref for _ in range(2))
    store.delete(first)
    assert list(store.versions(path)) == [second.version]
    with pytest.raises(MissingModel, match="no version 0"):
        store.delete(first)
    store.delete(second)
    with pytest.raises(MissingModel):
        store.open(path)


def test_a_missing_version_is_told_with_those_there_are(place, manifest):
    """The hint lists the versions."""
    store, path = place()
    stored(store, path, manifest)
    stored(store, path, manifest)
    with pytest.raises(MissingModel, match="no version 7") as caught:
        store.open(path, 7)
    assert "0, 1" in caught.value.hint


def test_nothing_at_a_path_is_told(place):
    """The hint says that nothing lies there."""
    store, path = place()
    with pytest.raises(MissingModel, match="holds no model") as caught:
        store.open(path)
    assert "nothing lies there" in caught.value.hint


@given(deeds=st.lists(st.sampled_from(["commit", "fail", "delete oldest", "delete newest"]), max_size=8))
@SOME
def test_the_stores_number_alike(deeds, tmp_path_factory, manifest):
    """After the same deeds, all stores have the same versions."""
    folder = tmp_path_factory.mktemp("alike")
    stores = [new_store(name, folder / name) for name in STORES]
    path = str(folder / "model")
    for deed in deeds:
        for store in stores:
            do(deed, store, path, manifest)
        assert len({tuple(store.versions(path)) for store in stores}) == 1


def do(deed, store, path, manifest):
    """One deed on a store; there is nothing to delete in an empty one."""
    versions = store.versions(path)
    match deed.split():
        case ["commit"]:
            stored(store, path, manifest)
        case ["fail"]:
            with store.begin(path):
                pass
        case ["delete", which] if versions:
            store.delete(ModelRef(path, versions[0 if which == "oldest" else -1]))
