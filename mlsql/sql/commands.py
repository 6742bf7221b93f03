"""What SQL besides queries may do where owners are apart: one rule for each command that is allowed at all.

A command may make, change and tell about what lies in the owner's own database, and write to shared
tables as far as the table permissions go; it may name no place of files, no class, and no setting that
is not known to be harmless.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from mlsql.names import words
from mlsql.sql.judge import Judging, Node, Rule, SqlRefused, Use, place_of, relation_name, shown
from mlsql.sql.nodes import LOGICAL
from mlsql.sql.settings import is_harmless

_COMMAND = "execution.command."
_TEMPORARY = "catalyst.analysis.LocalTempView$"
_CURRENT = "catalyst.analysis.CurrentNamespace$"
_FORMATS = frozenset(["parquet", "orc", "json", "csv", "text"])
_FORMAT_OPTIONS = words(
    """
    compression dateformat delimiter encoding escape header ignoreleadingwhitespace
    ignoretrailingwhitespace inferschema linesep mergeschema mode multiline nullvalue quote sep
    timestampformat
    """
)


def _parts(node: Node) -> Sequence[str]:
    """The name that an unresolved table, view, namespace or identifier holds; one to be computed has none."""
    parts: Sequence[str] | None = node.get("nameParts") or node.get("multipartIdentifier")
    if parts is None:
        raise SqlRefused("a name is to be written as it is here", at=place_of(node))
    return parts


def _identifier(identifier: Mapping[str, Any]) -> list[str]:
    """The parts of a name that the parser has put together already."""
    names = (identifier["catalog"], identifier["database"], identifier["table"])
    return [each for each in names if each is not None]


def _own(name: str, what: str) -> Rule:
    """A command on a thing in the owner's own database, which it holds as *name*."""

    def rule(node: Node, judging: Judging) -> None:
        judging.expect_own(_parts(judging.held(node, name)), what, place_of(node))

    return rule


def _all(*rules: Rule) -> Rule:
    def rule(node: Node, judging: Judging) -> None:
        for each in rules:
            each(node, judging)

    return rule


def _touches(name: str, use: Use) -> Rule:
    """A command that reads or writes the table that it holds as *name*."""

    def rule(node: Node, judging: Judging) -> None:
        table = judging.held(node, name)
        if table["node"] == f"{LOGICAL}SubqueryAlias":
            table = judging.held(table, "child")
        parts = relation_name(table) if "options" in table else _parts(table)
        judging.mention(parts, use, place_of(table))

    return rule


def _empty(names: Iterable[str], what: str) -> Rule:
    """A command of which nothing may be said that it holds as one of *names*."""

    def rule(node: Node, judging: Judging) -> None:  # noqa: ARG001 - as its siblings
        if any(node.get(each) for each in names):
            raise SqlRefused(f"{what} is not allowed here", at=place_of(node))

    return rule


def _harmless(node: Node, judging: Judging) -> None:
    """A command that tells of the session alone."""


def _create_table(node: Node, judging: Judging) -> None:
    """A table in the owner's own database, whose files Spark places."""
    _own("name", "a table cannot be made")(node, judging)
    _expect_known_options((name for name, _ in node.get("writeOptions", ())), node)
    specification = judging.held(node, "tableSpec")
    at = place_of(node)
    if specification["location"] is not None or specification["external"]:
        hint = "save writes files: save t as parquet.`…`"
        raise SqlRefused("a table cannot say where its files lie here", hint=hint, at=at)
    if specification["properties"]:
        raise SqlRefused("a table cannot have properties here", at=at)
    _expect_format(specification["provider"], node)
    _expect_plain_serde(specification["serde"], node)
    options = judging.plan[specification["optionExpression"]["ref"]]["options"]
    _expect_known_options((option["_1"] for option in options), node)


def _expect_format(provider: str | None, node: Node) -> None:
    if provider is not None and provider.casefold() not in _FORMATS:
        known = ", ".join(sorted(_FORMATS))
        message = f"a table cannot be kept as '{provider}' here"
        raise SqlRefused(message, hint=f"the formats: {known}", at=place_of(node))


