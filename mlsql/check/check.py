"""What can be known of a script without running it: no Spark, no scikit-learn, no data.

Whatever names something is given in: the stages judge their own steps, as far as the texts of a
step are known, and the surroundings open included scripts. What ``set``, ``register`` or
``connect`` may still define is judged at its turn, in the run.
"""

from __future__ import annotations

from collections.abc import Sequence

from mlsql.check.inspection import Inspection
from mlsql.check.surroundings import Language, Surroundings
from mlsql.diagnostics import Diagnostic, in_order
from mlsql.errors import ScriptError, ScriptErrors
from mlsql.grammar import parse
from mlsql.grammar.nodes import Statement
from mlsql.spans import Script


def check(script: Script, language: Language, around: Surroundings) -> tuple[Diagnostic, ...]:
    """All errors and warnings, in the order of the text; syntax errors hide the others."""
    try:
        statements = parse(script)
    except ScriptErrors as several:
        return tuple(Diagnostic("error", error) for error in several.errors)
    return check_statements(statements, language, around)


def check_statements(
    statements: Sequence[Statement], language: Language, around: Surroundings
) -> tuple[Diagnostic, ...]:
    """The same of a script that has been parsed."""
    inspection = Inspection(language, around)
    inspection.see(statements)
    return in_order(inspection.diagnostics())


def errors_of(diagnostics: Sequence[Diagnostic]) -> ScriptError | None:
    """What stops a run before its first statement: the one error, all of them, or None."""
    errors = [each.error for each in diagnostics if each.severity == "error"]
    return ScriptErrors(errors) if len(errors) > 1 else errors[0] if errors else None
