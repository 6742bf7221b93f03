"""Classes of ours in Java, compiled in the driver by the compiler that Spark brings along."""

from __future__ import annotations

import uuid
from importlib.resources import files
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

USES_WORTH_IT = 20
"""What saves a call or two of Java pays for its compiling after about so many uses."""


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


class CompiledLater:
    """An instance of the class *name* from the use number *after* on; threads may share it."""

    def __init__(self, name: str, after: int) -> None:
        self._name, self._left = name, after
        self._lock = Lock()
        self._instance: Any = None

    def of(self, spark: SparkSession) -> Any:
        """The instance; None as long as it is not worth it."""
        with self._lock:
            self._left -= 1
            if self._instance is None and self._left < 0:
                self._instance = compiled(spark, self._name)
            return self._instance
