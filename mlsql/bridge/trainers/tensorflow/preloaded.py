"""Imports TensorFlow when it is imported itself: for the process that workers of networks are forked from.

An import starts no threads that compute and touches no graphics card; both begin with the first
operation, in the worker.
"""

from __future__ import annotations

from mlsql.bridge.trainers.tensorflow.runtime import load

load()
