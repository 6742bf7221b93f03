"""Faults that name an option, placed where the script gives that option."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mlsql.bridge.errors import DataFault, OptionFault
from mlsql.errors import MissingColumn, ScriptError, ScriptErrors
from mlsql.options import Options, declared_options
from mlsql.spans import Span


@contextmanager
def placed_at_options(options: Options, otherwise: Span) -> Iterator[None]:
    """A block whose faults get the place of the option that they name.

    *otherwise* is for those whose option the statement does not give: its default is to blame.
    """
    try:
        yield
    except ScriptErrors as several:
        raise ScriptErrors(_placed(each, options, otherwise) for each in several.errors) from several
    except (OptionFault, DataFault, MissingColumn) as fault:
        _placed(fault, options, otherwise)
        raise


def by_own_key(kind: type[Any], options: Options) -> Options:
    """*options* by the keys that *kind* declares, also where the script uses an alias."""
    own = {alias: one.key for one in declared_options(kind) for alias in one.aliases}
    return {own.get(key, key): value for key, value in options.items()}


def span_of(options: Options, key: str | None) -> Span | None:
    """Key and value of one option as they stand in the script; None when it is not given."""
    given = options.get(key) if key is not None else None
    if given is None or given.span is None:
        return None
    return given.key_span.to(given.span) if given.key_span is not None else given.span


def _placed(fault: ScriptError, options: Options, otherwise: Span) -> ScriptError:
    return fault.at(span_of(options, getattr(fault, "option", None)) or otherwise)