def _expect_plain_serde(serde: Mapping[str, Any] | None, node: Node) -> None:
    """Only ``stored as parquet`` and its like: whatever else a serde says, it says with classes."""
    if serde is None:
        return
    if any(serde[each] for each in ("formatClasses", "serde", "serdeProperties")):
        raise SqlRefused("a table cannot name classes of Java here", at=place_of(node))
    _expect_format(serde["storedAs"], node)


def _expect_known_options(names: Iterable[str], node: Node) -> None:
    """Whatever is not known Spark hands on to file systems and formats, some of which load classes by it."""
    for name in names:
        if name.casefold() not in _FORMAT_OPTIONS:
            raise SqlRefused(f"a table cannot have the option '{name}' here", at=place_of(node))


def _create_table_like(node: Node, judging: Judging) -> None:
    judging.expect_own(_identifier(node["targetTable"]), "a table cannot be made", place_of(node))
    judging.mention(_identifier(node["sourceTable"]), "select", place_of(node))
    storage = node["fileFormat"]
    if any(storage[each] for each in ("locationUri", "inputFormat", "outputFormat", "serde", "properties")):
        raise SqlRefused("a table cannot say where its files lie, or how they are read, here")
    _expect_format(node["provider"], node)
    _empty(["properties"], "a table with properties")(node, judging)


def _create_view_command(node: Node, judging: Judging) -> None:
    """A temporary view of the session."""
    if node["viewType"] != {"opaque": _TEMPORARY}:
        raise SqlRefused("a view for everybody is not allowed here", at=place_of(node))
    judging.expect_own(_identifier(node["name"]), "a view cannot be made", place_of(node))


def _create_function(node: Node, judging: Judging) -> None:
    """A function in SQL, of the session; what it is made of stands in the plan too."""
    _empty(["isTableFunc"], "a function that gives a table")(node, judging)
    if not node["isTemp"]:
        hint = "create temporary function …"
        raise SqlRefused("a function of the catalog is not allowed here", hint=hint, at=place_of(node))
    if "default" in (node["inputParamText"] or "").casefold():
        raise SqlRefused("a parameter cannot have a default here", at=place_of(node))


def _drop_function(node: Node, judging: Judging) -> None:  # noqa: ARG001 - as its siblings
    if not node["isTemp"]:
        raise SqlRefused("functions of the catalog cannot be dropped here", at=place_of(node))


def _column(node: Node, judging: Judging) -> None:  # noqa: ARG001 - as its siblings
    """A column of a new table; its default stands in the plan, but how it is generated is left as text."""
    if node["generationExpression"] is not None:
        raise SqlRefused("a column cannot be generated here", at=place_of(node))


def _columns_without_defaults(name: str) -> Rule:
    """Columns whose defaults, which the parser leaves as text, are not said."""

    def rule(node: Node, judging: Judging) -> None:
        for each in node[name]:
            column = judging.plan[each["ref"]] if "ref" in each else each
            if column.get("default") or column.get("newDefaultExpression"):
                raise SqlRefused("a column cannot get a default here", at=place_of(node))

    return rule


def _rename(node: Node, judging: Judging) -> None:
    _own("child", "a table cannot be renamed")(node, judging)
    judging.expect_own(node["newName"], "a table cannot be put", place_of(node))


def _set(node: Node, judging: Judging) -> None:  # noqa: ARG001 - as its siblings
    name = node["kv"]["_1"] if node["kv"] else None
    if name is None or name.startswith("-"):
        raise SqlRefused("Spark's settings are not told here", hint="!show conf/list", at=place_of(node))
    _expect_harmless_setting(name, node)


def _reset(node: Node, judging: Judging) -> None:  # noqa: ARG001 - as its siblings
    if node["config"] is None:
        raise SqlRefused("a script cannot reset all settings of Spark", hint="reset one: reset name;")
    _expect_harmless_setting(node["config"], node)


def _expect_harmless_setting(name: str, node: Node) -> None:
    """Refuse a setting of Spark that does more than say how queries are computed."""
    if not is_harmless(name):
        raise SqlRefused(f"a script cannot change or read '{name}' of Spark here", at=place_of(node))


