"""Settings: sources, their weight, and what a wrong one says."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsql.config.kinds import DURATION, SIZE
from mlsql.config.loading import cache_folder, declared_settings, load_settings
from mlsql.config.settings import SECTIONS, Settings
from mlsql.errors import ConfigError


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def load(toml="", environment=None, overrides=None):
    """The settings from a file with this text, these variables and these overrides."""
    Path("mlsql.toml").write_text(toml, encoding="utf-8")
    return load_settings(None, environment or {}, overrides or {})


def refusal(*args, **kwargs):
    """The error that these sources give, as a text."""
    with pytest.raises(ConfigError) as caught:
        load(*args, **kwargs)
    return str(caught.value)


def test_nothing_given_is_the_defaults():
    """Without file, variables and overrides the declared defaults hold."""
    assert load() == Settings()


def test_the_command_line_weighs_more_than_the_environment_and_that_more_than_the_file():
    """Of three sources the last one asked wins, key by key."""
    file = "[jobs]\ntimeout = 1\n[server]\nport = 1\nhost = 'a'"
    settings = load(file, {"MLSQL_JOBS__TIMEOUT": "2", "MLSQL_SERVER__PORT": "2"}, {"jobs.timeout": "3"})
    assert (settings.server.host, settings.server.port, settings.jobs.timeout) == ("a", 2, 3.0)


def test_a_nested_section_is_read_from_file_and_environment_alike():
    """``[bridge.kafka]`` and ``MLSQL_BRIDGE__KAFKA__…`` name the same."""
    by_file = load("[bridge.kafka]\nbootstrap_servers = 'b:9092'")
    by_environment = load("", {"MLSQL_BRIDGE__KAFKA__BOOTSTRAP_SERVERS": "b:9092"})
    assert by_file == by_environment
    assert by_file.bridge.kafka.bootstrap_servers == "b:9092"


def test_a_list_comes_as_toml_as_json_or_with_commas():
    """All three spellings of a list are one."""
    file = load('[paths]\nallow = ["/a,b", "s3a://c"]')
    assert file.paths.allow == ("/a,b", "s3a://c")
    assert load("", {}, {"paths.allow": json.dumps(file.paths.allow)}).paths.allow == file.paths.allow
    assert load("", {}, {"paths.allow": "/a, /b"}).paths.allow == ("/a", "/b")


@pytest.mark.parametrize("key", ["spark.sql.caseSensitive", "spark.spark.sql.caseSensitive"])
def test_spark_settings_are_free_and_need_no_second_spark(key):
    """Anything under ``spark.`` goes to Spark by its full name."""
    assert load("", {}, {key: "true"}).spark == {"spark.sql.caseSensitive": "true"}


def test_spark_settings_of_a_file_may_be_nested_or_dotted():
    """TOML makes tables of dotted keys; both come out as Spark's name."""
    settings = load('[spark]\nmaster = "local[4]"\nsql.shuffle.partitions = 7\n"spark.ui.enabled" = false')
    assert settings.spark == {
        "spark.master": "local[4]",
        "spark.sql.shuffle.partitions": "7",
        "spark.ui.enabled": "false",
    }


def test_a_variable_keeps_the_case_of_a_part_that_is_not_all_capitals():
    """Spark's names are in camel case; a variable can spell them."""
    assert load("", {"MLSQL_SPARK__TASK__maxFailures": "3"}).spark == {"spark.task.maxFailures": "3"}


def test_variables_without_a_double_underscore_are_not_ours():
    """Kubernetes sets MLSQL_SERVICE_HOST for a service called mlsql."""
    assert load("", {"MLSQL_SERVICE_HOST": "10.0.0.1", "OTHER__KEY": "x"}) == Settings()


def test_an_unknown_key_names_its_origin_and_the_nearest():
    """In the file, the environment and the command line alike."""
    told = "mlsql.toml sets 'bridge.transprot', and no setting is called so"
    assert refusal("[bridge]\ntransprot = 'spool'") == f"{told}\n  hint: did you mean 'bridge.transport'?"
    assert refusal("", {"MLSQL_BRIDGE__TRANSPROT": "spool"}).startswith("MLSQL_BRIDGE__TRANSPROT sets")
    assert refusal("", {}, {"bridge.transprot": "spool"}).startswith("the command line sets")


def test_a_section_that_is_a_value_is_an_unknown_key():
    """``bridge = 1`` is not a setting, and ``[server.port]`` is none either."""
    assert "no setting is called so" in refusal("bridge = 1")
    assert "no setting is called so" in refusal("[server.port]\nx = 1")


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("server.port", "80a", "a whole number from 0 to 65535"),
        ("jobs.timeout", "soon", "a duration such as '90', '10m' or '1.5h', or 'none'"),
        ("bridge.message_bytes", "1 MB", "a size in bytes"),
        ("bridge.transport", "pigeon", "one of 'auto', 'spool', 'kafka', 'memory'"),
        ("train.parallelism", "0", "a whole number of at least 1"),
    ],
)
def test_a_value_that_cannot_be_read_names_origin_key_and_what_fits(key, value, expected):
    """The sentence has everything that is needed to mend it."""
    told = refusal("", {}, {key: value})
    assert told.startswith(f"the command line: the setting '{key}' takes {expected}")
    assert told.endswith(f"not '{value}'")


def test_a_file_that_was_asked_for_has_to_be_there(tmp_path):
    """Only the default file may be absent."""
    with pytest.raises(ConfigError, match=r"nowhere\.toml cannot be read: No such file"):
        load_settings(tmp_path / "nowhere.toml", {})


def test_a_file_that_is_not_toml_says_where():
    """The place is TOML's own."""
    assert "is not TOML" in refusal("[bridge\n")
    assert "line 1" in refusal("[bridge\n")


@given(
    st.integers(0, 10**6), st.sampled_from([("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86400)])
)
def test_a_duration_is_its_number_times_its_unit(number, unit):
    """In seconds, whatever the unit."""
    name, seconds = unit
    assert DURATION.read(f"{number}{name}") == pytest.approx(number * seconds)


@given(st.integers(1, 10**6), st.sampled_from([("", 1), ("KiB", 2**10), ("MiB", 2**20), ("GiB", 2**30)]))
def test_a_size_is_its_number_times_its_unit(number, unit):
    """In bytes, whatever the unit."""
    name, count = unit
    assert SIZE.read(f"{number} {name}") == number * count


def test_every_default_is_a_value_that_can_be_read_again():
    """What is declared as the default passes through every source."""
    for key, declared in declared_settings():
        if declared.default is None or declared.default == ():
            continue
        section, _, _ = key.rpartition(".")
        settings = load("", {}, {key: str(declared.default)})
        for part in section.split("."):
            settings = getattr(settings, part)
        assert getattr(settings, declared.field) == declared.default


def test_every_setting_says_what_it_does():
    """Each key has a sentence, and each section a class that Settings holds."""
    assert all(declared.doc.endswith(".") for _, declared in declared_settings())
    assert {each.name for each in dataclasses.fields(Settings)} == {
        section for section in SECTIONS if "." not in section
    } | {"spark"}


def test_the_cache_is_where_xdg_says(tmp_path):
    """XDG_CACHE_HOME moves it; an empty one counts as none."""
    assert cache_folder({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "mlsql"
    assert cache_folder({"XDG_CACHE_HOME": ""}).parts[-2:] == (".cache", "mlsql")
