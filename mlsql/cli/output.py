"""What the command line writes: results to standard output, all else to standard error."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import click

from mlsql.errors import RunError

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def tell(text: str) -> None:
    """A line, or several, on standard error."""
    click.echo(text, err=True)


def write_lines(lines: Iterator[str]) -> None:
    """Each line to standard output; a reader that has seen enough (``| head``) ends it quietly."""
    with _while_somebody_reads():
        for line in lines:
            sys.stdout.write(line + "\n")
        sys.stdout.flush()


def write_bytes(chunks: Iterable[bytes]) -> None:
    """All of *chunks* to standard output; a reader that has seen enough ends it quietly."""
    with _while_somebody_reads():
        for chunk in chunks:
            sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()


@contextmanager
def _while_somebody_reads() -> Iterator[None]:
    """A block that writes to standard output, which may be closed, or a file on a full disk."""
    try:
        yield
    except BrokenPipeError:
        _read_no_more()
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        _read_no_more()
        raise RunError(f"standard output cannot be written: {error.strerror}") from error


def _read_no_more() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
