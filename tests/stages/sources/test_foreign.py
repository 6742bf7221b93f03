from __future__ import annotations

import pytest

from mlsql import stages
from mlsql.errors import ConfigError, Refused, ScriptError, UnknownName
from mlsql.interpreter import Interpreter
from mlsql.models.store import PathModelStore
from mlsql.policy.policy import Caller, Policy
from mlsql.roles import Role

pytestmark = pytest.mark.spark
CSV = "org.apache.spark.sql.execution.datasources.csv.CSVFileFormat"


@pytest.fixture
def table(scripts):
    """A folder of CSV."""
    scripts('select 1 as id, "ann" as name as t; save t as csv.`users` where header="true";')


def allow(scripts, *formats):
    """Have the operator allow these formats."""
    scripts.interpreter = Interpreter(stages.builtins(PathModelStore(), formats=formats))


@pytest.mark.parametrize("load", [f"`{CSV}`.`{{}}` where", f"users.`{{}}` where implClass='{CSV}' and"])
def test_a_class_is_a_format(scripts, table, load):
    """By its name, or by the option implClass; its options are passed on."""
    path = scripts.path / "users"
    assert scripts.rows(f"load {load.format(path)} header='true' as t;") == [{"id": "1", "name": "ann"}]


def test_a_format_that_the_operator_allows_is_one(scripts, table):
    """And what it writes can be read."""
    with pytest.raises(UnknownName, match="no source is called 'noop'"):
        scripts("save command as noop.``;")
    allow(scripts, "noop", "csv")
    (row,) = scripts.rows("save overwrite command as noop.``;")
    assert (row["format"], row["rows"]) == ("noop", None)


@pytest.mark.parametrize("name", ["es", "mongo", "redis", "hbase", "solr"])
def test_a_store_without_its_connector_names_the_package(scripts, name):
    """And the setting that brings it."""
    with pytest.raises(ConfigError, match=f"no release of the connector '{name}'") as caught:
        scripts(f"load {name}.`orders` as t;")
    assert "connectors.packages" in caught.value.hint
    assert caught.value.span.text == "`orders`"


@pytest.mark.parametrize(
    ("script", "error", "message"),
    [
        ("load `com.example.Nothing`.`x` as t;", ConfigError, "nothing that reads and writes"),
        ("load kafkaa.`x` as t;", UnknownName, "no source is called 'kafkaa'"),
        (f"load `{CSV}`.`x` where path='/etc' as t;", ScriptError, "stands behind the format"),
        ("load es.`x` where `mongo.y`='1' as t;", ScriptError, "es has no option 'mongo.y'"),
    ],
)
def test_a_mistake_is_told_where_it_stands(scripts, script, error, message):
    """With what to do where we know."""
    with pytest.raises(error, match=message) as caught:
        scripts(script)
    assert caught.value.span is not None


class TestInTheService:
    """Owners are apart: a class is code, and a store an address."""

    @pytest.fixture(autouse=True)
    def service(self, scripts):
        """The policy of an analyst; the operator allows one format."""
        caller = Caller("ann", Role.ANALYST)
        scripts.run.policy = Policy(scripts.path, formats=("lines",), caller=caller)
        allow(scripts, "lines")

    @pytest.mark.parametrize(
        "script",
        [
            f"load `{CSV}`.`users` as t;",
            f"load users.`users` where implClass='{CSV}' as t;",
            f"load lines.`users` where implClass='{CSV}' as t;",
            "load es.`orders` as t;",
            f"save command as `{CSV}`.`users`;",
        ],
    )
    def test_only_what_is_allowed_is_passed_on(self, scripts, script):
        """Whatever way it is named."""
        with pytest.raises(Refused, match="may not be used here"):
            scripts(script)

    @pytest.mark.parametrize(
        "load",
        [
            "lines.`../bob`",
            "lines.`x` where `schema.location`='/../bob'",
            "lines.`x` where dir='s3a://b/x'",
        ],
    )
    def test_paths_stay_below_the_root(self, scripts, load):
        """In options too."""
        with pytest.raises(Refused, match="leads out"):
            scripts(f"load {load} as t;")
