"""The variables of a script: what each ``${name}`` stands for.

A value is kept as a template and rendered at use, so it may name variables that are set later.
Its own name inside a value means the value before; any other cycle is an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from mlsql.dates import evaluate_date, is_date
from mlsql.dialect import MLSQL, Dialect
from mlsql.errors import ScriptError, UndefinedVariable
from mlsql.spans import Span
from mlsql.templates import Reference, Rendered, Segment, Stretches, fill, segments

_TEMPLATE_CALL = re.compile(
    r"""template\.get\(\s*((?:"[^"]*"|'[^']*')(?:\s*,\s*(?:"[^"]*"|'[^']*'))*)\s*\)"""
)
_ARGUMENT = re.compile(r""""([^"]*)"|'([^']*)'""")
_PLACEHOLDER = re.compile(r"\{([0-9]+)\}")
_DEEPEST = 100
_LONGEST = 16_000_000
_DAYS = {"theDayBeforeYesterday": -2, "yesterday": -1, "today": 0, "tomorrow": 1}


@dataclass(frozen=True, slots=True)
class Definition:
    """What a name stands for: a template in parts, and who may look at it how.

    Selects see it unless it is not *in_select*; the parts of a *json* one have names of their own.
    """

    segments: tuple[Segment, ...]
    in_select: bool = True
    json: bool = False


class Scope:
    """The variables of a run by name; *lasting* ones come from earlier scripts of the session."""

    def __init__(
        self,
        *,
        now: datetime,
        parameters: Mapping[str, str] = MappingProxyType({}),
        lasting: Mapping[str, Definition] = MappingProxyType({}),
        dialect: Dialect = MLSQL,
    ) -> None:
        self.now = now
        self.parameters: Mapping[str, str] = MappingProxyType(dict(parameters))
        self.dialect = dialect
        self._definitions: dict[str, Definition] = dict(lasting)
        self._everywhere: frozenset[str] = frozenset(lasting)
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
        lasting: Mapping[str, Definition] = MappingProxyType({}),
        dialect: Dialect = MLSQL,
    ) -> Scope:
        """The scope that a run begins with: the predefined names and what was given from outside.

        *now* carries the time zone of the session; the four days are told in it.
        """
        days = {name: (now.date() + timedelta(days=shift)).isoformat() for name, shift in _DAYS.items()}
        predefined = {**days, "HOME": home, "OWNER": owner, "JOB_NAME": job_name}
        given = {name: Definition((text,)) for name, text in predefined.items()}
        scope = cls(now=now, parameters=parameters, lasting={**given, **lasting}, dialect=dialect)
        for name, text in parameters.items():
            scope.define(name, text, template=False)
        return scope

    @property
    def defined_names(self) -> tuple[str, ...]:
        """All names that have a value, the predefined ones first."""
        return tuple(self._definitions)

    def __contains__(self, name: object) -> bool:
        return name in self._definitions

    def define(
        self,
        name: str,
        text: str,
        *,
        template: bool = True,
        span: Span | None = None,
        in_select: bool = True,
        json: bool = False,
    ) -> None:
        """Let *name* stand for *text* from now on.

        A *template* is rendered at each use; results of queries are none. *span* is the literal
        that gives the text, for errors inside it. What is not *in_select* stays as ``${name}`` in
        the text of selects. Of a *json* text, ``${name.key.0}`` is a part.
        """
        parts = segments(text, span, bare=self.dialect.dollar_names) if template else (text,)
        self._definitions[name] = Definition(self._settled(name, parts), in_select, json)
        self._everywhere -= {name}

    def lasting(self, name: str) -> Definition:
        """What *name* means to later scripts of the session, which lack the variables of this one.

        Those that it names are filled in; what is the same for every script is left to them.
        """
        own = {each for each in self._definitions if each not in self._everywhere and each != name}
        definition = self._definitions[name]
        parts = tuple(
            self.value(each.name, span=each.span)
            if isinstance(each, Reference) and each.name in own
            else each
            for each in definition.segments
        )
        return Definition(parts, definition.in_select, definition.json)

    @contextmanager
    def bound(self, values: Mapping[str, str]) -> Iterator[None]:
        """A block in which names stand for plain texts, and after which they are what they were.

        A variable that is defined in the block takes them in at once: it outlives the block.
        """
        definitions, bound = self._definitions, self._bound
        before = {name: definitions.get(name) for name in values}
        self._bound = {**bound, **values}
        definitions |= {name: Definition((text,)) for name, text in values.items()}
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

    def lookup(self, *, in_select: bool = False) -> Callable[[Reference], str | None]:
        """What fills in the references of one text; it gives None for those that stay as they are."""
        evaluation = _Evaluation(self)

        def value(reference: Reference) -> str | None:
            hidden = in_select and self.hides(reference.name)
            return None if hidden else evaluation.find(reference)

        return value

    def template(self, name: str) -> str | None:
        """The value of *name* as a text with its ``${…}`` not replaced; None when undefined."""
        definition = self.definition(name)
        return None if definition is None else "".join(map(_written, definition.segments))

    def definition(self, name: str) -> Definition | None:
        """The value of *name* as it was defined, its references not replaced; None when undefined."""
        return self._definitions.get(name)

    def hides(self, name: str) -> bool:
        """Whether *name* is not replaced in the text of selects."""
        definition = self._definitions.get(name)
        return definition is not None and not definition.in_select

    def _settled(self, name: str, parts: tuple[Segment, ...]) -> tuple[Segment, ...]:
        """*parts* with the name itself replaced by what it stands for so far, bound names by their texts."""
        flat: list[Segment] = []
        for part in parts:
            if isinstance(part, str) or part.name not in (name, *self._bound):
                flat.append(part)
            elif part.name in self._bound:
                flat.append(self._bound[part.name])
            elif (before := self.definition(name)) is not None:
                flat += before.segments
            elif part.bare or self.dialect.keeps_undefined:
                flat.append(part.written)
            else:
                raise UndefinedVariable(name, self.defined_names, span=part.span)
        return tuple(flat)


