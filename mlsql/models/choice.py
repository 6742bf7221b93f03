"""Which candidate of a stored version answers: a number, a metric, or the best by the usual one."""

from __future__ import annotations

from mlsql.errors import DataError
from mlsql.models.manifest import METRICS, USUAL_METRICS, CandidateRecord, StoredModel, best_of
from mlsql.names import listed


def choose(stored: StoredModel, *, index: int | None = None, metric: str | None = None) -> CandidateRecord:
    """The candidate that answers for a model: *index*, else the best by *metric*.

    Without either, the best by the usual metric of its kind (f1, rmse, silhouette), or the first
    that succeeded when that was not computed.
    """
    if index is not None:
        return _candidate(stored, index)
    succeeded = [each for each in stored.manifest.candidates if each.status == "success"]
    if not succeeded:
        raise DataError(f"no candidate of {stored.ref} succeeded", hint=_messages(stored))
    computed = {name for each in succeeded for name in each.metrics if name in METRICS}
    wanted = metric or USUAL_METRICS.get(stored.manifest.kind)
    best = best_of(succeeded, wanted) if wanted in computed else None
    if best is not None:
        return best
    if metric is not None:
        hint = f"computed were {listed(computed)}" if computed else "evaluateTable in its train computes some"
        raise DataError(f"the metric '{metric}' was not computed for {stored.ref}", hint=hint)
    return succeeded[0]


def _candidate(stored: StoredModel, index: int) -> CandidateRecord:
    by_index = {each.index: each for each in stored.manifest.candidates}
    if index not in by_index:
        known = ", ".join(map(str, by_index))
        raise DataError(f"{stored.ref} has no candidate {index}", hint=f"it has {known}")
    candidate = by_index[index]
    if candidate.status == "fail":
        raise DataError(f"candidate {index} of {stored.ref} failed: {candidate.message}")
    if candidate.status != "success":
        kept = ", ".join(str(each.index) for each in by_index.values() if each.status == "success")
        raise DataError(
            f"candidate {index} of {stored.ref} was {candidate.status}, not stored",
            hint=f"stored is {kept}; train candidate {index} alone to have it",
        )
    return candidate


def _messages(stored: StoredModel) -> str:
    return "; ".join(f"{each.index}: {each.message}" for each in stored.manifest.candidates)
