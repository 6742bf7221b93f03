"""Models on other file systems: numbers without locks, drafts of the dead, an S3 client, the cache."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from pyarrow.fs import LocalFileSystem, SubTreeFileSystem, _MockFileSystem

from mlsql.errors import DataError, MissingModel, RunError, ScriptError
from mlsql.file_systems import RemoteFolder, is_remote, open_folder
from mlsql.models import cache as model_cache
from mlsql.models import claims
from mlsql.models.cache import Origin, copied_from, fetched, local_folder
from mlsql.models.claims import Claim, take_number
from mlsql.models.manifest import Column, DataRecord, Manifest, ModelRef
from mlsql.models.remote import RemoteModelStore
from mlsql.models.store import PathModelStore
from mlsql.owners import Owner
from tests.s3_server import environment_for, s3_server

MANIFEST = Manifest(
    algorithm="SKLearn",
    kind="classifier",
    form="columns",
    inputs=(Column("长度", "double"),),
    features=1,
    output="string",
    candidates=(),
    data=DataRecord(rows=3, bytes=72, checksum="0a1b2c3d", transport="memory"),
)
TRAIN = """
import sys
from mlsql.models.store import PathModelStore
from mlsql.models.manifest import Manifest

path, manifest, count = sys.argv[1], Manifest.from_json(sys.argv[2]), int(sys.argv[3])
for _ in range(count):
    with PathModelStore().begin(path) as draft:
        (draft.directory / "owner").write_text(str(draft.ref.version))
        draft.commit(manifest)
"""
DIE = """
import os, signal, sys
from mlsql.models.store import PathModelStore

