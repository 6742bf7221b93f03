"""What functions and casts of a select of Spark become: models, ours, and Spark's own that agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlsql.udf.serving.lane_calls import (
    ModelFunction,
    bound,
    filled,
    in_order,
    model_call,
    python_call,
)
from mlsql.udf.serving.lane_functions import AGREED, ANY, CASTS, COMPUTED, EXACTLY, ROWS, Agreed, RowFunction
from mlsql.udf.serving.lane_literals import double_of, literal_text, number_text
from mlsql.udf.serving.lane_patterns import PATTERNS
from mlsql.udf.serving.lane_types import (
    WHOLE,
    Carried,
    NotCarriedOver,
    as_type,
    becomes,
    common_type,
    duckdb_type,
)

if TYPE_CHECKING:
    from mlsql.udf.serving.lane_translator import Translator

Node = Any
_CASTS: Mapping[str, tuple[str, ...]] = {
    "int": (*WHOLE, "double", "boolean"),
    "bigint": (*WHOLE, "double", "boolean"),
    "double": (*WHOLE, "decimal", "float", "double", "boolean"),
    "string": (*WHOLE, "boolean", "string"),
    "boolean": (*WHOLE, "boolean"),
    "date": (),
}
"""What DuckDB casts as Spark does, by what it is cast to; :data:`CASTS` has the others."""
_OF_LITERALS = ("round", "bround")
"""Functions whose second argument is written out, or Spark refuses it."""


def cast(translator: Translator, node: Node) -> Carried:
    """A cast, which fails where Spark's does."""
    return _cast_to(translator, node.this, node.args["to"].sql("spark").casefold())


def _cast_to(translator: Translator, node: Node, kind: str) -> Carried:
    kind = {"integer": "int", "long": "bigint"}.get(kind, kind)
    given = translator.carried(node)
    if kind == "double" and given.type == "string" and node.key == "literal":
        return double_of(str(node.this))
    name = f"cast {given.type} to {kind}"
    if name in CASTS:
        return _by_python(translator, name, CASTS[name], [given])
    if kind not in _CASTS or given.type not in (*_CASTS[kind], "void"):
        raise NotCarriedOver(f"a cast of {given.type} to {kind}")
    if kind == "double" and becomes(given.type, kind):
        return as_type(given, kind)
    is_cut = given.type == "double" and kind in WHOLE
    return Carried(f"cast({f'trunc({given.sql})' if is_cut else given.sql} as {duckdb_type(kind)})", kind)


def concatenated(translator: Translator, node: Node) -> Carried:
    """One text behind the other."""
    return _agreed(AGREED["concat"], translator.every([node.this, node.expression]), "||")


def matches(translator: Translator, node: Node) -> Carried:
    """``rlike``."""
    return _of_pattern(translator, "rlike", [node.this, node.expression])


def applied(translator: Translator, node: Node) -> Carried:
    """A function of the caller, of ours, or one that agrees."""
    name, given = str(node.this), node.expressions
    low = name.casefold()
    if name in translator.models:
        return _of_model(translator, name, translator.models[name], given)
    if low in translator.own:
        raise NotCarriedOver(f"the function '{name}'")
    if low in ROWS:
        return _of_ours(translator, low, given)
    if low in _CASTS and len(given) == 1:
        return _cast_to(translator, given[0], low)
    if low in PATTERNS:
        return _of_pattern(translator, low, given)
    return _map(translator, given) if low == "map" else _of_spark(translator, low, given)


def _of_spark(translator: Translator, name: str, given: Sequence[Node]) -> Carried:
    """A function of Spark's own, whose arguments have no names."""
    if name not in AGREED.keys() | COMPUTED.keys() or any(each.key == "kwarg" for each in given):
        raise NotCarriedOver(f"the function '{name}'")
    arguments = translator.every(given)
    if name in _OF_LITERALS and number_text(given[-1]) is None and len(given) > 1:
        raise NotCarriedOver(f"'{name}' to digits that are no number")
    if name in COMPUTED:
        return _by_python(translator, name, COMPUTED[name], arguments)
    if name == "nullif" and arguments and common_type(arguments) != arguments[0].type:
        raise NotCarriedOver(f"'{name}' of {arguments[0].type} and what is wider")
    if name in ("vec_dense", "vec_array") and [each.type for each in arguments] == ["vector"]:
        return Carried(arguments[0].sql, AGREED[name].output, arguments[0].direct)  # it holds no null
    return _agreed(AGREED[name], arguments, name)


