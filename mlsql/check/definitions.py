"""Which variables a script gives a value, which it uses, and which of those nothing could define.

The statements are seen in source order, those of all branches; what a value is, is not asked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from mlsql.dialect import MLSQL, Dialect
from mlsql.errors import ScriptError, UndefinedVariable
from mlsql.grammar.macros import is_script
from mlsql.grammar.nodes import Literal, Word
from mlsql.options import is_filled
from mlsql.plan import render_query
from mlsql.spans import Span
from mlsql.templates import Reference, Rendered
from mlsql.variables import Scope, holders

_NOTHING: frozenset[str] = frozenset()
_UNKNOWN_TEXT = "${…}"
"""What stands for a text that shows in the run only; a query that holds it is not judged."""


class Asking(Scope):
    """A scope in which nothing is known: it notes which names it is asked for, and leaves each as it is."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(now=datetime.min.replace(tzinfo=UTC), dialect=dialect)
        self.asked: list[Reference] = []

    def lookup(self, *, in_select: bool = False) -> Callable[[Reference], str | None]:  # noqa: ARG002
        """Nothing for each reference, which is noted."""

        def note(reference: Reference) -> None:
            self.asked.append(reference)

        return note


@dataclass(frozen=True, slots=True)
class Value:
    """What a statement lets a name stand for: its *template* when that is known, and the names in it."""

    template: str | None = None
    references: tuple[Reference, ...] = ()
    span: Span | None = None
    in_select: bool = True


@dataclass(frozen=True, slots=True)
class Missing:
    """A name that is used and that nothing could define; where a condition asks, no dialect lets it pass."""

    error: UndefinedVariable
    in_condition: bool


@dataclass(frozen=True, slots=True)
class _Use:
    reference: Reference
    bound: frozenset[str]
    in_condition: bool
    too_early: bool
    """Nothing before it could have defined the name."""


