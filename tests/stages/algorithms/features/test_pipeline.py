"""A chain of stored steps as one function."""

import pytest

from mlsql.errors import MlsqlError

pytestmark = pytest.mark.spark

TEXTS = """
select id as n, concat(if(id % 2 = 0, 'good ', 'bad '), id % 3) as text, cast(id % 2 as int) as label
from range(30) as t;
train t as TfIdfInPlace.`m/t` where inputCol="text" and split=" " as vectors;
train vectors as SKLearn.`m/c` where featuresCol="text" and fitParam.0.alg="MultinomialNB" as models;
train t as StringIndex.`m/i` where inputCol="text" as indexed;
"""


def test_raw_text_in_label_out(scripts):
    """The chain gives what the model gives to what the step gives, with probabilities and parts."""
    rows = scripts.rows(
        TEXTS
        + """
        register SKLearn.`m/c` as g;
        register Pipeline.`` as f where steps="t:TfIdfInPlace:m/t, c:SKLearn:m/c";
        select f(text) as label, g(v.text) as by_hand, f_proba(text) as odds, g_proba(v.text) as odds_by_hand,
          f_t(t.text) as vector, v.text as trained, f(null) as none
        from t join vectors v using (n) as answers;
    """.replace("f(text)", "f(t.text)").replace("f_proba(text)", "f_proba(t.text)")
    )
    assert len(rows) == 30
    for row in rows:
        assert row["label"] == row["by_hand"]
        assert row["odds"] == row["odds_by_hand"]
        assert row["vector"] == row["trained"]
        assert row["none"] is None
    with pytest.raises(MlsqlError, match="step 'c' takes array<double>, step 'i' gives int"):
        scripts("register Pipeline.`` as h where steps='i:StringIndex:m/i, c:SKLearn:m/c';")
    with pytest.raises(MlsqlError, match="'h'"):
        scripts("select h('x') as one;").collect()
    scripts("unregister f;")
    assert not [name for name in scripts.run.session.functions if name.startswith("f")]


@pytest.mark.parametrize("steps", ["t", "t:TfIdfInPlace", "t:TfIdfInPlace:m,t:SKLearn:m", "a b:SKLearn:m"])
def test_steps_are_written_in_one_way(scripts, steps):
    """A name of its own, an algorithm and a path."""
    with pytest.raises(MlsqlError, match="takes steps as"):
        scripts(f"register Pipeline.`` as f where steps='{steps}';")
