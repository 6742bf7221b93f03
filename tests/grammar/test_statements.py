"""What the statements mean, by example."""

from __future__ import annotations

import dataclasses

import pytest

from mlsql.grammar import parse
from mlsql.grammar.nodes import (
    Command,
    Connect,
    Include,
    Literal,
    Load,
    Register,
    Save,
    Select,
    Set,
    Sql,
    Train,
)
from mlsql.spans import Script


def only(text):
    """The one statement of a text."""
    (statement,) = parse(Script("test.mlsql", text))
    return statement


def texts(node):
    """The fields of a node as plain texts."""
    return {
        field.name: plain(getattr(node, field.name))
        for field in dataclasses.fields(node)
        if field.name != "span"
    }


def plain(value):
    """A word's text, an option as a pair."""
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    if hasattr(value, "key"):
        return (value.key.text, value.value.text)
    return getattr(value, "text", value)


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        (
            'LOAD csv.`/x` WHERE header="true" AND sep=";" AS t;',
            Load,
            {"format": "csv", "path": "/x", "options": [("header", "true"), ("sep", ";")], "table": "t"},
        ),
        ("load csv.`` a=1 as t", Load, {"format": "csv", "path": "", "options": [("a", "1")], "table": "t"}),
        (
            "load csv.p options and a=1 as t",
            Load,
            {"format": "csv", "path": "p", "options": [("a", "1")], "table": "t"},
        ),
        (
            "load hive . db . table as t",
            Load,
            {"format": "hive", "path": "db.table", "options": [], "table": "t"},
        ),
        (
            "load load.load load=load as as",
            Load,
            {"format": "load", "path": "load", "options": [("load", "load")], "table": "as"},
        ),
        (
            "save Append append as as.as where as=and and and=as partitionby partitionby, where",
            Save,
            {
                "mode": "append",
                "table": "append",
                "format": "as",
                "path": "as",
                "options": [("as", "and"), ("and", "as")],
                "partition_by": ["partitionby", "where"],
            },
        ),
        (
            "save errorifexists t as csv.`x`",
            Save,
            {
                "mode": "errorIfExists",
                "table": "t",
                "format": "csv",
                "path": "x",
                "options": [],
                "partition_by": [],
            },
        ),
        (
            "set a.b.`c d`=x where type=text",
            Set,
            {"name": "a.b.c d", "value": "x", "options": [("type", "text")]},
        ),
        (
            "set where = where where where = where",
            Set,
            {"name": "where", "value": "where", "options": [("where", "where")]},
        ),
        ("connect jdbc url='u' as db", Connect, {"format": "jdbc", "options": [("url", "u")], "alias": "db"}),
        (
            "predict t into A.`m` as u",
            Train,
            {"verb": "predict", "table": "t", "algorithm": "A", "path": "m", "options": [], "output": "u"},
        ),
        (
            "register A.`m` where a=1 as f where b=2",
            Register,
            {"algorithm": "A", "path": "m", "function": "f", "options": [("a", "1"), ("b", "2")]},
        ),
        (
            "include lib.`x` where alias=y",
            Include,
            {"format": "lib", "path": "x", "options": [("alias", "y")]},
        ),
        ("Describe table t", Sql, {"query": "Describe table t"}),
        ("!fs -ls /a/*;", Command, {"name": "fs", "arguments": ["-ls", "/a/*"]}),
        (
            "!x a:b \"c d\" 'e' '''f;''' `g` /* no */ named -- out\n t;",
            Command,
            {"name": "x", "arguments": ["a:b", "c d", "e", "f;", "g", "named", "t"]},
        ),
        ("!x 'a'/* b", Command, {"name": "x", "arguments": ["a", "/*", "b"]}),
        (
            "!assert :n > 1 and :s == 'a;b';",
            Command,
            {"name": "assert", "arguments": [":n", ">", "1", "and", ":s", "==", "a;b"]},
        ),
    ],
)
def test_a_statement_has_these_parts(text, kind, expected):
    """Keywords are names where names are expected, in any case of letters."""
    statement = only(text)
    assert isinstance(statement, kind)
    assert texts(statement) == expected


