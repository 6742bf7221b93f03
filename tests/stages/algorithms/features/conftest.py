"""A feature step tried out: its table, and that its function gives the same for each row."""

import pytest


@pytest.fixture
def fitted(scripts):
    """Trains a step on a table, and gives its table's rows when the function *call* gives *column* again.

    Rows come in the order in which the test has written them: nothing here shuffles them.
    """

    def fit(name, table, options, call, column):
        where = " and ".join(f'{key}="{value}"' for key, value in options.items())
        scripts(f"train {table} as {name}.`m/{name}` where {where} as made; register {name}.`m/{name}` as f;")
        rows = scripts("select * from made as rows;").collect()
        calls = scripts(f"select {call} as again from {table} as calls;").collect()
        assert [_exact(row[column]) for row in rows] == [_exact(row.again) for row in calls]
        return rows

    return fit


def _exact(value):
    """*value* so that NaN equals itself, and a sparse vector no dense one."""
    return repr(value)
