"""What every algorithm must do, whatever its family: declare itself, and be the same in each statement."""

from __future__ import annotations

import math
import re
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from mlsql import stages
from mlsql.check.checker import Checker, scope_without_spark
from mlsql.config.settings import PathSettings, Settings
from mlsql.dialect import DIALECTS
from mlsql.engine import Engine
from mlsql.errors import DataError, MissingColumn, ScriptError, UnknownOption
from mlsql.models.store import PathModelStore
from mlsql.options import declared_options
from mlsql.policy.policy import Policy
from mlsql.spans import Script
from mlsql.stages import algorithms
from mlsql.stages.algorithm_pages import TASKS, pages
from mlsql.stages.algorithms.base import Defines, Described, Predicts, Trains, Transforms
from mlsql.stages.algorithms.external import External
from mlsql.stages.algorithms.retired import RENAMED, RETIRED
from tests.contracts.algorithm_facts import CODE, FACTS, READS_NO_TABLE, written

ROOT = Path(__file__).parents[2]
REGISTRY = algorithms.builtins(PathModelStore())
NAMES = tuple(REGISTRY)
CHECKER = Checker.from_settings(Settings(), stages.builtins(PathModelStore(), algorithms=REGISTRY))
WITHOUT_EXAMPLE = ("JavaUDF",)
"""It needs a class in a jar."""
RUN_ELSEWHERE = ("SKLearn", "RateSampler", "JDBC", "TensorFlow")
"""Their examples are run by the tests of catalogues and networks; those of networks are slow."""
OFTEN_RUN = ("ConfusionMatrix", "StringIndex", "ScriptUDF", "PythonStep", "Pipeline")
"""Examples of each family that fit next to nothing; the others run with ``--slow``."""


def statements(name):
    """Each statement that can name an algorithm, up to its options, with the class of these."""
    algorithm = REGISTRY.get(name)
    if isinstance(algorithm, Trains | Transforms):
        yield f"train t as {name}.`p` where", algorithm.options
    if isinstance(algorithm, Predicts):
        yield f"predict t as {name}.`p` where", algorithm.predict_options
    if isinstance(algorithm, Defines):
        yield f"register {name}.`p` as f where", algorithm.define_options


def errors(text):
    """What is wrong with a script, as far as its text shows."""
    told = CHECKER.check(Script("test.mlsql", text), scope_without_spark({}, DIALECTS["mlsql"]), Policy())
    return [each.error for each in told if each.severity == "error"]


@pytest.mark.parametrize("name", NAMES)
def test_an_algorithm_says_what_it_is_for(name):
    """In one sentence, and by a script in which nothing is wrong."""
    algorithm = REGISTRY.get(name)
    assert re.fullmatch(r"[A-Z][^\n]*\.", algorithm.doc)
    if name not in WITHOUT_EXAMPLE:
        assert isinstance(algorithm, Described)
        assert f"{name}.`" in algorithm.example
        assert errors(algorithm.example) == []


@pytest.mark.parametrize("name", NAMES)
def test_an_algorithm_declares_its_options(name):
    """Each with a sentence and what it takes, each once."""
    for _, kind in statements(name):
        declared = declared_options(kind)
        for each in declared:
            assert re.fullmatch(r"\S[^\n]*[.…)]", each.doc), each.key
            assert each.kind.expected
        keys = Counter(key for each in declared for key in (each.key, *each.aliases))
        assert [key for key, times in keys.items() if times > 1] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_misspelt_option_is_told_with_the_nearest(name):
    """Before anything runs, at its place."""
    for statement, kind in statements(name):
        known = [each.key for each in declared_options(kind) if not each.prefix]
        key = max(known, key=len, default="some") + "x"
        (told,) = [error for error in errors(f'{statement} {key}="1";') if isinstance(error, UnknownOption)]
        assert (told.option, told.span.text) == (key, key)
        assert told.hint == (f"did you mean '{key[:-1]}'?" if known else "it takes no options")


def test_a_name_of_older_engines_is_known_or_told_with_what_to_write_instead():
    """Before anything runs."""
    for old, new in RENAMED.items():
        assert REGISTRY.get(old) is REGISTRY.get(new)
        assert old not in NAMES
    for name, instead in RETIRED.items():
        (told,) = errors(f"train t as {name}.`p` where a='1';")
        assert (told.hint, told.span.text) == (instead, name)


