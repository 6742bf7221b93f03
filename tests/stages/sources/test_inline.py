from __future__ import annotations

import pytest

from mlsql.errors import DataError, UndefinedVariable

pytestmark = pytest.mark.spark


def test_lines_of_csv_in_a_variable_are_a_table(scripts):
    """With the options that reading CSV has, the separator for one."""
    rows = scripts.rows(
        """
        set lines='''
        name;pay
        ann;10
        "bob; jr";20
        ''';
        load csvStr.`lines` where header="true" and sep=";" and inferSchema="true"
          and ignoreLeadingWhiteSpace="true" as t;
        """
    )
    assert rows == [{"name": "ann", "pay": 10}, {"name": "bob; jr", "pay": 20}]


def test_a_variable_is_one_row(scripts):
    """Its text as it is, in the column content."""
    assert scripts.rows("set code='''def f(x):\n  return \"中\"''';load script.`code` as t;") == [
        {"content": 'def f(x):\n  return "中"'}
    ]


@pytest.mark.parametrize(
    ("script", "error", "message"),
    [
        ("load script.`code` as t;", UndefinedVariable, "'code' is not defined"),
        ("set lines=''; load csvStr.`lines` as t;", DataError, "holds no CSV"),
    ],
)
def test_what_a_variable_does_not_hold_is_an_error_at_its_name(scripts, script, error, message):
    """The path is the name of the variable."""
    with pytest.raises(error, match=message) as caught:
        scripts(script)
    assert caught.value.span.text.startswith("`")
