"""Files and folders through a control channel: a tar in pieces, checked by its size and checksum."""

from __future__ import annotations

import base64
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from crc32c import crc32c

from mlsql.bridge.errors import TransportError
from mlsql.bridge.reports import Packed, Piece

PIECE_BYTES = 256 * 1024
_CONTENT = "content"
"""What a tar of ours calls the file or folder in it."""


def send_parcel(send: Callable[[Piece | Packed], None], name: str, source: Path) -> None:
    """Send the file or folder *source*, for which the other side has a place by *name*."""
    sending = _Sending(send, name)
    # A tar that is a stream asks for nothing but ``write``.
    with tarfile.open(mode="w|", fileobj=sending, bufsize=PIECE_BYTES) as tar:  # type: ignore[call-overload]
        tar.add(source, _CONTENT)
    send(Packed(name, sending.size, sending.check))


@dataclass(slots=True)
class _Sending:
    """Sends what is written to it, and keeps account."""

    send: Callable[[Piece | Packed], None]
    name: str
    size: int = 0
    check: int = 0

    def write(self, piece: bytes, /) -> int:
        self.send(Piece(self.name, base64.b64encode(piece).decode()))
        self.size, self.check = self.size + len(piece), crc32c(piece, self.check)
        return len(piece)


@dataclass(slots=True)
class Parcels:
    """Puts the parcels that come to their places, each when it is complete; *place* says where by name."""

    place: Callable[[str], Path]
    _open: dict[str, _Open] = field(default_factory=dict)

    def take(self, message: Piece | Packed) -> None:
        """Add a piece, or unpack what is complete; TransportError when that is not what was sent."""
        parcel = self._open.get(message.parcel) or _Open()
        self._open[message.parcel] = parcel
        if isinstance(message, Piece):
            parcel.add(base64.b64decode(message.data))
            return
        del self._open[message.parcel]
        target = self.place(message.parcel)
        with parcel.file:
            parcel.check_against(message)
            try:
                _unpack(parcel.file, target)
            except (OSError, tarfile.TarError) as error:
                raise TransportError(f"'{target}' cannot be written: {error}") from error

    def close(self) -> None:
        """Drop what has come in part."""
        for parcel in self._open.values():
            parcel.file.close()
        self._open.clear()


@dataclass(slots=True)
class _Open:
    """What has come of a parcel so far, in a file that has no name."""

    file: IO[bytes] = field(default_factory=tempfile.TemporaryFile)
    size: int = 0
    check: int = 0

    def add(self, piece: bytes) -> None:
        self.file.write(piece)
        self.size, self.check = self.size + len(piece), crc32c(piece, self.check)

    def check_against(self, sent: Packed) -> None:
        if (self.size, self.check) != (sent.bytes, sent.crc32c):
            raise TransportError(
                f"'{sent.parcel}' was damaged on its way: expected {sent.bytes:,} bytes with the checksum "
                f"{sent.crc32c:08x}, found {self.size:,} with {self.check:08x}"
            )


def _unpack(file: IO[bytes], target: Path) -> None:
    """The tar's content at *target*, where it appears complete and in the place of what was there."""
    file.seek(0)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".parcel-") as folder:
        with tarfile.open(fileobj=file) as tar:
            tar.extractall(folder, filter="data")
        if target.is_dir():
            shutil.rmtree(target)
        (Path(folder) / _CONTENT).replace(target)
