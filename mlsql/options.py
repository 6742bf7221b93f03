"""Typed options from the strings of a script, declared once.

A frozen dataclass declares each option with :func:`option`: its key in scripts, how its text
is read, one line of documentation. From that one declaration come the parsing, the error
texts, ``load modelParams``, the REST catalogue and the documentation::

    @dataclass(frozen=True, slots=True, kw_only=True)
    class SamplerOptions:
        label: str | None = option("labelCol", TEXT, "Column whose shares are kept.", default=None)
        rates: tuple[float, ...] = option("sampleRate", FRACTIONS, "Shares that sum to 1.")

    read_options(SamplerOptions, step.options, owner="RateSampler", span=step.span)
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import MISSING, dataclass, field
from functools import cache
from typing import Any, Generic, TypeVar, cast

from mlsql.errors import InvalidOption, MissingOption, ScriptError, ScriptErrors, UnknownOption
from mlsql.spans import Span

T = TypeVar("T")
N = TypeVar("N", int, float)
_KEY = "mlsql.option"


@dataclass(frozen=True, slots=True)
class OptionText:
    """An option's value as the script gives it, variables filled in, and where it stands.

    Its repr keeps the value, which may be a password, to itself.
    """

    text: str = field(repr=False)
    span: Span | None = field(default=None, compare=False)
    key_span: Span | None = field(default=None, compare=False)


Options = Mapping[str, OptionText]
"""The options of one statement by key; keys keep the case in which they were written."""


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """How a value is read: what it is in words (``a whole number``), and the reader.

    The reader raises ValueError for a text that it cannot take.
    """

    expected: str
    read: Callable[[str], T]


@dataclass(frozen=True, slots=True)
class Declared:
    """One declared option, as the documentation shows it."""

    field: str
    key: str
    kind: Kind[Any]
    doc: str
    default: object = MISSING
    secret: bool = False
    aliases: tuple[str, ...] = ()
    prefix: bool = False

    def of_field(self, name: str) -> Declared:
        """The same for the field *name*; dataclasses.replace takes several times as long."""
        return Declared(
            name, self.key, self.kind, self.doc, self.default, self.secret, self.aliases, self.prefix
        )

    @property
    def required(self) -> bool:
        """Whether a statement must give it."""
        return self.default is MISSING and not self.prefix


def option(
    key: str,
    kind: Kind[T],
    doc: str,
    *,
    default: object = MISSING,
    secret: bool = False,
    aliases: tuple[str, ...] = (),
) -> Any:
    """Declare a field as the option *key*; without *default* every statement must give it."""
    declared = Declared("", key, kind, doc, default, secret, aliases)
    metadata = {_KEY: declared}
    return field(metadata=metadata) if default is MISSING else field(default=default, metadata=metadata)


def option_family(prefix: str, doc: str) -> Any:
    """Declare a field that takes every option below *prefix* (``fitParam.``) as it is.

    Its value is a mapping of the rest of the key to the :class:`OptionText`; whoever owns the
    family (an estimator, a Kafka client) judges the rest.
    """
    declared = Declared("", prefix, TEXT, doc, MISSING, prefix=True)
    return field(default_factory=dict, metadata={_KEY: declared})


def declared_options(kind: type[Any]) -> tuple[Declared, ...]:
    """What the options class *kind* declares, in its own order."""
    return _declared(cast("Hashable", kind))


@cache
def _declared(kind: Any) -> tuple[Declared, ...]:
    return tuple(
        each.metadata[_KEY].of_field(each.name) for each in dataclasses.fields(kind) if _KEY in each.metadata
    )


def read_options(kind: type[T], given: Options, *, owner: str, span: Span | None = None) -> T:
    """An instance of *kind* from the options of a statement.

    Every error is told at once: unknown keys, values that cannot be read, required keys that
    are missing (placed at *span*, the name of the *owner*) and not just misspelt.
    """
    values, errors = _read(kind, given, owner, span)
    if errors:
        raise errors[0] if len(errors) == 1 else ScriptErrors(errors)
    return kind(**values)


def option_errors(
    kind: type[Any], given: Options, *, owner: str, span: Span | None = None
) -> list[ScriptError]:
    """What :func:`read_options` would raise, as far as the values are known: those with ``${…}`` are not."""
    _, errors = _read(kind, given, owner, span)
    return [
        error
        for error in errors
        if not isinstance(error, InvalidOption) or is_filled(given[error.option].text)
    ]


def is_filled(text: str) -> bool:
    """Whether no ``${…}`` is left in *text*, so that it can be judged."""
    return "${" not in text


def _read(
    kind: type[Any], given: Options, owner: str, span: Span | None
) -> tuple[dict[str, Any], list[ScriptError]]:
    """The values of the fields of *kind*, and everything that is wrong with *given*."""
    declared = declared_options(kind)
    values: dict[str, Any] = {}
    unknown = _unknown(declared, given, owner, span)
    misspelt = {each.meant for each in unknown}
    errors: list[ScriptError] = [*unknown]
    for key, value in given.items():
        one = _declaration(key, declared)
        if one is None:
            continue
        if one.prefix:
            values.setdefault(one.field, {})[key.removeprefix(one.key)] = value
        else:
            try:
                values[one.field] = one.kind.read(value.text)
            except ValueError:
                shown = "***" if one.secret else value.text
                errors.append(InvalidOption(key, shown, one.kind.expected, span=value.span or span))
    errors += [
        MissingOption(one.key, owner, one.doc, span=span)
        for one in declared
        if one.required and not any(name in given or name in misspelt for name in (one.key, *one.aliases))
    ]
    return values, errors


def unknown_options(
    kind: type[Any], given: Options, *, owner: str, span: Span | None = None
) -> list[UnknownOption]:
    """An error for each key of *given* that *kind* does not declare, placed at the key or else at *span*."""
    return _unknown(declared_options(kind), given, owner, span)


def _unknown(
    declared: tuple[Declared, ...], given: Options, owner: str, span: Span | None
) -> list[UnknownOption]:
    known = [each.key + "*" * each.prefix for each in declared]
    return [
        UnknownOption(key, owner, known, span=value.key_span or span)
        for key, value in given.items()
        if _declaration(key, declared) is None
    ]


def _declaration(key: str, declared: tuple[Declared, ...]) -> Declared | None:
    for one in declared:
        if key.startswith(one.key) and key != one.key if one.prefix else key in (one.key, *one.aliases):
            return one
    return None


def integer(least: int | None = None, most: int | None = None) -> Kind[int]:
    """A whole number, from *least* to *most* when these are given."""
    return Kind(f"a whole number{_range(least, most)}", lambda text: _within(int(text), least, most))


def number(least: float | None = None, most: float | None = None) -> Kind[float]:
    """A finite number, from *least* to *most* when these are given."""

    def read(text: str) -> float:
        value = float(text)
        if not math.isfinite(value):
            raise ValueError(text)
        return _within(value, least, most)

    return Kind(f"a number{_range(least, most)}", read)


def one_of(*choices: str) -> Kind[str]:
    """One of some words, without regard to case."""
    by_folded = {choice.casefold(): choice for choice in choices}

    def read(text: str) -> str:
        if text.casefold() not in by_folded:
            raise ValueError(text)
        return by_folded[text.casefold()]

    return Kind("one of " + ", ".join(f"'{choice}'" for choice in choices), read)


def _read_boolean(text: str) -> bool:
    if text.casefold() not in ("true", "false"):
        raise ValueError(text)
    return text.casefold() == "true"


def _read_names(text: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(","))
    if not all(names):
        raise ValueError(text)
    return names


def _read_fractions(text: str) -> tuple[float, ...]:
    shares = tuple(float(part) for part in text.split(","))
    if not all(0 < share <= 1 for share in shares) or not math.isclose(sum(shares), 1, abs_tol=1e-9):
        raise ValueError(text)
    return shares


def _read_json_object(text: str) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError(text)
    return value


def _read_character(text: str) -> str:
    if len(text) != 1:
        raise ValueError(text)
    return text


def _within(value: N, least: float | None, most: float | None) -> N:
    if (least is not None and value < least) or (most is not None and value > most):
        raise ValueError(value)
    return value


def _range(least: float | None, most: float | None) -> str:
    if least is not None and most is not None:
        return f" from {least:g} to {most:g}"
    return (
        f" of at least {least:g}"
        if least is not None
        else f" of at most {most:g}"
        if most is not None
        else ""
    )


TEXT: Kind[str] = Kind("a text", str)
BOOLEAN: Kind[bool] = Kind("'true' or 'false'", _read_boolean)
NAMES: Kind[tuple[str, ...]] = Kind("names with commas between them", _read_names)
FRACTIONS: Kind[tuple[float, ...]] = Kind("fractions that sum to 1, as in '0.8,0.2'", _read_fractions)
JSON_OBJECT: Kind[dict[str, Any]] = Kind("a JSON object", _read_json_object)
CHARACTER: Kind[str] = Kind("a single character", _read_character)
