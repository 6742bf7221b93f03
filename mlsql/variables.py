r"""``${name}`` in the texts of a script: what it stands for, and text with a map back to its source.

A value is kept as a template and rendered at use, so it may name variables that are set later.
Its own name inside a value means the value before; any other cycle is an error. Nothing else
happens to a text, and ``\${name}`` stays as the characters ``${name}``.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import itemgetter
from types import MappingProxyType

from mlsql.dates import evaluate_date, is_date
from mlsql.errors import ScriptError, UndefinedVariable
from mlsql.spans import Span

_VARIABLE = re.compile(r"(\\?)\$\{[^\S\n]*+([^{}\s][^{}\n]*)\}")
_TEMPLATE_CALL = re.compile(
    r"""template\.get\(\s*((?:"[^"]*"|'[^']*')(?:\s*,\s*(?:"[^"]*"|'[^']*'))*)\s*\)"""
)
_ARGUMENT = re.compile(r""""([^"]*)"|'([^']*)'""")
_PLACEHOLDER = re.compile(r"\{([0-9]+)\}")
_QUOTE_LENGTHS = (0, 1, 3)
_DEEPEST = 100
_LONGEST = 16_000_000


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
    """A ``${name}`` in a value, and where it stands when that is known."""

    name: str
    span: Span | None


Part = str | Reference


@dataclass(frozen=True, slots=True)
class _Definition:
    """A value in parts, and whether selects see it."""

    parts: tuple[Part, ...]
    in_select: bool = True


class Scope:
    """The variables of a run by name."""

    def __init__(self, *, now: datetime, parameters: Mapping[str, str] = MappingProxyType({})) -> None:
        self.now = now
        self.parameters: Mapping[str, str] = MappingProxyType(dict(parameters))
        self._definitions: dict[str, _Definition] = {}
        self._bound: Mapping[str, str] = MappingProxyType({})

    @classmethod
    def for_run(
        cls,
        *,
        owner: str,
        job_name: str,
        home: str,
        now: datetime,
        parameters: Mapping[str, str] = MappingProxyType({}),
    ) -> Scope:
        """The scope that a run begins with: the predefined names and what was given from outside.

        *now* carries the time zone of the session; the four days are told in it.
        """
        scope = cls(now=now, parameters=parameters)
        days = {"theDayBeforeYesterday": -2, "yesterday": -1, "today": 0, "tomorrow": 1}
        given = {name: (now.date() + timedelta(days=shift)).isoformat() for name, shift in days.items()}
        given |= {"HOME": home, "OWNER": owner, "JOB_NAME": job_name, **parameters}
        for name, text in given.items():
            scope.define(name, text, template=False)
        return scope

    @property
    def defined_names(self) -> tuple[str, ...]:
        """All names that have a value, the predefined ones first."""
        return tuple(self._definitions)

    def __contains__(self, name: object) -> bool:
        return name in self._definitions

    def define(
        self, name: str, text: str, *, template: bool = True, span: Span | None = None, in_select: bool = True
    ) -> None:
        """Let *name* stand for *text* from now on.

        A *template* is rendered at each use; results of queries are none. *span* is the literal
        that gives the text, for errors inside it. What is not *in_select* stays as ``${name}`` in
        the text of selects.
        """
        parts = self._settled(name, _parts(text, span)) if template else (text,)
        self._definitions[name] = _Definition(parts, in_select)

    @contextmanager
    def bound(self, values: Mapping[str, str]) -> Iterator[None]:
        """A block in which names stand for plain texts, and after which they are what they were.

        A variable that is defined in the block takes them in at once: it outlives the block.
        """
        definitions, bound = self._definitions, self._bound
        before = {name: definitions.get(name) for name in values}
        self._bound = {**bound, **values}
        definitions |= {name: _Definition((text,)) for name, text in values.items()}
        try:
            yield
        finally:
            self._bound = bound
            for name, definition in before.items():
                if definition is None:
                    definitions.pop(name, None)
                else:
                    definitions[name] = definition

    def value(self, name: str, *, span: Span | None = None) -> str:
        """What *name* stands for now; an error is placed at *span* unless it lies in a value."""
        return _Evaluation(self).value(name, span)

    def template(self, name: str) -> str | None:
        """The value of *name* as a text with its ``${…}`` not replaced; None when undefined."""
        parts = self.parts(name)
        return None if parts is None else "".join(map(_written, parts))

    def parts(self, name: str) -> tuple[Part, ...] | None:
        """The value of *name* as it was defined, its references not replaced; None when undefined."""
        definition = self._definitions.get(name)
        return None if definition is None else definition.parts

    def hides(self, name: str) -> bool:
        """Whether *name* is not replaced in the text of selects."""
        definition = self._definitions.get(name)
        return definition is not None and not definition.in_select

    def _settled(self, name: str, parts: tuple[Part, ...]) -> tuple[Part, ...]:
        """*parts* with the name itself replaced by what it stands for so far, bound names by their texts."""
        flat: list[Part] = []
        for part in parts:
            if isinstance(part, str) or part.name not in (name, *self._bound):
                flat.append(part)
            elif part.name in self._bound:
                flat.append(self._bound[part.name])
            elif (before := self.parts(name)) is not None:
                flat += before
            else:
                raise UndefinedVariable(name, self.defined_names, span=part.span)
        return tuple(flat)


class _Evaluation:
    """The values of one rendering; each is worked out once, however often it is named."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._values: dict[str, str] = {}

    def value(self, name: str, span: Span | None, outer: tuple[str, ...] = ()) -> str:
        """What *name* stands for; *outer* are the names whose values led here."""
        if name not in self._values:
            self._values[name] = self._evaluate(name, span, outer)
        return self._values[name]

    def _evaluate(self, name: str, span: Span | None, outer: tuple[str, ...]) -> str:
        if name in outer:
            chain = " → ".join((*outer[outer.index(name) :], name))
            raise ScriptError(f"variables that stand for each other: {chain}", span=span)
        if len(outer) > _DEEPEST:
            raise ScriptError(f"variables that name each other more than {_DEEPEST} deep", span=span)
        parts = self._scope.parts(name)
        if parts is None:
            return self._compute(name, span, outer)
        values = (
            part if isinstance(part, str) else self.value(part.name, part.span or span, (*outer, name))
            for part in parts
        )
        text = "".join(values)
        if len(text) > _LONGEST:
            raise ScriptError(f"the variable '{name}' becomes longer than {_LONGEST:,} characters", span=span)
        return text

    def _compute(self, name: str, span: Span | None, outer: tuple[str, ...]) -> str:
        """The value of a name that is a small calculation: a date, or a template with arguments."""
        if is_date(name):
            try:
                return evaluate_date(name, self._scope.now)
            except ValueError as error:
                raise ScriptError(str(error), span=span) from error
        call = _TEMPLATE_CALL.fullmatch(name)
        if call is None:
            raise UndefinedVariable(name, self._scope.defined_names, span=span)
        template, *arguments = (double or single for double, single in _ARGUMENT.findall(call[1]))
        return _filled(self.value(template, span, outer), template, arguments, span)


Stretches = Sequence[tuple[int, int]]
"""Parts of a text by start and end, in order."""


def references(text: str, *, kept: Stretches = ()) -> tuple[tuple[str, int, int], ...]:
    r"""Each ``${name}`` of *text* that :func:`render` would replace: the name, its start, its end.

    >>> references(r"a ${x} \${y} ${ date.toString() }")
    (('x', 2, 6), ('date.toString()', 13, 33))
    """
    return tuple(
        (match[2].strip(), match.end(1), match.end()) for match in _matches(text, kept) if not match[1]
    )


def render(text: str, span: Span, scope: Scope, *, in_select: bool = False, kept: Stretches = ()) -> Rendered:
    r"""*text*, which the script gives at *span*, with its variables filled in, but not in what is *kept*.

    >>> from mlsql.spans import Script
    >>> scope = Scope(now=datetime(2026, 1, 2))
    >>> scope.define("n", "5")
    >>> rendered = render(r"a > ${n} \${n}", Script("a", r"a > ${n} \${n}").span(0, 14), scope)
    >>> rendered.text, rendered.source_span(4, 5).text
    ('a > 5 ${n}', '${n}')
    """
    origin, evaluation = _Origin(text, span), _Evaluation(scope)
    pieces: list[_Piece] = []
    start = 0
    for cut in _cuts(text, kept):
        place = origin.place(cut)
        if cut.name is None or (in_select and scope.hides(cut.name)):
            pieces.append(_Piece(start, cut.text, place, copied=origin.exact))
        else:
            pieces.append(_Piece(start, evaluation.value(cut.name, place), place, copied=False))
        start += len(pieces[-1].text)
    return Rendered("".join(piece.text for piece in pieces), span, tuple(pieces))


@dataclass(frozen=True, slots=True)
class _Cut:
    """A stretch of a template: text, or a ``${name}`` when it has a name."""

    start: int
    text: str
    name: str | None = None


def _matches(text: str, kept: Stretches) -> Iterator[re.Match[str]]:
    """The ``${name}`` and ``\\${name}`` outside of what is *kept*."""
    for match in _VARIABLE.finditer(text):
        before = bisect_right(kept, match.start(), key=itemgetter(0)) - 1
        if before < 0 or kept[before][1] <= match.start():
            yield match


def _cuts(text: str, kept: Stretches = ()) -> Iterator[_Cut]:
    done = 0
    for match in _matches(text, kept):
        if done < match.start():
            yield _Cut(done, text[done : match.start()])
        escape, name = match.groups()
        yield _Cut(match.end(1), match[0].removeprefix("\\"), None if escape else name.strip())
        done = match.end()
    if done < len(text):
        yield _Cut(done, text[done:])


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
        here, there = ([*_VARIABLE.finditer(each)] for each in (text, written))
        pairs = zip(here, there, strict=True) if len(here) == len(there) and not shifts else ()
        self._found = {each.end(1): other for each, other in pairs}

    def place(self, cut: _Cut) -> Span:
        """The span of a stretch, or of the whole text when escapes hide it."""
        script = self._span.script
        if self.exact:
            start = self._start + cut.start
            return script.span(start, start + len(cut.text))
        found = self._found.get(cut.start)
        if found is None:
            return self._span
        return script.span(self._span.start + found.end(1), self._span.start + found.end())


def _parts(text: str, span: Span | None) -> tuple[Part, ...]:
    origin = _Origin(text, span) if span else None
    return tuple(
        cut.text if cut.name is None else Reference(cut.name, origin.place(cut) if origin else None)
        for cut in _cuts(text)
    )


def _written(part: Part) -> str:
    """*part* as a script gives it."""
    return part.replace("${", "\\${") if isinstance(part, str) else f"${{{part.name}}}"


def _filled(text: str, name: str, arguments: list[str], span: Span | None) -> str:
    """*text* with ``{0}``, ``{1}`` … replaced by the arguments."""

    def argument(match: re.Match[str]) -> str:
        index = int(match[1])
        if index >= len(arguments):
            given = f"{len(arguments)} value{'s' * (len(arguments) != 1)}"
            raise ScriptError(f"the template '{name}' has {match[0]}, but is given {given}", span=span)
        return arguments[index]

    return _PLACEHOLDER.sub(argument, text)
