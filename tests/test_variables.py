"""``${name}`` in a text: what it becomes, and the way back to the script."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsql.dialect import BYZER
from mlsql.errors import ScriptError, UndefinedVariable
from mlsql.grammar.literals import read_literal, write_literal
from mlsql.spans import Script
from mlsql.templates import references
from mlsql.variables import Scope, render

NOW = datetime(2026, 1, 2, 3, 4, 5, 67_000, tzinfo=UTC)


def scope_of(**values):
    """A scope in which these names are set, one after the other."""
    scope = Scope(now=NOW)
    for name, text in values.items():
        scope.define(name, text)
    return scope


def rendered(text, scope):
    """*text* as the whole of a script, rendered."""
    return render(text, whole(text), scope)


def whole(text):
    """The span of a script that is only *text*."""
    return Script("test.mlsql", text).span(0, len(text))


names = st.from_regex(r"[A-Za-z_]\w{0,5}(\.\w{1,4})?", fullmatch=True)
plain = st.text(st.characters(exclude_characters="$\\{}", exclude_categories=["Cs"]), max_size=8)


@st.composite
def templates(draw):
    """Parts of a template, each with what it stands for, and the values of its names."""
    values = draw(st.dictionaries(names, plain, min_size=1, max_size=3))
    name = st.sampled_from(sorted(values))
    part = st.one_of(
        plain.map(lambda text: (text, text, True)),
        name.map(lambda name: (f"${{{name}}}", values[name], False)),
        name.map(lambda name: (f"${{ {name} }}", values[name], False)),
        name.map(lambda name: (f"\\${{{name}}}", f"${{{name}}}", True)),
    )
    return draw(st.lists(part, max_size=6)), values


@given(templates())
def test_names_are_replaced_and_nothing_else(template):
    """``${name}`` by its value, with blanks inside or not; ``\\${name}`` loses its backslash."""
    parts, values = template
    text = rendered("".join(written for written, _, _ in parts), scope_of(**values)).text
    assert text == "".join(becomes for _, becomes, _ in parts)


@given(templates(), st.sampled_from(["", "`", "'''"]), plain)
def test_each_character_is_traced_back(template, quote, before):
    """Copied characters to themselves, those of a value to its ``${…}``, quotes or not."""
    parts, values = template
    text = "".join(written for written, _, _ in parts)
    script = Script("test.mlsql", f"{before}{quote}{text}{quote}")
    span = script.span(len(before), len(script.text))
    result = render(text, span, scope_of(**values))
    place, source = 0, span.start + len(quote)
    for written, becomes, copied in parts:
        escape = len(written) - len(becomes) if copied else 0
        for index in range(len(becomes)):
            start, end = (index + escape, index + escape + 1) if copied else (0, len(written))
            found = result.source_span(place + index, place + index + 1)
            assert (found.start, found.end) == (source + start, source + end)
        place, source = place + len(becomes), source + len(written)


@given(templates(), st.sampled_from(['"', "'"]))
def test_behind_escapes_a_value_is_still_traced_to_its_variable(template, quote):
    """In a literal with escapes each ``${…}`` is found exactly, other characters only as a whole."""
    parts, values = template
    text = "\n\t" + "".join(written for written, _, _ in parts)
    written = write_literal(text, quote).replace("\n", "\\n")
    assert read_literal(written) == text
    span = whole(written)
    result = render(text, span, scope_of(**values))
    place = 2
    for source, becomes, _ in parts:
        if becomes:
            found = result.source_span(place, place + len(becomes))
            assert found.text == (source.removeprefix("\\") if "${" in source else written)
        place += len(becomes)


@given(templates())
def test_the_whole_text_comes_from_the_whole_template(template):
    """A stretch is traced from its first to its last character."""
    parts, values = template
    parts = [("<", "<", True), *parts, (">", ">", True)]
    result = rendered("".join(written for written, _, _ in parts), scope_of(**values))
    assert result.source_span(0, len(result.text)) == result.span


@given(templates())
def test_the_references_of_a_text_are_what_is_replaced(template):
    """Each with its name and its place."""
    parts, values = template
    text = "".join(written for written, _, _ in parts)
    found = references(text)
    assert [text[start:end] for _, start, end in found] == [
        written for written, _, copied in parts if not copied
    ]
    assert all(name in values and text[start:end].strip("${ }") == name for name, start, end in found)


def test_what_is_kept_has_no_references():
    """From its start up to its end."""
    text = "${a}${b}${c}"
    assert [name for name, _, _ in references(text, kept=[(4, 8)])] == ["a", "c"]
    assert render(text, whole(text), scope_of(a="1", c="3"), kept=[(4, 8)]).text == "1${b}3"


def test_a_value_is_rendered_at_use():
    """So it may name what is set later."""
    assert rendered("${b}", scope_of(b="${a}/b", a="x")).text == "x/b"


def test_the_own_name_in_a_value_means_the_value_before():
    """A path grows by being set again."""
    scope = scope_of(p="/data", q="${p}/q")
    scope.define("p", "${p}/x")
    scope.define("p", "${p}/${p}")
    assert rendered("${p} ${q}", scope).text == "/data/x//data/x /data/x//data/x/q"


def test_the_value_before_keeps_its_own_references():
    """Which are rendered at use too."""
    scope = scope_of(a="${b}", b="1")
    scope.define("a", "${a}${a}")
    scope.define("b", "2")
    assert rendered("${a}", scope).text == "22"


def test_a_name_may_grow_in_a_long_loop():
    """A thousand times is no cycle and no recursion."""
    scope = scope_of(p="0")
    for index in range(1, 1000):
        scope.define("p", f"${{p}},{index}")
    assert rendered("${p}", scope).text == ",".join(map(str, range(1000)))


def test_a_cycle_is_an_error_that_names_it():
    """And lies where the name stands that closes it."""
    script = Script("test.mlsql", 'set a="x${b}"; set b="${c}"; set c="${ a }"; ${a}')
    scope = Scope(now=NOW)
    scope.define("a", "x${b}", span=script.span(6, 13))
    scope.define("b", "${c}", span=script.span(21, 27))
    scope.define("c", "${ a }", span=script.span(35, 43))
    with pytest.raises(ScriptError, match="variables that stand for each other: a → b → c → a") as told:
        render("${a}", script.span(45, 49), scope)
    assert told.value.span == script.span(36, 42)


def test_an_undefined_name_is_told_with_its_place_and_the_nearest():
    """The place is exactly the ``${…}``."""
    with pytest.raises(UndefinedVariable) as told:
        rendered("a ${dya} b", scope_of(day="1"))
    assert told.value.span.text == "${dya}"
    assert told.value.hint == "did you mean 'day'?"


def test_an_undefined_name_in_a_value_is_told_where_the_value_is_given():
    """Not where the value is used."""
    script = Script("test.mlsql", 'set a="\\t${b}"; ${a}')
    scope = Scope(now=NOW)
    scope.define("a", "\t${b}", span=script.span(6, 14))
    with pytest.raises(UndefinedVariable) as told:
        render("${a}", script.span(16, 20), scope)
    assert told.value.span == script.span(9, 13)


def test_an_undefined_own_name_is_told_at_once():
    """There is no value before."""
    with pytest.raises(UndefinedVariable):
        scope_of(p="${p}/x")


def test_a_plain_value_is_no_template():
    """Results of queries and parameters may contain what looks like a variable."""
    scope = Scope.for_run(owner="ann", job_name="job", home="/h", now=NOW, parameters={"q": "${x}"})
    scope.define("p", "${y}", template=False)
    assert rendered("${p}${q}", scope).text == "${y}${x}"


def test_values_that_multiply_are_stopped():
    """Each of a hundred names stands for two of the next: refused, and quickly."""
    scope = scope_of(**{f"a{n}": f"${{a{n + 1}}}${{a{n + 1}}}" for n in range(50)}, a50="0123456789")
    with pytest.raises(ScriptError, match="becomes longer than"):
        rendered("${a0}", scope)
    scope.define("a50", "")
    assert rendered("${a0}", scope).text == ""


def test_values_that_nest_too_deep_are_stopped():
    """Before Python would be."""
    scope = scope_of(**{f"a{n}": f"${{a{n + 1}}}" for n in range(5000)}, a5000="x")
    with pytest.raises(ScriptError, match="more than 100 deep"):
        rendered("${a0}", scope)


@pytest.mark.parametrize("text", ["${}", "${ }", "$x", "${x", "$", "{x}", "${a{b}}", "${a\nb}", "#set($x=1)"])
def test_what_is_no_reference_stays(text):
    """No ``$name``, no directives, nothing that is not closed on its line."""
    assert rendered(text, scope_of(x="1")).text == text


def test_some_names_are_defined_from_the_start():
    """The days around today in the session's zone, home, owner, job; parameters go over them."""
    zone = timezone(timedelta(hours=-5))
    scope = Scope.for_run(
        owner="ann",
        job_name="nightly",
        home="/home/ann",
        now=NOW.astimezone(zone),
        parameters={"HOME": "/x", "n": "1"},
    )
    text = "${theDayBeforeYesterday} ${yesterday} ${today} ${tomorrow} ${OWNER} ${JOB_NAME} ${HOME} ${n}"
    assert rendered(text, scope).text == "2025-12-30 2025-12-31 2026-01-01 2026-01-02 ann nightly /x 1"
    assert scope.parameters == {"HOME": "/x", "n": "1"}
    assert {"today", "HOME", "n"} <= set(scope.defined_names)
    assert "n" in scope
    assert "m" not in scope


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ('date.toString("yyyyMMdd")', "20260102"),
        ("date.toString('yyyy-MM-dd HH:mm:ss.SSS')", "2026-01-02 03:04:05.067"),
        ('date.plusDays(1).toString("yyyy/M/d")', "2026/1/3"),
        ('date.minusDays(2).minusMonths(1).toString("yyyy-MM-dd")', "2025-11-30"),
        ('date.plusMonths(1).plusYears(2).toString("yyMM")', "2802"),
        ('date.minusYears(1).toString("EEEE, d MMMM yyyy")', "Thursday, 2 January 2025"),
        ('date.plusWeeks(1).minusHours(24).toString("YYYY-MM-dd")', "2026-01-08"),
        ("date.toString(\"EEE d MMM 'at' h a, DDD\")", "Fri 2 Jan at 3 AM, 002"),
        ("date.toString()", "2026-01-02T03:04:05.067000+00:00"),
    ],
)
def test_the_date_is_calculated_and_written(expression, text):
    """With Java's patterns."""
    assert rendered(f"<${{{expression}}}>", scope_of()).text == f"<{text}>"


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("date.plusDays(1)", "a date is written as in"),
        ('date.plusDecades(1).toString("yyyy")', "a date has no 'plusDecades'"),
        ('date.toString("qq")', "the letter 'q' means nothing"),
        ('date.plusYears(9999).toString("yyyy")', "leaves the calendar"),
        ("date.today", "a date is written as in"),
    ],
)
def test_a_wrong_date_is_told(expression, message):
    """With its place."""
    with pytest.raises(ScriptError, match=message) as told:
        rendered(f"<${{{expression}}}>", scope_of())
    assert told.value.span.text == f"${{{expression}}}"


