"""Vectorisers of scikit-learn, which make numbers of texts, as plain steps."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from mlsql.bridge.trainers.plain_refusal import NoPlainForm
from mlsql.udf.predictors.plain.base import Step
from mlsql.udf.predictors.plain.counting import Analysis, Counted, Weighed
from mlsql.udf.predictors.plain.encoding import Blocks
from mlsql.udf.predictors.plain.preparation import Normalise, Project, Select
from mlsql.udf.predictors.plain.sparse import takes_sparse

Steps: TypeAlias = tuple[Step, ...]
_MOST_DENSE = 2048
"""Features of texts: so wide a matrix of 10,000 rows, as Spark gives them, takes 160 MB."""
_CODE = ("preprocessor", "tokenizer")


def counts(vectoriser: Any) -> Steps:
    """A CountVectorizer."""
    terms = sorted(vectoriser.vocabulary_, key=vectoriser.vocabulary_.__getitem__)
    return (Counted(_analysis(vectoriser), len(terms), tuple(terms), is_binary=vectoriser.binary),)


def weights(transformer: Any) -> Steps:
    """A TfidfTransformer, and the weights of a TfidfVectorizer."""
    rarity = getattr(transformer, "idf_", None)
    if rarity is not None and rarity.dtype != np.float64:
        raise NoPlainForm("weights of terms in single precision have no plain form")
    return (Weighed(bool(transformer.sublinear_tf), rarity), *_normalised(transformer.norm))


def tf_idf(vectoriser: Any) -> Steps:
    """A TfidfVectorizer."""
    return (*counts(vectoriser), *weights(vectoriser))


def hashes(vectoriser: Any) -> Steps:
    """A HashingVectorizer."""
    counted = Counted(
        _analysis(vectoriser),
        vectoriser.n_features,
        is_signed=bool(vectoriser.alternate_sign),
        is_binary=vectoriser.binary,
    )
    return (counted, *_normalised(vectoriser.norm))


def hashed_words(hasher: Any) -> Steps:
    """A FeatureHasher of words."""
    if hasher.input_type != "string":
        raise NoPlainForm(f"FeatureHasher has a plain form of words alone, not of a {hasher.input_type}")
    return (Counted(Analysis("given", (1, 1)), hasher.n_features, is_signed=bool(hasher.alternate_sign)),)


def _normalised(norm: Any) -> Steps:
    return () if norm is None else (Normalise(norm),)


def _analysis(vectoriser: Any) -> Analysis:
    """What its texts are made of; NoPlainForm where code of the user's own says it."""
    given = [name for name in _CODE if getattr(vectoriser, name) is not None]
    given += [name for name in ("analyzer", "strip_accents") if callable(getattr(vectoriser, name))]
    if given:
        raise NoPlainForm(
            f"the {given[0]} of {type(vectoriser).__name__} is a function, which has no plain form"
        )
    if vectoriser.input != "content":
        raise NoPlainForm(f"{type(vectoriser).__name__} reads its texts from a {vectoriser.input}")
    if np.dtype(vectoriser.dtype).kind == "f" and np.dtype(vectoriser.dtype) != np.float64:
        raise NoPlainForm(f"{type(vectoriser).__name__} computes in {np.dtype(vectoriser.dtype)}")
    is_of_words = vectoriser.analyzer == "word"
    return Analysis(
        unit=vectoriser.analyzer,
        n_grams=(int(vectoriser.ngram_range[0]), int(vectoriser.ngram_range[1])),
        pattern=vectoriser.token_pattern if is_of_words else "",
        lowers=bool(vectoriser.lowercase),
        accents=vectoriser.strip_accents or "kept",
        left_out=tuple(sorted(vectoriser.get_stop_words() or ())) if is_of_words else (),
    )


def expect_narrow(steps: Steps, model: Any) -> None:
    """NoPlainForm where sparse rows are too wide for a step that takes a matrix, or for the *model*."""
    _checked(_width_behind(steps), model)


def _width_behind(steps: Steps) -> int:
    """Of the sparse rows that *steps* make; 0 where they make a matrix."""
    width = 0
    for step in steps:
        _checked(width, step)
        if isinstance(step, Blocks):
            width = sum(_width_behind(each.steps) for each in step.blocks)
        elif isinstance(step, Counted):
            width = step.size
        elif isinstance(step, Select):
            width = min(width, len(step.positions))
        elif isinstance(step, Project) or not takes_sparse(step):
            width = 0
    return width


def _checked(width: int, by: Any) -> None:
    if width > _MOST_DENSE and not takes_sparse(by):
        name = type(by).__name__
        raise NoPlainForm(f"{width:,} features of texts are too many for {name}, which takes a matrix")
