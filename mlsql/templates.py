r"""Texts with ``${name}`` in them: where the names stand, and the filled text with a map back to its source.

Nothing else happens to a text: ``\${name}`` stays as the characters ``${name}``.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from mlsql.spans import Span

_BRACED = re.compile(r"(?P<escape>\\?)\$\{[^\S\n]*+(?P<name>[^{}\s][^{}\n]*)\}")
_BRACED_OR_BARE = re.compile(_BRACED.pattern + r"|(?<![\\$\w])\$(?P<bare>[^\W\d]\w*)")
_QUOTE_LENGTHS = (0, 1, 3)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of a rendered text and where it comes from; *copied* character by character or not."""

    start: int
    text: str
    span: Span
    copied: bool


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text with its variables filled in, and the span of the template that it comes from."""

    text: str
    span: Span = field(compare=False, repr=False)
    _pieces: tuple[_Piece, ...] = field(default=(), compare=False, repr=False)

    def source_span(self, start: int, end: int) -> Span:
        """Where in the script the stretch from *start* to *end* of the text comes from.

        Characters that the template has are placed exactly, those of a value at its ``${…}``.
        """
        if not self._pieces:
            return self.span
        first, last = self._piece(start), self._piece(max(start, end - 1))
        begin = first.span.start + (start - first.start) * first.copied
        stop = last.span.start + end - last.start if last.copied else last.span.end
        return self.span.script.span(begin, max(begin, stop))

    def _piece(self, position: int) -> _Piece:
        index = bisect_right(self._pieces, position, key=lambda piece: piece.start) - 1
        return self._pieces[max(0, index)]


@dataclass(frozen=True, slots=True)
class Reference:
    """A name in a template: as it was *written* (``${ a }``), and where it stands when that is known.

    A *bare* one (``$a``) counts only when a variable is called so.
    """

    name: str
    written: str
    span: Span | None
    bare: bool = False


Segment = str | Reference
"""A part of a template: plain text, or a name that stands for some."""

Stretches = Sequence[tuple[int, int]]
"""Parts of a text by start and end, in order."""


def references(text: str, *, kept: Stretches = ()) -> tuple[tuple[str, int, int], ...]:
    r"""Each ``${name}`` of *text* that :func:`fill` would ask for: the name, its start, its end.

    >>> references(r"a ${x} \${y} ${ date.toString() }")
    (('x', 2, 6), ('date.toString()', 13, 33))
    """
    cuts = _cuts(text, _BRACED, kept)
    return tuple((cut.name, cut.start, cut.start + len(cut.text)) for cut in cuts if cut.name is not None)


def segments(text: str, span: Span | None, *, bare: bool = False) -> tuple[Segment, ...]:
    """*text*, which a script gives at *span*, in parts; *bare* takes ``$name`` for a reference too."""
    origin = _Origin(text, span) if span else None
    return tuple(
        cut.text if cut.name is None else _reference(cut, origin.place(cut) if origin else None)
        for cut in _cuts(text, _pattern(bare=bare))
    )


def fill(
    text: str,
    span: Span,
    value: Callable[[Reference], str | None],
    *,
    kept: Stretches = (),
    bare: bool = False,
) -> Rendered:
    r"""*text*, which a script gives at *span*, with *value* in the place of each reference.

    A reference that has none (None) stays as it is written, and so does all that lies in *kept*.

    >>> from mlsql.spans import Script
    >>> span = Script("a", r"a > ${n} \${n}").span(0, 14)
    >>> filled = fill(span.text, span, lambda reference: "5")
    >>> filled.text, filled.source_span(4, 5).text
    ('a > 5 ${n}', '${n}')
    """
    origin = _Origin(text, span)
    pieces: list[_Piece] = []
    start = 0
    for cut in _cuts(text, _pattern(bare=bare), kept):
        place = origin.place(cut)
        found = None if cut.name is None else value(_reference(cut, place))
        copied = found is None and origin.exact
        pieces.append(_Piece(start, cut.text if found is None else found, place, copied))
        start += len(pieces[-1].text)
    return Rendered("".join(piece.text for piece in pieces), span, tuple(pieces))


@dataclass(frozen=True, slots=True)
class _Cut:
    """A stretch of a template: text, or a reference when it has a name."""

    start: int
    text: str
    name: str | None = None
    bare: bool = False


def _reference(cut: _Cut, place: Span | None) -> Reference:
    assert cut.name is not None
    return Reference(cut.name, cut.text, place, cut.bare)


def _pattern(*, bare: bool) -> re.Pattern[str]:
    return _BRACED_OR_BARE if bare else _BRACED


def _cuts(text: str, pattern: re.Pattern[str], kept: Stretches = ()) -> Iterator[_Cut]:
    done = 0
    for match in pattern.finditer(text):
        if _lies_in(match.start(), kept):
            continue
        if done < match.start():
            yield _Cut(done, text[done : match.start()])
        yield _cut(match)
        done = match.end()
    if done < len(text):
        yield _Cut(done, text[done:])


def _cut(match: re.Match[str]) -> _Cut:
    groups = match.groupdict()
    if groups.get("bare"):
        return _Cut(match.start(), match[0], groups["bare"], bare=True)
    written = match[0].removeprefix("\\")
    return _Cut(match.end("escape"), written, None if groups["escape"] else groups["name"].strip())


def _lies_in(position: int, kept: Stretches) -> bool:
    before = bisect_right(kept, position, key=itemgetter(0)) - 1
    return before >= 0 and position < kept[before][1]


class _Origin:
    """Where the characters of *text* stand in the script, which has quotes and escapes around them.

    Without escapes (``exact``) that is known for each; otherwise for each ``${…}`` at least.
    """

    def __init__(self, text: str, span: Span) -> None:
        written = span.text
        shifts = [n for n in _QUOTE_LENGTHS if written[n : len(written) - n] == text]
        self.exact = bool(shifts)
        self._span = span
        self._start = span.start + (shifts[0] if shifts else 0)
        self._found: dict[int, re.Match[str]] = {}
        if not shifts:
            here, there = ([*_BRACED.finditer(each)] for each in (text, written))
            pairs = zip(here, there, strict=True) if len(here) == len(there) else ()
            self._found = {each.end("escape"): other for each, other in pairs}

    def place(self, cut: _Cut) -> Span:
        """The span of a stretch, or of the whole text when escapes hide it."""
        script = self._span.script
        if self.exact:
            start = self._start + cut.start
            return script.span(start, start + len(cut.text))
        found = self._found.get(cut.start)
        if found is None:
            return self._span
        return script.span(self._span.start + found.end("escape"), self._span.start + found.end())
