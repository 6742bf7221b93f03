"""Texts and their numbers."""

import pytest

pytestmark = pytest.mark.spark


def test_texts_are_numbered_and_named_again(scripts):
    """The most frequent is 0, of equals the first; what is new is -1; null is null."""
    scripts.table("t", [("b",), ("a",), ("c",), ("b",), (None,)], "label string")
    rows = scripts.rows("""
        train t as StringIndex.`m` where inputCol="label" and outputCol="number" as indexed;
        register StringIndex.`m` as f;
        select label, number, f(label) as again, f_r(number) as text, f("new") as unseen,
            f_array(array("c", null)) as numbers, f_rarray(array(0, 9)) as texts from indexed as all;
    """)
    assert [(row["label"], row["number"], row["again"], row["text"]) for row in rows] == [
        ("b", 0, 0, "b"),
        ("a", 1, 1, "a"),
        ("c", 2, 2, "c"),
        ("b", 0, 0, "b"),
        (None, None, None, None),
    ]
    assert rows[0]["unseen"] == -1
    assert rows[0]["numbers"] == [2, -1]
    assert rows[0]["texts"] == ["b", None]
