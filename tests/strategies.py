"""Random pieces of the language, as hypothesis strategies."""

from __future__ import annotations

from hypothesis import strategies as st

from mlsql.grammar.nodes import (
    Branch,
    Command,
    Connect,
    For,
    If,
    Include,
    Literal,
    Load,
    Option,
    Register,
    Save,
    Select,
    Set,
    Sql,
    Train,
    Unregister,
    Word,
)
from mlsql.spans import Script

NOWHERE = Script("nowhere", "").span(0, 0)

KEYWORDS = (
    *("load", "save", "set", "train", "run", "register", "select", "include", "connect"),
    *("as", "into", "where", "options", "and", "overwrite", "append", "ignore", "partitionBy", "PATH", "dot"),
)
TRICKY_TEXTS = (
    *(
        "",
        "/data/wine.csv",
        "a b",
        "it's",
        'say "x"',
        "`",
        "a``b",
        "\\",
        "\\n",
        "C:\\temp\\",
        "^\\d+$",
        "line\nline",
    ),
    *(
        "\t",
        "\n",
        "''",
        "'''",
        '"""',
        "x''",
        "''x",
        'x"',
        "-- no comment",
        "/* nor this */",
        ";",
        "; select 1;",
    ),
    *(
        "${x}",
        "\\${x}",
        "a${x}b",
        "${ x.y }",
        "數據",
        "naïve 🙂",
        "\\u00e9",
        "\\ud83d",
        "1",
        "-1.5e3",
        "true",
        "1.2.3",
    ),
)

texts = st.sampled_from(TRICKY_TEXTS) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=12
)
"""What may stand between quotes."""

bare_names = st.one_of(
    st.sampled_from(KEYWORDS),
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True),
    st.sampled_from(["t_${n}", "${x}", "${a}_${b}", "表", "größe", "_1", "2024_t", "x1e5"]),
)


def words(names):
    """A name as it may stand, with or without backquotes."""
    bare = names.map(lambda text: Word(text, NOWHERE))
    quoted = texts.map(lambda text: Word(text, NOWHERE, "`"))
    return bare | quoted


names = words(bare_names)
paths = words(st.lists(bare_names, min_size=1, max_size=3).map(".".join))
keys = words(st.lists(bare_names, min_size=1, max_size=3).map(".".join) | st.just("fitParam.0.alg"))

bare_values = bare_names | st.sampled_from(["1", "-1", "+2.5", ".5", "1e5", "-1.5E-3", "true", "FALSE"])
values = st.one_of(
    bare_values.map(lambda text: Literal(text, NOWHERE, "")),
    st.builds(Literal, texts, st.just(NOWHERE), st.sampled_from(['"', "'", '"""', "'''"])),
)
options = st.lists(st.builds(Option, keys, values), max_size=4, unique_by=lambda option: option.key.text).map(
    tuple
)

_atoms = st.one_of(
    bare_names,
    st.sampled_from(
        ["*", "1", "a.b", "x >= 6", "=", ",", "r'\\'", "'it''s; ok'", "'a\\'b;'", '"x;"', "`a``;b`"]
    ),
    st.sampled_from(["/* ; /* nested */ ' */", "/*+ broadcast(t) */", "cast(a as int)", "${x}", "'${x}'"]),
    st.sampled_from(["-- it's;\n,", "#", "{}", "a[0]", "|", "1.5e3", "'\n'"]),
)
_tails = st.sampled_from(
    ["from t", "from t as a where a.x = ';'", "limit 5", "from `a;b`", "'x'", "f(x as y)"]
)


_middles = st.lists(_atoms, max_size=5)


def _queries(*heads):
    """Text that Spark gets as it is; its lines end only inside quotes and comments."""
    parts = st.builds(
        lambda head, middle, tail: [head, *middle, tail], st.sampled_from(heads), _middles, _tails
    )
    return parts.map(lambda parts: Word(" ".join(parts), NOWHERE))


queries = _queries("select", "SELECT", "with a as (select 1) select")
passed_through = _queries("drop", "create table t as select", "INSERT into t", "show", "use")
arguments = st.one_of(
    values.filter(lambda value: value.quote),
    st.sampled_from(["named", "-i", "/a/*", ":n", ">", "1", "t", "${x}", "a=b,c"]).map(
        lambda text: Literal(text, NOWHERE, "")
    ),
    texts.map(lambda text: Literal(text, NOWHERE, "`")),
)

simple_statements = st.one_of(
    st.builds(Load, names, paths, options, names, st.just(NOWHERE)),
    st.builds(Select, queries, names, st.just(NOWHERE)),
    st.builds(
        Save,
        st.sampled_from(["overwrite", "append", "errorIfExists", "ignore"]),
        names,
        names,
        paths,
        options,
        st.lists(names, max_size=3).map(tuple),
        st.just(NOWHERE),
    ),
    st.builds(
        Set, keys, values | texts.map(lambda text: Literal(text, NOWHERE, "`")), options, st.just(NOWHERE)
    ),
    st.builds(Connect, names, options, st.none() | names, st.just(NOWHERE)),
    st.builds(
        Train,
        st.sampled_from(["train", "run", "predict"]),
        names,
        names,
        paths,
        options,
        st.none() | names,
        st.just(NOWHERE),
    ),
    st.builds(Register, names, paths, names, options, st.just(NOWHERE)),
    st.builds(Unregister, names, st.just(NOWHERE)),
    st.builds(Include, names, paths, options, st.just(NOWHERE)),
    st.builds(Sql, passed_through, st.just(NOWHERE)),
    st.builds(
        Command,
        st.sampled_from(["show", "desc", "iff", "saveFile", "a-b"]).map(lambda text: Word(text, NOWHERE)),
        st.lists(arguments, max_size=4).map(tuple),
        st.just(NOWHERE),
    ),
)
"""Any statement that contains no others, as the parser could have built it."""

_quoted_values = values.filter(lambda value: value.quote)
_bare_conditions = st.sampled_from(
    [
        ":n > 1",
        ":n>1  and f( :a , 'it''s' )",
        "!:x or\n  not ${y}",
        '"a" == :s',
        "`a`",
        ":a[0] /* so; */ = 1",
    ]
).map(lambda text: Literal(text, NOWHERE, ""))
_limits = st.none() | st.sampled_from(["5", "${n}"]).map(lambda text: Literal(text, NOWHERE, ""))


@st.composite
def blocks(draw, depth=2):
    """Branches and loops, with others inside."""
    inner = simple_statements | blocks(depth - 1) if depth else simple_statements
    body = st.lists(inner, max_size=2).map(tuple)
    if draw(st.booleans()):
        query, limit = draw(_quoted_values), draw(_limits)
        return For(draw(names), query, limit, draw(body), NOWHERE)
    branch = st.builds(Branch, _quoted_values | _bare_conditions, body)
    return If(tuple(draw(st.lists(branch, min_size=1, max_size=3))), draw(body), NOWHERE)


statements = simple_statements | blocks()
"""Any statement, as the parser could have built it."""

scripts = st.builds(
    lambda body, last: (*body, *last),
    st.lists(statements, max_size=5),
    st.just(()) | queries.map(lambda query: (Select(query, None, NOWHERE),)),
)
"""The statements of a whole script; the last may be a select that names no table."""
