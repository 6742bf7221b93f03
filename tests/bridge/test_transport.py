"""A stream is deleted however its use ends, and a failure of that hides no other."""

from dataclasses import dataclass, field

import pytest

from mlsql.bridge.errors import InexactData, TransportError
from mlsql.bridge.transport import opened
from mlsql.bridge.transports.memory import MemoryStream, MemoryTransport


class Stubborn(MemoryTransport):
    """Opens streams that cannot be deleted."""

    def open(self, job, name, *, partitions):
        """A stream whose broker is away."""
        return StubbornStream(job, name)


@dataclass(frozen=True)
class StubbornStream(MemoryStream):
    """It notes that it was asked."""

    tried: list = field(default_factory=list)

    def delete(self):
        """Fail."""
        self.tried.append(self.name)
        raise TransportError("the broker is away")


def test_a_stream_is_deleted_at_the_end():
    """After success and after failure."""
    with opened(MemoryTransport(), "job", "train", partitions=1) as stream:
        stream.messages.append("one")
    assert stream.messages == []
    with pytest.raises(ZeroDivisionError), opened(MemoryTransport(), "job", "train", partitions=1) as stream:
        stream.messages.append(1 / 0)


def test_a_deletion_that_fails_is_told():
    """When nothing else has failed."""
    with (
        pytest.raises(TransportError, match="the broker is away"),
        opened(Stubborn(), "job", "train", partitions=1),
    ):
        pass


def test_a_deletion_that_fails_does_not_hide_what_failed_before(caplog):
    """It stands in the log."""
    with pytest.raises(InexactData, match="lost"), opened(Stubborn(), "job", "train", partitions=1) as stream:
        raise InexactData("lost")
    assert stream.tried == ["train"]
    assert "is left for a sweep: the broker is away" in caplog.text