def test_every_algorithm_has_its_place_among_the_tasks():
    """Exactly one."""
    listed = [name for names in TASKS.values() for name in names]
    assert [name for name, times in Counter(listed).items() if times > 1] == []
    assert set(NAMES) - set(listed) == set()


def test_the_pages_are_what_the_algorithms_declare():
    """``scripts/docs`` writes them."""
    written = {
        each.name: each.read_text(encoding="utf-8") for each in (ROOT / "docs" / "algorithms").glob("*.md")
    }
    assert written == dict(pages(REGISTRY)), "run scripts/docs"


@pytest.fixture(scope="module")
def engine(spark, launcher, tmp_path_factory):
    """An engine whose paths begin in a folder of this module."""
    root = tmp_path_factory.mktemp("algorithms")
    (root / "words.txt").write_text("word1\nword2 and\n")
    settings = Settings(paths=PathSettings(root=root))
    with Engine(spark, settings, launcher=launcher) as engine:
        yield engine


@pytest.fixture
def run(engine):
    """Runs a script; the rows of its last table."""

    def rows(text):
        with engine.run(text, owner="contract").reading() as frame:
            return [] if frame is None else [row.asDict() for row in frame.collect()]

    return rows


@pytest.fixture
def do(engine):
    """Runs a script without a look at the rows of its last table."""

    def done(text):
        with engine.run(text, owner="contract").reading():
            pass

    return done


EXAMPLES = [
    pytest.param(name, marks=[] if name in OFTEN_RUN else pytest.mark.slow)
    for name in NAMES
    if name not in (*WITHOUT_EXAMPLE, *RUN_ELSEWHERE)
]


@pytest.mark.spark
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs_as_it_stands(run, name):
    """To its last statement, whose rows are read."""
    run(REGISTRY.get(name).example)


TRAINED = tuple(name for name in FACTS if isinstance(REGISTRY.get(name), Trains))
TOOLS = tuple(name for name in FACTS if name not in TRAINED)
IN_WORKERS = tuple(name for name in TRAINED if isinstance(REGISTRY.get(name), External))
OFTEN_KEPT = ("NaiveBayes", "TfIdfInPlace", "SKLearn")
"""One of each family is fitted always, the others with ``--slow``."""
OFTEN_EMPTIED = ("ConfusionMatrix", "PythonStep")


def slow_unless(names, often):
    """*names*, of which those that are not *often* tried are slow."""
    return [pytest.param(name, marks=[] if name in often else pytest.mark.slow) for name in names]


def test_every_algorithm_has_its_facts():
    """Or a reason for which it has none."""
    assert set(NAMES) == set(FACTS) | set(READS_NO_TABLE)
    assert not set(FACTS) & set(READS_NO_TABLE)


