"""The matrix that an estimator gets: sparse where both are for it, and only what it can take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlsql.bridge.errors import DataFault
from mlsql.bridge.memory import check_fits
from mlsql.names import listed

if TYPE_CHECKING:
    from mlsql.bridge.dataset import Dataset, Matrix


def takes_sparse(estimator: Any) -> bool:
    """Whether *estimator* is fitted on a SciPy CSR as well as on a matrix."""
    from sklearn.utils import get_tags

    return bool(get_tags(estimator).input_tags.sparse)


def read_encoded(data: Dataset, front: Any, *, sparse: bool) -> tuple[Any, Matrix | None]:
    """The matrix and the labels of *data*, through the fitted encoder where there is one."""
    if front is None:
        return data.arrays(sparse=sparse)
    return front.transform(data.inputs()), data.labels()


def check_nulls(estimator: Any, data: Dataset) -> None:
    """Raise DataFault for nulls that are kept as NaN, when *estimator* takes none."""
    from sklearn.utils import get_tags

    if data.columns.invalid != "keep" or get_tags(estimator).input_tags.allow_nan:
        return
    numbers = [each.name for each in data.columns.features if each.type != "string"]
    nulls = [name for name in numbers if data.has_null(name)]
    if nulls:
        raise DataFault(
            f"{type(estimator).__name__} takes no NaN, which nulls in {listed(nulls)} are with "
            'handleInvalid="keep"; handleInvalid="skip" leaves such rows out'
        )


def check_width(estimator: Any, data: Dataset) -> None:
    """Raise DataFault when the categories of *data* make a matrix for *estimator* that does not fit."""
    import pyarrow.compute as pc

    if takes_sparse(estimator):
        return
    table = data.table()
    texts = [each.name for each in data.columns.features if each.type == "string"]
    width = len(data.columns.features) - len(texts)
    width += sum(pc.count_distinct(table.column(name), mode="all").as_py() for name in texts)
    check_fits(
        8 * data.rows * width,
        f"a matrix of {data.rows:,} rows with {width:,} features, mostly categories of {listed(texts)},",
        "leave out texts of many values, or choose an estimator that takes sparse matrices",
    )