def _use(node: Node, judging: Judging) -> None:
    hint = "write the database before the name of a table: `database.table`"
    parts = node["namespace"] if "namespace" in node else _parts(judging.held(node, "child"))
    if [each.casefold() for each in parts] != [judging.own]:
        raise SqlRefused("a session stays in the owner's own database", hint=hint, at=place_of(node))


def _namespace(name: str) -> Rule:
    """A command that lists what lies in a database; it may be the owner's own, or the current one."""

    def rule(node: Node, judging: Judging) -> None:
        namespace = judging.held(node, name)
        if namespace["node"] == _CURRENT:
            return
        parts = _parts(namespace)
        if [each.casefold() for each in parts] != [judging.own]:
            raise SqlRefused(f"what lies in '{shown(parts)}' is not told here", at=place_of(node))

    return rule


def _logical(rules: Mapping[str, Rule]) -> dict[str, Rule]:
    return {f"{LOGICAL}{name}": rule for name, rule in rules.items()}


_writes_to = partial(_touches, use="save")
_reads = partial(_touches, use="select")
_CHANGE = "a table cannot be changed"

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        **_logical(
            {
                "InsertIntoStatement": _writes_to("table"),
                "DeleteFromTable": _writes_to("table"),
                "UpdateTable": _writes_to("table"),
                "MergeIntoTable": _writes_to("targetTable"),
                "TruncateTable": _own("table", "a table cannot be emptied"),
                "ColumnDefinition": _column,
                "CreateTable": _create_table,
                "CreateTableAsSelect": _create_table,
                "CreateView": _all(
                    _own("child", "a view cannot be made"), _empty(["properties"], "a view with properties")
                ),
                "AlterViewAs": _own("child", "a view cannot be changed"),
                "DropTable": _own("child", "a table cannot be dropped"),
                "DropView": _own("child", "a view cannot be dropped"),
                "RenameTable": _rename,
                "AddColumns": _all(_own("table", _CHANGE), _columns_without_defaults("columnsToAdd")),
                "AlterColumns": _all(_own("table", _CHANGE), _columns_without_defaults("specs")),
                "RenameColumn": _own("table", _CHANGE),
                "DropColumns": _own("table", _CHANGE),
                "DropPartitions": _own("table", _CHANGE),
                "CommentOnTable": _own("table", _CHANGE),
                "AnalyzeTable": _own("child", "a table cannot be analysed"),
                "AnalyzeColumn": _own("child", "a table cannot be analysed"),
                "RefreshTable": _own("child", "a table cannot be refreshed"),
                "CacheTable": _all(_reads("table"), _empty(["options"], "a cache with options")),
                "CacheTableAsSelect": _empty(["options"], "a cache with options"),
                "UncacheTable": _own("table", "a table cannot be let go of"),
                "DescribeRelation": _reads("relation"),
                "DescribeColumn": _reads("relation"),
                "DescribeFunction": _harmless,
                "DescribeNamespace": _namespace("namespace"),
                "ShowColumns": _reads("child"),
                "ShowPartitions": _reads("table"),
                "ShowCreateTable": _own("child", "a table is not told"),
                "ShowTableProperties": _own("table", "a table is not told"),
                "ShowTables": _namespace("namespace"),
                "ShowTablesExtended": _namespace("namespace"),
                "ShowViews": _namespace("namespace"),
                "ShowFunctions": _namespace("namespace"),
                "SetCatalogAndNamespace": _use,
            }
        ),
        f"{_COMMAND}CreateViewCommand": _create_view_command,
        f"{_COMMAND}CreateTableLikeCommand": _create_table_like,
        f"{_COMMAND}CreateSQLFunctionCommand": _create_function,
        f"{_COMMAND}DropFunctionCommand": _drop_function,
        f"{_COMMAND}DescribeQueryCommand": _harmless,
        f"{_COMMAND}ExplainCommand": _harmless,
        f"{_COMMAND}SetCommand": _set,
        f"{_COMMAND}ResetCommand": _reset,
        f"{_COMMAND}SetNamespaceCommand": _use,
        f"{_COMMAND}ShowCurrentNamespaceCommand": _harmless,
    }
)
"""By the class of the command's node."""
