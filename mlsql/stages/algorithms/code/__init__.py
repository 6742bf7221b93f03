"""Code of the user's own in SQL: functions written in Python or compiled for Java, tables made by Python."""

from __future__ import annotations

from mlsql.registry import Registry
from mlsql.stages.algorithms.base import Algorithm
from mlsql.stages.algorithms.code.java_udf import JavaUdf
from mlsql.stages.algorithms.code.python_step import PythonStep
from mlsql.stages.algorithms.code.script_udf import ScriptUdf


def add_to(registry: Registry[Algorithm]) -> None:
    """Add what brings code."""
    registry.add("ScriptUDF", ScriptUdf())
    registry.add("JavaUDF", JavaUdf())
    registry.add("PythonStep", PythonStep())
