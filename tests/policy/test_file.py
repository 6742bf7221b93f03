"""Table permissions from a YAML file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsql.errors import ConfigError, Refused
from mlsql.policy.file import FilePermissions, read_policy_file
from mlsql.policy.permissions import OPERATIONS, Access, OwnTables
from mlsql.roles import Role

GUIDE = Path(__file__).parents[2] / "docs" / "security.md"
POLICY = """\
databases:
  sales:
    readers: {owners: [ann, team-*], roles: [operator]}
    writers: {owners: [etl]}
deny:
  - tables: [sales.customers]
    columns: [phone, e*mail]
  - owners: [intern-*]
    operations: [train, predict]
  - roles: [analyst]
    sources: [jdbc]
    tables: [crm.*]
"""


@pytest.fixture
def read(tmp_path):
    """The permissions of a text."""

    def read_text(text):
        file = tmp_path / "policy.yaml"
        file.write_text(text)
        return read_policy_file(file)

    return read_text


def access(operation="select", table="sales.regions", *, owner="ann", role=Role.ANALYST, **more):
    """What a step is about to do; a table of a database by its name."""
    database = table.partition(".")[0] if more.get("source", "table") == "table" and "." in table else None
    return Access(owner, role, operation, more.pop("source", "table"), table, database, **more)


def may(permissions, asked):
    """Whether it is permitted."""
    try:
        permissions.check(asked)
    except Refused:
        return False
    return True


@pytest.mark.parametrize(
    ("asked", "permitted"),
    [
        (access(), True),
        (access(owner="team-7"), True),
        (access(owner="bob"), False),
        (access(owner="bob", role=Role.OPERATOR), True),
        (access(owner="etl"), True),
        (access("save", owner="etl"), True),
        (access("save"), False),
        (access("save", owner="bob", role=Role.OPERATOR), False),
        (access(table="other.t"), False),
        (access(table="own"), True),
        (access("save", table="own"), True),
        (access(table="sales.customers", columns=("name",)), True),
        (access(table="sales.customers", columns=()), True),
        (access(table="sales.customers", columns=("name", "PHONE")), False),
        (access(table="sales.customers", columns=("e_mail",)), False),
        (access(table="sales.customers"), False),
        (access("train", table="m", source="SKLearn", owner="intern-1"), False),
        (access("load", table="m", source="csv", owner="intern-1"), True),
        (access("load", table="crm.users", source="JDBC"), False),
        (access("load", table="crm.users", source="jdbc", role=Role.OPERATOR), True),
        (access("load", table="shop.users", source="jdbc"), True),
    ],
)
def test_the_file_says_who_may_what(asked, permitted, read):
    """Shared databases are closed unless they are opened, own things open unless they are denied."""
    assert may(read(POLICY), asked) == permitted


def test_a_refusal_tells_what_and_how_to_go_on(read):
    """The columns by name."""
    with pytest.raises(
        Refused, match=r"'ann' may not select 'sales\.customers' with the columns 'phone'"
    ) as told:
        read(POLICY).check(access(table="sales.customers", columns=("phone", "name")))
    assert told.value.hint is None
    with pytest.raises(Refused) as told:
        read(POLICY).check(access(table="sales.customers"))
    assert "without *" in told.value.hint


def test_columns_are_asked_for_only_where_they_matter(read):
    """To know them, Spark has to analyse the query."""
    permissions = read(POLICY)
    assert permissions.judges_columns(access(table="sales.customers"))
    assert not permissions.judges_columns(access())
    assert not OwnTables().judges_columns(access())


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("databases:\n  sales:\n    reader: {owners: [a]}\n", 3, "did you mean 'readers'"),
        ("database: {}\n", 1, "did you mean 'databases'"),
        ("deny:\n  - owner: [a]\n", 2, "did you mean 'owners'"),
        ("deny:\n  - roles: [admin]\n", 2, "no role is called 'admin'"),
        ("deny:\n  - operations: [read]\n", 2, "no operation is called 'read'"),
        ("deny:\n  - tables: a\n", 2, "are a list"),
        ("deny:\n  - tables: [[a]]\n", 2, "a text is wanted"),
        ("deny:\n  tables: [a]\n", 2, "deny are a list"),
        ("deny: []\ndeny: []\n", 2, "stands there twice"),
        ("- a\n", 1, "a policy is a mapping"),
        ("a: [\n", 2, "no YAML"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text, line, words, read):
    """When the service starts; nothing that nobody reads stands in it."""
    with pytest.raises(ConfigError, match=rf"policy\.yaml:{line}: .*{re.escape(words)}"):
        read(text)


def test_an_empty_file_opens_and_denies_nothing(read):
    """As without one."""
    assert read("# nothing yet\n") == FilePermissions()


def test_a_file_that_is_not_there_is_told(tmp_path):
    """By its name."""
    with pytest.raises(ConfigError, match=r"'.*policy\.yaml' cannot be read"):
        read_policy_file(tmp_path / "policy.yaml")


@given(
    owner=st.sampled_from(["ann", "bob", "etl", "intern-1"]),
    operation=st.sampled_from(OPERATIONS),
    table=st.sampled_from(["own", "sales.regions", "sales.customers", "other.t"]),
    role=st.sampled_from(list(Role)),
)
def test_a_file_only_opens_what_it_names(owner, operation, table, role, tmp_path_factory):
    """Whatever a file denies, without it nothing more of others' is open than with it."""
    file = tmp_path_factory.mktemp("policy") / "policy.yaml"
    file.write_text(POLICY)
    asked = access(operation, table, owner=owner, role=role)
    if asked.database not in (None, "sales"):
        assert not may(read_policy_file(file), asked)
    assert may(OwnTables(), asked) == (asked.database is None)


def test_the_file_of_the_guide_says_what_the_guide_says(read):
    """The example is read as it stands there."""
    example = re.search(r"^```yaml\n(.*?)^```$", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    permissions = read(example[1])
    assert may(permissions, access(table="sales.customers", columns=("name",)))
    assert not may(permissions, access(table="sales.customers", columns=("phone",)))
    assert not may(permissions, access("load", table="crm.users", source="jdbc"))
    assert not may(permissions, access("save"))
    assert not may(permissions, access(table="hr.people"))
