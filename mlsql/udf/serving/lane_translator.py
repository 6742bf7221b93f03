"""One select of Spark as it is carried over: its columns by name, its expressions by the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlsql.udf.serving.lane_calls import Call, ModelFunction
from mlsql.udf.serving.lane_rules import RULES
from mlsql.udf.serving.lane_types import (
    Carried,
    NotCarriedOver,
    as_type,
    becomes,
    common_type,
    expect_type,
)

Node = Any
"""An expression of sqlglot, whose ``key`` is the name of its class."""
_LONGEST = 20_000


@dataclass(frozen=True, slots=True)
class Translator:
    """Reads one select of *caller* over *columns*, and collects the calls that DuckDB has to know."""

    columns: Mapping[str, Carried]
    models: Mapping[str, ModelFunction]
    caller: str
    own: frozenset[str] = frozenset()
    """All names, in lower case, that stand for functions of the caller, whatever else is called so."""
    calls: dict[str, Call] = field(default_factory=dict)
    used: dict[str, str] = field(default_factory=dict)
    """Columns that the query reads, as DuckDB calls them, by their names."""

    def named(self, item: Node) -> list[tuple[str, Carried]]:
        """The columns that an item of the select gives, with their names."""
        match item.key:
            case "star" if not any(item.args.values()):
                return [(name, self.column(name)) for name in self.columns]
            case "alias":
                return [(item.alias, self.carried(item.this))]
            case "column":
                return [(item.name, self.carried(item))]
            case _:
                raise NotCarriedOver("a column without a name", hint="… as p")

    def carried(self, node: Node) -> Carried:
        """What an expression becomes; everything that is said in it has to be known to its rule."""
        rule = RULES.get(node.key)
        if rule is None:
            raise NotCarriedOver(f"{node.key} in the query")
        for name, part in node.args.items():
            if part and name not in rule.reads:
                raise NotCarriedOver(f"{node.key} with {name.replace('_', ' ')} in the query")
        return _of_bounded_length(rule.apply(self, node))

    def column(self, name: str) -> Carried:
        """A column of the rows that were given."""
        found = self.columns[name]
        self.used[name] = found.sql
        return found

    def every(self, nodes: Sequence[Node]) -> list[Carried]:
        """What each of several expressions becomes."""
        return [self.carried(each) for each in nodes]

    def at(self, node: Node, kind: str) -> Carried:
        """An expression where a value of *kind* is taken."""
        given = self.carried(node)
        if not becomes(given.type, kind):
            raise NotCarriedOver(f"{given.type} where {kind} is taken")
        return as_type(given, kind)

    def alike(self, left: Node, right: Node, kinds: Sequence[str]) -> tuple[str, str, str]:
        """Two expressions at the type that both become, which is one of *kinds*, and that type."""
        given = self.every([left, right])
        kind = expect_type(common_type(given), kinds)
        return as_type(given[0], kind).sql, as_type(given[1], kind).sql, kind

    def called(self, call: Call, values: Sequence[Carried]) -> Carried:
        """A call that Python answers, for *values* at the types of its parameters."""
        self.calls[call.name] = call
        quoted = call.name.replace('"', '""')
        sql = f'"{quoted}"({", ".join(each.sql for each in values)})'
        directs = [each.direct for each in values if each.direct is not None]
        if len(directs) < len(values):
            return Carried(sql, call.output)
        return Carried(sql, call.output, lambda ask, row: ask(call, [each(ask, row) for each in directs]))


def _of_bounded_length(carried: Carried) -> Carried:
    """An expression; templates say their arguments several times, so that nested ones grow fast."""
    if len(carried.sql) > _LONGEST:
        raise NotCarriedOver("the query becomes too long")
    return carried