def test_a_template_takes_arguments():
    """By their number."""
    scope = scope_of(t="{1}-{0}-${x}-{1}", x="9")
    assert rendered("""${template.get("t", 'a', "b,c")}""", scope).text == "b,c-a-9-b,c"


def test_a_template_without_an_argument_is_told():
    """Nothing is left out silently."""
    with pytest.raises(ScriptError, match=r"the template 't' has \{1\}, but is given 1 value"):
        rendered('${template.get("t", "a")}', scope_of(t="{0}{1}"))


def test_a_name_can_be_kept_out_of_selects():
    """It stays in their text as it is written."""
    scope = Scope(now=NOW)
    scope.define("a", "1", in_select=False)
    scope.define("b", "${a}")
    text = "${ a } ${b}"
    assert render(text, whole(text), scope, in_select=True).text == "${ a } 1"
    assert render(text, whole(text), scope).text == "1 1"


def test_a_part_of_json_has_a_name_of_its_own():
    """Texts come as they are, anything else as JSON."""
    scope = Scope(now=NOW)
    scope.define("cfg", '{"a": [{"b": "x"}, 2.50, null], "c d": true}', json=True)
    assert rendered("${cfg.a.0.b} ${cfg.a.1} ${cfg.a.2} ${cfg.c d} ${cfg.a.0}", scope).text == (
        'x 2.5 null true {"b": "x"}'
    )


