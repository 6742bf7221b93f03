"""Version numbers on file systems that have neither locks nor an exclusive mkdir.

A folder ``_model_N`` is claimed by a file with a random id in its name. Whoever then finds no lower
id and no other holder puts a second file there, looks again, and holds the number when its id is
still the lowest. One that is lower but came later has found the second file, and has left: so a
number is never held twice. The loser takes the next one.

A holder writes its file again each minute. What has neither been written for a quarter of an hour
nor committed, or whose process on this machine is gone, was left behind.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from mlsql.errors import MlsqlError, RunError
from mlsql.file_systems import Entry, RemoteFolder
from mlsql.models.manifest import MANIFEST, folder_of
from mlsql.owners import Owner, parse_record

_log = logging.getLogger(__name__)

RENEWAL_SECONDS = 60.0
LEASE_SECONDS = 900.0
_CLAIM, _HELD = ".claim-", ".held-"
_MOST_NUMBERS = 1000


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim to a folder; the names of its files have its id."""

    folder: RemoteFolder
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def wins(self) -> bool:
        """Claim the folder; whether it is held now."""
        self.folder.write(_CLAIM + self.id, Owner.this_process().record().encode())
        seen = self.folder.entries()
        if not self._is_first(seen) or any(name.startswith(_HELD) for name in seen):
            return False
        self.renew()
        return self._is_first(self.folder.entries())

    def renew(self) -> None:
        """Tell the others that the folder is still held."""
        self.folder.write(_HELD + self.id, Owner.this_process().record().encode())

    def check(self) -> None:
        """RunError when another train has swept the folder away."""
        if not self.folder.files([_HELD + self.id]):
            raise RunError(f"{self.folder.uri} was removed while it was trained", retriable=True)

    def withdraw(self) -> None:
        """Remove the files of the claim."""
        for name in (_CLAIM + self.id, _HELD + self.id):
            self.folder.delete(name)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """A block during which the claim is renewed, in a thread that ends with it."""
        ended = threading.Event()

        def keep() -> None:
            while not ended.wait(RENEWAL_SECONDS):
                self._renew_or_warn()

        thread = threading.Thread(target=keep, name="mlsql-claim", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(RENEWAL_SECONDS)

    def _renew_or_warn(self) -> None:
        try:
            self.check()
            self.renew()
        except MlsqlError as error:
            _log.warning("the claim to %s could not be renewed: %s", self.folder.uri, error.message)

    def _is_first(self, seen: Mapping[str, Entry]) -> bool:
        claims = [name for name in seen if name.startswith(_CLAIM)]
        return MANIFEST not in seen and min(claims, default=None) == _CLAIM + self.id


def take_number(root: RemoteFolder, start: int) -> tuple[int, Claim]:
    """A number from *start* on that nobody else has, and the claim to its folder."""
    for number in range(start, start + _MOST_NUMBERS):
        claim = Claim(root.below(folder_of(number)))
        if claim.wins():
            return number, claim
        claim.withdraw()
    raise RunError(f"{_MOST_NUMBERS} numbers at '{root.uri}' were taken by others", retriable=True)


def abandon(folder: RemoteFolder) -> None:
    """Make what is in *folder* a draft without an owner, which the next train removes."""
    folder.move(MANIFEST, f"{_HELD}{uuid.uuid4().hex}")


def is_abandoned(folder: RemoteFolder, now: float | None) -> bool:
    """Whether *folder* holds a draft that its train has left; what nobody marked is not ours to judge."""
    seen = folder.entries()
    marks = [name for name in seen if name.startswith((_CLAIM, _HELD))]
    if MANIFEST in seen or not marks:
        return False
    owners = [parse_record(folder.read(name).decode(errors="replace")) for name in marks]
    if all(owner is not None and owner[0].is_gone for owner in owners):
        return True
    latest = max((seen[name].written or 0.0 for name in marks), default=0.0)
    return bool(now and latest and now - latest > LEASE_SECONDS)


def written(claim: Claim) -> float | None:
    """The time now by the clock of the file system: that of the claim, which was just written."""
    entry = claim.folder.entries().get(_HELD + claim.id)
    return None if entry is None else entry.written
