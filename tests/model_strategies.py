"""What a manifest keeps of data and answers, as hypothesis draws it."""

from hypothesis import strategies as st

from mlsql.models.summaries import ClassDetail, ColumnSummary

NUMBER = st.floats(allow_nan=False)
VALUE = st.booleans() | st.integers() | NUMBER | st.text(max_size=6)
SHARES = st.lists(NUMBER, max_size=2).map(tuple)
COUNTS = st.lists(st.integers(0), max_size=2).map(tuple)
SUMMARIES = st.dictionaries(
    st.text(max_size=6),
    st.builds(
        ColumnSummary,
        type=st.sampled_from(["double", "string"]),
        count=st.integers(0),
        nulls=st.integers(0),
        min=st.none() | NUMBER,
        mean=st.none() | NUMBER,
        distinct=st.none() | st.integers(0),
        frequent=st.lists(st.tuples(VALUE, st.integers(1)), max_size=2).map(tuple),
    ),
    max_size=2,
)
DETAILS = st.builds(
    ClassDetail,
    classes=st.lists(VALUE, max_size=2).map(tuple),
    precision=SHARES,
    recall=SHARES,
    f1=SHARES,
    support=COUNTS,
    confusion=st.none() | st.lists(COUNTS, max_size=2).map(tuple),
)