with PathModelStore().begin(sys.argv[1]) as draft:
    print(draft.ref.version, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def s3():
    """(address, store) of a server."""
    with s3_server() as served:
        yield served


@pytest.fixture
def bucket(s3, monkeypatch):
    """What lies in the server, which this process's pyarrow finds; empty."""
    address, store = s3
    for name, value in environment_for(address).items():
        monkeypatch.setenv(name, value)
    store.objects.clear()
    store.requests.clear()
    return store


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Where copies lie."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "mlsql" / "models"


@pytest.fixture
def opens(tmp_path):
    """Opens folders of a file system whose files can be looked at and aged."""
    system = SubTreeFileSystem(str(tmp_path), LocalFileSystem())
    return lambda uri: RemoteFolder(uri, system, uri.removeprefix("remote://"))


def python(code, *arguments):
    """A process that runs *code*."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True, env={**os.environ}
    )


def store_one(store, path, **files):
    """A new version with these files."""
    with store.begin(path) as draft:
        for name, text in {"model/0/MLmodel": "flavors: {}", **files}.items():
            (draft.directory / name).parent.mkdir(parents=True, exist_ok=True)
            (draft.directory / name).write_text(text)
        return draft.commit(MANIFEST)


@pytest.mark.parametrize("path", ["s3://b/m", "s3a://b/m", "hdfs:/m", "gs://b", "memory://m"])
def test_a_uri_is_remote(path):
    """By its scheme."""
    assert is_remote(path)
    assert not is_remote(f"/{path}")


def test_threads_at_once_get_different_numbers():
    """However their steps come to lie."""
    system, taken = _MockFileSystem(), []
    root = RemoteFolder("mock://m", system, "m")
    lock, begin = threading.Lock(), threading.Barrier(4)

    class Locked:
        """One call at a time: the file system of the tests is for one thread."""

        def __getattr__(self, name):
            def call(*arguments, **named):
                with lock:
                    return getattr(system, name)(*arguments, **named)

            return call

    root = dataclasses.replace(root, system=Locked())

    def take():
        begin.wait(30)
        for _ in range(5):
            number, _ = take_number(root, 0)
            taken.append(number)

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(taken) == len(set(taken)) == 20


def test_the_lowest_claim_keeps_the_number_unless_another_holds_it(opens):
    """Who comes late finds the holder, with whatever id."""
    folder = opens("remote://m/_model_0")
    late, early = Claim(folder, "0"), Claim(folder, "9")
    assert early.wins()
    assert not late.wins()
    other = opens("remote://m/_model_1")
    (first, second) = Claim(other, "1"), Claim(other, "2")
    other.write(".claim-1", b"")  # both have claimed before either looks
    assert not second.wins()
    second.withdraw()
    assert first.wins()


def test_a_draft_of_a_dead_process_or_of_long_ago_is_swept(opens, tmp_path):
    """Of a process on another machine only its silence tells."""
    gone = dataclasses.replace(Owner.this_process(), pid=2**22 + 1)
    elsewhere = dataclasses.replace(gone, host="elsewhere")
    for number, owner in enumerate((gone, elsewhere, elsewhere)):
        opens(f"remote://m/_model_{number}").write(".held-1", owner.record().encode())
    long_ago = tmp_path / "m/_model_1/.held-1"
    os.utime(long_ago, (0, long_ago.stat().st_mtime - claims.LEASE_SECONDS - 60))
    opens("remote://m/_model_3").write("notes.txt", b"not ours to judge")
    stored = store_one(RemoteModelStore(opens), "remote://m")
    assert stored.ref.version == 4
    assert sorted(each.name for each in (tmp_path / "m").iterdir()) == ["_model_2", "_model_3", "_model_4"]


def test_a_claim_is_renewed_while_it_is_kept(opens, tmp_path, monkeypatch):
    """Its file is written again and again."""
    monkeypatch.setattr(claims, "RENEWAL_SECONDS", 0.01)
    claim = Claim(opens("remote://m/_model_0"), "1")
    assert claim.wins()
    held = tmp_path / "m/_model_0/.held-1"
    os.utime(held, (0, 0))
    renewed = threading.Event()
    with claim.kept():
        for _ in range(3000):
            if held.stat().st_mtime > 0 or renewed.wait(0.01):
                break
    assert held.stat().st_mtime > 0
    assert not [each for each in threading.enumerate() if each.name == "mlsql-claim"]


def test_what_was_swept_is_not_committed(opens):
    """The run fails and may be tried again; nothing stays."""
    store = RemoteModelStore(opens)
    with store.begin("remote://m") as draft:
        opens("remote://m/_model_0").delete_all()
        with pytest.raises(RunError, match="was removed while it was trained") as caught:
            draft.commit(MANIFEST)
    assert caught.value.retriable
    assert not store.versions("remote://m")


def test_a_file_in_the_way_is_an_error_of_the_script(opens):
    """With its path."""
    opens("remote://m").write("a.csv", b"")
    with (
        pytest.raises(ScriptError, match=r"no model can be stored at 'remote://m/a\.csv'"),
        RemoteModelStore(opens).begin("remote://m/a.csv"),
    ):
        pass


def test_what_lies_at_a_uri_instead_of_a_model_is_told(opens):
    """As with folders of this machine."""
    store = RemoteModelStore(opens)
    opens("remote://data").write("a.csv", b"")
    opens("remote://draft/_model_0").write(".held-1", Owner.this_process().record().encode())
    store_one(store, "remote://m")
    found = {
        "remote://data": "the folder holds 'a.csv'",
        "remote://data/a.csv": "a file lies there",
        "remote://draft": "it has 1 unfinished version",
        "remote://m/_model_0": "it is one version of a model: name the folder above it",
        "remote://none": "nothing lies there",
    }
    for uri, words in found.items():
        with pytest.raises(MissingModel) as caught:
            store.open(uri)
        assert caught.value.hint.startswith(words)


def test_a_model_in_a_bucket_is_stored_found_and_deleted(bucket):
    """By the S3 client of pyarrow; a version holds what its train wrote, and the checksums of that."""
    store = PathModelStore()
    for scheme in ("s3", "s3a"):
        stored = store_one(store, f"{scheme}://bucket/models/wine")
        assert store.open(f"{scheme}://bucket/models/wine").manifest == MANIFEST
    assert store.versions("s3://bucket/models/wine/") == [0, 1]
    files = [each for each in bucket.below("bucket/models/wine/_model_1/") if not each.endswith("/")]
    assert [each.removeprefix("bucket/models/wine/_model_1/") for each in files] == [
        "files.json",
        "manifest.json",
        "model/0/MLmodel",
    ]
    store.delete(stored.ref)
    store.delete(ModelRef("s3://bucket/models/wine", 0))
    assert not store.versions("s3://bucket/models/wine")
    assert not [each for each in bucket.below("bucket/models/wine/_model_") if not each.endswith("/")]


def test_processes_at_once_get_different_versions_in_a_bucket(bucket):
    """Two processes store three versions each: six versions, none written by two."""
    trains = [python(TRAIN, "s3://bucket/m", MANIFEST.to_json(), "3") for _ in range(2)]
    assert [train.wait(120) for train in trains] == [0, 0]
    for train in trains:
        train.stdout.close()
    versions = PathModelStore().versions("s3://bucket/m")
    assert len(versions) == 6
    owners = [bucket.objects[f"bucket/m/_model_{each}/owner"][0] for each in versions]
    assert owners == [str(each).encode() for each in versions]


def test_a_killed_train_leaves_no_version_in_a_bucket(bucket):
    """The next train sweeps its draft."""
    train = python(DIE, "s3://bucket/m")
    assert train.communicate(timeout=120)[0].strip() == "0"
    assert train.returncode == -signal.SIGKILL
    store = PathModelStore()
    with pytest.raises(MissingModel, match="holds no model") as caught:
        store.open("s3://bucket/m")
    assert "1 unfinished version" in caught.value.hint
    store_one(store, "s3://bucket/m")
    assert not [each for each in bucket.below("bucket/m/_model_0/") if not each.endswith("/")]
    assert list(store.versions("s3://bucket/m")) == [1]


@pytest.mark.parametrize(
    ("uri", "message", "hint"),
    [
        ("s3://ann:topsecret@b/m", "is given with settings of its file system", "from the environment"),
        ("s3://b/m?endpoint_override=x", "is given with settings of its file system", "from the environment"),
        ("nothing://b/m", "no file system is known for 'nothing://b/m'", "pip install fsspec"),
    ],
)
def test_a_uri_that_cannot_be_opened_is_told(uri, message, hint):
    """Without its secrets."""
    with pytest.raises(ScriptError, match=message) as caught:
        open_folder(uri)
    assert hint in caught.value.hint
    assert "topsecret" not in str(caught.value)


def test_a_machine_fetches_a_model_once(bucket, cache):
    """What was fetched is checked each time; a damaged copy is fetched again."""
    stored = store_one(
        PathModelStore(), "s3://bucket/m", **{"model/0/a/b.bin": "bytes", "model/1/c": "other"}
    )
    folder = local_folder(stored.directory(0))
    assert (folder / "a/b.bin").read_text() == "bytes"
    assert not (folder.parent / "files/c").exists()
    assert copied_from(folder / "a")[1] == "a"
    assert folder.is_relative_to(cache)
    assert cache.stat().st_mode & 0o077 == 0
    bucket.requests.clear()
    assert local_folder(stored.directory(0)) == folder
    assert bucket.requests.count("GET /bucket/m/_model_0/model/0/a/b.bin") == 0
    (folder / "a/b.bin").write_text("bytes?")
    assert (local_folder(stored.directory(0)) / "a/b.bin").read_text() == "bytes"
    assert bucket.requests.count("GET /bucket/m/_model_0/model/0/a/b.bin") == 1
    assert [each.name for each in cache.iterdir()] == [folder.parent.name]


def test_what_is_not_what_was_stored_is_not_used(bucket, cache):
    """Neither another content nor a missing file; nothing half-fetched stays."""
    stored = store_one(PathModelStore(), "s3://bucket/m")
    bucket.put("bucket/m/_model_0/model/0/MLmodel", b"flavors: {evil: {}}")
    with pytest.raises(DataError, match="MLmodel' is not what its train has stored"):
        local_folder(stored.directory(0))
    del bucket.objects["bucket/m/_model_0/model/0/MLmodel"]
    with pytest.raises(DataError, match="nothing lies there"):
        local_folder(stored.directory(0))
    with pytest.raises(DataError, match="no model lies at 's3://bucket/m/_model_0/model/7'"):
        local_folder(stored.directory(7))
    assert list(cache.iterdir()) == []


def test_copies_that_nobody_uses_make_room(opens, cache, monkeypatch):
    """Those of longest ago first; what is in use stays, and what a killed process left goes."""
    monkeypatch.setattr(model_cache, "MOST_BYTES", 300)  # a copy has its origin beside it
    sha = hashlib.sha256(b"ten  bytes").hexdigest()
    origins = [Origin(f"remote://v/{name}", (("f", sha),)) for name in "abc"]
    for each in origins:
        opens(each.uri).write("f", b"ten  bytes")
    oldest, used = (fetched(each, opens).parent for each in origins[:2])
    (cache / ".draft-x").mkdir()
    for each in (oldest, cache / ".draft-x"):
        os.utime(each, (0, 0))
    newest = fetched(origins[2], opens).parent
    assert {each.name for each in cache.iterdir()} == {used.name, newest.name}


def test_a_folder_of_this_machine_is_its_own_copy():
    """Nothing is copied."""
    assert local_folder("/models/m/_model_0/model/0") == Path("/models/m/_model_0/model/0")
    assert copied_from(Path("/models/m/_model_0/model/0")) is None


def test_a_file_system_of_fsspec_keeps_models_too(cache):
    """This one is in memory."""
    store = PathModelStore()
    stored = [store_one(store, "memory://bucket/m") for _ in range(2)]
    assert list(store.versions("memory://bucket/m")) == [0, 1]
    assert (local_folder(stored[1].directory(0)) / "MLmodel").read_text() == "flavors: {}"
    for each in stored:
        store.delete(each.ref)
    assert not store.versions("memory://bucket/m")
