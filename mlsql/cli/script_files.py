"""Scripts as files: what the command line is given, by name or on standard input."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from mlsql.errors import ConfigError
from mlsql.names import nearest
from mlsql.spans import Script

STANDARD_INPUT = "<stdin>"


def read_script(file: str) -> Script:
    """The script in *file*, or on standard input (``-``); what cannot be read is a wrong command line."""
    name = STANDARD_INPUT if file == "-" else file
    if file == "-" and "PYSPARK_GATEWAY_PORT" in os.environ:
        raise click.UsageError("spark-submit hands over no standard input: name a file")
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return Script(name, raw.decode("utf-8-sig"))
    except OSError as error:
        near = nearest(Path(file).name, _siblings(Path(file)))
        hint = f"; did you mean '{Path(file).with_name(near)}'?" if near and not Path(file).exists() else ""
        raise click.UsageError(f"the script '{file}' cannot be read: {error.strerror}{hint}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise click.UsageError(f"the script '{name}' is not UTF-8: line {line} holds other bytes") from error


def write_script(script: Script, text: str) -> None:
    """Put *text* in the place of *script*."""
    try:
        Path(script.name).write_bytes(text.encode())
    except OSError as error:
        raise ConfigError(f"the script '{script.name}' cannot be written: {error.strerror}") from error


def _siblings(path: Path) -> list[str]:
    return [each.name for each in path.parent.glob("*.*")] if path.parent.is_dir() else []
