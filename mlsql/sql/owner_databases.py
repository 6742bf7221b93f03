"""The database of Spark's catalog that is an owner's: its name, and whose database a name is."""

from __future__ import annotations

CATALOG = "spark_catalog"
"""What Spark calls its own catalog; another one holds nothing that is an owner's."""
_PREFIX = "mlsql_"
_ESCAPES = str.maketrans({"_": "__", ".": "_d", "-": "_h"})


def database_of(owner: str) -> str:
    """The name of an owner's database; two owners never share one.

    >>> database_of("ann"), database_of("a.b_c-d")
    ('mlsql_ann', 'mlsql_a_db__c_hd')
    """
    return _PREFIX + owner.translate(_ESCAPES)