@pytest.mark.parametrize(
    ("text", "query", "table"),
    [
        ("select 1 as a;", "select 1", "a"),
        ("select 1 as t as t;", "select 1 as t", "t"),
        ("select 1 as a", "select 1", "a"),
        ("select a as b from t", "select a as b from t", None),
        ("select cast(a as int)", "select cast(a as int)", None),
        ("select 1 AS\n-- here\n/* or here */ `two words`;", "select 1", "two words"),
        ("select 1 as t_${n};", "select 1", "t_${n}"),
        ("select 1 as ${ n };", "select 1", "${ n }"),
        ("select t.as x", "select t.as x", None),
        ("select ';' as a -- ;\n, \"as ;\" as b, `;as` /* ; */ from t as u;", None, "u"),
        (r"select 'it''s \' ;' , r'\' as x;", r"select 'it''s \' ;' , r'\'", "x"),
        ("with a as (select 1) select * from a as b;", "with a as (select 1) select * from a", "b"),
        ("select 1 /* a /* nested; */ comment */ as a;", "select 1", "a"),
        ("select 1 -- goes on \\\n here; \n as a;", "select 1", "a"),
        ("select 1 as 表;", "select 1", "表"),
        (
            "select *\nfrom a as b\nunion all\nselect *\nfrom b as c;",
            "select *\nfrom a as b\nunion all\nselect *\nfrom b",
            "c",
        ),
    ],
)
def test_the_last_as_names_the_table(text, query, table):
    """Only the final ``as NAME`` does, whatever comes before."""
    statement = only(text)
    assert isinstance(statement, Select)
    assert query in (None, statement.query.text)
    assert (statement.table.text if statement.table else None) == table


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (r'"a\"b\'c\\d\ne\tf\u00e9"', "a\"b'c\\d\ne\tfé"),
        (r"'\ud83d\ude00'", "😀"),
        (r'"^\d+\.\w$"', r"^\d+\.\w$"),
        (r'"\ud83d \u12"', r"\ud83d \u12"),
        ("''':x == 'a''''", ":x == 'a'"),
        ("''''a'''", "'a"),
        ('"""' + '"""', ""),
        ("''''''", ""),
        ('"""\nselect ";"\n"""', '\nselect ";"\n'),
        (r"'''\n'''", r"\n"),
        ('"two\nlines"', "two\nlines"),
        ("`a``b`", "a`b"),
        ("-1.5e-3", "-1.5e-3"),
        (".5", ".5"),
        ("${ x }", "${ x }"),
        ("true", "true"),
        ("1x", "1x"),
    ],
)
def test_a_value_reads_as_this(written, text):
    """Escapes, block strings, numbers, names."""
    statement = only(f"set x = {written} where type=text")
    assert isinstance(statement, Set)
    assert statement.value.text == text
    assert statement.value.span.text == written


def test_an_argument_keeps_its_quote():
    """``named`` is a word of the command, ``"named"`` a text."""
    statement = only("!x named \"named\" '''named''';")
    assert [argument.quote for argument in statement.arguments] == ["", '"', "'''"]
    assert all(isinstance(argument, Literal) for argument in statement.arguments)


@pytest.mark.parametrize("text", ["", ";;", " ; -- nothing; \n;/* ; */", "\ufeff", "\n\t"])
def test_an_empty_statement_is_nothing(text):
    """Nor are comments and blanks."""
    assert parse(Script("test.mlsql", text)) == ()


def test_a_byte_order_mark_is_a_blank():
    """Editors on Windows put one first."""
    assert isinstance(only("\ufeffload csv.`x` as t"), Load)


def test_lines_may_end_as_on_windows():
    """A carriage return is a blank, and stays in what is raw."""
    found = parse(Script("test.mlsql", "load csv.`x` -- one\r\n as t;\r\nselect 1,\r\n2 -- two\r\nas u;\r\n"))
    assert [type(statement) for statement in found] == [Load, Select]
    assert found[1].query.text == "select 1,\r\n2"


def test_the_statements_keep_their_order():
    """And each its span, without the semicolon."""
    found = parse(Script("test.mlsql", "set a=1; -- one\nselect 2 as b ;\n!c"))
    assert [statement.span.text for statement in found] == ["set a=1", "select 2 as b", "!c"]


def test_a_line_of_a_pass_through_statement_may_look_like_ours():
    """``set`` belongs to update, ``select`` to insert."""
    assert isinstance(only("update t as u\nset a = 1\nwhere b = 2;"), Sql)
    assert isinstance(only("insert into t\nselect * from u as v\n;"), Sql)