class Definitions:
    """The variables at one point of a script; *given* are those that it begins with, by their templates.

    *texts* is the scope that the script begins with, where the texts matter too.
    """

    def __init__(self, given: Mapping[str, str | None], texts: Scope | None = None) -> None:
        self._given = given
        self._texts = texts or Asking(MLSQL)
        self._values: dict[str, list[Value]] = {}
        self._now = {name: Value(template) for name, template in given.items()}
        self._before: list[dict[str, Value | None]] = []
        self._bound = _NOTHING
        self._any_bound = False
        self._is_open = False
        self._uses: list[_Use] = []
        self._missing: list[Missing] = []

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that the script or its surroundings define somewhere."""
        return (*self._given, *(name for name in self._values if name not in self._given))

    @property
    def is_open(self) -> bool:
        """Whether something that is not known before the run could define any name."""
        return self._is_open or self._any_bound

    def could_be(self, name: str) -> bool:
        """Whether *name* may have a value somewhere in the script."""
        return self._is_open or name in self._values or name in self._given

    def could_be_macro(self, name: str) -> bool:
        """Whether such a value may be statements."""
        templates = [value.template for value in self._values.get(name, ())]
        templates += [self._given[name]] if name in self._given else []
        return self._is_open or any(each is None or is_script(each) for each in templates)

    def value(self, name: str) -> Value | None:
        """What *name* stands for now, perhaps without a known template; None when nothing has defined it."""
        return Value() if name in self._bound else self._now.get(name)

    def macros(self) -> Iterator[str]:
        """The names whose value now is statements."""
        for name, value in self._now.items():
            if value.template is not None and is_script(value.template):
                yield name

    def filled(self, query: Word | Literal) -> Rendered | None:
        """*query* with its variables filled in, when all their texts are known."""
        try:
            rendered = render_query(query, self._texts)
        except ScriptError:
            return None
        is_known = is_filled(rendered.text) and not self.is_open
        return rendered if is_known else None

    def open(self) -> None:
        """From now on, anything may have been defined."""
        self._is_open = True

    def use(self, reference: Reference, *, in_condition: bool = False) -> None:
        """The script asks for what *reference* stands for; a bare ``$name`` need not stand for anything."""
        names = holders(reference.name)
        if reference.bare or not names or self._any_bound or not self._bound.isdisjoint(names):
            return
        too_early = not self._is_open and self._now.keys().isdisjoint(names)
        self._uses.append(_Use(reference, self._bound, in_condition, too_early))

    def define(self, name: str, value: Value) -> None:
        """*name* has that value from now on; its own name in it means the value before."""
        for each in value.references:
            if each.name == name and self.value(name) is None and not self.is_open and not each.bare:
                self._missing.append(self._undefined(each, in_condition=False))
        filled_in = {name, *self._bound}
        kept = tuple(each for each in value.references if each.name not in filled_in and not self._any_bound)
        for block in self._before[-1:]:
            block.setdefault(name, self._now.get(name))
        self._now[name] = replace(value, references=kept)
        self._note_text(name, value)
        self._values.setdefault(name, []).append(self._now[name])

    @contextmanager
    def bound(self, names: Collection[str] | None) -> Iterator[None]:
        """A block in which *names* have a value; None stands for names that are not known."""
        before = self._bound, self._any_bound
        self._bound, self._any_bound = self._bound.union(names or ()), self._any_bound or names is None
        try:
            with self._texts.bound(dict.fromkeys(names or (), _UNKNOWN_TEXT)):
                yield
        finally:
            self._bound, self._any_bound = before

    @contextmanager
    def perhaps(self) -> Iterator[None]:
        """A block that may not run: what it gives another value than before is not known behind it."""
        self._before.append({})
        yield
        for name, value in self._before.pop().items():
            if value is not None:
                self._now[name] = Value(span=value.span)
                self._note_text(name, self._now[name])
            for outer in self._before[-1:]:
                outer.setdefault(name, value)

    def missing(self) -> Iterator[Missing]:
        """Every use of a name that nothing defines, also by way of a value that is used."""
        yield from self._missing
        seen: set[tuple[str, frozenset[str]]] = set()
        for use in () if self._is_open else self._uses:
            yield from self._missing_of(use, seen)

    def too_early(self) -> Iterator[ScriptError]:
        """Every use of a name that only a later statement defines."""
        for use in (each for each in self._uses if each.too_early):
            later = [value for name in holders(use.reference.name) for value in self._values.get(name, ())]
            if later:
                line = later[0].span.line if later[0].span else 1
                message = f"the variable '{use.reference.name}' is used before it is defined"
                yield ScriptError(message, span=use.reference.span, hint=f"line {line} defines it")

    def _note_text(self, name: str, value: Value) -> None:
        self._texts.define(name, _UNKNOWN_TEXT, template=False)
        if value.template is not None and not any(each.name == name for each in value.references):
            self._texts.define(name, value.template, in_select=value.in_select)

    def _missing_of(self, use: _Use, seen: set[tuple[str, frozenset[str]]]) -> Iterator[Missing]:
        waiting = [use.reference]
        while waiting:
            reference = waiting.pop()
            names = holders(reference.name)
            if reference.bare or not names or not use.bound.isdisjoint(names):
                continue
            if not any(map(self.could_be, names)):
                yield self._undefined(reference, in_condition=use.in_condition)
            for name in names:
                if (name, use.bound) not in seen:
                    seen.add((name, use.bound))
                    waiting += self._surely_needed(name)

    def _surely_needed(self, name: str) -> tuple[Reference, ...]:
        """The names in the value of *name*, when it has only one."""
        values = self._values.get(name, ())
        return values[0].references if len(values) == 1 and name not in self._given else ()

    def _undefined(self, reference: Reference, *, in_condition: bool) -> Missing:
        name = holders(reference.name)[0]
        return Missing(UndefinedVariable(name, self.names, span=reference.span), in_condition)
