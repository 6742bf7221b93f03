"""The policy: which paths are allowed, and what they resolve to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsql.config.settings import (
    IncludeSettings,
    JdbcSettings,
    PathSettings,
    RoleSettings,
    SecuritySettings,
    Settings,
)
from mlsql.errors import Refused, ScriptError
from mlsql.policy.policy import Policy
from mlsql.roles import Role
from mlsql.spans import Script


@pytest.fixture
def root(tmp_path):
    """A root with a folder, a file, and symbolic links that stay and that leave."""
    inside = tmp_path / "root"
    (inside / "data").mkdir(parents=True)
    (inside / "data" / "a.csv").write_text("x")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.csv").write_text("x")
    (inside / "data" / "stays").symlink_to(inside / "data")
    (inside / "leaves").symlink_to(outside)
    return inside


def test_at_the_machine_any_path_is_allowed_and_made_absolute(tmp_path):
    """Relative ones start at the working folder."""
    policy = Policy(working_directory=tmp_path)
    assert policy.path("a/../b.csv") == f"{tmp_path}/b.csv"
    assert policy.path("/etc/hosts") == "/etc/hosts"
    assert policy.path("~/x") == str(Path.home() / "x")


@pytest.mark.parametrize("uri", ["hdfs://nn:8020/a", "s3a://bucket/a", "hdfs:/a"])
def test_at_the_machine_other_file_systems_are_left_as_they_are(uri):
    """Spark knows what to do with them."""
    assert Policy().path(uri) == uri


@pytest.mark.parametrize("uri", ["file:/a/b", "file:///a/b", "file://localhost/a/b"])
def test_a_file_uri_keeps_its_scheme_for_spark_and_loses_it_for_models(uri):
    """Spark may have another default file system; a model lies in a folder."""
    assert Policy().path(uri) == "file:///a/b"
    assert Policy().path(uri, purpose="model") == "/a/b"


def test_patterns_and_lists_stay_as_they_are_written():
    """They are Spark's to expand; only the start is made absolute."""
    assert Policy(working_directory=Path("/w")).path("{a,b/../c}/*.csv") == "/w/{a,b/../c}/*.csv"


def test_an_empty_path_is_refused_where_one_is_needed():
    """And is the answer where none is."""
    span = Script("a.mlsql", "load csv.`` as t;").span(5, 11)
    with pytest.raises(ScriptError, match="the path is empty") as caught:
        Policy().path(" ", span=span)
    assert caught.value.span is span
    assert Policy().path(" ", needed=False) == ""


def test_nul_is_refused():
    """No file system has it, and a C library would cut the path there."""
    with pytest.raises(ScriptError, match="NUL"):
        Policy().path("/a\0/b")


@pytest.mark.parametrize("text", ["data/a.csv", "/data/a.csv", "data//b/../a.csv", "file:/data/a.csv"])
def test_below_a_root_paths_start_there(root, text):
    """An absolute path is taken from the root too."""
    assert Policy(root).path(text, purpose="model") == f"{root}/data/a.csv"


def test_a_path_that_is_below_the_root_already_is_taken_as_it_is(root):
    """A result can be used as the next input."""
    assert Policy(root).path(f"{root}/data/a.csv") == f"{root}/data/a.csv"


@pytest.mark.parametrize(
    "text", ["/data/stays/a.csv", "data/*.csv", "data/{a,b}.csv", "new/file", "/", "a,b.csv"]
)
def test_what_stays_below_the_root_is_allowed(root, text):
    """Links, patterns, lists and new files, as long as they stay."""
    assert Policy(root).path(text).startswith(str(root))


@pytest.mark.parametrize(
    "text",
    [
        "../outside/secret.csv",
        "/../outside/secret.csv",
        "data/../../outside/secret.csv",
        "leaves/secret.csv",
        "leaves",
        "leaves/new",
        "le*/secret.csv",
        "[l]eaves/secret.csv",
        "*/secret.csv",
        "{leaves,data}/secret.csv",
        "{data,..}/outside/secret.csv",
        "{data,{..,x}}/outside",
        "data/a.csv,/etc/passwd",
        "data/a.csv,../outside/secret.csv",
        "x{,/etc/passwd",
        "x},/etc/passwd{",
        "%2e%2e/outside/secret.csv",
        "%252e%252e/outside/secret.csv",
        "data/%2e%2e%2f%2e%2e%2foutside",
        "file:../outside/secret.csv",
        "hdfs://nn/a",
        "s3a://bucket/a",
        "data/a.csv,hdfs://nn/a",
        "jar:file:/etc/passwd",
        "{,a}" * 12,
    ],
)
def test_what_could_leave_the_root_is_refused(root, text):
    """Whatever a reader could make of it."""
    with pytest.raises(Refused, match="leads out of"):
        Policy(root).path(text)