def close(one, other):
    """Whether two answers are the same doubles, but for the last digits."""
    if one is None or other is None or isinstance(one, str | int):
        return one == other
    if isinstance(one, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    mine, theirs = (each.toArray() if hasattr(each, "toArray") else each for each in (one, other))
    return len(mine) == len(theirs) and all(map(close, map(float, mine), map(float, theirs)))


def tables(facts):
    """``t``, and ``u``, the same with nulls for what is read in one row of eleven."""
    nulls = [f"if({facts.key} % 11 = 1, null, {name}) as {name}" for name in facts.reads.split(",")]
    variables = "".join(f"set {name}='''{text}''';" for name, text in CODE.items() if name in facts.where)
    emptied = f"select * except ({facts.reads}), {', '.join(nulls)} from t as u;"
    return f"{variables} {facts.table} as t; {emptied}"


def with_option(facts, key, value):
    """The options with another one, or with another value of it."""
    return written({**facts.options, key: value})


@pytest.mark.spark
@pytest.mark.parametrize("name", slow_unless(TRAINED, OFTEN_KEPT))
def test_a_function_answers_as_predict_does_in_every_version(run, name):
    """Trained on a table and on one with nulls, saved and loaded, registered from both versions.

    A null is refused or learnt from as the facts say, and answered so; a version that is not there is told.
    """
    facts, path = FACTS[name], f"{name}.`models/{name}`"
    if facts.on_nulls == "refused":
        with pytest.raises(DataError, match=r"\bnulls? in\b"):
            run(f"{tables(facts)} train u as {name}.`models/refused` {facts.where};")
    again = with_option(facts, "handleInvalid", "skip") if facts.on_nulls == "refused" else facts.where
    run(f"{tables(facts)} train t as {path} {facts.where}; train u as {path} {again};")
    numbers = (0, 1)
    for number in numbers:
        which = f'where modelVersion="{number}"'
        run(f"predict u as {path} {which} as p{number}; register {path} as f{number} {which};")
    predicted = " union all ".join(
        f"select {number} as version, id, {facts.answers} as answer from p{number}" for number in numbers
    )
    told = {(row["version"], row["id"]): row["answer"] for row in run(f"{predicted} as q;")}
    calls = ", ".join(f"f{number}({facts.calls}) as f{number}" for number in numbers)
    answered = run(f"select id, {calls} from u as q;")
    assert len(told) == 2 * len(answered) > 0
    for row in answered:
        for number in numbers:
            mine, theirs = row[f"f{number}"], told[number, row["id"]]
            assert close(mine, theirs), (row["id"], mine, theirs)
            assert (mine is None) == (row["id"] % 11 == 1 and facts.on_nulls != "answered"), row
    run("unregister f0; unregister f1;")
    expect_what_can_be_chosen(run, path)
    assert run(f"select * from u where false as none; predict none as {path} as q;") == []
    with pytest.raises(MissingColumn) as error:
        run(f"select id as other from u as others; predict others as {path};")
    assert error.value.span is not None


def expect_what_can_be_chosen(run, path):
    """A version, a model or a metric that is not there is told."""
    for choice, message in (
        ('modelVersion="9"', "no version 9"),
        ('algIndex="9"', "no candidate 9"),
        ('autoSelectByMetric="lift"', "'lift' was not computed"),
    ):
        with pytest.raises(ScriptError, match=message):
            run(f"register {path} as f where {choice};")


@pytest.mark.spark
@pytest.mark.parametrize("name", slow_unless(TRAINED, set(TRAINED) - set(IN_WORKERS) | {"SKLearn"}))
def test_a_table_that_cannot_be_learnt_from_is_told_and_leaves_nothing(do, engine, name):
    """An empty one, a column that is not there, with the nearest, and one of another type."""
    facts, path = FACTS[name], f"models/bad_{name}"
    train = f"train u as {name}.`{path}`"
    do(f"{tables(facts)} select * from t where false as u;")
    with pytest.raises(DataError, match=r"empty|no rows"):
        do(f"{train} {facts.where};")
    do("select * from t as u;")
    last = facts.reads.split(",")[-1]
    expect_missing(do, train, facts)
    if facts.wrong is not None:
        do(f"select * except ({last}), {facts.wrong} as {last} from t as u;")
        with pytest.raises(ScriptError) as told:
            do(f"{train} {facts.where};")
        assert told.value.span is not None
    assert not (engine.settings.paths.root / path / "_model_0").exists()


def expect_missing(run, statement, facts):
    """A column that is misspelt is told with the nearest."""
    if facts.named_by is None:
        return
    named = facts.options.get(facts.named_by, facts.reads.split(",")[-1])
    with pytest.raises(MissingColumn) as told:
        run(f"{statement} {with_option(facts, facts.named_by, named + named[-1])} as w;")
    assert told.value.hint.startswith("did you mean"), told.value.hint
    assert told.value.span is not None


@pytest.mark.spark
@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_tells_what_it_cannot_work_on(run, do, name):
    """A column that is not there, with the nearest, and one of another type."""
    facts, statement = FACTS[name], f"run u as {name}.``"
    do(f"{tables(facts)} select * from t as u;")
    expect_missing(run, statement, facts)
    if facts.wrong is not None:
        last = facts.reads.split(",")[-1]
        do(f"select * except ({last}), {facts.wrong} as {last} from t as u;")
        with pytest.raises(ScriptError) as told:
            run(f"{statement} {facts.where} as w;")
        assert told.value.span is not None


@pytest.mark.spark
@pytest.mark.parametrize("name", slow_unless(TOOLS, OFTEN_EMPTIED))
def test_a_tool_makes_a_table_of_no_rows_and_of_nulls_or_says_why_not(run, do, name):
    """It is never our bug."""
    facts = FACTS[name]
    do(tables(facts))
    for table in ("select * from t where false", "select * from u"):
        with suppress(ScriptError):
            run(f"{table} as v; run v as {name}.`` {facts.where} as w;")
