"""Classes of ours in Java, compiled in the driver by the compiler that Spark brings along."""

from __future__ import annotations

import uuid
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def compiled(spark: SparkSession, name: str) -> Any:
    """An instance of the class *name*, whose text is the file ``NAME.java`` beside this one.

    Py4J remembers methods by the name of their class, so no two that are compiled may have the same.
    """
    jvm: Any = spark._jvm
    unique = f"{name}{uuid.uuid4().hex}"
    compiler = jvm.org.codehaus.janino.SimpleCompiler()
    compiler.setParentClassLoader(jvm.Thread.currentThread().getContextClassLoader())
    compiler.cook(files("mlsql.spark").joinpath(f"{name}.java").read_text("utf-8").replace(name, unique))
    return compiler.getClassLoader().loadClass(unique).getConstructors()[0].newInstance(None)