def test_a_path_outside_that_is_absolute_lands_below_the_root(root):
    """``/etc/passwd`` is the root's own, which is not there."""
    assert Policy(root).path("/etc/passwd") == f"{root}/etc/passwd"


def test_allowed_folders_and_prefixes_may_be_used_in_spite_of_the_root(root):
    """Only they, and only at a boundary of names."""
    outside = root.parent / "outside"
    policy = Policy(root, allow=(str(outside), "s3a://bucket/raw", "hdfs:"))
    assert policy.path(f"{outside}/secret.csv") == f"{outside}/secret.csv"
    assert policy.path("leaves/secret.csv") == f"{root}/leaves/secret.csv"
    assert policy.path("s3a://bucket/raw/x/*.csv") == "s3a://bucket/raw/x/*.csv"
    assert policy.path("hdfs://nn/x") == "hdfs://nn/x"
    for text in ("s3a://bucket/rawer", "s3a://bucket/raw/../x", "s3a://bucket/raw/%2e%2e/x", "s3a://other"):
        with pytest.raises(Refused):
            policy.path(text)


def test_a_root_may_hold_characters_of_patterns(tmp_path):
    """Only the script's part is read as a pattern."""
    root = tmp_path / "a,b{c}[d]"
    root.mkdir()
    assert Policy(root).path("x.csv") == f"{root}/x.csv"


PIECES = st.sampled_from(
    [
        "..",
        ".",
        "/",
        "a",
        "leaves",
        "data",
        "{",
        "}",
        ",",
        "*",
        "?",
        "[l]",
        "%2e",
        "%2f",
        "%25",
        "\\",
        "~",
        "file:",
        ":",
    ]
)


@given(pieces=st.lists(PIECES, max_size=12))
def test_an_allowed_path_never_leads_out(tmp_path_factory, pieces):
    """For every mixture of the characters that are known for it."""
    root = tmp_path_factory.getbasetemp() / "jail"
    root.mkdir(exist_ok=True)
    (root / "data").mkdir(exist_ok=True)
    if not (root / "leaves").is_symlink():
        (root / "leaves").symlink_to("/")
    try:
        path = Policy(root).path("".join(pieces), purpose="model")
    except ScriptError:
        return
    real = os.path.realpath(root)
    assert f"{os.path.realpath(path)}/".startswith(f"{real}/")


def test_the_settings_make_the_policy(tmp_path):
    """``paths.root`` and ``paths.allow`` are all of it."""
    settings = Settings(paths=PathSettings(root=tmp_path, allow=("hdfs:",)))
    policy = Policy.from_settings(settings)
    assert (policy.root, policy.allow) == (tmp_path, ("hdfs:",))
    assert Policy.from_settings(Settings()).root is None


def test_sql_is_free_at_the_machine():
    """Its plan is not even read, which takes a call of Java."""
    Policy().sql(lambda: pytest.fail("the plan was read"))


def test_a_shell_is_refused_unless_the_setting_allows_it():
    """Also on the command line."""
    with pytest.raises(Refused) as told:
        Policy.from_settings(Settings()).shell()
    assert "security.shell" in told.value.hint
    Policy.from_settings(Settings(security=SecuritySettings(shell=True))).shell()


@pytest.mark.parametrize(
    ("allowed", "url", "may"),
    [
        ("example.org", "https://example.org/a.mlsql", True),
        ("EXAMPLE.org", "https://example.ORG/a.mlsql", True),
        ("example.org:8080", "http://example.org:8080/a", True),
        ("example.org", "http://example.org:8080/a", False),
        ("example.org", "http://example.org.evil.org/a", False),
        ("example.org", "http://example.org@evil.org/a", False),
        ("*", "http://anything/a", True),
    ],
)
def test_a_script_comes_from_hosts_that_are_named(allowed, url, may):
    """By name and port, whatever stands before the ``@``."""
    policy = Policy(include_hosts=(allowed,))
    if may:
        assert policy.include_url(url) == url
    else:
        with pytest.raises(Refused, match="may not be included"):
            policy.include_url(url)


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("https://github.com/ours/lib", True),
        ("https://github.com/ours/../theirs/lib", False),
        ("https://github.com/ours-not/lib", False),
        ("https://github.com.evil.org/ours/lib", False),
    ],
)
def test_a_library_comes_from_repositories_that_are_named(url, may):
    """By whole segments of their address."""
    policy = Policy(include_repositories=("https://github.com/ours",))
    if may:
        assert policy.include_repository(url) == url
    else:
        with pytest.raises(Refused, match="may not be cloned"):
            policy.include_repository(url)


