"""Models of Spark ML that Spark itself answers: nulls, widths, labels, owners, compiled or interpreted."""

import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from pyspark.ml import PipelineModel
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.linalg import Vectors, VectorUDT
from pyspark.sql.types import ArrayType, DoubleType, IntegerType, StructType

from mlsql.models.manifest import CandidateRecord, Column, DataRecord, Manifest, ModelRef, StoredModel
from mlsql.session import Session
from mlsql.spark.sessions import own_session
from mlsql.udf.catalyst import Functions
from mlsql.udf.companions import register_functions
from mlsql.udf.spark_answers import SparkAnswers

pytestmark = pytest.mark.spark

DENSE = [[float(number % 5), float(number % 3) - 1.0] for number in range(12)]
INTERPRETED = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}


@pytest.fixture(scope="module")
def fitted(spark):
    """A logistic regression of two features."""
    rows = [(Vectors.dense(row), float(row[0] > 2)) for row in DENSE]
    frame = spark.createDataFrame(rows, ["features", "label"]).coalesce(1)
    return LogisticRegression(maxIter=3, regParam=0.1).fit(frame)


@pytest.fixture(scope="module")
def stored(fitted, tmp_path_factory):
    """What a train stores of it; its labels are texts."""
    path = tmp_path_factory.mktemp("model")
    PipelineModel([fitted]).write().save((path / "_model_0" / "model" / "0" / "sparkml").as_uri())
    times = {"started": "", "ended": "", "seconds": 0.0, "rows": 12}
    candidate = CandidateRecord(
        index=0,
        algorithm="LogisticRegression",
        params={},
        status="success",
        metrics={"logLoss": 0.5},  # which says that there are probabilities
        **times,
    )
    manifest = Manifest(
        algorithm="LogisticRegression",
        kind="classifier",
        form="features",
        inputs=(Column("features", "array<double>"),),
        features=2,
        output="string",
        classes=("it's", "b\\n"),
        candidates=(candidate,),
        data=DataRecord(rows=12, bytes=1, checksum="", transport="spark"),
    )
    return StoredModel(ModelRef(str(path), 0), manifest)


def register(session, stored, **facts):
    """Make ``f`` and its companions in a session."""
    model = StoredModel(stored.ref, replace(stored.manifest, **facts))
    answering = SparkAnswers.of(session, Functions(session), model)
    assert answering is not None
    register_functions(Session("ann", session), "f", model, model.manifest.candidates[0], answering)


@pytest.fixture
def rows(session):
    """A table of the same features as an array ``a``, a dense vector ``v`` and a sparse one ``s``."""
    schema = StructType().add("n", IntegerType()).add("a", ArrayType(DoubleType()))
    given = [
        (number, row, Vectors.dense(row), Vectors.sparse(2, {i: x for i, x in enumerate(row) if x}))
        for number, row in enumerate(DENSE)
    ]
    nothing = [(12, None, None, None), (13, [1.0, None], None, None)]
    frame = session.createDataFrame(given + nothing, schema.add("v", VectorUDT()).add("s", VectorUDT()))
    frame.coalesce(1).createOrReplaceTempView("rows")


@pytest.mark.parametrize("settings", [{}, INTERPRETED], ids=["compiled", "interpreted"])
def test_the_answers_are_those_of_spark_however_expressions_are_run(session, rows, fitted, stored, settings):
    """Arrays, dense and sparse vectors alike, labels as they were; a null anywhere gives null."""
    for name, value in settings.items():
        session.conf.set(name, value)
    register(session, stored)
    calls = [f"f{kind}({each})" for kind in ("", "_proba", "_all") for each in ("a", "v", "s")]
    told = session.sql(f"select {', '.join(calls)} from rows order by n").collect()
    assert set(map(tuple, told[len(DENSE) :])) == {(None,) * 9}
    for row, features in zip(told, DENSE, strict=False):
        expected = fitted.predictProbability(Vectors.dense(features)).toArray()
        label = stored.manifest.classes[int(fitted.predict(Vectors.dense(features)))]
        assert row[:3] == (label,) * 3
        np.testing.assert_allclose(row[3:6], [expected] * 3, rtol=1e-12)
        assert [[tuple(each) for each in every] for every in row[6:]] == [[(0, label)]] * 3


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("array(1D)", "f takes 2 features, not 1 as in one of the rows"),
        ("vec_dense(array(1, 2, 3))", "f takes 2 features, not 3 as in one of the rows"),
        ("vec_sparse(4, map(1, 2D))", "f takes 2 features, not 4 as in one of the rows"),
        ("array(1D, double('nan'))", "feature 2 is NaN or infinite, of which this model can make nothing"),
        ("array(double('infinity'), double('-infinity'))", "feature 1 is NaN or infinite"),
        ("vec_sparse(2, map(1, double('-infinity')))", "feature 2 is NaN or infinite"),
    ],
)
def test_what_a_model_cannot_answer_is_told(session, stored, given, told):
    """The width that it takes, or the feature that is no number."""
    register(session, stored)
    with pytest.raises(Exception, match=re.escape(told)):
        session.sql(f"select f({given})").collect()


def test_columns_are_put_together(session, stored):
    """By position or by name, of any type of number; one null makes the answer null."""
    register(session, stored, form="columns", inputs=(Column("a b", "double"), Column("c", "int")))
    row = session.sql("select f(4, 1), f(c => 1L, `a b` => 4bd), f_proba(4, 1)[0] < 0.5, f(null, 1)").first()
    assert tuple(row) == ("b\\n", "b\\n", True, None)


def test_each_owner_has_functions_of_its_own_over_the_same_model(spark, session, stored, builtin_functions):
    """They stand wherever SQL takes an expression: the same call twice is the same expression."""
    other = own_session(spark)
    builtin_functions.register(other)
    for each in (session, other):
        register(each, stored)
        counted = each.sql("select f(array(id, 0)) as label, count(*) from range(6) group by f(array(id, 0))")
        assert sum(row[1] for row in counted.collect()) == 6


def test_numbers_as_labels_have_the_type_that_they_had(session, stored):
    """As the manifest says."""
    register(session, stored, classes=(7, 9), output="bigint")
    row = session.sql("select f(array(4, 0)) as label, f_all(array(0, 0)).answer as labels").first()
    assert (row.label, row.labels) == (9, [7])
    assert session.sql("select typeof(f(array(4, 0)))").first()[0] == "bigint"


def test_a_model_that_was_changed_since_is_not_asked(session, stored, tmp_path):
    """Its files are those of the registration."""
    copied = StoredModel(ModelRef(str(tmp_path / "copy"), 0), stored.manifest)
    shutil.copytree(stored.ref.path, copied.ref.path)
    register(session, copied)
    for part in (tmp_path / "copy").rglob("part-00000*"):
        part.write_bytes(b"{}")
    with pytest.raises(Exception, match="is not what it was when its function was registered"):
        session.sql("select f(array(1, 2))").collect()
