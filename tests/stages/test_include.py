"""``include``: scripts in the place of a statement, from files, libraries and addresses."""

from __future__ import annotations

import dataclasses
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from mlsql.errors import DataError, MissingOption, MissingPath, Refused, ScriptError, UnknownName

pytestmark = pytest.mark.spark


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """What is fetched is kept in the test's folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def library(tmp_path):
    """A library with a script, a nested one in the old suffix, and a Python file."""
    folder = tmp_path / "lib"
    (folder / "udf").mkdir(parents=True)
    (folder / "package.json").write_text('{"name": "lib"}')
    (folder / "hello.mlsql").write_text("select '${greeting}' as a as hello;")
    (folder / "udf" / "one.byzer").write_text("select 1 as one as one;")
    (folder / "code.py").write_text("print('${x}')\n")
    return folder


@pytest.fixture
def repository(library):
    """The library as a git repository of two commits; the first has no ``udf``."""

    def git(*arguments):
        who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *who, "-C", str(library), *arguments], check=True, capture_output=True)

    git("init", "--initial-branch=main")
    git("add", "package.json", "hello.mlsql")
    git("commit", "-m", "first")
    git("tag", "v1")
    git("add", "-A")
    git("commit", "-m", "second")
    return f"file://{library}"


@pytest.fixture
def address():
    """The address of a server that answers a script, a redirect to it, or an error."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            script = b"select 7 as seven as seven;" if self.path == "/s.mlsql" else b""
            self.send_response({"/s.mlsql": 200, "/moved": 302}.get(self.path, 404))
            self.send_header("Location", "/s.mlsql")
            self.send_header("Content-Length", str(len(script)))
            self.end_headers()
            self.wfile.write(script)

        def log_message(self, *arguments):
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(10)


def allow(scripts, **changes):
    """Change what the policy of the scripts allows."""
    scripts.run.policy = dataclasses.replace(scripts.run.policy, **changes)


def test_options_are_variables_of_the_included_script(scripts, tmp_path):
    """And of no other."""
    (tmp_path / "a.mlsql").write_text("select '${x}' as a as t;")
    assert scripts.rows('include file.`a.mlsql` where x="1";') == [{"a": "1"}]
    assert "x" not in scripts.run.scope


def test_a_project_file_starts_at_the_file_that_includes_it(scripts, tmp_path):
    """Also from inside a macro, which stands in no file of its own."""
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.mlsql").write_text("set m='''include project.`b.mlsql`;'''; !m;")
    (tmp_path / "d" / "b.mlsql").write_text("select 1 as b as t;")
    assert scripts.rows("include file.`d/a.mlsql`;") == [{"b": 1}]


def test_a_library_is_a_folder_that_says_so(scripts, library):
    """Its files are named with dots; the suffix may be left out."""
    scripts("include lib.`lib` where alias='ours';")
    assert scripts.rows("include local.`ours.hello` where greeting='hi';") == [{"a": "hi"}]
    assert scripts.rows("include local.`ours.udf.one`;") == [{"one": 1}]
    assert scripts.rows("include local.`ours.udf.one.byzer`;") == [{"one": 1}]


def test_a_python_file_of_a_library_becomes_a_variable(scripts, library):
    """As it is: it is no template."""
    scripts("include lib.`lib` where alias='ours'; include local.`ours.code`;")
    assert scripts.run.scope.value("code") == "print('${x}')\n"


