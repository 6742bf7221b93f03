"""The console as it is served; what a person can do with it is tried in test_console_browser.py."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from mlsql.config.settings import ServerSettings, Settings
from mlsql.rest.service import open_service

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "mlsql" / "rest" / "console"
FILES = sorted(each.name for each in FOLDER.iterdir())
MODULES = [name for name in FILES if name.endswith(".js")]
TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


@pytest.fixture(scope="module")
def client(client_of_service, tmp_path_factory):
    """A program on this machine; jobs do nothing."""
    settings = Settings(server=ServerSettings(state=tmp_path_factory.mktemp("console") / "state"))
    with (
        open_service(settings, lambda *_: None, lambda _text, **_asked: ()) as service,
        client_of_service(service) as client,
    ):
        yield client


def url_of(name):
    """Where a file is served."""
    return "/" if name == "index.html" else f"/console/{name}"


def test_every_file_is_served_as_what_it_is_and_guarded(client):
    """No other site can show it, nothing from elsewhere runs in it, and no text becomes HTML."""
    for name in FILES:
        reply = client.get(url_of(name))
        assert (reply.status_code, reply.content) == (200, (FOLDER / name).read_bytes())
        assert reply.headers["Content-Type"] == TYPES[name.rpartition(".")[2]]
        policy = reply.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "require-trusted-types-for 'script'" in policy
        assert "unsafe" not in policy
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Referrer-Policy"] == "no-referrer"


def test_a_file_that_is_known_is_not_sent_again(client):
    """Browsers ask each time, so that an upgrade shows at once."""
    reply = client.get("/console/main.js")
    assert reply.headers["Cache-Control"] == "no-cache"
    again = client.get("/console/main.js", headers={"If-None-Match": reply.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "name", ["none.js", "index.html", "..%2fapp.py", "%2e%2e%2fstyle.css", "main.js%00", "Main.js"]
)
def test_nothing_else_is_served(client, name):
    """Neither other files nor other folders."""
    assert client.get(f"/console/{name}").status_code == 404


def test_the_page_holds_no_script_or_style_of_its_own():
    """The policy would forbid it."""
    page = (FOLDER / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<script(?![^>]*\ssrc=)[^>]*>|<style|\sstyle=|\son\w+=", page) == []
    assert re.findall(r"(?:src|href)=\"(?:https?:)?//", page) == []


@pytest.mark.parametrize("name", MODULES)
def test_a_module_makes_no_html_of_texts(name):
    """Nor code."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert (
        re.findall(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|localStorage", text
        )
        == []
    )


def test_what_is_imported_is_there_and_what_is_there_is_used():
    """Each file is reached from the page."""
    found, new = set(), {"index.html"}
    while new:
        name = new.pop()
        found.add(name)
        text = (FOLDER / name).read_text(encoding="utf-8")
        wanted = re.findall(r"(?:from \"\./|(?:src|href)=\"console/)([\w.]+)\"", text)
        new |= set(wanted) - found
    assert sorted(found) == FILES


def test_the_wheel_has_every_file():
    """An installed server has its console."""
    packed = {each.distribution_path for each in WheelBuilder(str(ROOT)).recurse_included_files()}
    assert {f"mlsql/rest/console/{name}" for name in FILES} <= packed


def test_the_script_of_a_job_is_shown_without_its_secrets(client):
    """A job can be read, and sent again, without what only its owner knows."""
    script = 'connect jdbc where url="jdbc:postgresql://h/d" and password="hunter2" as db;\nset a = 1;'
    url = client.post("/api/v1/jobs", json={"script": script}).json()["url"]
    reply = client.get(f"{url}/script")
    assert (reply.headers["Content-Type"], reply.text) == (
        "text/plain; charset=utf-8",
        script.replace("hunter2", "*******"),
    )
