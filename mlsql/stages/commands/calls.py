"""Commands by how they are called: ``!name A b C``, ``!name _ -k v``, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mlsql.errors import ScriptError
from mlsql.grammar.macros import call_bindings
from mlsql.grammar.nodes import Word
from mlsql.options import OptionText, read_options
from mlsql.session import Outcome, Run
from mlsql.stages.commands.forms import Given, call_error, read_arguments


def as_given(given: Given) -> Given:
    """The arguments as they are."""
    return given


@dataclass(frozen=True, slots=True)
class FormCommand:
    """A command that is called by one of its forms (:mod:`mlsql.stages.commands.forms`).

    ``understand`` makes of the arguments what ``act`` is given; what is wrong with them shows there,
    without Spark.
    """

    doc: str
    forms: tuple[str, ...]
    act: Callable[[Any, Run], Outcome]
    understand: Callable[[Given], Any] = as_given

    def read(self, name: Word, arguments: Sequence[Word], /) -> Any:
        """What the call says."""
        return self.understand(read_arguments(name, self.forms, arguments))

    def run(self, call: Any, run: Run, /) -> Outcome:
        """Do it."""
        return self.act(call, run)


@dataclass(frozen=True, slots=True)
class OptionCall:
    """A call whose arguments have names: its options, and each of them as it was written."""

    options: Any
    words: dict[str, Word]


@dataclass(frozen=True, slots=True)
class OptionCommand:
    """A command that is called as ``!name _ -key value …``; *options* declares the keys."""

    doc: str
    forms: tuple[str, ...]
    options: type[Any]
    act: Callable[[OptionCall, Run], Outcome]

    def read(self, name: Word, arguments: Sequence[Word], /) -> OptionCall:
        """What the call says."""
        try:
            bindings = call_bindings([each.text for each in arguments])
        except ScriptError as error:
            raise error.at(name.span) from error.__cause__
        if bindings is None:
            raise call_error(name, arguments, 0, self.forms)
        pairs = list(zip(arguments[1::2], arguments[2::2], strict=True))
        given = {
            key.text.removeprefix("-"): OptionText(value.text, value.span, key.span) for key, value in pairs
        }
        options = read_options(self.options, given, owner=f"!{name.text}", span=name.span)
        return OptionCall(options, {key.text.removeprefix("-"): value for key, value in pairs})

    def run(self, call: OptionCall, run: Run, /) -> Outcome:
        """Do it."""
        return self.act(call, run)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A command of older engines that there is not: why, and what to use instead."""

    doc: str
    hint: str | None = None
    forms: tuple[str, ...] = ()

    def read(self, name: Word, arguments: Sequence[Word], /) -> Any:  # noqa: ARG002
        """Nothing but the error."""
        raise ScriptError(f"`!{name.text}` {self.doc}", span=name.span, hint=self.hint)

    def run(self, call: Any, run: Run, /) -> Outcome:  # noqa: ARG002
        """Never called, since no call can be read."""
        raise AssertionError(call)
