"""How commands are called, as one small notation: ``TABLE by COLUMN with SHARES``.

==================  ===================================================
``TABLE``           an argument, which the command knows by this name
``by``              this very word
``script|session``  one of these words
``[…]``             what may be left out
``PATH…``           one or more of them
``conf/list``       the same as ``conf list``
==================  ===================================================

A form is read from left to right: what may be left out is there when its first word is, or when
there are arguments left for it. So a call that fits no form fails at one argument, which is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from operator import attrgetter

from mlsql.errors import ScriptError
from mlsql.grammar.nodes import Word
from mlsql.names import nearest
from mlsql.spans import Span

_MANY = "…"
_PIECE = re.compile(r"[\[\]]|[^\s\[\]/]+")


@dataclass(frozen=True, slots=True)
class Given:
    """What a call says: its form, the arguments by their names, and the words that stood between them."""

    command: Word
    form: str
    arguments: Mapping[str, tuple[Word, ...]]
    words: frozenset[str] = frozenset()

    def __getitem__(self, name: str) -> Word:
        """The argument that the form calls *name*."""
        return self.arguments[name][0]

    def get(self, name: str) -> Word | None:
        """The same; None when it was left out."""
        return next(iter(self.arguments.get(name, ())), None)

    def every(self, name: str) -> tuple[Word, ...]:
        """All arguments that the form calls *name*."""
        return self.arguments.get(name, ())

    @property
    def span(self) -> Span:
        """Where the call stands: from its name to its last argument."""
        spans = [self.command.span, *(each.span for given in self.arguments.values() for each in given)]
        return self.command.span.to(max(spans, key=attrgetter("end")))


@dataclass(frozen=True, slots=True)
class _Part:
    """One piece of a form: an argument's *name*, or the *words* of which one must stand there."""

    name: str
    words: tuple[str, ...]
    repeats: bool

    def fits(self, word: Word) -> bool:
        return not self.words or word.text.casefold() in self.words


@dataclass(frozen=True, slots=True)
class _Optional:
    """Pieces that may be left out together."""

    parts: tuple[_Part, ...]


_Form = tuple[_Part | _Optional, ...]


@dataclass(slots=True)
class _Reading:
    """The arguments of a call as one form takes them, up to the first that does not fit."""

    words: Sequence[Word]
    position: int = 0
    taken: dict[str, list[Word]] = field(default_factory=dict)
    found: set[str] = field(default_factory=set)
    expected: list[str] = field(default_factory=list)

    def fits(self, form: _Form) -> bool:
        """Whether the whole call is of this form."""
        return all(map(self._take_part, form)) and self.position == len(self.words)

    def _take_part(self, part: _Part | _Optional) -> bool:
        if isinstance(part, _Part):
            return self._take(part)
        if not self._is_next(part.parts[0]):
            return True
        return all(map(self._take, part.parts))

    def _take(self, part: _Part) -> bool:
        if not self._is_next(part):
            return False
        self._take_one(part)
        while part.repeats and self._is_next(part):
            self._take_one(part)
        return True

    def _is_next(self, part: _Part) -> bool:
        if self.position < len(self.words) and part.fits(self.words[self.position]):
            return True
        self.expected += part.words
        return False

    def _take_one(self, part: _Part) -> None:
        word = self.words[self.position]
        self.position += 1
        self.expected.clear()
        if part.words:
            self.found.add(word.text.casefold())
        else:
            self.taken.setdefault(part.name, []).append(word)


def read_arguments(command: Word, forms: Sequence[str], arguments: Sequence[Word]) -> Given:
    """What *arguments* are by the first of *forms* that they fit.

    Otherwise a ScriptError that shows the forms, placed at the first argument that does not fit,
    or behind the last one when something is missing.
    """
    readings = [_Reading(arguments) for _ in forms]
    for form, reading in zip(forms, readings, strict=True):
        if reading.fits(_compiled(form)):
            taken = {name: tuple(words) for name, words in reading.taken.items()}
            return Given(command, form, taken, frozenset(reading.found))
    farthest = max(reading.position for reading in readings)
    near = [(f, r) for f, r in zip(forms, readings, strict=True) if r.position == farthest]
    expected = [word for _, reading in near for word in reading.expected]
    raise call_error(command, arguments, farthest, [form for form, _ in near], expected)


def call_error(
    command: Word,
    arguments: Sequence[Word],
    position: int,
    forms: Sequence[str],
    expected: Sequence[str] = (),
) -> ScriptError:
    """The error of a call whose argument at *position* is wrong or missing; *forms* say how to call it."""
    called = f"`!{command.text}`"
    ways = [f"!{command.text} {form}".strip() for form in forms]
    wrong = arguments[position] if position < len(arguments) else None
    meant = nearest(wrong.text, expected) if wrong is not None else None
    hint = f"did you mean '{meant}'?" if meant else None
    span = wrong.span if wrong is not None else _behind([command, *arguments][-1].span)
    if len(ways) == 1:
        return ScriptError(f"{called} is called as {ways[0]}", span=span, hint=hint)
    return ScriptError(f"{called} is not called so", span=span, hint=hint or f"write {'; or '.join(ways)}")


@cache
def _compiled(form: str) -> _Form:
    """The pieces of *form*."""
    return tuple(_parts(iter(_PIECE.findall(form))))


def _parts(pieces: Iterator[str]) -> Iterator[_Part | _Optional]:
    for piece in pieces:
        if piece == "[":
            yield _Optional(tuple(_part(each) for each in iter(pieces.__next__, "]")))
        else:
            yield _part(piece)


def _part(piece: str) -> _Part:
    text = piece.removesuffix(_MANY)
    words = () if text.isupper() and text[0] != "-" else tuple(text.casefold().split("|"))
    return _Part(text, words, piece.endswith(_MANY))


def _behind(span: Span) -> Span:
    return span.script.span(span.end, span.end)
