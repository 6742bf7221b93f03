"""Functions of SQL in classes on Spark's class path."""

from __future__ import annotations

import base64
from zipfile import ZipFile

import pytest

from mlsql.errors import ScriptError

CLASS = (
    "yv66vgAAAD0AIQoAAgADBwAEDAAFAAYBABBqYXZhL2xhbmcvT2JqZWN0AQAGPGluaXQ+AQADKClWCgAIAAkHAAoMAAsADAEA"
    "EWphdmEvbGFuZy9JbnRlZ2VyAQAIaW50VmFsdWUBAAMoKUkKAAgADgwADwAQAQAHdmFsdWVPZgEAFihJKUxqYXZhL2xhbmcv"
    "SW50ZWdlcjsKABIAEwcAFAwAFQAWAQANZXhhbXBsZS9Ud2ljZQEABGNhbGwBACgoTGphdmEvbGFuZy9JbnRlZ2VyOylMamF2"
    "YS9sYW5nL0ludGVnZXI7BwAYAQAib3JnL2FwYWNoZS9zcGFyay9zcWwvYXBpL2phdmEvVURGMQEABENvZGUBAA1TdGFja01h"
    "cFRhYmxlAQAmKExqYXZhL2xhbmcvT2JqZWN0OylMamF2YS9sYW5nL09iamVjdDsBAApFeGNlcHRpb25zBwAeAQATamF2YS9s"
    "YW5nL0V4Y2VwdGlvbgEACVNpZ25hdHVyZQEAXkxqYXZhL2xhbmcvT2JqZWN0O0xvcmcvYXBhY2hlL3NwYXJrL3NxbC9hcGkv"
    "amF2YS9VREYxPExqYXZhL2xhbmcvSW50ZWdlcjtMamF2YS9sYW5nL0ludGVnZXI7PjsAMQASAAIAAQAXAAAAAwABAAUABgAB"
    "ABkAAAARAAEAAQAAAAUqtwABsQAAAAAAAQAVABYAAQAZAAAAKwACAAIAAAASK8cABwGnAAwFK7YAB2i4AA2wAAAAAQAaAAAA"
    "BwACCEgHAAgQQQAVABsAAgAZAAAAFQACAAIAAAAJKivAAAi2ABGwAAAAAAAcAAAABAABAB0AAQAfAAAAAgAg"
)
"""What javac --release 17 -g:none makes of this, for machines that have none::

    package example;

    public final class Twice implements org.apache.spark.sql.api.java.UDF1<Integer, Integer> {
        public Integer call(Integer number) { return number == null ? null : 2 * number; }
    }
"""


@pytest.fixture
def jar(tmp_path_factory):
    """The class in a jar."""
    path = tmp_path_factory.mktemp("jar") / "twice.jar"
    with ZipFile(path, "w") as jar:
        jar.writestr("example/Twice.class", base64.b64decode(CLASS))
    return path


@pytest.mark.spark
def test_a_class_is_a_function(scripts, jar):
    """With the type that it declares, and as many arguments as its interface says."""
    scripts.run.spark._jsparkSession.sessionState().resourceLoader().addJar(str(jar))
    shown = scripts.rows("register JavaUDF.`example.Twice` as twice;")
    assert shown[0]["signature"] == "twice(a1 any) -> int"
    assert [row["t"] for row in scripts.rows("select twice(int(21)) as t as answer;")] == [42]
    scripts("unregister twice;")
    with pytest.raises(ScriptError, match="no function is called 'twice'"):
        scripts("select twice(1) as t as answer;")


@pytest.mark.spark
def test_a_class_that_is_none_is_told(scripts):
    """One that is not there, one that is no function, and none at all."""
    with pytest.raises(ScriptError, match=r"Can not load class example\.Missing"):
        scripts("register JavaUDF.`example.Missing` as f;")
    with pytest.raises(ScriptError, match="UDF interface"):
        scripts("register JavaUDF.`java.lang.String` as f;")
    with pytest.raises(ScriptError, match="no class is named"):
        scripts("register JavaUDF.`` as f;")
    with pytest.raises(ScriptError, match="'upper' is a function of Spark"):
        scripts("register JavaUDF.`java.lang.String` as upper;")
    assert scripts.run.session.functions == {}
