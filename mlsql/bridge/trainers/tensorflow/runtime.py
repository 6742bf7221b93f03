"""TensorFlow in this process: quiet, with the threads that it was given, and the same results each time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

MISSING = "TensorFlow is not installed"
INSTALL = "pip install 'mlsql[tensorflow]'"


def is_installed() -> bool:
    """Whether there is a TensorFlow to import; it is not imported."""
    return find_spec("tensorflow") is not None


def load() -> Any:
    """TensorFlow, imported with Keras, before any operation; calling it again changes nothing."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _quiet():
        import keras  # noqa: F401
        import tensorflow as tf
    tf.get_logger().setLevel("ERROR")
    return tf


def start() -> None:
    """Import TensorFlow, or take it as :func:`load` has left it; calling it again changes nothing.

    Operations are deterministic from now on. The processors are those of ``OMP_NUM_THREADS``,
    which the launcher shares out among its workers.
    """
    tf = load()
    threads = os.environ.get("OMP_NUM_THREADS")
    if threads is not None:
        tf.config.threading.set_intra_op_parallelism_threads(int(threads))
        tf.config.threading.set_inter_op_parallelism_threads(int(threads))
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)  # workers share it
    tf.config.experimental.enable_op_determinism()


@contextmanager
def _quiet() -> Iterator[None]:
    """What native code writes to the standard error while it is loaded is thrown away.

    Up to 2.21 no setting keeps it from telling of processors and graphics cards that are not there.
    """
    kept = os.dup(2)
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)