@pytest.mark.parametrize(
    ("script", "error", "message", "hint"),
    [
        ("include lib.`lib`;", MissingOption, "include lib needs the option 'alias'", "alias: "),
        ("include lib.`empty` where alias='x';", DataError, "it has no package.json", ""),
        ("include lib.`nowhere` where alias='x';", MissingPath, "nothing lies at", ""),
        ("include local.`our.hello`;", UnknownName, "no library is called 'our'", "did you mean 'ours'?"),
        ("include local.`ours.helo`;", MissingPath, "ours: helo", "did you mean `ours.hello`?"),
        ("include local.`ours./../secret`;", MissingPath, "nothing lies at", ""),
        ("include local.`ours`;", MissingPath, "nothing lies at", ""),
        ("include files.`x`;", UnknownName, "no kind of include is called 'files'", "did you mean 'file'?"),
    ],
)
def test_what_cannot_be_included_is_told(scripts, library, tmp_path, script, error, message, hint):
    """With its place and the way out."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "secret.mlsql").write_text("select 1 as a as t;")
    scripts("include lib.`lib` where alias='ours';")
    with pytest.raises(error, match=message) as caught:
        scripts(script)
    assert caught.value.span is not None
    assert hint in (caught.value.hint or "")


def test_a_repository_is_cloned_once_at_the_commit_asked_for(scripts, repository, library):
    """Another commit is another folder; ``force`` fetches again."""
    allow(scripts, include_repositories=("file:///",))
    scripts(f"include lib.`{repository}` where alias='old' and commit='v1';")
    scripts(f"include lib.`{repository}` where alias='new';")
    assert scripts.rows("include local.`new.udf.one`;") == [{"one": 1}]
    with pytest.raises(MissingPath):
        scripts("include local.`old.udf.one`;")
    (library / ".git").rename(library / "gone")
    scripts(f"include lib.`{repository}` where alias='again';")
    with pytest.raises(DataError, match="the library cannot be fetched"):
        scripts(f"include lib.`{repository}` where alias='again' and force='true';")
    assert scripts.rows("include local.`again.udf.one`;") == [{"one": 1}]


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("https://github.com/x/y", "https://github.com/x/y"),
        ("github.com/x/y", "https://github.com/x/y.git"),
        ("git@github.com:x/y", "git@github.com:x/y"),
    ],
)
def test_a_repository_must_be_allowed(scripts, path, url):
    """The message names the setting."""
    allow(scripts, include_repositories=("https://github.com/ours",))
    with pytest.raises(Refused) as caught:
        scripts(f"include lib.`{path}` where alias='x';")
    assert f"'{url}'" in caught.value.message
    assert "include.repositories" in caught.value.hint


def test_a_commit_is_no_option_of_git(scripts, repository):
    """What looks like one is refused."""
    allow(scripts, include_repositories=("file:///",))
    with pytest.raises(ScriptError, match="is no commit, tag or branch") as caught:
        scripts(f"include lib.`{repository}` where alias='x' and commit='--upload-pack=x';")
    assert caught.value.span.text == "'--upload-pack=x'"


def test_an_address_that_is_allowed_is_read(scripts, address):
    """Its text runs as any script."""
    allow(scripts, include_hosts=(address,))
    assert scripts.rows(f"include http.`http://{address}/s.mlsql`;") == [{"seven": 7}]


@pytest.mark.parametrize(("path", "reason"), [("/moved", "answers 302"), ("/none", "answers 404")])
def test_what_an_address_answers_besides_is_told(scripts, address, path, reason):
    """A redirect is not followed: its target was not judged."""
    allow(scripts, include_hosts=("*",))
    with pytest.raises(DataError, match=reason):
        scripts(f"include http.`http://{address}{path}`;")


@pytest.mark.parametrize(
    "url", ["http://example.org/x", "http://ok.org@example.org/x", "http://ok.org:8080/x"]
)
def test_an_address_must_be_allowed(scripts, url):
    """By its host and port."""
    allow(scripts, include_hosts=("ok.org",))
    with pytest.raises(Refused, match="scripts may not be included from"):
        scripts(f"include http.`{url}`;")


def test_only_http_is_an_address(scripts):
    """No files through the back door."""
    allow(scripts, include_hosts=("*",))
    with pytest.raises(ScriptError, match="is no http address"):
        scripts("include http.`file:///etc/passwd`;")
