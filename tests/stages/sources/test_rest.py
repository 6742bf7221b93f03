from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from mlsql.errors import DataError, Refused, RunError, ScriptError
from mlsql.policy.policy import Caller, Policy
from mlsql.roles import Role
from mlsql.stages.sources.rest_addresses import Addresses
from mlsql.stages.sources.rest_options import PAGE_VALUES
from mlsql.url_targets import Allowed


class Pays(BaseHTTPRequestHandler):
    """Pages of numbers, what was asked, and a page that fails at first."""

    def do_GET(self):
        """What the path asks for."""
        url, query = urlsplit(self.path), parse_qs(urlsplit(self.path).query)
        self.server.asked.append(self.path)
        if url.path == "/pages":
            number = int(query.get("cursor", ["0"])[0])
            self.answer(200, {"rows": [number], "next": {"cursor": number + 1 if number < 2 else None}})
        elif url.path == "/shaky":
            self.answer(503 if len(self.server.asked) < 3 else 200, {})
        elif url.path == "/elsewhere":
            self.answer(302, {}, Location="/pages")
        else:
            self.answer(
                200, {"path": self.path, "key": self.headers.get("x-key"), "host": self.headers["Host"]}
            )

    def do_POST(self):
        """What was sent."""
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self.answer(201, {"body": body, "type": self.headers.get("content-type")})

    def answer(self, status, value, **headers):
        """Send it as JSON."""
        content = json.dumps(value).encode()
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name, text)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Nothing."""


@pytest.fixture
def server():
    """A server on this machine; what it was asked is in ``asked``."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Pays) as server:
        server.asked = []
        server.address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_places_of_values_are_paths():
    """Keys and indexes."""
    assert PAGE_VALUES.read("$.a.b[0];$[1].c").paths == (("a", "b", 0), (1, "c"))
    for wrong in ("a.b", "$", "$..a", "auto-increment:x"):
        with pytest.raises(ValueError):
            PAGE_VALUES.read(wrong)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fd00::1", "64:ff9b::7f00:1"],
)
def test_addresses_of_this_network_are_closed_where_owners_are_apart(address):
    """Whatever name they hide behind; one that the operator names is open."""
    judging = Addresses((), lambda *_: ["8.8.8.8", address])
    with pytest.raises(Refused, match="no public address"):
        judging.judged("http://pays.example.org/x")
    named = Addresses((Allowed.read("pays.example.org"),), judging.resolve)
    assert named.judged("http://pays.example.org/x")[1] == "8.8.8.8"


@pytest.mark.parametrize("url", ["ftp://host/x", "file:///etc/passwd", "nothing", "http://"])
def test_only_http_is_spoken(url):
    """Everywhere."""
    with pytest.raises(ScriptError, match="no http address"):
        Addresses().judged(url)


@pytest.mark.spark
class TestInScripts:
    """Servers asked by a ``load``."""

    def ask(self, scripts, url, options=""):
        """The rows, with their content read."""
        rows = scripts.rows(f"load rest.`{url}` {options and 'where ' + options} as t;")
        return [(row["status"], json.loads(row["content"])) for row in rows]

    def test_headers_and_fields_go_along(self, scripts, server):
        """Fields of a GET in the query, of a POST as a form; a body is sent as it stands."""
        ((status, told),) = self.ask(scripts, f"{server.address}/a", '`header.x-key`="k" and `form.q`="ä b"')
        assert (status, told["path"], told["key"]) == (200, "/a?q=%C3%A4+b", "k")
        ((status, told),) = self.ask(scripts, server.address, '`config.method`="post" and `form.q`="1"')
        assert (status, told) == (201, {"body": "q=1", "type": "application/x-www-form-urlencoded"})
        ((_, told),) = self.ask(scripts, server.address, """method="POST" and body='{"a":1}'""")
        assert told["body"] == '{"a":1}'

    def test_pages_follow_each_other(self, scripts, server):
        """By what stands in the answer before, or by numbers; up to a limit. The table is read once."""
        url = f"{server.address}/pages"
        by_cursor = f'pageUrl="{url}?cursor={{0}}" and pageValues="$.next.cursor"'
        assert [told["rows"] for _, told in self.ask(scripts, url, by_cursor)] == [[0], [1], [2]]
        by_number = f'pageUrl="{url}?cursor={{0}}" and pageValues="auto-increment:5" and maxPages="3"'
        assert [told["rows"] for _, told in self.ask(scripts, url, by_number)] == [[0], [5], [6]]
        server.asked.clear()
        scripts(f"load rest.`{url}` as t; select count(*) as n from t as u;").collect()
        assert len(server.asked) == 1

    def test_a_server_that_stumbles_is_asked_again(self, scripts, server):
        """The last answer counts."""
        assert self.ask(scripts, f"{server.address}/shaky", 'retryInterval="10ms"') == [(200, {})]
        server.asked.clear()
        assert self.ask(scripts, f"{server.address}/shaky", "retries=0") == [(503, {})]

    def test_in_a_service_that_very_address_is_asked(self, scripts, server):
        """By its name in the header; redirects lead nowhere."""
        port = server.server_port
        scripts.run.policy = Policy(
            scripts.path, caller=Caller("ann", Role.ANALYST, hosts=(f"localhost:{port}",))
        )
        ((_, told),) = self.ask(scripts, f"http://localhost:{port}/a", '`header.Host`="evil"')
        assert told["host"] == f"localhost:{port}"
        ((status, _),) = self.ask(scripts, f"http://localhost:{port}/elsewhere")
        assert status == 302
        with pytest.raises(Refused, match="no public address"):
            self.ask(scripts, f"{server.address}/a")

    @pytest.mark.parametrize(
        ("path", "options", "error", "message"),
        [
            ("", "maxBytes=3", DataError, "more than 3 bytes"),
            ("", "pageUrl='x'", ScriptError, "belong together"),
            ("", "body='x' and `form.a`='1'", ScriptError, "a body or a form"),
            ("", "method='FETCH'", ScriptError, "option 'method' takes one of"),
        ],
    )
    def test_a_mistake_is_told_where_it_stands(self, scripts, server, path, options, error, message):
        """With what to do where we know."""
        with pytest.raises(error, match=message) as caught:
            self.ask(scripts, server.address + path, options)
        assert caught.value.span is not None

    def test_nobody_there_is_an_error_that_may_pass(self, scripts):
        """After the tries that the script allows."""
        with pytest.raises(RunError, match="does not answer") as caught:
            self.ask(scripts, "http://127.0.0.1:1/x", "retries=1 and retryInterval='1ms'")
        assert caught.value.retriable
