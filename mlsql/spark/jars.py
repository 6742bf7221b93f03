"""Jars that a running Spark takes in, so that a connector needs no restart."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def has_class(spark: SparkSession, name: str) -> bool:
    """Whether Spark, as this thread sees it, has the class *name*."""
    from py4j.protocol import Py4JJavaError

    loader = _thread(spark).getContextClassLoader()
    try:
        loader.loadClass(name)
    except Py4JJavaError:
        return False
    return True


def use_jars(spark: SparkSession, jars: Iterable[Path]) -> None:
    """Make what *jars* hold known to all executors, and to this thread of the driver.

    Spark looks data sources and drivers up with the class loader of the calling thread. What other
    threads make of a table that was loaded here needs nothing: its classes are known by then.
    """
    here = spark.sparkContext._jsc.sc()
    added = {each.rpartition("/")[2] for each in _each(here.listJars())}
    for jar in jars:
        if jar.name not in added:
            spark._jsparkSession.sessionState().resourceLoader().addJar(str(jar))
    _thread(spark).setContextClassLoader(spark._jsparkSession.sharedState().jarClassLoader())


def _thread(spark: SparkSession) -> Any:
    jvm: Any = spark._jvm
    return jvm.java.lang.Thread.currentThread()


def _each(sequence: Any) -> list[str]:
    """The texts of a sequence of Scala."""
    return [sequence.apply(number) for number in range(sequence.length())]
