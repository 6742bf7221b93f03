"""Arrays in an uncompressed ``.npz`` that :func:`numpy.load` opens too, each at an address for the processor.

They are mapped into memory, not read: pages come when they are used, and all processes share them.
"""

from __future__ import annotations

import io
import mmap
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import zipfile

_ALIGNED = 64
_LOCAL_HEADER = 30
"""Bytes in front of a member's name: APPNOTE.TXT of PKWARE, 4.3.7."""
_PADDING = 0xD935
"""The kind of an extra field that only fills, as Android's zipalign has it."""


def write_arrays(file: Path, arrays: Mapping[str, Any]) -> dict[str, int]:
    """Write *arrays* to the new *file*; the CRC-32 of each, header included."""
    import zipfile  # where it is used: a program that only answers starts in 0.2 s

    checksums: dict[str, int] = {}
    with zipfile.ZipFile(file, "x", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            plain = np.asarray(array, order="C")
            np.lib.format.write_array(content, plain, version=(1, 0), allow_pickle=False)
            member = zipfile.ZipInfo(f"{name}.npy")
            member.extra = _padding(archive.start_dir + _LOCAL_HEADER + len(member.filename))
            archive.writestr(member, content.getbuffer())
            checksums[name] = zlib.crc32(content.getbuffer())
    return checksums


def read_arrays(file: Path, checksums: Mapping[str, int]) -> dict[str, Any]:
    """The arrays that *checksums* names, which cannot be written to; ValueError when one is damaged."""
    import zipfile

    if not checksums:
        return {}
    with file.open("rb") as opened:
        mapped = memoryview(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ))
    try:
        with zipfile.ZipFile(file) as archive:
            places = {each.filename: each for each in archive.infolist()}
    except zipfile.BadZipFile as error:
        raise ValueError(f"{file.name}: {error}") from error
    return {name: _array(mapped, places[f"{name}.npy"], crc) for name, crc in checksums.items()}


def _padding(start: int) -> bytes:
    """An extra field behind which *start* is a multiple of the alignment."""
    size = -(start + 4) % _ALIGNED
    return _PADDING.to_bytes(2, "little") + size.to_bytes(2, "little") + bytes(size)


def _array(mapped: memoryview, member: zipfile.ZipInfo, checksum: int) -> Any:
    header = mapped[member.header_offset : member.header_offset + _LOCAL_HEADER]
    lengths = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    start = member.header_offset + _LOCAL_HEADER + lengths
    content = mapped[start : start + member.file_size]
    if zlib.crc32(content) != checksum:
        raise ValueError(f"{member.filename} is not what was written")
    opened = io.BytesIO(content[: 1 << 12])
    if np.lib.format.read_magic(opened) != (1, 0):
        raise ValueError(f"{member.filename} is of a form that is not written here")
    shape, _, dtype = np.lib.format.read_array_header_1_0(opened)
    return np.ndarray(shape, dtype, buffer=content[opened.tell() :])
