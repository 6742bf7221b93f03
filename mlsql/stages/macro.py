"""``!name arguments``: a macro of the script's own, or a built-in command."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mlsql.errors import ScriptError, UnknownName
from mlsql.grammar import parse
from mlsql.grammar.macros import call_bindings, expand, expansion, is_script
from mlsql.grammar.nodes import Word
from mlsql.options import is_filled
from mlsql.plan import CommandStep
from mlsql.registry import Registry
from mlsql.session import Outcome, Passage, Run, Splice, Table
from mlsql.stages.commands.base import Command

_NAMED = "named"


@dataclass(frozen=True, slots=True)
class CommandStage:
    """A variable whose text is statements can be called; it shadows the built-in of that name."""

    commands: Registry[Command]

    def run(self, step: CommandStep, run: Run, /) -> Outcome:
        """The statements of the macro in place of the call, or what the built-in makes."""
        template = _macro(step.name.text, run)
        if template is not None:
            return _expanded(step, template)
        if step.name.text in self.commands:
            return self._built_in(step, run)
        macros = [name for name in run.scope.defined_names if _macro(name, run) is not None]
        raise UnknownName("command", step.name.text, [*macros, *self.commands], span=step.name.span)

    def check(self, step: CommandStep, /) -> Iterable[ScriptError]:
        """What is wrong with the call of a built-in command."""
        arguments, _ = split_named(step.arguments)
        if all(is_filled(each.text) for each in arguments):
            self.commands.get(step.name.text, span=step.name.span).read(step.name, arguments)
        return ()

    def _built_in(self, step: CommandStep, run: Run) -> Outcome:
        command = self.commands.get(step.name.text)
        arguments, name = split_named(step.arguments)
        outcome = command.run(command.read(step.name, arguments), run)
        if name is None:
            return outcome
        if isinstance(outcome, Table):
            return run.define(name, outcome.frame)
        if isinstance(outcome, Splice) and outcome.passages:
            return Splice(outcome.passages, name)
        raise ScriptError(f"`!{step.name.text}` makes no table to be named", span=name.span)


def split_named(arguments: tuple[Word, ...]) -> tuple[tuple[Word, ...], Word | None]:
    """The arguments without a final ``named t``, and the name."""
    if len(arguments) > 1 and not arguments[-2].quote and arguments[-2].text.casefold() == _NAMED:
        return arguments[:-2], arguments[-1]
    return arguments, None


def _macro(name: str, run: Run) -> str | None:
    """The text of the variable *name* when it is statements."""
    template = run.scope.template(name)
    return template if template is not None and is_script(template) else None


def _expanded(step: CommandStep, template: str) -> Splice:
    arguments = [each.text for each in step.arguments]
    try:
        bindings = call_bindings(arguments)
    except ScriptError as error:
        raise error.at(step.span) from error.__cause__
    text = template if bindings is not None else expand(template, arguments)
    return Splice((Passage(parse(expansion(text, step.name.text, step.span)), bindings or {}),))
