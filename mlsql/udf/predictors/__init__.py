"""Predictors: stored models that answer without Spark, one module a family; none imports pyspark."""
