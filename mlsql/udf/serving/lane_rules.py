"""What each part of a select of Spark becomes in DuckDB; a part without a rule is not carried over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlsql.udf.serving.lane_applied import applied, cast, concatenated
from mlsql.udf.serving.lane_literals import constant, number
from mlsql.udf.serving.lane_predicates import (
    COMPARED,
    ORDERED,
    between,
    both,
    compared,
    is_null,
    like,
    matched,
    negation,
    within,
)
from mlsql.udf.serving.lane_types import (
    NUMBERS,
    WHOLE,
    Carried,
    NotCarriedOver,
    as_type,
    common_type,
    duckdb_type,
    element_of,
    expect_type,
    members_of,
)

if TYPE_CHECKING:
    from mlsql.udf.serving.lane_translator import Translator

Node = Any
_COMPUTED: Mapping[str, str] = {"add": "+", "sub": "-", "mul": "*"}


@dataclass(frozen=True, slots=True)
class Rule:
    """How a node is carried over that holds what it *reads*, and nothing else."""

    apply: Callable[[Translator, Any], Carried]
    reads: frozenset[str]


def _rule(apply: Callable[[Translator, Any], Carried], *reads: str) -> Rule:
    return Rule(apply, frozenset(reads or ("this", "expression")))


def _reference(translator: Translator, node: Node) -> Carried:
    if node.name not in translator.columns:
        raise NotCarriedOver(f"the column '{node.sql()}'")
    return translator.column(node.name)


def _literal(_: Translator, node: Node) -> Carried:
    text = str(node.this)
    if node.args["is_string"]:
        return Carried("'" + text.replace("'", "''") + "'", "string", constant(text))
    return number(text)


def _boolean(_: Translator, node: Node) -> Carried:
    return Carried("true" if node.this else "false", "boolean", constant(bool(node.this)))


def _negative(translator: Translator, node: Node) -> Carried:
    """The opposite of a number."""
    if node.this.key == "literal" and not node.this.args["is_string"]:
        return number(f"-{node.this.this}")
    given = translator.carried(node.this)
    return Carried(f"(-{given.sql})", expect_type(given.type, (*NUMBERS, "decimal")))


def _computed(translator: Translator, node: Node) -> Carried:
    left, right, kind = translator.alike(node.this, node.expression, NUMBERS)
    return Carried(f"({left} {_COMPUTED[node.key]} {right})", kind)


def _divided(translator: Translator, node: Node) -> Carried:
    """A division, which Spark does in doubles unless one is of decimals, and refuses by zero."""
    given = translator.every([node.this, node.expression])
    expect_type(common_type(given), NUMBERS)
    left, right = (as_type(each, "double").sql for each in given)
    return Carried(f"if({right} = 0, error('division by zero'), {left} / {right})", "double")


def _remainder(translator: Translator, node: Node) -> Carried:
    """The remainder, with the sign of the dividend."""
    left, right, kind = translator.alike(node.this, node.expression, NUMBERS)
    by_zero = f"cast(error('division by zero') as {duckdb_type(kind)})"
    return Carried(f"if({right} = 0, {by_zero}, {left} % {right})", kind)


def _whole_quotient(translator: Translator, node: Node) -> Carried:
    """``div``, cut towards zero."""
    left, right, _ = translator.alike(node.this, node.expression, WHOLE)
    by_zero = "cast(error('division by zero') as BIGINT)"
    quotient = f"cast({left} as BIGINT) // cast({right} as BIGINT)"
    return Carried(f"if({right} = 0, {by_zero}, {quotient})", "bigint")


def _if(translator: Translator, node: Node) -> Carried:
    """``if(a, b, c)``."""
    if node.args.get("false") is None:
        raise NotCarriedOver("if without what is else")
    return _chosen(translator, [node], None, node.args["false"])


def _case(translator: Translator, node: Node) -> Carried:
    return _chosen(translator, node.args["ifs"], node.args.get("this"), node.args.get("default"))


def _chosen(
    translator: Translator, branches: list[Node], operand: Node | None, default: Node | None
) -> Carried:
    """The value of the first branch whose condition holds, or equals the operand."""
    values = translator.every([each.args["true"] for each in branches])
    values += [translator.carried(default) if default is not None else Carried("null", "void")]
    kind = common_type(values)
    *then, otherwise = (as_type(each, kind).sql for each in values)
    when = [_condition(translator, each.this, operand) for each in branches]
    cases = " ".join(f"when {one} then {other}" for one, other in zip(when, then, strict=True))
    return Carried(f"case {cases} else {otherwise} end", kind)


def _condition(translator: Translator, condition: Node, operand: Node | None) -> str:
    if operand is None:
        return _boolean_of(translator.carried(condition))
    left, right, _ = translator.alike(operand, condition, ORDERED)
    return f"{left} = {right}"


def _boolean_of(condition: Carried) -> str:
    """A condition; Spark takes no bare null for one."""
    expect_type(condition.type, ["boolean"])
    return condition.sql


def _element(translator: Translator, node: Node) -> Carried:
    """``a[0]``, counted from 0; outside is an error."""
    array, (index,) = translator.carried(node.this), translator.every(node.expressions)
    element = element_of(array.type)
    if element is None or index.type not in WHOLE:
        raise NotCarriedOver(f"an element of the type {array.type}")
    is_outside = f"{index.sql} < 0 or {index.sql} >= len({array.sql})"
    outside = f"cast(error('no such element') as {duckdb_type(element)})"
    return Carried(f"if({is_outside}, {outside}, {array.sql}[{index.sql} + 1])", element)


def _member(translator: Translator, node: Node) -> Carried:
    """A member of a structure."""
    given, name = translator.carried(node.this), node.expression.name
    members = members_of(given.type)
    if members is None or name not in members:
        raise NotCarriedOver(f"'{name}' of {given.type}")
    return Carried(f'({given.sql})."{name}"', members[name])


_CAST = _rule(cast, "this", "to")
RULES: Mapping[str, Rule] = {
    **dict.fromkeys(_COMPUTED, _rule(_computed)),
    **dict.fromkeys(COMPARED, _rule(compared)),
    "column": _rule(_reference, "this"),
    "literal": _rule(_literal, "this", "is_string"),
    "null": _rule(lambda _, __: Carried("null", "void", constant(None))),
    "boolean": _rule(_boolean, "this"),
    "paren": _rule(lambda translator, node: translator.carried(node.this), "this"),
    "neg": _rule(_negative, "this"),
    "div": _rule(_divided, "this", "expression", "typed", "safe"),
    "mod": _rule(_remainder),
    "intdiv": _rule(_whole_quotient),
    "between": _rule(between, "this", "low", "high"),
    "in": _rule(within, "this", "expressions"),
    "like": _rule(like, "this", "expression", "negate"),
    "is": _rule(is_null),
    "regexplike": _rule(matched),
    "and": _rule(both),
    "or": _rule(both),
    "not": _rule(negation, "this"),
    "case": _rule(_case, "this", "ifs", "default"),
    "if": _rule(_if, "this", "true", "false"),
    "bracket": _rule(_element, "this", "expressions"),
    "dot": _rule(_member),
    "cast": _CAST,
    "trycast": _CAST,
    "dpipe": _rule(concatenated, "this", "expression", "safe"),
    "anonymous": _rule(applied, "this", "expressions"),
}
"""By the names of sqlglot's classes."""
