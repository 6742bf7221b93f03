"""What every algorithm must do, whatever its family: declare itself, and be the same in each statement."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Facts:
    """What the laws below need to know of an algorithm that stores models."""

    table: str
    """Select that makes the table; ``id`` tells its rows apart."""
    options: str
    arguments: str
    """What its function is called with, and the columns that it reads."""
    answer: str
    """The column of ``predict`` that the function gives."""
    misspelt: str
    """Options that name a column which is not there."""
    wrong: str | None = None
    """Select that makes a table whose columns have the wrong types."""


POINTS = "select id, vec_dense(array(id % 10, id % 7)) as features, int(id % 10 > 4) as label from range(40)"
WORDS = "select id, concat('word', id % 3, ' and word', id % 5) as text, int(id % 3) as label from range(30)"
NUMBERS = "select id, double(id % 10) as x, double(id % 7) as y, int(id % 10 > 4) as label from range(60)"
TEXT_POINTS = "select id, 'a' as features, 1 as label from range(5)"


def on_points(answer="prediction", options=""):
    """Those of an algorithm of Spark ML."""
    return Facts(POINTS, options, "features", answer, "featuresCol='featrues'", TEXT_POINTS)


FACTS = {
    "LogisticRegression": on_points("probability", "maxIter=5"),
    "NaiveBayes": on_points("probability"),
    "LSVM": on_points(options="maxIter=5"),
    "DecisionTree": on_points("probability"),
    "RandomForest": on_points("probability", "numTrees=3"),
    "GBTs": on_points("probability", "maxIter=2"),
    "LinearRegression": on_points(),
    "GeneralizedLinearRegression": on_points(),
    "DecisionTreeRegressor": on_points(),
    "RandomForestRegressor": on_points(options="numTrees=3"),
    "GBTRegressor": on_points(options="maxIter=2"),
    "KMeans": on_points(options="k=2"),
    "BisectingKMeans": on_points(options="k=2"),
    "GaussianMixture": on_points(options="k=2"),
    "StringIndex": Facts(WORDS, "inputCol='text'", "text", "text", "inputCol='txt'"),
    "TfIdfInPlace": Facts(WORDS, "inputCol='text' and split=' '", "text", "text", "inputCol='txt'"),
    "ScalerInPlace": Facts(
        NUMBERS,
        "inputCols='x,y'",
        "array(x, y)",
        "array(x, y)",
        "inputCols='x,yy'",
        "select 'a' as x, 'b' as y",
    ),
    "SKLearn": Facts(
        NUMBERS, "inputCols='x,y' and fitParam.alg='GaussianNB'", "x, y", "prediction", "inputCols='x,yy'"
    ),
}
OFTEN_KEPT = ("NaiveBayes", "TfIdfInPlace")
KEPT = [pytest.param(name, marks=[] if name in OFTEN_KEPT else pytest.mark.slow) for name in FACTS]


def close(one, other):
    """Whether two answers are the same doubles, but for the last digits."""
    if one is None or other is None or isinstance(one, str | int):
        return one == other
    if isinstance(one, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    mine, theirs = (each.toArray() if hasattr(each, "toArray") else each for each in (one, other))
    return len(mine) == len(theirs) and all(map(close, map(float, mine), map(float, theirs)))


@pytest.mark.spark
@pytest.mark.parametrize("name", KEPT)
def test_a_function_answers_as_predict_does_in_every_version(run, name):
    """Trained twice, saved and loaded, registered from both versions; a version that is not there is told."""
    facts = FACTS[name]
    train = f"train t as {name}.`models/{name}` where {facts.options or 'keepVersion=true'};"
    predict = f"predict t as {name}.`models/{name}` as p;"
    run(f"{facts.table} as t; {train} {train} {predict}")
    predicted = run(f"select id, {facts.answer} as answer from p order by id as q;")
    for version in (0, 1):
        answered = run(f"""
register {name}.`models/{name}` as f where modelVersion="{version}";
select id, f({facts.arguments}) as answer from t order by id as q;
""")
        assert len(answered) == len(predicted) > 0
        for mine, theirs in zip(answered, predicted, strict=True):
            assert close(mine["answer"], theirs["answer"]), (mine, theirs)
    run("unregister f;")
    with pytest.raises(ScriptError, match="no version 9"):
        run(f'register {name}.`models/{name}` as f where modelVersion="9";')


@pytest.mark.spark
@pytest.mark.parametrize("name", KEPT)
def test_a_table_that_cannot_be_learnt_from_is_told_and_leaves_nothing(run, engine, name):
    """An empty one, a column that is not there, with the nearest, and one of another type."""
    facts, path = FACTS[name], f"models/bad_{name}"
    train = f"train u as {name}.`{path}` where"
    usual = facts.options or "keepVersion=true"
    run(f"{facts.table} as t; select * from t where id < 0 as u;")
    with pytest.raises(DataError, match=r"empty|no rows"):
        run(f"{train} {usual};")
    run("select * from t as u;")
    given = [each for each in usual.split(" and ") if each.split("=")[0] != facts.misspelt.split("=")[0]]
    with pytest.raises(MissingColumn) as told:
        run(f"{train} {' and '.join([*given, facts.misspelt])};")
    assert told.value.hint.startswith("did you mean")
    if facts.wrong is not None:
        run(f"{facts.wrong} as u;")
        with pytest.raises(ScriptError) as told:
            run(f"{train} {usual};")
        assert told.value.span is not None
    assert not (engine.settings.paths.root / path / "_model_0").exists()
