"""Tokens in a real database: made, found, expired, revoked; what is kept gives none away."""

from __future__ import annotations

import sqlite3

import pytest
from click.testing import CliRunner

from mlsql.cli import main
from mlsql.database import open_database, private_folder
from mlsql.errors import ScriptError, UnknownName
from mlsql.roles import Role
from mlsql.spans import mask_secrets
from mlsql.tokens import TokenStore


@pytest.fixture
def now():
    """The time, which a test may change."""
    return [1_000_000.0]


@pytest.fixture
def state(tmp_path):
    """The folder of the database."""
    return private_folder(tmp_path / "state")


@pytest.fixture
def tokens(state, now):
    """The tokens in it."""
    database = open_database(None, state)
    yield TokenStore(database, lambda: now[0])
    database.dispose()


def test_a_token_stands_for_its_owner_and_role(tokens):
    """As long as nobody revokes it."""
    found = tokens.find(tokens.create("ann", Role.OPERATOR))
    assert (found.owner, found.role, found.expires) == ("ann", Role.OPERATOR, None)


def test_what_is_kept_opens_nothing(tokens, state):
    """Neither a secret nor what begins one is in the files of the database."""
    text = tokens.create("ann", Role.ANALYST)
    kept = b"".join(file.read_bytes() for file in state.iterdir())
    assert text[19:27].encode() not in kept
    (digest,) = sqlite3.connect(state / "jobs.sqlite").execute("select digest from tokens").fetchone()
    assert tokens.find(digest) is None


def test_two_tokens_are_never_alike(tokens):
    """Each has 256 random bits."""
    texts = {tokens.create("ann", Role.ANALYST) for _ in range(20)}
    assert len(texts) == 20
    assert {len(each) for each in texts} == {len("mlsql_") + 12 + 1 + 43}


def test_what_is_no_token_is_not_found(tokens):
    """Also with the id of a good one, or with more behind it."""
    text = tokens.create("ann", Role.ANALYST)
    id_part, other = text[:19], tokens.create("bob", Role.OPERATOR)
    forged = ["", "mlsql_", id_part, id_part + "A" * 43, id_part + other[19:], text[:-1], text + "x"]
    assert [tokens.find(each) for each in [*forged, text.upper(), f" {text}", "\0", "é" * 62]] == [None] * 11


def test_a_token_expires(tokens, now):
    """At its time, not before."""
    text = tokens.create("ann", Role.ANALYST, lasts=60)
    now[0] += 59
    assert tokens.find(text) is not None
    now[0] += 1
    assert tokens.find(text) is None
    assert not tokens.has_good_ones()


def test_a_revoked_token_opens_nothing(tokens, now):
    """From that moment on, and the first time stays when it is done again."""
    text = tokens.create("ann", Role.ANALYST)
    token = tokens.find(text).id
    assert tokens.revoke(token).revoked == now[0]
    now[0] += 5
    assert tokens.revoke(token).revoked == now[0] - 5
    assert tokens.find(text) is None


def test_an_unknown_id_is_told(tokens):
    """With the nearest."""
    tokens.create("ann", Role.ANALYST)
    with pytest.raises(UnknownName, match="no token is called 'abc'"):
        tokens.revoke("abc")


def test_its_use_is_written_now_and_then(tokens, now):
    """Every ten minutes at most: each write waits for the disk."""
    text = tokens.create("ann", Role.ANALYST)
    (made,) = tokens.listed()
    assert made.used is None
    for later in (0, 300, 400):
        now[0] += later
        tokens.find(text)
    (found,) = tokens.listed()
    assert found.used == now[0]
    now[0] += 599
    tokens.find(text)
    assert tokens.listed() == [found]


@pytest.mark.parametrize("name", ["", "Ann", "../x", "a b", "-a", "a" * 65])
def test_only_an_owner_gets_one(tokens, name):
    """His name is that of a database and a folder."""
    with pytest.raises(ScriptError, match="cannot be an owner"):
        tokens.create(name, Role.ANALYST)


def test_a_token_is_masked_wherever_secrets_are():
    """Its id is left, so that it can be revoked."""
    text = "mlsql_0123456789ab_" + "S3cr_et-" * 5 + "abc"
    assert mask_secrets(f"Bearer {text}!") == "Bearer mlsql_0123456789ab_" + "*" * 43 + "!"


@pytest.fixture
def command(state):
    """``mlsql token …`` on the state of the test."""

    def run(*arguments):
        return CliRunner().invoke(main, ["token", *arguments, "--conf", f"server.state={state}"])

    return run


def test_the_command_prints_only_the_token(command, tokens):
    """So that a script can keep it; it is good at once, for who has the database open."""
    made = command("create", "--owner", "ann", "--role", "operator", "--expires", "30d")
    assert (made.exit_code, made.stderr, made.stdout.count("\n")) == (0, "", 1)
    found = tokens.find(made.stdout.strip())
    assert (found.owner, found.role) == ("ann", Role.OPERATOR)
    assert found.expires == found.made + 30 * 86400


def test_the_command_lists_and_revokes(command, tokens):
    """By the id; no secret is shown."""
    text = command("create", "--owner", "ann").stdout.strip()
    token, listed = tokens.find(text).id, command("list").stdout
    assert text[19:] not in listed
    assert [line.split()[-1] for line in listed.splitlines()] == ["STATE", "good"]
    revoked = command("revoke", token)
    assert (revoked.exit_code, revoked.stdout) == (0, "")
    assert tokens.find(text) is None
    row = command("list").stdout.splitlines()[1].split()
    assert (row[0], row[-1]) == (token, "revoked")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["create", "--owner", "Ann"], 1, "cannot be an owner"),
        (["create", "--owner", "ann", "--expires", "soon"], 2, "'soon' is not a duration"),
        (["create", "--owner", "ann", "--role", "king"], 2, "king"),
        (["revoke", "abc"], 1, "no token is called 'abc'"),
    ],
)
def test_the_command_tells_what_is_wrong(command, arguments, code, told):
    """On standard error."""
    failed = command(*arguments)
    assert (failed.exit_code, failed.stdout) == (code, "")
    assert told in failed.stderr