def _of_model(translator: Translator, name: str, model: ModelFunction, given: Sequence[Node]) -> Carried:
    arguments = in_order(given, tuple(model.parameters), name)
    types = tuple(model.parameters.values())
    values = [translator.at(each, kind) for each, kind in zip(arguments, types, strict=True)]
    return translator.called(model_call(translator.caller, name, model), values)


def _of_ours(translator: Translator, name: str, given: Sequence[Node]) -> Carried:
    function = ROWS[name]
    arguments = translator.every(in_order(given, tuple(function.parameters), name))
    return _called(translator, name, function, tuple(function.parameters.values()), arguments)


def _by_python(translator: Translator, name: str, function: RowFunction, given: Sequence[Carried]) -> Carried:
    """A function of Spark's that Python computes."""
    declared = tuple(function.parameters.values())
    if not len(declared) - function.optional <= len(given) <= len(declared):
        raise NotCarriedOver(f"'{name}' of {len(given)} arguments")
    return _called(translator, name, function, _exact(declared, given, name), given)


def _exact(declared: Sequence[str], given: Sequence[Carried], name: str) -> list[str]:
    """The types of the parameters, of which those that say so are the types of the arguments."""
    plain = [each.removeprefix(EXACTLY) for each in declared[: len(given)]]
    for wanted, kind, one in zip(declared, plain, given, strict=False):
        if wanted != kind != one.type:
            raise NotCarriedOver(f"'{name}' of {one.type}")
    return plain


def _called(
    translator: Translator,
    name: str,
    function: RowFunction,
    declared: Sequence[str],
    given: Sequence[Carried],
) -> Carried:
    if any(each.type == "void" for each in given):
        raise NotCarriedOver(f"'{name}' of null")
    if any(kind == ANY and one.type == "decimal" for kind, one in zip(declared, given, strict=True)):
        raise NotCarriedOver(f"a decimal as an element for '{name}'")
    types, variable = bound(declared, given, name)
    values = [as_type(each, kind) for each, kind in zip(given, types, strict=True)]
    return translator.called(python_call(name, types, filled(function.output, variable)), values)


def _of_pattern(translator: Translator, name: str, given: Sequence[Node]) -> Carried:
    """A function of regular expressions."""
    texts = [literal_text(each) for each in given[1:]]
    call = PATTERNS[name](translator.at(given[0], "string").sql, texts) if given else None
    if call is None:
        raise NotCarriedOver(f"this call of '{name}'")
    return call


def _agreed(function: Agreed, given: Sequence[Carried], name: str) -> Carried:
    declared = function.parameters
    if function.repeats:
        declared += declared[-1:] * (len(given) - len(declared))
    if len(declared) != len(given):
        raise NotCarriedOver(f"'{name}' of {len(given)} arguments")
    types, variable = bound(_exact(declared, given, name), given, name)
    values = [as_type(each, kind) for each, kind in zip(given, types, strict=True)]
    sqls = [each.sql for each in values]
    sql = function.sql.format(*sqls, all=", ".join(sqls), joined=" || ".join(sqls))
    return Carried(sql, filled(function.output, variable), function.directly(values))


def _map(translator: Translator, given: Sequence[Node]) -> Carried:
    """A map of whole numbers to numbers, which is what sparse vectors are made of."""
    keys = [translator.at(each, "int").sql for each in given[::2]]
    values = [translator.at(each, "double").sql for each in given[1::2]]
    if not keys or len(keys) != len(values):
        raise NotCarriedOver("this map")
    return Carried(f"map([{', '.join(keys)}], [{', '.join(values)}])", "map<int,decimal>")