@pytest.mark.parametrize(
    ("pattern", "url", "may"),
    [
        ("jdbc:postgresql://db:5432/*", "jdbc:postgresql://db:5432/crm?ssl=true&user=x", True),
        ("jdbc:postgresql://db:5432/*", "jdbc:postgresql://db:5432/crm?socketFactory=a.B", False),
        ("jdbc:postgresql://db:5432/*", "jdbc:postgresql://db:5432,evil:1/crm", False),
        ("jdbc:postgresql://db*", "jdbc:postgresql://db@evil", False),
        ("jdbc:postgresql://*.corp/crm", "jdbc:postgresql://evil/x.corp/crm", False),
        ("jdbc:mysql://db/*", "jdbc:mysql://db/crm?autoDeserialize=true", False),
        ("jdbc:mysql://db/*", "jdbc:mysql://db/crm?%61llowLoadLocalInfile=true", False),
        ("jdbc:mysql:*", "jdbc:mysql://(host=db,allowLoadLocalInfile=true)/crm", False),
        ("jdbc:sqlserver://db:1433", "jdbc:sqlserver://db:1433;databaseName=crm;encrypt=true", True),
        ("jdbc:sqlserver://db:1433", "jdbc:sqlserver://db:1433;serverName=evil", False),
        ("jdbc:derby:*", "jdbc:derby:;databaseName=/etc/x", False),
        ("jdbc:h2:mem:*", "jdbc:h2:mem:x;INIT=RUNSCRIPT FROM '/etc/passwd'", False),
        ("jdbc:sqlite:data/*", "JDBC:sqlite:data/a.db", False),
        ("jdbc:sqlite:data/*", "jdbc:sqlite:data/a.db", True),
    ],
)
def test_a_service_reaches_the_databases_that_fit_a_pattern(pattern, url, may, tmp_path):
    """``*`` ends with its part of the URL, and only harmless parameters are said to the driver."""
    policy = Policy.from_settings(
        _service(tmp_path, jdbc=JdbcSettings(allow=(pattern,))), "ann", Role.ANALYST
    )
    if may:
        policy.jdbc({"url": url, "user": "ann", "dbtable": "t", "driver": "org.postgresql.Driver"})
        return
    with pytest.raises(Refused):
        policy.jdbc({"url": url})


def test_in_a_service_an_owner_is_kept_in_his_folder_and_has_what_his_role_is_given(tmp_path):
    """The settings for the person at the machine count for nobody there."""
    roles = RoleSettings(operator=("python", "include", "jdbc"))
    settings = _service(tmp_path, roles=roles, include=IncludeSettings(hosts=("example.org",)))
    analyst = Policy.from_settings(settings, "ann", Role.ANALYST)
    operator = Policy.from_settings(settings, "olga", Role.OPERATOR)
    assert (analyst.root, operator.root) == (tmp_path / "ann", tmp_path / "olga")
    operator.python()
    operator.jdbc({"url": "jdbc:derby:x", "driver": "a.B"})
    operator.include_url("https://example.org/x")
    for refused in (
        analyst.python,
        analyst.shell,
        operator.shell,
        lambda: analyst.include_url("https://example.org/x"),
        lambda: analyst.spark_setting("spark.jars"),
        lambda: analyst.table("mlsql_olga.t"),
        analyst.brokers,
        lambda: analyst.path("m/_model_3/model.pkl", purpose="write"),
        lambda: analyst.path("m/%5Fmodel_3", purpose="write"),
    ):
        with pytest.raises(Refused):
            refused()
    analyst.table("mlsql_ann.t")
    analyst.path("m/_model_3/model.pkl")


def _service(root, *, roles=None, **more):
    """Settings of a service, whose owner at the machine may run commands."""
    security = SecuritySettings(profile="service", shell=True, roles=roles or RoleSettings())
    return Settings(paths=PathSettings(root=root), security=security, **more)
