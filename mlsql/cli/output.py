"""What the command line writes: results to standard output, all else to standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator

import click


def tell(text: str) -> None:
    """A line, or several, on standard error."""
    click.echo(text, err=True)


def write_lines(lines: Iterator[str]) -> None:
    """Each line to standard output; a reader that has seen enough (``| head``) ends it quietly."""
    try:
        for line in lines:
            sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        _read_no_more()


def write_bytes(chunks: Iterable[bytes]) -> None:
    """All of *chunks* to standard output; a reader that has seen enough ends it quietly."""
    try:
        for chunk in chunks:
            sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        _read_no_more()


def _read_no_more() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
