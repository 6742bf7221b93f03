"""The judgement of a query by its plan: plain SQL is code, and what is not known to be harmless is refused.

The plan is the one that Spark's own parser makes, as :mod:`mlsql.spark.plans` reads it; nothing here
looks at the text of a query. Rules of commands stand in :mod:`mlsql.sql.commands`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from mlsql.sql.functions import DANGEROUS, HARMLESS, WITHOUT_OPTIONS
from mlsql.sql.nodes import ANALYSIS, PLAIN_NODES
from mlsql.sql.owner_databases import CATALOG

Node = Mapping[str, Any]
Plan = Sequence[Node]
Use = Literal["select", "save"]
Place = tuple[int, int]

_GIVEN_BY_PARSER = "__required_write_privileges__"
_SHOWN = 80


class SqlRefused(Exception):
    """What of a query is refused, and why; *at* is where in its text, when that is known."""

    def __init__(self, message: str, *, hint: str | None = None, at: Place | None = None) -> None:
        super().__init__(message)
        self.message, self.hint, self.at = message, hint, at


@dataclass(frozen=True, slots=True)
class Mention:
    """A table that a query names: read, or written to; without a database it is the owner's own."""

    database: str | None
    table: str
    use: Use
    at: Place | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        """The table, behind its database if that is not the owner's own."""
        return self.table if self.database is None else f"{self.database}.{self.table}"


@dataclass(slots=True)
class Judging:
    """One query while it is judged: the tables seen so far, and the nodes that a rule has dealt with."""

    plan: Plan
    own: str
    """The database of the owner, in lower case."""
    mentions: list[Mention] = field(default_factory=list)
    done: set[int] = field(default_factory=set)

    def held(self, node: Node, name: str) -> Node:
        """The node that *node* holds as *name*, which its rule deals with."""
        number: int = node[name]["ref"]
        self.done.add(number)
        return self.plan[number]

    def mention(self, parts: Sequence[str], use: Use, at: Place | None) -> None:
        """Note a table by the parts of its name: ``database.table``, perhaps with Spark's catalog before."""
        if len(parts) == 3 and parts[0].casefold() == CATALOG:  # noqa: PLR2004 - catalog, database, table
            parts = parts[1:]
        if len(parts) > 2:  # noqa: PLR2004
            raise SqlRefused(f"the query names '{shown(parts)}' of another catalog", at=at)
        database = parts[0].casefold() if len(parts) > 1 else None
        self.mentions.append(Mention(None if database == self.own else database, parts[-1], use, at))

    def expect_own(self, parts: Sequence[str], what: str, at: Place | None) -> None:
        """Refuse a name of *parts* that lies in another database than the owner's."""
        folded = [each.casefold() for each in parts]
        if len(parts) > 1 and folded[:-1] not in ([self.own], [CATALOG, self.own]):
            raise SqlRefused(f"{what} outside of your own database: '{shown(parts)}'", at=at)


Rule = Callable[[Node, Judging], None]


def judge(plan: Plan, own: str, rules: Mapping[str, Rule]) -> tuple[Mention, ...]:
    """The tables that a query names; SqlRefused for what in it is not known to be harmless.

    *own* is the database of the owner, *rules* are those of the commands.
    """
    judging = Judging(plan, own)
    for number, node in enumerate(plan):
        if number in judging.done or node["node"] in PLAIN_NODES:
            continue
        rule = _RULES.get(node["node"]) or rules.get(node["node"])
        if rule is None:
            name = node["node"].rpartition(".")[2].removesuffix("$").removesuffix("Command")
            raise SqlRefused(f"SQL of this kind is not allowed here ({name})", at=place_of(node))
        rule(node, judging)
    return tuple(judging.mentions)


def place_of(node: Node) -> Place | None:
    """From which character to which one a node comes; the second is the first that is not of it."""
    at = node.get("at")
    return None if at is None else (at[0], at[1] + 1)


def shown(parts: Sequence[str]) -> str:
    """A name of several parts, as an error tells it."""
    name = ".".join(parts)
    return name if len(name) <= _SHOWN else f"{name[: _SHOWN - 1]}…"


def _relation(node: Node, judging: Judging) -> None:
    judging.mention(relation_name(node), "select", place_of(node))


def relation_name(node: Node) -> Sequence[str]:
    """The name of an unresolved relation; its options could name files, and a stream reads anything."""
    options = [key for key, _ in node["options"] if key != _GIVEN_BY_PARSER]
    if options or node["isStreaming"]:
        what = f"with the option '{options[0]}'" if options else "as a stream"
        raise SqlRefused(f"a query cannot read a table {what} here", at=place_of(node))
    return [*node["multipartIdentifier"]]


def _named(node: Node, judging: Judging) -> None:
    """What a command reads, where the parser does not say whether it is a table or a view."""
    judging.mention(node["multipartIdentifier"], "select", place_of(node))


def _function(node: Node, judging: Judging) -> None:  # noqa: ARG001 - as its siblings
    named = node.get("nameParts") or node["name"]
    name = named["funcName"] if isinstance(named, Mapping) else ".".join(named)
    arguments = node.get("arguments") or node.get("children") or ()
    _expect_harmless(name, node["of"], len(arguments), place_of(node))


def _table_function(node: Node, judging: Judging) -> None:  # noqa: ARG001 - as its siblings
    at = place_of(node)
    if node["isStreaming"] or node["of"] == "nobody":
        raise SqlRefused(f"no function '{'.'.join(node['name'])}' gives a table here", at=at)
    _expect_harmless(".".join(node["name"]), node["of"], len(node["functionArgs"]), at)


def _expect_harmless(name: str, of: str, arguments: int, at: Place | None) -> None:
    """Refuse a function that could do more than compute; one that nobody knows is Spark's to tell."""
    folded = name.casefold()
    if of == "catalog":
        message = f"the function '{name}' of the catalog is not allowed here: it could be any code"
        raise SqlRefused(message, at=at)
    if of != "spark" or folded in HARMLESS or arguments <= WITHOUT_OPTIONS.get(folded, -1):
        return
    reason = DANGEROUS.get(folded, "it is not known to be harmless")
    raise SqlRefused(f"the function '{name}' is not allowed here: {reason}", at=at)


_RULES: Mapping[str, Rule] = MappingProxyType(
    {
        f"{ANALYSIS}UnresolvedRelation": _relation,
        f"{ANALYSIS}UnresolvedTableOrView": _named,
        f"{ANALYSIS}UnresolvedFunction": _function,
        f"{ANALYSIS}UnresolvedGenerator": _function,
        f"{ANALYSIS}UnresolvedTableValuedFunction": _table_function,
    }
)
