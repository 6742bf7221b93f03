"""What each part of a select of Spark becomes in DuckDB; a part without a rule is not carried over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlsql.udf.serving.lane_calls import Call, ModelFunction, bound, filled, in_order
from mlsql.udf.serving.lane_functions import AGREED, CASTS, COMPUTED, EXACTLY, ROWS, Agreed, RowFunction
from mlsql.udf.serving.lane_literals import decimal_text, double_of, literal_text, number
from mlsql.udf.serving.lane_patterns import PATTERNS
from mlsql.udf.serving.lane_types import (
    NUMBERS,
    WHOLE,
    Carried,
    NotCarriedOver,
    as_type,
    becomes,
    common_type,
    duckdb_type,
    element_of,
    expect_type,
    members_of,
)

Node = Any
"""An expression of sqlglot, whose ``key`` is the name of its class."""
_ORDERED = (*NUMBERS, "string", "boolean", "date", "void")
_DECIMAL = "DECIMAL(38, 15)"
"""Holds every whole number of 64 bits, and what :func:`decimal_text` gives."""
_LONGEST = 20_000
_COMPARED: Mapping[str, str] = {
    "eq": "=",
    "neq": "<>",
    "gt": ">",
    "gte": ">=",
    "lt": "<",
    "lte": "<=",
    "nullsafeeq": "is not distinct from",
}
_COMPUTED: Mapping[str, str] = {"add": "+", "sub": "-", "mul": "*"}
_CASTS: Mapping[str, tuple[str, ...]] = {
    "int": (*WHOLE, "double", "boolean"),
    "bigint": (*WHOLE, "double", "boolean"),
    "double": (*WHOLE, "decimal", "float", "double", "boolean"),
    "string": (*WHOLE, "boolean", "string"),
    "boolean": (*WHOLE, "boolean"),
}
"""What DuckDB casts as Spark does; :data:`CASTS` has the others."""


@dataclass(frozen=True, slots=True)
class Translator:
    """Reads one select of *caller* over *columns*, and collects the calls that DuckDB has to know."""

    columns: Mapping[str, Carried]
    models: Mapping[str, ModelFunction]
    caller: str
    calls: dict[str, Call] = field(default_factory=dict)
    used: dict[str, str] = field(default_factory=dict)
    """Columns that the query reads, as DuckDB calls them, by their names."""

    def named(self, item: Node) -> list[tuple[str, Carried]]:
        """The columns that an item of the select gives, with their names."""
        match item.key:
            case "star" if not any(item.args.values()):
                return [(name, self._read(name)) for name in self.columns]
            case "alias":
                return [(item.alias, self.carried(item.this))]
            case "column":
                return [(item.name, self.carried(item))]
            case _:
                raise NotCarriedOver("a column without a name", hint="… as p")

    def carried(self, node: Node) -> Carried:
        """What an expression becomes."""
        if node.key in _COMPUTED:
            return self._computed(node, _COMPUTED[node.key])
        if node.key in _COMPARED:
            return self._compared(node, _COMPARED[node.key])
        rule = _RULES.get(node.key)
        if rule is None:
            raise NotCarriedOver(f"{node.key} in the query")
        return _of_bounded_length(rule(self, node))

    def _read(self, name: str) -> Carried:
        found = self.columns[name]
        self.used[name] = found.sql
        return found

    def _all(self, nodes: Sequence[Node]) -> list[Carried]:
        return [self.carried(each) for each in nodes]

    def reference(self, node: Node) -> Carried:
        """A column of the rows that were given."""
        if node.name not in self.columns or any(node.args.get(each) for each in ("table", "db", "catalog")):
            raise NotCarriedOver(f"the column '{node.sql()}'")
        return self._read(node.name)

    def literal(self, node: Node) -> Carried:
        """A text or a number."""
        text = str(node.this)
        if node.args["is_string"]:
            return Carried("'" + text.replace("'", "''") + "'", "string")
        return number(text)

    def negative(self, node: Node) -> Carried:
        """The opposite of a number."""
        if node.this.key == "literal" and not node.this.args["is_string"]:
            return number(f"-{node.this.this}")
        given = self.carried(node.this)
        return Carried(f"(-{given.sql})", expect_type(given.type, (*NUMBERS, "decimal")))

    def _computed(self, node: Node, operator: str) -> Carried:
        left, right, kind = self._alike(node.this, node.expression, NUMBERS)
        return Carried(f"({left} {operator} {right})", kind)

    def divided(self, node: Node) -> Carried:
        """A division, which Spark does in doubles, and refuses by zero."""
        left, right = (self._as(each, "double") for each in (node.this, node.expression))
        return Carried(f"if({right} = 0, error('division by zero'), {left} / {right})", "double")

    def remainder(self, node: Node) -> Carried:
        """The remainder, with the sign of the dividend."""
        left, right, kind = self._alike(node.this, node.expression, NUMBERS)
        by_zero = f"cast(error('division by zero') as {duckdb_type(kind)})"
        return Carried(f"if({right} = 0, {by_zero}, {left} % {right})", kind)

    def _compared(self, node: Node, operator: str) -> Carried:
        exact = self._exactly(node.this, node.expression)
        left, right = exact or self._alike(node.this, node.expression, _ORDERED)[:2]
        return Carried(f"({left} {operator} {right})", "boolean")

    def _exactly(self, left: Node, right: Node) -> tuple[str, str] | None:
        """A whole number and a decimal that is written out, as decimals; None of other two."""
        given = self._all([left, right])
        whole = [each.type in WHOLE for each in given]
        texts = [decimal_text(each) for each in (left, right)]
        if sum(whole) != 1 or texts[whole.index(False)] is None:
            return None
        first, second = (
            f"cast({one.sql if text is None else repr(text)} as {_DECIMAL})"
            for one, text in zip(given, texts, strict=True)
        )
        return first, second

    def between(self, node: Node) -> Carried:
        """Both ends count."""
        low, least, _ = self._alike(node.this, node.args["low"], _ORDERED)
        high, most, _ = self._alike(node.this, node.args["high"], _ORDERED)
        return Carried(f"({low} >= {least} and {high} <= {most})", "boolean")

    def within(self, node: Node) -> Carried:
        """One of several values."""
        if not node.expressions or any(node.args.get(each) for each in ("query", "unnest", "field")):
            raise NotCarriedOver("in of something other than values")
        given = self._all([node.this, *node.expressions])
        kind = expect_type(common_type(given), _ORDERED)
        value, *values = (as_type(each, kind) for each in given)
        return Carried(f"({value} in ({', '.join(values)}))", "boolean")

    def like(self, node: Node) -> Carried:
        """A pattern that is a text."""
        if node.expression.key != "literal":
            raise NotCarriedOver("like of something other than a text")
        left, right = (self._as(each, "string") for each in (node.this, node.expression))
        return Carried(f"({left} like {right})", "boolean")

    def is_null(self, node: Node) -> Carried:
        """Whether there is nothing."""
        if node.expression.key != "null":
            raise NotCarriedOver("is of something other than null")
        return Carried(f"({self.carried(node.this).sql} is null)", "boolean")

    def both(self, node: Node) -> Carried:
        """And, or."""
        left, right = (self._as(each, "boolean") for each in (node.this, node.expression))
        return Carried(f"({left} {node.key} {right})", "boolean")

    def negation(self, node: Node) -> Carried:
        """Not."""
        return Carried(f"(not {self._as(node.this, 'boolean')})", "boolean")

    def case(self, node: Node) -> Carried:
        """Also an if, which is a case of one."""
        branches = node.args.get("ifs") or [node]
        operand, default = node.args.get("this"), node.args.get("default") or node.args.get("false")
        if node.key == "if":
            operand = None
        values = [self.carried(each.args["true"]) for each in branches]
        values += [self.carried(default) if default is not None else Carried("null", "void")]
        kind = common_type(values)
        *then, otherwise = (as_type(each, kind) for each in values)
        when = [self._condition(each.this, operand) for each in branches]
        cases = " ".join(f"when {one} then {other}" for one, other in zip(when, then, strict=True))
        return Carried(f"case {cases} else {otherwise} end", kind)

    def _condition(self, condition: Node, operand: Node | None) -> str:
        if operand is None:
            return self._as(condition, "boolean")
        left, right, _ = self._alike(operand, condition, _ORDERED)
        return f"{left} = {right}"

    def element(self, node: Node) -> Carried:
        """``a[0]``, counted from 0; outside is an error."""
        array, (index,) = self.carried(node.this), self._all(node.expressions)
        element = element_of(array.type)
        if element is None or index.type not in WHOLE:
            raise NotCarriedOver(f"an element of the type {array.type}")
        is_outside = f"{index.sql} < 0 or {index.sql} >= len({array.sql})"
        outside = f"cast(error('no such element') as {duckdb_type(element)})"
        return Carried(f"if({is_outside}, {outside}, {array.sql}[{index.sql} + 1])", element)

    def cast(self, node: Node) -> Carried:
        """A cast, which fails where Spark's does."""
        if any(node.args.get(each) for each in ("format", "default", "action")):
            raise NotCarriedOver("a cast by a format")
        return self._cast_to(node.this, node.args["to"].sql("spark").casefold())

    def _cast_to(self, node: Node, kind: str) -> Carried:
        kind = {"integer": "int", "long": "bigint"}.get(kind, kind)
        given = self.carried(node)
        if kind == "double" and given.type == "string" and node.key == "literal":
            return double_of(str(node.this))
        name = f"cast {given.type} to {kind}"
        if name in CASTS:
            return self._computed_by(name, CASTS[name], [given])
        if given.type != "void" and given.type not in _CASTS.get(kind, ()):
            raise NotCarriedOver(f"a cast of {given.type} to {kind}")
        is_cut = given.type == "double" and kind in WHOLE
        return Carried(f"cast({f'trunc({given.sql})' if is_cut else given.sql} as {duckdb_type(kind)})", kind)

    def joined(self, node: Node) -> Carried:
        """One text behind the other."""
        return self._agreed(AGREED["concat"], self._all([node.this, node.expression]), "||")

    def call(self, node: Node) -> Carried:
        """A function of the caller, of ours, or one that agrees."""
        name, given = str(node.this), node.expressions
        low = name.casefold()
        if name in self.models:
            return self._model_call(name, self.models[name], given)
        if low in ROWS:
            return self._row_call(low, given)
        if (low in _CASTS or low == "date") and len(given) == 1:
            return self._cast_to(given[0], low)
        if low in PATTERNS:
            return self._matched(low, given)
        return self._map(given) if low == "map" else self._spark_call(low, given)

    def _spark_call(self, name: str, given: Sequence[Node]) -> Carried:
        """A function of Spark's own, whose arguments have no names."""
        if name not in AGREED.keys() | COMPUTED.keys() or any(each.key == "kwarg" for each in given):
            raise NotCarriedOver(f"the function '{name}'")
        arguments = self._all(given)
        if name in COMPUTED:
            return self._computed_by(name, COMPUTED[name], arguments)
        if name in ("vec_dense", "vec_array") and [each.type for each in arguments] == ["vector"]:
            return Carried(arguments[0].sql, AGREED[name].output)  # it holds no null
        return self._agreed(AGREED[name], arguments, name)

    def _model_call(self, name: str, model: ModelFunction, given: Sequence[Node]) -> Carried:
        arguments = in_order(given, tuple(model.parameters), name)
        types = tuple(model.parameters.values())
        values = [self._as(each, kind) for each, kind in zip(arguments, types, strict=True)]
        return self._called(name, values, types, model.output, model=model)

    def _row_call(self, name: str, given: Sequence[Node]) -> Carried:
        function = ROWS[name]
        arguments = self._all(in_order(given, tuple(function.parameters), name))
        types, variable = bound(tuple(function.parameters.values()), arguments, name)
        values = [as_type(each, kind) for each, kind in zip(arguments, types, strict=True)]
        return self._called(name, values, types, filled(function.output, variable))

    def _computed_by(self, name: str, function: RowFunction, given: Sequence[Carried]) -> Carried:
        """A function of Spark's that Python computes."""
        declared = tuple(function.parameters.values())
        if not len(declared) - function.optional <= len(given) <= len(declared):
            raise NotCarriedOver(f"'{name}' of {len(given)} arguments")
        declared = declared[: len(given)]
        plain = tuple(each.removeprefix(EXACTLY) for each in declared)
        for wanted, kind, one in zip(declared, plain, given, strict=True):
            if wanted != kind != one.type:
                raise NotCarriedOver(f"'{name}' of {one.type}")
        types, variable = bound(plain, given, name)
        values = [as_type(each, kind) for each, kind in zip(given, types, strict=True)]
        return self._called(name, values, types, filled(function.output, variable))

    def _matched(self, name: str, given: Sequence[Node]) -> Carried:
        """A function of regular expressions."""
        texts = [literal_text(each) for each in given[1:]]
        call = PATTERNS[name](self._as(given[0], "string"), texts) if given else None
        if call is None:
            raise NotCarriedOver(f"this call of '{name}'")
        return call

    def matches(self, node: Node) -> Carried:
        """``rlike``."""
        return self._matched("rlike", [node.this, node.expression])

    def whole_quotient(self, node: Node) -> Carried:
        """``div``, cut towards zero."""
        left, right, _ = self._alike(node.this, node.expression, WHOLE)
        by_zero = "cast(error('division by zero') as BIGINT)"
        return Carried(
            f"if({right} = 0, {by_zero}, cast({left} as BIGINT) // cast({right} as BIGINT))", "bigint"
        )

    def member(self, node: Node) -> Carried:
        """A member of a structure."""
        given, name = self.carried(node.this), node.expression.name
        members = members_of(given.type)
        if members is None or name not in members:
            raise NotCarriedOver(f"'{name}' of {given.type}")
        return Carried(f'({given.sql})."{name}"', members[name])

    def _called(
        self,
        function: str,
        values: Sequence[str],
        types: tuple[str, ...],
        output: str,
        model: ModelFunction | None = None,
    ) -> Carried:
        name = f"{function}({','.join(types)})->{output}"
        if model is None:
            call = Call(name, function, types, output, is_model=False)
        else:
            meant, companion = model.function or function, model.companion
            name = f"{self.caller} {companion} {name}"
            call = Call(name, meant, types, output, is_model=True, companion=companion)
        self.calls[name] = call
        quoted = name.replace('"', '""')
        return Carried(f'"{quoted}"({", ".join(values)})', output)

    def _agreed(self, function: Agreed, given: Sequence[Carried], name: str) -> Carried:
        declared = function.parameters
        if function.repeats:
            declared += declared[-1:] * (len(given) - len(declared))
        if len(declared) != len(given):
            raise NotCarriedOver(f"'{name}' of {len(given)} arguments")
        types, variable = bound(declared, given, name)
        values = [as_type(each, kind) for each, kind in zip(given, types, strict=True)]
        sql = function.sql.format(*values, all=", ".join(values), joined=" || ".join(values))
        return Carried(sql, filled(function.output, variable))

    def _map(self, given: Sequence[Node]) -> Carried:
        """A map of whole numbers to numbers, which is what sparse vectors are made of."""
        keys = [self._as(each, "int") for each in given[::2]]
        values = [self._as(each, "double") for each in given[1::2]]
        if not keys or len(keys) != len(values):
            raise NotCarriedOver("this map")
        return Carried(f"map([{', '.join(keys)}], [{', '.join(values)}])", "map<int,decimal>")

    def _as(self, node: Node, kind: str) -> str:
        given = self.carried(node)
        if not becomes(given.type, kind):
            raise NotCarriedOver(f"{given.type} where {kind} is taken")
        return as_type(given, kind)

    def _alike(self, left: Node, right: Node, kinds: Sequence[str]) -> tuple[str, str, str]:
        """Two expressions at the type that both become, which is one of *kinds*."""
        given = self._all([left, right])
        kind = expect_type(common_type(given), kinds)
        return as_type(given[0], kind), as_type(given[1], kind), kind


def _of_bounded_length(carried: Carried) -> Carried:
    """An expression; templates say their arguments several times, so that nested ones grow fast."""
    if len(carried.sql) > _LONGEST:
        raise NotCarriedOver("the query becomes too long")
    return carried


_RULES: Mapping[str, Callable[[Translator, Any], Carried]] = {
    "column": Translator.reference,
    "literal": Translator.literal,
    "null": lambda _, __: Carried("null", "void"),
    "boolean": lambda _, node: Carried("true" if node.this else "false", "boolean"),
    "paren": lambda translator, node: translator.carried(node.this),
    "neg": Translator.negative,
    "div": Translator.divided,
    "mod": Translator.remainder,
    "between": Translator.between,
    "in": Translator.within,
    "like": Translator.like,
    "is": Translator.is_null,
    "and": Translator.both,
    "or": Translator.both,
    "not": Translator.negation,
    "case": Translator.case,
    "if": Translator.case,
    "bracket": Translator.element,
    "cast": Translator.cast,
    "trycast": Translator.cast,
    "anonymous": Translator.call,
    "dpipe": Translator.joined,
    "intdiv": Translator.whole_quotient,
    "regexplike": Translator.matches,
    "dot": Translator.member,
}
