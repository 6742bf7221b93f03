"""The spool leaves nothing behind, shows its files to nobody else, and says what is wrong with its folder."""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from mlsql.bridge.errors import InexactData, TransportError
from mlsql.bridge.messages import Header, Ledger, Part
from mlsql.bridge.transports.spool import SpoolTransport

HEADER = Header("job", "train", 0, 1, 0, 1, 7, "schema")
PART = Part(0, 1, messages=1, rows=1, bytes=100, crc32c=7)
LEDGER = Ledger("job", "train", "schema", "", (PART,))


@pytest.fixture
def transport(tmp_path):
    """A spool in a folder that is not there yet."""
    return SpoolTransport(str(tmp_path / "spool"))


def send(stream, *bodies):
    """Send bodies as attempt 1 of partition 0; the file that holds them."""
    with stream.writer(0, 1) as writer:
        for body in bodies:
            writer.send(HEADER, body)
        writer.finish()
    return Path(stream.folder) / "job" / "train" / "part-0-1.arrow"


def test_bodies_lie_where_arrow_likes_them(transport):
    """Whatever their lengths, every body starts at a multiple of 64 bytes."""
    bodies = [b"a" * 3, b"b" * 64, b"", b"c" * 100]
    stream = transport.open("job", "train", partitions=1)
    content = send(stream, *bodies).read_bytes()
    assert [content.find(body) % 64 for body in bodies if body] == [0, 0, 0]
    assert [bytes(message.body) for message in stream.subscribe(LEDGER, timeout=0)] == bodies


def test_its_folders_are_for_their_owner_alone(transport):
    """They may hold anything of anybody."""
    stream = transport.open("job", "train", partitions=1)
    folder = Path(stream.folder)
    assert {path.stat().st_mode & 0o777 for path in (folder, folder / "job", folder / "job" / "train")} == {
        0o700
    }


def test_nothing_is_left_after_the_last_stream_of_a_job(transport):
    """But a stream's deletion leaves those beside it."""
    one = transport.open("job", "train", partitions=1)
    other = transport.open("job", "evaluate", partitions=1)
    send(one, b"a")
    one.delete()
    assert [path.name for path in (Path(one.folder) / "job").iterdir() if path.is_dir()] == ["evaluate"]
    other.delete()
    assert list(Path(one.folder).iterdir()) == []


def test_a_file_appears_only_when_it_is_complete(transport):
    """An attempt that fails leaves none."""
    stream = transport.open("job", "train", partitions=1)
    folder = Path(stream.folder) / "job" / "train"
    with suppress(ZeroDivisionError), stream.writer(0, 1) as writer:
        writer.send(HEADER, b"a")
        assert not list(folder.glob("*.arrow"))
        raise ZeroDivisionError
    assert list(folder.iterdir()) == []


def test_a_full_disk_is_named(transport):
    """By file, reason and setting."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    stream = transport.open("job", "train", partitions=1)
    (Path(stream.folder) / "job" / "train" / "part-0-1.tmp").symlink_to("/dev/full")
    with pytest.raises(TransportError, match=r"part-0-1\.arrow': No space left on device") as caught:
        send(stream, b"a" * 1_000_000)
    assert "bridge.spool" in str(caught.value)


def test_a_folder_that_executors_do_not_see_is_named(transport):
    """The hint says that the folder has to be shared."""
    stream = transport.open("job", "train", partitions=1)
    stream.delete()
    with pytest.raises(TransportError, match="No such file") as caught:
        send(stream, b"a")
    assert "driver and executors must see the same folder" in str(caught.value)


def test_a_file_that_does_not_come_is_named(transport):
    """By partition and file, after the timeout."""
    stream = transport.open("job", "train", partitions=1)
    with pytest.raises(
        InexactData, match=r"partition 0 \(attempt 1\) .*expected 1 rows in '.*part-0-1\.arrow'"
    ):
        list(stream.subscribe(LEDGER, timeout=0.1))


@pytest.mark.parametrize("keep", [1, 15, 16, 100, 200])
def test_a_file_that_was_cut_off_is_damaged(transport, keep):
    """Wherever it ends."""
    stream = transport.open("job", "train", partitions=1)
    file = send(stream, b"a" * 300)
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(InexactData, match=r"part-0-1\.arrow' is damaged at byte 0"):
        list(stream.subscribe(LEDGER, timeout=0))


def test_sweeping_removes_what_a_killed_driver_left(transport):
    """And nothing that a living one needs."""
    mine = transport.open("mine", "train", partitions=1)
    script = (
        "import os, signal, sys; from mlsql.bridge.transports.spool import SpoolTransport; "
        "SpoolTransport(sys.argv[1]).open('theirs', 'train', partitions=1); "
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script, transport.folder], timeout=60, check=False)
    assert sorted(path.name for path in Path(transport.folder).iterdir()) == ["mine", "theirs"]
    transport.sweep()
    assert [path.name for path in Path(transport.folder).iterdir()] == ["mine"]
    mine.delete()


def test_sweeping_a_spool_that_is_not_there_is_nothing(transport):
    """As at the first start."""
    transport.sweep()


def test_an_owner_that_cannot_be_read_is_left_alone(transport):
    """It may be in the making, or of another version."""
    folder = Path(transport.folder) / "job"
    folder.mkdir(parents=True)
    (folder / "owner.json").write_text("{")
    transport.sweep()
    assert folder.exists()
