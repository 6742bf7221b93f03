"""How commands are called: forms, and what a call that fits none is told. No Spark runs here."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsql.errors import ScriptError, ScriptErrors
from mlsql.grammar import parse
from mlsql.grammar.nodes import Word
from mlsql.models.store import DirectoryModelStore
from mlsql.plan import CommandStep
from mlsql.spans import Script
from mlsql.stages import builtins
from mlsql.stages.commands.forms import read_arguments

COMMANDS = builtins(DirectoryModelStore())[CommandStep].commands
FORMS = sorted({form for name in COMMANDS for form in COMMANDS.get(name).forms if not form.startswith("_")})


def call(text):
    """The name and the arguments of one command, as the stage gives them on."""
    (command,) = parse(Script("test.mlsql", text))
    return command.name, tuple(Word(each.text, each.span, each.quote) for each in command.arguments)


def read(text):
    """What a built-in command makes of a call."""
    name, arguments = call(text)
    return COMMANDS.get(name.text).read(name, arguments)


def test_arguments_are_known_by_the_names_of_the_form():
    """Fixed words stand between them, in any case; a name may be quoted."""
    given = read_arguments(
        *_split('!split `my t` BY "the label" With "0.8,0.2"', "TABLE [by COLUMN] with SHARES")
    )
    assert [given[name].text for name in ("TABLE", "COLUMN", "SHARES")] == ["my t", "the label", "0.8,0.2"]
    assert given.words == {"by", "with"}
    assert given.span.text.startswith("split `my t`")


def test_what_stands_in_brackets_may_be_left_out():
    """A part that begins with a word, and an argument at the end."""
    given = read_arguments(*_split("!split t with a", "TABLE [by COLUMN] with SHARES"))
    assert given.get("COLUMN") is None
    assert read_arguments(*_split("!x a", "FIRST [SECOND]")).get("SECOND") is None
    assert read_arguments(*_split("!x a b", "FIRST [SECOND]"))["SECOND"].text == "b"


def test_one_argument_may_stand_for_many():
    """And so may one of some words."""
    given = read_arguments(*_split("!x -f -r a b", "[-r|-f…] PATH…"))
    assert [each.text for each in given.every("PATH")] == ["a", "b"]
    assert given.words == {"-r", "-f"}


def test_the_first_form_that_fits_is_taken():
    """It is told which one."""
    name, arguments = call("!show et/params/x")
    assert COMMANDS.get("show").read(name, arguments).form == "et/params/NAME"


@given(st.sampled_from(FORMS), st.data())
def test_a_call_that_is_written_as_its_form_fits_it(form, data):
    """Every form of every command, with names in the place of capitals and brackets kept or left out."""
    text = re.sub(r"\[([^]]*)\]", lambda match: match[1] if data.draw(st.booleans()) else "", form)
    words = [piece for piece in re.split(r"[\s/]+", text) if piece]
    written = [
        data.draw(st.sampled_from(["`a b`", "名", '"x"']))
        if word.isupper() and word[0] != "-"
        else data.draw(st.sampled_from(word.removesuffix("…").split("|")))
        for word in words
    ]
    name, arguments = call(" ".join(["!x", *written]))
    assert len(read_arguments(name, [form], arguments).words) == len(
        {
            each.casefold()
            for word, each in zip(words, written, strict=True)
            if word[0] == "-" or not word.isupper()
        }
    )


WRONG = [
    ("!desc;", "", "`!desc` is called as !desc TABLE", None),
    ("!desc a b;", "b", "`!desc` is called as !desc TABLE", None),
    (
        "!cache t sesion;",
        "sesion",
        "`!cache` is called as !cache TABLE [script|session|application]",
        "did you mean 'session'?",
    ),
    ("!split t by a;", "", "`!split` is called as !split TABLE [by COLUMN] with SHARES", None),
    (
        '!split t with "0.5,0.6";',
        '"0.5,0.6"',
        "the shares are fractions that sum to 1, as in '0.8,0.2', not '0.5,0.6'",
        None,
    ),
    (
        "!tableRepartition t 4;",
        "t",
        "`!tableRepartition` is called as !tableRepartition _ -i TABLE -num COUNT [-o TABLE]",
        None,
    ),
    (
        "!tableRepartition _ -i t -num 0;",
        "0",
        "option 'num' takes a whole number of at least 1, not '0'",
        None,
    ),
    (
        "!tableRepartition _ -i t;",
        "tableRepartition",
        "!tableRepartition needs the option 'num'",
        "num: How many partitions.",
    ),
    (
        "!tableRepartition _ -i t -num 4 -out x;",
        "-out",
        "!tableRepartition has no option 'out'",
        "its options: 'i', 'num', 'o'",
    ),
    (
        "!tableRepartition _ i t;",
        "tableRepartition",
        "`i` stands where a -name is expected",
        "write !name _ -k value;",
    ),
    ("!saveFile;", "", "`!saveFile` is called as !saveFile _ -i TABLE -o PATH", None),
    ("!emptyTable t;", "t", "`!emptyTable` is called as !emptyTable", None),
    ("!profile;", "", "`!profile` is called as !profile TABLE", None),
    (
        "!explain t nicely;",
        "nicely",
        "`!explain` is called as !explain TABLE [extended|formatted|cost|codegen]",
        None,
    ),
    ("!println;", "", "`!println` is called as !println TEXT…", None),
    ("!throw;", "", "`!throw` is called as !throw MESSAGE", None),
    ("!lastTableName x;", "x", "`!lastTableName` is called as !lastTableName", None),
    ("!runScript;", "", "`!runScript` is called as !runScript SCRIPT", None),
    (
        "!assert t;",
        "",
        "`!assert` is not called so",
        "write !assert NAME in __set__ [MESSAGE]; or !assert TABLE CONDITION… [MESSAGE]",
    ),
    (
        "!assert t ''':a > 1''' 'm' 'n';",
        "'n'",
        "`!assert` is called as !assert TABLE CONDITION… [MESSAGE]",
        None,
    ),
    ("!assert t ''':a >''' 'm';", "", "missing a value after `>`", None),
    ('!assertNotNull t "a,,b";', '"a,,b"', "columns are names with commas between them, not 'a,,b'", None),
    ("!assertUnique t;", "", "`!assertUnique` is called as !assertUnique TABLE COLUMNS", None),
    ("!fs -sl a;", "-sl", "`!fs` is not called so", "did you mean '-ls'?"),
    ("!fs -ls -x a;", "-x", "`!fs` is called as !fs -ls [-R|-h…] PATH…", None),
    ("!fs -rm;", "", "`!fs` is called as !fs -rm [-r|-R|-f|-rf|-skipTrash…] PATH…", None),
    ("!fs -mv a;", "", "`!fs` is called as !fs -mv SOURCE TARGET", None),
    ("!exists a b;", "b", "`!exists` is called as !exists PATH", None),
    ("!show tabels;", "tabels", "`!show` is not called so", "did you mean 'tables'?"),
    ("!show et/parms/x;", "parms", "`!show` is not called so", "did you mean 'params'?"),
    ("!kill;", "", "`!kill` is called as !kill ID", None),
]


@pytest.mark.parametrize(("text", "place", "message", "hint"), WRONG, ids=[each[0] for each in WRONG])
def test_a_wrong_call_is_told_where_it_is_wrong(text, place, message, hint):
    """In the same words everywhere, without Spark."""
    with pytest.raises(ScriptError) as caught:
        read(text)
    assert (caught.value.span.text, caught.value.message, caught.value.hint) == (place, message, hint)


def test_a_call_that_could_be_many_is_shown_all_of_them():
    """When nothing that stands there is near to one."""
    with pytest.raises(ScriptError) as caught:
        read("!hdfs;")
    assert caught.value.hint.startswith("write !hdfs -ls [-R|-h…] PATH…; or !hdfs -cat PATH…; or ")


def test_a_script_that_does_not_parse_is_told_at_the_text():
    """Both places, one below the other."""
    with pytest.raises(ScriptErrors) as caught:
        read("!runScript '''selct 1''';")
    assert str(caught.value).splitlines()[0] == "!runScript:1:1: no statement is called 'selct'"
    assert "  from test.mlsql:1:12" in str(caught.value)


@pytest.mark.parametrize("name", ["python", "ray", "sh", "plugin", "scheduler", "callback", "profiler"])
def test_what_there_is_not_is_refused_with_a_way_out(name):
    """At its name, whatever the arguments."""
    with pytest.raises(ScriptError, match=rf"`!{name}` \w") as caught:
        read(f"!{name} anything 'at all';")
    assert caught.value.span.text == name
    assert caught.value.hint


def _split(text, form):
    name, arguments = call(text)
    return name, [form], arguments
