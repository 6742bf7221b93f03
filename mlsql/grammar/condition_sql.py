"""Conditions as Spark SQL: over the variables of a run, and over the columns of a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mlsql.errors import MissingColumn, ScriptError
from mlsql.grammar.condition_nodes import Call, Condition, Expression, Number, Text, Variable
from mlsql.grammar.condition_printer import ELEMENT, ConditionWriter
from mlsql.grammar.condition_values import filled
from mlsql.grammar.literals import write_name

Resolve = Callable[[Variable], str]
"""Gives the SQL text that a ``:name`` stands for."""

_SPARK_OPERATORS = {"==": "=", "!=": "<>"}
_DECIMAL_DIGITS = 38
_LONGEST = 100_000


@dataclass(frozen=True, slots=True)
class CompiledCondition:
    """The SQL of a condition: what it selects first, by name, and the test, which sees these as columns."""

    bindings: tuple[tuple[str, str], ...]
    test: str

    @property
    def query(self) -> str:
        """A query of one row, which starts no Spark job: the value of each binding, then the test.

        >>> CompiledCondition((("n", "(1 + 1)"),), "(`n` > 1)").query
        'select *, (`n` > 1) as `condition` from (select (1 + 1) as `n` from values (1))'
        """
        source, earlier = "values (1)", ""
        for name, expression in self.bindings:
            source = f"(select {earlier}{expression} as {_quoted(name)} from {source})"  # noqa: S608 - the parts are quoted
            earlier = "*, "
        return f"select {earlier}{self.test} as `condition` from {source}"  # noqa: S608


def compile_condition(condition: Condition, values: Mapping[str, str]) -> CompiledCondition:
    """The SQL of a branch's condition; *values* are the variables of the run.

    A variable compared or calculated with a number becomes one; a ScriptError names the variable
    that holds none, or that is not defined.
    """
    known = filled(condition, values)
    bindings = [(each.name, spark_expression(each.expression, _binding)) for each in known.bindings]
    return CompiledCondition(tuple(bindings), spark_expression(known.test, _binding))


def compile_assertion(condition: Condition, columns: Sequence[str]) -> str:
    """The SQL expression of an assertion about the rows of a table with these *columns*.

    A name that is not among them is a MissingColumn. It is null where nulls leave it open.
    """
    selected: dict[str, str] = {}

    def resolve(variable: Variable) -> str:
        return selected.get(variable.name) or _column(variable, columns)

    for binding in condition.bindings:
        selected[binding.name] = _short(spark_expression(binding.expression, resolve), condition)
    return _short(spark_expression(condition.test, resolve), condition)


def spark_expression(node: Expression, resolve: Resolve) -> str:
    r"""The Spark SQL text of *node*, in parentheses if need be; *resolve* gives that of each ``:name``.

    >>> from mlsql.spans import Script
    >>> span = Script("a", "").span(0, 0)
    >>> print(spark_expression(Text("it's", span), lambda variable: variable.name))
    'it\'s'
    """
    return _SparkWriter(resolve).operand(node, ELEMENT)


class _SparkWriter(ConditionWriter):
    """Writes what Spark spells otherwise; every operand with an operator stands in parentheses."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve

    def operand(self, node: Expression, least: int) -> str:
        return super().operand(node, max(least, ELEMENT))

    def operator(self, operator: str) -> str:
        return _SPARK_OPERATORS.get(operator, operator)

    def write_variable(self, node: Variable) -> str:
        return self._resolve(node)

    def write_number(self, node: Number) -> str:
        is_too_long = "e" not in node.text.lower() and len(node.text.replace(".", "")) > _DECIMAL_DIGITS
        return f"{node.text}e0" if is_too_long else node.text

    def write_text(self, node: Text) -> str:
        escaped = node.text.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{escaped}'"

    def write_call(self, node: Call) -> str:
        return f"{_quoted(node.function)}({self.list(node.arguments)})"


def _binding(variable: Variable) -> str:
    return _quoted(variable.name)


def _column(variable: Variable, columns: Sequence[str]) -> str:
    """The column of that name; else the field of a struct, when the name before the dot is a column."""
    if (column := _found(variable.name, columns)) is not None:
        return _quoted(column)
    first, *fields = variable.name.split(".")
    column = _found(first, columns)
    if column is None:
        raise MissingColumn(variable.name, columns, span=variable.span)
    return ".".join(map(_quoted, (column, *fields)))


def _found(name: str, columns: Sequence[str]) -> str | None:
    """The column called *name*, if need be in other letters, as Spark takes it."""
    if name in columns:
        return name
    return next((column for column in columns if column.casefold() == name.casefold()), None)


def _short(sql: str, condition: Condition) -> str:
    """*sql*, unless names that stand for each other have made it huge."""
    if len(sql) > _LONGEST:
        message = f"the condition becomes longer than {_LONGEST:,} characters"
        raise ScriptError(message, span=condition.span, hint="select less, or in a table of its own")
    return sql


def _quoted(name: str) -> str:
    return write_name(name, quoted=True)