def render(text: str, span: Span, scope: Scope, *, in_select: bool = False, kept: Stretches = ()) -> Rendered:
    r"""*text*, which the script gives at *span*, with its variables filled in, but not in what is *kept*.

    >>> from mlsql.spans import Script
    >>> scope = Scope(now=datetime(2026, 1, 2))
    >>> scope.define("n", "5")
    >>> render(r"a > ${n} \${n}", Script("a", r"a > ${n} \${n}").span(0, 14), scope).text
    'a > 5 ${n}'
    """
    return fill(text, span, scope.lookup(in_select=in_select), kept=kept, bare=scope.dialect.dollar_names)


def holders(name: str) -> tuple[str, ...]:
    """The variables of which one has to be there for ``${name}``: itself or what it reaches into.

    A date needs none.

    >>> holders("cfg.a.0"), holders('template.get("t", "x")'), holders('date.toString("yyyy")')
    (('cfg.a.0', 'cfg'), ('t',), ())
    """
    if is_date(name):
        return ()
    call = _TEMPLATE_CALL.fullmatch(name)
    if call is not None:
        return tuple(double or single for double, single in _ARGUMENT.findall(call[1]))[:1]
    holder, _, path = name.partition(".")
    return (name, holder) if path else (name,)


class _Evaluation:
    """The values of one rendering; each is worked out once, however often it is named."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._values: dict[str, str] = {}

    def find(self, reference: Reference, outer: tuple[str, ...] = (), at: Span | None = None) -> str | None:
        """What *reference* stands for; None when that is nothing, and that is no mistake."""
        if reference.bare and reference.name not in self._scope:
            return None
        try:
            return self.value(reference.name, reference.span or at, outer)
        except UndefinedVariable:
            if self._scope.dialect.keeps_undefined:
                return None
            raise

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
        definition = self._scope.definition(name)
        if definition is None:
            return self._compute(name, span, outer)
        text = "".join(self._texts(definition.segments, (*outer, name), span))
        if len(text) > _LONGEST:
            raise ScriptError(f"the variable '{name}' becomes longer than {_LONGEST:,} characters", span=span)
        return text

    def _texts(self, parts: tuple[Segment, ...], outer: tuple[str, ...], span: Span | None) -> Iterator[str]:
        for part in parts:
            if isinstance(part, str):
                yield part
            else:
                found = self.find(part, outer, span)
                yield part.written if found is None else found

    def _compute(self, name: str, span: Span | None, outer: tuple[str, ...]) -> str:
        """The value of a name that asks for something: a date, a filled template, a part of JSON."""
        if is_date(name):
            try:
                return evaluate_date(name, self._scope.now)
            except ValueError as error:
                raise ScriptError(str(error), span=span) from error
        call = _TEMPLATE_CALL.fullmatch(name)
        if call is not None:
            template, *arguments = (double or single for double, single in _ARGUMENT.findall(call[1]))
            return _filled(self.value(template, span, outer), template, arguments, span)
        holder, _, path = name.partition(".")
        definition = self._scope.definition(holder)
        if path and definition is not None and definition.json:
            return _inside(self.value(holder, span, outer), holder, path, span)
        raise UndefinedVariable(name, self._scope.defined_names, span=span)


def _written(part: Segment) -> str:
    """*part* as a script gives it."""
    return part.replace("${", "\\${") if isinstance(part, str) else part.written


def _filled(text: str, name: str, arguments: list[str], span: Span | None) -> str:
    """*text* with ``{0}``, ``{1}`` … replaced by the arguments."""

    def argument(match: re.Match[str]) -> str:
        index = int(match[1])
        if index >= len(arguments):
            given = f"{len(arguments)} value{'s' * (len(arguments) != 1)}"
            raise ScriptError(f"the template '{name}' has {match[0]}, but is given {given}", span=span)
        return arguments[index]

    return _PLACEHOLDER.sub(argument, text)


def _inside(text: str, name: str, path: str, span: Span | None) -> str:
    """What stands at *path* (``a.0``) in the JSON *text*: a text as it is, anything else as JSON."""
    value = json.loads(text)
    for key in path.split("."):
        try:
            value = value[int(key) if isinstance(value, list) else key]
        except (KeyError, IndexError, ValueError, TypeError) as error:
            held = ", ".join(map(str, value)) if isinstance(value, dict) else _size(value)
            hint = f"where '{key}' is looked for stands {held}" if held else None
            raise ScriptError(
                f"the variable '{name}' holds nothing at '{path}'", span=span, hint=hint
            ) from error
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _size(value: object) -> str:
    if isinstance(value, list):
        return f"an array of {len(value)}, counted from 0"
    return json.dumps(value, ensure_ascii=False)
