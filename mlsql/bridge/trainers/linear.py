"""The weights of a fitted linear model, where they are all that its answers depend on."""

from __future__ import annotations

from typing import Any

MOST_WEIGHTS = 256
"""Beyond so many, an expression in SQL is no gain over the estimator itself."""
_SCALES = (1e-3, 1.0, 1e3)
_ROWS = 32


def linear_weights(estimator: Any) -> dict[str, Any] | None:
    """Weights and intercept a row, with the classes of a classifier, as JSON holds them; else None.

    A classifier with one row tells its second class by a score above 0, one with more rows the class
    of the greatest score. That an estimator answers so is tried on rows of three magnitudes.
    """
    import numpy as np

    found = getattr(estimator, "coef_", None), getattr(estimator, "intercept_", None)
    if not isinstance(found[0], np.ndarray) or found[1] is None:
        return None
    weights = np.atleast_2d(found[0]).astype(float)
    classes = getattr(estimator, "classes_", None)
    if weights.size > MOST_WEIGHTS or len(weights) not in (1, 0 if classes is None else len(classes)):
        return None
    if np.size(found[1]) not in (1, len(weights)):
        return None
    intercepts = np.broadcast_to(np.asarray(found[1], float).ravel(), len(weights))
    if not (np.isfinite(weights).all() and np.isfinite(intercepts).all()):
        return None
    return _told(weights, intercepts, classes) if _is_all(estimator, weights, intercepts, classes) else None


def _is_all(estimator: Any, weights: Any, intercepts: Any, classes: Any) -> bool:
    """Whether the estimator answers by the weights."""
    import numpy as np

    random = np.random.default_rng(0)
    for scale in _SCALES:
        rows = random.normal(0, scale, (_ROWS, weights.shape[1]))
        scores, answers = rows @ weights.T + intercepts, estimator.predict(rows)
        if classes is None:
            is_same = np.allclose(scores[:, 0], answers, rtol=1e-9, atol=1e-9 * scale)
        else:
            places = scores.argmax(1) if len(weights) > 1 else (scores[:, 0] > 0).astype(int)
            is_same = bool((classes[places] == answers).all())
        if not is_same:
            return False
    return True


def _told(weights: Any, intercepts: Any, classes: Any) -> dict[str, Any]:
    return {
        "weights": weights.tolist(),
        "intercepts": intercepts.tolist(),
        "classes": None if classes is None else classes.tolist(),
    }
