"""``!name arguments``: a macro of the script's own."""

from __future__ import annotations

from dataclasses import dataclass

from mlsql.errors import ScriptError, UnknownName
from mlsql.grammar import parse
from mlsql.grammar.macros import call_bindings, expand, expansion, is_script
from mlsql.plan import CommandStep
from mlsql.session import Outcome, Part, Run, Splice


@dataclass(frozen=True, slots=True)
class CommandStage:
    """A variable whose text is statements can be called; the statements take the place of the call."""

    def run(self, step: CommandStep, run: Run, /) -> Outcome:
        """The statements of the macro, its placeholders filled."""
        name = step.name.text
        template = run.scope.template(name) if name in run.scope else None
        if template is None or not is_script(template):
            macros = [each for each in run.scope.defined_names if is_script(run.scope.template(each) or "")]
            raise UnknownName("command", name, macros, span=step.name.span)
        try:
            bindings = call_bindings(step.arguments)
        except ScriptError as error:
            raise error.at(step.span) from error.__cause__
        text = template if bindings is not None else expand(template, step.arguments)
        return Splice((Part(parse(expansion(text, name, step.span)), bindings or {}),))
