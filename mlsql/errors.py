"""Every error that a user can meet, sorted by who can mend it.

::

    MlsqlError
    ├── ScriptError               the author of the script
    │   ├── UnknownName           no source, algorithm, function … is called so
    │   ├── UnknownOption, InvalidOption, MissingOption
    │   ├── UndefinedVariable
    │   ├── SqlError              Spark refuses a query
    │   ├── Refused               the policy forbids it
    │   ├── ScriptErrors          several at once
    │   └── DataError             what the data shows
    │       ├── MissingColumn
    │       ├── MissingPath
    │       └── MissingModel
    ├── RunError                  the cluster, the broker, a worker; ``retriable`` says whether again may help
    │   └── RunStopped
    │       ├── Cancelled
    │       └── TimedOut
    └── ConfigError               the operator

An error is built from facts and makes its own sentence. Lower packages know no spans: whoever
knows the place adds it with :meth:`MlsqlError.at`. The class decides exit code (``cli``) and
HTTP status (``rest.errors``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Self

from mlsql.names import listed, nearest
from mlsql.spans import Span, mask_secrets

_MOST_SHOWN = 100
"""How many errors of one script its text tells; the others follow from them, or nobody reads so far."""


def _origins(span: Span | None) -> Iterator[str]:
    """The statements that brought the text of *span* in, the innermost first."""
    origin = span.script.origin if span else None
    while origin is not None:
        yield f"  from {origin.place}\n{origin.excerpt()}"
        origin = origin.script.origin


class MlsqlError(Exception):
    """What went wrong, where in the script, and the way out.

    ``message`` is one sentence without a final stop; ``hint`` says what to do.
    """

    def __init__(self, message: str, *, span: Span | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.span = span
        self.hint = hint

    def at(self, span: Span | None) -> Self:
        """This error, placed at *span* unless it has a place already."""
        if self.span is None:
            self.span = span
        return self

    def __str__(self) -> str:
        """The whole text as a terminal shows it: place, sentence, excerpt, hint."""
        message = mask_secrets(self.message)
        lines = [f"{self.span.place}: {message}", self.span.excerpt()] if self.span else [message]
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        for place, group in groupby(_origins(self.span)):
            lines.append(place)
            times = len(list(group))
            if times > 1:
                lines.append(f"  … {times} times")
        return "\n".join(lines)


class ScriptError(MlsqlError):
    """The script has to change."""


class UnknownName(ScriptError):
    """A name that nothing has, with the nearest that something has."""

    def __init__(
        self, kind: str, name: str, known: Iterable[str], *, span: Span | None = None, hint: str | None = None
    ) -> None:
        self.kind, self.name, self.known = kind, name, tuple(known)
        near = nearest(name, self.known)
        if hint is None and near is not None:
            hint = f"did you mean '{near}'?"
        elif hint is None and self.known:
            hint = f"known: {listed(self.known)}"
        super().__init__(f"no {kind} is called '{name}'", span=span, hint=hint)


class UnknownOption(ScriptError):
    """An option that its owner does not have; a known name that ends in ``*`` stands for a family.

    ``meant`` is the nearest known one.
    """

    def __init__(self, option: str, owner: str, known: Iterable[str], *, span: Span | None = None) -> None:
        self.option, self.owner, self.known = option, owner, tuple(known)
        families = [each.removesuffix("*") for each in self.known if each.endswith("*")]
        near = nearest(option, self.known)
        if near is None and families and "." not in option:
            near = families[0] + option
        self.meant = near
        choices = f"its options: {listed(self.known)}" if self.known else "it takes no options"
        hint = f"did you mean '{near}'?" if near else choices
        super().__init__(f"{owner} has no option '{option}'", span=span, hint=hint)


class InvalidOption(ScriptError):
    """An option whose value cannot be read."""

    def __init__(self, option: str, value: str, expected: str, *, span: Span | None = None) -> None:
        self.option, self.value, self.expected = option, value, expected
        super().__init__(f"option '{option}' takes {expected}, not '{value}'", span=span)


class MissingOption(ScriptError):
    """An option that cannot be left out."""

    def __init__(self, option: str, owner: str, doc: str, *, span: Span | None = None) -> None:
        self.option, self.owner = option, owner
        super().__init__(f"{owner} needs the option '{option}'", span=span, hint=f"{option}: {doc}")


class UndefinedVariable(ScriptError):
    """A ``${name}`` that nothing defined."""

    def __init__(self, name: str, known: Iterable[str], *, span: Span | None = None) -> None:
        self.name = name
        near = nearest(name, known)
        hint = f"did you mean '{near}'?" if near else f'define it first: set {name}="…"; or --set {name}=…'
        super().__init__(f"the variable '{name}' is not defined", span=span, hint=hint)


class SqlError(ScriptError):
    """A query that Spark cannot parse or analyse, in Spark's words."""


class Refused(ScriptError):
    """What the policy of this engine does not allow."""


class ScriptErrors(ScriptError):
    """Several errors of one script, in the order of the text; never empty."""

    def __init__(self, errors: Iterable[ScriptError]) -> None:
        self.errors = tuple(errors)
        first = self.errors[0]
        super().__init__(first.message, span=first.span, hint=first.hint)

    def __str__(self) -> str:
        """One below the other; of very many the first."""
        texts = [*map(str, self.errors[:_MOST_SHOWN])]
        more = len(self.errors) - len(texts)
        return "\n".join([*texts, f"… and {more:,} more errors"] if more else texts)


class DataError(ScriptError):
    """What the data shows: a missing column, a null where none may be, an empty table."""


class MissingColumn(DataError):
    """A column that the table does not have."""

    def __init__(
        self, column: str, available: Iterable[str], *, option: str | None = None, span: Span | None = None
    ) -> None:
        self.column, self.available, self.option = column, tuple(available), option
        near = nearest(column, self.available)
        named_by = f", which the option '{option}' names" if option else ""
        super().__init__(
            f"the table has no column '{column}'{named_by}",
            span=span,
            hint=f"did you mean '{near}'?" if near else f"its columns: {listed(self.available)}",
        )


class MissingPath(DataError):
    """A path at which nothing lies."""

    def __init__(self, path: str, *, span: Span | None = None, hint: str | None = None) -> None:
        self.path = path
        super().__init__(f"nothing lies at '{path}'", span=span, hint=hint)


class MissingModel(DataError):
    """A path that holds no complete model, or not the version asked for."""

    def __init__(
        self, path: str, *, found: str, version: int | None = None, span: Span | None = None
    ) -> None:
        self.path, self.version = path, version
        which = "no model" if version is None else f"no version {version} of a model"
        super().__init__(f"`{path}` holds {which}", span=span, hint=f"{found}; train one there first")


class RunError(MlsqlError):
    """The script may be right, but the machinery failed it."""

    def __init__(
        self, message: str, *, span: Span | None = None, hint: str | None = None, retriable: bool = False
    ) -> None:
        super().__init__(message, span=span, hint=hint)
        self.retriable = retriable


class RunStopped(RunError):
    """The run was ended from outside."""


class Cancelled(RunStopped):
    """Somebody asked the run to stop."""

    def __init__(self, *, span: Span | None = None) -> None:
        super().__init__("the run was cancelled", span=span)


class TimedOut(RunStopped):
    """The run took longer than it may."""

    def __init__(self, seconds: float, *, span: Span | None = None) -> None:
        self.seconds = seconds
        super().__init__(
            f"the run did not end within its {seconds:g} s",
            span=span,
            hint="give it more time with --timeout",
        )


class ConfigError(MlsqlError):
    """A setting, or something that the operator has to install or start."""
