"""The plain form of clusters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from mlsql.stages.algorithms.mllib.weights import StoredFit
from mlsql.stages.algorithms.spark_models import read_parts
from mlsql.udf.predictors.plain.base import PlainModel
from mlsql.udf.predictors.plain.clusters import Clusters, unit_length
from mlsql.udf.predictors.plain.mixtures import Bisection, Mixture

_COSINE = "cosine"
_EPSILON = 2.0**-52


def k_means(fit: StoredFit) -> PlainModel:
    """The centres."""
    centres, is_cosine = np.array(fit.model.clusterCenters()), fit.model.getDistanceMeasure() == _COSINE
    return Clusters(unit_length(centres) if is_cosine else centres, is_cosine)


def bisecting(fit: StoredFit) -> PlainModel:
    """The tree of centres, which only the stored model shows."""
    rows: dict[int, Any] = {row["index"]: row for row in read_parts(fit.folder / "data" / "data").to_pylist()}
    (told,) = (fit.folder / "data" / "metadata").glob("part-*")
    order, depth = _from_root(rows, json.loads(told.read_text(encoding="utf-8"))["rootId"])
    place = {index: number for number, index in enumerate(order)}
    children = [[place[each] for each in rows[index]["children"]] or [place[index]] * 2 for index in order]
    centres = np.array([_dense(rows[index]["center"]) for index in order])
    is_cosine = fit.model.getDistanceMeasure() == _COSINE
    return Bisection(
        centres=unit_length(centres) if is_cosine else centres,
        left=np.array([left for left, _ in children]),
        right=np.array([right for _, right in children]),
        numbers=np.array(order),
        depth=depth,
        is_cosine=is_cosine,
    )


def _from_root(rows: Mapping[int, Any], root: int) -> tuple[list[int], int]:
    """The nodes level by level, and how many levels lie below the root."""
    levels = [[root]]
    while below := [child for index in levels[-1] for child in rows[index]["children"]]:
        levels.append(below)
    return [index for level in levels for index in level], len(levels) - 1


def _dense(vector: Mapping[str, Any]) -> Any:
    """A vector as Spark stores it."""
    if vector["size"] is None:
        return np.array(vector["values"])
    dense = np.zeros(vector["size"])
    dense[vector["indices"]] = vector["values"]
    return dense


def mixture(fit: StoredFit) -> PlainModel:
    """The distributions, each with the inverse of its covariance's root."""
    parts = [(np.array(each.mean.toArray()), *_root(each.cov.toArray())) for each in fit.model.gaussians]
    means, roots, log_norms = (np.array(each) for each in zip(*parts, strict=True))
    return Mixture(np.array(fit.model.weights), means, roots, log_norms)


def _root(covariance: Any) -> tuple[Any, float]:
    """The inverse of the root, without directions of no variance, and the log of the density at the mean."""
    values, vectors = np.linalg.eigh(covariance)
    counted = values > _EPSILON * values.max() * len(values)
    log_determinant = np.log(values[counted]).sum()
    inverse = np.where(counted, 1.0 / np.sqrt(np.where(counted, values, 1.0)), 0.0)
    return inverse[:, None] * vectors.T, -0.5 * (len(values) * np.log(2.0 * np.pi) + log_determinant)
