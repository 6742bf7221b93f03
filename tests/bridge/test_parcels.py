"""Files and folders through the control channel."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsql.bridge.errors import TransportError
from mlsql.bridge.parcels import PIECE_BYTES, Parcels, send_parcel

NAMES = st.text("abc模型 .-", min_size=1, max_size=8).filter(lambda name: name.strip("."))
FOLDERS = st.dictionaries(st.tuples(NAMES, NAMES), st.binary(max_size=300), max_size=5)


def _fill(folder, files):
    folder.mkdir()
    for (below, name), content in files.items():
        (folder / f"d{below}").mkdir(exist_ok=True)
        (folder / f"d{below}" / name).write_bytes(content)


def _content(folder):
    return {
        str(file.relative_to(folder)): file.read_bytes() if file.is_file() else None
        for file in folder.rglob("*")
    }


@given(FOLDERS)
def test_a_folder_arrives_as_it_was_sent(tmp_path_factory, files):
    """Every file with its content, at the place for its name."""
    root = tmp_path_factory.mktemp("parcel")
    _fill(root / "source", files)
    parcels = Parcels(root.joinpath)
    send_parcel(parcels.take, "target", root / "source")
    assert _content(root / "target") == _content(root / "source")


def test_a_file_larger_than_a_piece_arrives_too(tmp_path):
    """Alone, without a folder; what was at its place goes."""
    content = bytes(range(256)) * (PIECE_BYTES // 100)
    (tmp_path / "source").write_bytes(content)
    (tmp_path / "target").write_text("older")
    sent = []
    send_parcel(sent.append, "target", tmp_path / "source")
    assert len(sent) > 3
    parcels = Parcels(tmp_path.joinpath)
    for message in sent:
        parcels.take(message)
    assert (tmp_path / "target").read_bytes() == content
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source", "target"]


def test_parcels_may_be_mixed(tmp_path):
    """Each piece says which it belongs to."""
    sent = {}
    for name in ("one", "two"):
        (tmp_path / name).write_text(name)
        send_parcel(sent.setdefault(name, []).append, f"{name}-copy", tmp_path / name)
    parcels = Parcels(tmp_path.joinpath)
    for pair in zip(*sent.values(), strict=True):
        for message in pair:
            parcels.take(message)
    assert [(tmp_path / f"{name}-copy").read_text() for name in ("one", "two")] == ["one", "two"]


@pytest.mark.parametrize("damage", ["lost", "changed"])
def test_a_damaged_parcel_is_named(tmp_path, damage):
    """It is not unpacked; the error says what was expected and found."""
    (tmp_path / "source").write_bytes(bytes(2 * PIECE_BYTES))
    sent = []
    send_parcel(sent.append, "target", tmp_path / "source")
    if damage == "lost":
        del sent[0]
    else:
        sent[0] = dataclasses.replace(sent[0], data=sent[0].data.replace("A", "B"))
    *pieces, packed = sent
    parcels = Parcels(tmp_path.joinpath)
    for piece in pieces:
        parcels.take(piece)
    with pytest.raises(TransportError, match="'target' was damaged on its way: expected"):
        parcels.take(packed)
    assert not (tmp_path / "target").exists()


def test_what_came_in_part_is_dropped(tmp_path):
    """When the sender is gone, or nobody waits for it any more."""
    (tmp_path / "source").write_bytes(bytes(PIECE_BYTES))
    sent = []
    send_parcel(sent.append, "target", tmp_path / "source")
    parcels = Parcels(tmp_path.joinpath)
    parcels.take(sent[0])
    parcels.close()
    assert [path.name for path in tmp_path.iterdir()] == ["source"]
