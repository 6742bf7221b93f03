"""Models that are tables of what was learnt of each thing: factors of users and items, ranks of vertices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlsql.udf.predictors.plain.base import AnswersOnly, Features


@dataclass(frozen=True, slots=True)
class Factors(AnswersOnly):
    """The product of the factors of a user and an item; NaN for one that was not there in training."""

    users: Any
    """Their numbers, ascending."""
    items: Any
    user_factors: Any
    """Users × rank, in single precision, as Spark ML computes."""
    item_factors: Any

    def predict(self, features: Features) -> Any:
        """The scores of rows with a user and an item."""
        user, item = _places(self.users, features[..., 0]), _places(self.items, features[..., 1])
        products = (self.user_factors[user] * self.item_factors[item]).sum(axis=-1, dtype=np.float32)
        known = (self.users[user] == features[..., 0]) & (self.items[item] == features[..., 1])
        return np.where(known, products.astype(np.float64), np.nan)


@dataclass(frozen=True, slots=True)
class Lookup(AnswersOnly):
    """The number that belongs to a key; NaN for a key that was not there in training."""

    keys: Any
    """Ascending."""
    values: Any

    def predict(self, features: Features) -> Any:
        """The numbers; texts come as the one column that there is, numbers as a matrix of one."""
        wanted = (
            features[..., 0]
            if isinstance(features, np.ndarray)
            else np.asarray(features[0], dtype=self.keys.dtype)
        )
        place = _places(self.keys, wanted)
        return np.where(self.keys[place] == wanted, self.values[place], np.nan)


def _places(keys: Any, wanted: Any) -> Any:
    """Where each of *wanted* is among *keys*, if it is there."""
    return np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