@pytest.mark.parametrize(
    ("path", "hint"), [("a.2", "an array of 2"), ("b", "stands a"), ("a.0.x", "stands 1"), ("a.x", "of 2")]
)
def test_a_part_of_json_that_is_not_there_is_told(path, hint):
    """With what is there instead."""
    scope = Scope(now=NOW)
    scope.define("cfg", '{"a": [1, 2]}', json=True)
    with pytest.raises(ScriptError, match=f"the variable 'cfg' holds nothing at '{path}'") as told:
        rendered(f"${{cfg.{path}}}", scope)
    assert hint in told.value.hint


def test_a_lasting_value_needs_nothing_of_the_script_that_set_it():
    """What it names of that script is filled in; what every script has is left to the next one."""
    first = Scope.for_run(owner="ann", job_name="one", home="/home", now=NOW)
    first.define("root", "/${OWNER}/data")
    first.define("place", "${root}/${JOB_NAME}/${k}")
    first.define("k", "v")
    kept = {"place": first.lasting("place")}
    second = Scope.for_run(owner="ann", job_name="two", home="/home", now=NOW, lasting=kept)
    assert second.value("place") == "/ann/data/two/v"


def test_parameters_come_before_what_lasts():
    """Whoever starts a script has the last word."""
    kept = {"k": scope_of(k="old").lasting("k")}
    scope = Scope.for_run(
        owner="ann", job_name="two", home="/", now=NOW, parameters={"k": "new"}, lasting=kept
    )
    assert scope.value("k") == "new"


def byzer(**values):
    """A scope of the dialect in which these names are set."""
    scope = Scope(now=NOW, dialect=BYZER)
    for name, text in values.items():
        scope.define(name, text)
    return scope


def test_in_the_old_dialect_what_is_undefined_stays():
    """Also in values and templates; what is there is filled in."""
    scope = byzer(a="<${b}>", c="1")
    assert rendered('${a} ${b} ${c} ${template.get("b", "x")}', scope).text == (
        '<${b}> ${b} 1 ${template.get("b", "x")}'
    )


def test_in_the_old_dialect_a_dollar_is_enough_for_a_name():
    """When a variable is called so, in texts and in values."""
    scope = byzer(a="1", b="$a-$c")
    assert rendered("$a ${a} $b $c $$a \\$a x$a $1", scope).text == "1 1 1-$c $c $$a \\$a x$a $1"


def test_a_dollar_alone_is_a_character():
    """In our own dialect."""
    assert rendered("$a", scope_of(a="1")).text == "$a"
