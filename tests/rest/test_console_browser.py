"""The console in a real browser, against a real server whose jobs do without Spark."""

from __future__ import annotations

import os
import shutil
import socket
import socketserver
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal

import pyarrow as pa
import pytest

from mlsql.config.settings import AuthSettings, CallbackSettings, JobSettings, ServerSettings, Settings
from mlsql.engine import check_script
from mlsql.errors import DataError
from mlsql.events import Log, Metric, Progress, StatementEnded, StatementStarted, TableShown
from mlsql.rest.service import open_service, result_folders
from mlsql.roles import Role
from mlsql.spans import Script

webdriver = pytest.importorskip("selenium.webdriver")
from selenium.common.exceptions import StaleElementReferenceException  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

SECONDS = 60
NARROW = 400
JOBS = "/api/v1/jobs"
LONG = "first line\nsecond line"
EVIL = '<img src=x onerror="document.title=1">'
ROWS = pa.record_batch(
    {
        "id": pa.array(range(250), pa.int64()),
        "big": pa.array([2**60 + 1] * 250, pa.int64()),
        "price": pa.array([Decimal("12345678901234567890.10")] * 250, pa.decimal128(38, 2)),
        "name": pa.array([None, "", LONG, "a" * 500, "甲乙"] * 50),
        "list": pa.array([[1, 2], None, [], [3], [4]] * 50, pa.list_(pa.int64())),
    }
)
SEEN = "const seen = [...document.querySelectorAll(arguments[0])].filter((each) => each.checkVisibility());"
"""What can be seen of a selector."""
ATTACK = pa.record_batch({EVIL: pa.array([EVIL]), "__proto__": pa.array(["a"]), "2": pa.array(["b"])})


@dataclass
class StandIn:
    """Does what a word of the script says: wait, fail, give rows or an attack; without Spark."""

    settings: Settings
    go: threading.Event = field(default_factory=threading.Event)

    def __call__(self, job, stop, sink):
        """What was kept."""
        text = job.submission.script
        whole = Script("<script>", text).span(0, len(text))
        if "quick" in text:
            return None
        sink(StatementStarted(1, 4, "set a = 1;", whole))
        sink(StatementEnded(1, 4, "set a = 1;", 0.1))
        sink(StatementStarted(2, 4, "train it", whole))
        sink(Log(f"working on it {EVIL}", "warning"))
        sink(Progress("worker 0", "epoch 3 of 4", 0.75))
        sink(Metric(0, "accuracy", 0.9675123))
        sink(TableShown("Candidates", ("algorithm", "f1"), (("Forest", 0.967), (EVIL, None))))
        if "fail" in text:
            raise DataError(
                "nothing lies there", hint="put something there", span=Script("<script>", text).span(4, 5)
            )
        while "wait" in text and not self.go.is_set():
            stop.wait(0.02)
        batch = ATTACK if "attack" in text else ROWS
        return result_folders(self.settings).keep(job, batch.schema, [batch])

    def check(self, text, **asked):
        """What is wrong with a script."""
        return check_script(
            Script("<script>", text), self.settings, parameters=asked["parameters"], complete=True
        )


class Wire(socketserver.ThreadingTCPServer):
    """What lies between the browser and the server, and can be cut."""

    daemon_threads = True

    def __init__(self, port):
        super().__init__(("127.0.0.1", 0), Connection)
        self.port, self.is_cut, self.ends = port, False, []
        self.url = f"http://localhost:{self.server_address[1]}"

    @contextmanager
    def working(self):
        """A block in which it carries requests."""
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield self
        finally:
            self.shutdown()
            with self.cut():
                thread.join(SECONDS)
                self.server_close()

    @contextmanager
    def cut(self):
        """A block in which nothing gets through."""
        self.is_cut = True
        for each in self.ends:
            end(each)
        yield
        self.is_cut = False


class Connection(socketserver.BaseRequestHandler):
    """Carries bytes both ways until one side ends."""

    def handle(self):
        """Return when both have ended."""
        if self.server.is_cut:
            return
        with socket.create_connection(("127.0.0.1", self.server.port)) as there:
            self.server.ends += (self.request, there)
            back = threading.Thread(target=carry, args=(there, self.request))
            back.start()
            carry(self.request, there)
            back.join()


def carry(source, target):
    """Pass on what comes from *source*, until it ends; then both have."""
    with suppress(OSError):
        while data := source.recv(2**16):
            target.sendall(data)
    end(source)
    end(target)


def end(connection):
    """Tell the other side, unless it is over already."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


@dataclass
class Page:
    """The browser, as the person before it uses it."""

    browser: object
    http: object
    wire: Wire | None
    work: StandIn
    token: str

    def open(self, address=""):
        """Load the console anew, logged in, at an address within it."""
        self.browser.get("about:blank")
        self.browser.get(f"{self.wire.url}/{address}")
        if self.run("return sessionStorage.getItem('mlsql.token')") != self.token:
            self.run("sessionStorage.setItem('mlsql.token', arguments[0])", self.token)
            self.browser.refresh()

    def run(self, code, *arguments):
        """What a function body of JavaScript returns."""
        return self.browser.execute_script(code, *arguments)

    def when(self, condition):
        """What *condition* gives, when it gives something."""

        def given(_browser):
            try:
                return condition()
            except StaleElementReferenceException:  # drawn anew meanwhile
                return False

        return WebDriverWait(self.browser, SECONDS, 0.05).until(given)

    def all(self, css, text=""):
        """The elements that can be seen, with that text in them."""
        return self.run(
            f"{SEEN} return seen.filter((each) => each.innerText.includes(arguments[1]))", css, text
        )

    def one(self, css, text=""):
        """The first of them, when it is there."""
        return self.when(lambda: next(iter(self.all(css, text)), None))

    def texts(self, css):
        """What they say."""
        return self.run(f"{SEEN} return seen.map((each) => each.innerText)", css)

    @property
    def editor(self):
        """Where scripts are written."""
        return self.one(".editor textarea")

    def write(self, text):
        """Put *text* in the place of the script, as by one paste."""
        paste = "arguments[0].select(); document.execCommand('insertText', false, arguments[1])"
        self.run(paste, self.editor, text)

    def press(self, *keys):
        """Keys with the editor in focus."""
        self.editor.send_keys(*keys)

    def submit(self, script):
        """Run *script* from the editor."""
        self.write(script)
        self.press(Keys.CONTROL, Keys.ENTER)


def _programs():
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    driver = shutil.which("chromedriver")
    if not (browser and driver):
        pytest.skip("chromium and chromedriver are not installed")
    return browser, driver


@pytest.fixture(scope="module")
def downloads(tmp_path_factory):
    """Where the browser saves files."""
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def browser(downloads):
    """Chromium without a window."""
    program, driver = _programs()
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for each in ("--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1200,900"):
        options.add_argument(each)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # it cannot make its own as root
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    browser.set_page_load_timeout(SECONDS)
    browser.set_script_timeout(SECONDS)
    yield browser
    browser.quit()


@pytest.fixture(scope="module")
def console(browser, client_of_service, tmp_path_factory):
    """The console of a server that asks for tokens."""
    server = ServerSettings(state=tmp_path_factory.mktemp("console") / "state")
    settings = Settings(
        server=server,
        auth=AuthSettings(mode="token"),
        jobs=JobSettings(concurrency=2),
        callbacks=CallbackSettings(allow=("127.0.0.1",)),
    )
    work = StandIn(settings)
    with (
        open_service(settings, work, work.check) as service,
        client_of_service(service) as http,
        Wire(http.base_url.port).working() as wire,
    ):
        token = service.tokens.create("ann", Role.ANALYST)
        http.headers["Authorization"] = f"Bearer {token}"
        try:
            yield Page(browser, http, wire, work, token)
        finally:
            work.go.set()


@pytest.fixture
def page(console):
    """The console, logged in; nothing went wrong in it when the test ends."""
    console.browser.get_log("browser")
    console.open()
    yield console
    said = [each["message"] for each in console.browser.get_log("browser") if each["level"] == "SEVERE"]
    assert [each for each in said if "Failed to load resource" not in each] == []


def test_a_token_is_asked_for_and_kept_in_the_tab_alone(console):
    """A wrong one is refused; who logs out is asked again."""
    console.browser.get(console.wire.url)
    console.run("sessionStorage.clear(); location.reload()")
    console.one("#login input").send_keys("mlsql_wrong", Keys.ENTER)
    console.one("#login-error", "does not accept")
    console.one("#login input").send_keys(console.token, Keys.ENTER)
    console.when(lambda: not console.all("#login input"))
    assert console.run("return [{...sessionStorage}, localStorage.length, document.cookie]") == [
        {"mlsql.draft": "", "mlsql.token": console.token},
        0,
        "",
    ]
    console.one("#logout").click()
    console.one("#login input")
    assert console.run("return sessionStorage.getItem('mlsql.token')") is None


def test_nobody_is_asked_where_no_token_is(browser, client_of_service, tmp_path):
    """The person at the machine is known."""
    settings = Settings(server=ServerSettings(state=tmp_path / "state"))
    work = StandIn(settings)
    with open_service(settings, work, work.check) as service, client_of_service(service) as http:
        page = Page(browser, http, None, work, "")
        browser.get(f"{http.base_url}/#/jobs")
        page.one("main [role=status]", "There are no jobs yet")
        assert page.all("#login, #logout") == []


def test_problems_are_shown_where_they_are(page):
    """Beyond characters that are two in a browser; a click and F8 lead there."""
    page.write("set a = '甲😀'; load jbdc.`x` as t;\nselect ${nobody} as b as u;")
    page.one(".problems li", "jbdc")
    assert page.texts(".problems .place") == ["1:20", "2:8"]
    assert page.texts(".editor .error") == ["jbdc", "${nobody}"]
    page.one(".problems button", "jbdc").click()
    selected = "const e = arguments[0]; return e.value.slice(e.selectionStart, e.selectionEnd)"
    assert page.run(selected, page.editor) == "jbdc"
    page.press(Keys.F8)
    assert page.run(selected, page.editor) == "${nobody}"
    page.one("#problems-summary", "2 errors")
    page.write("set a = 1;")
    page.one("#problems-summary", "No problems")
    assert page.all(".problems") == []


def test_a_script_with_errors_is_not_run(page):
    """The cursor goes to the first."""
    page.submit("set a = 1;\nload jbdc.`x` as t;")
    page.one(".problem", "Nothing was run")
    page.one(".problems li", "jbdc")
    assert page.all(".job") == []


def test_colours_follow_the_grammar(page):
    """Keywords, texts, paths, numbers, comments, commands, variables."""
    page.write(
        "-- 'no text'\nload csv.`/a/${b}` where header=\"it's\" as t; /* a /* b */ c */\n"
        "!fs -ls where 1;\nselect 1.5 as where;"
    )
    shown = page.run(
        "return [...document.querySelectorAll('.editor .line span')]"
        ".map((each) => [each.className, each.textContent])"
    )
    assert shown == [
        ["comment", "-- 'no text'"],
        ["keyword", "load"],
        ["format", "csv"],
        ["path", "`/a/"],
        ["variable", "${b}"],
        ["path", "`"],
        ["keyword", "where"],
        ["string", '"it\'s"'],
        ["keyword", "as"],
        ["comment", "/* a /* b */ c */"],
        ["command", "!fs"],
        ["keyword", "select"],
        ["number", "1.5"],
        ["keyword", "as"],
        ["keyword", "where"],
    ]


def test_tab_indents_undo_takes_back_and_input_methods_are_left_alone(page):
    """The editor is a textarea, with all that the browser knows of one."""
    page.write("a")
    page.press(Keys.TAB, "b", Keys.ENTER, "c")
    assert page.editor.get_property("value") == "a  b\nc"
    page.press(Keys.CONTROL, "a")
    page.press(Keys.TAB)
    assert page.editor.get_property("value") == "  a  b\n  c"
    page.press(Keys.SHIFT, Keys.TAB)
    assert page.editor.get_property("value") == "a  b\nc"
    page.press(Keys.CONTROL, "z")
    assert page.editor.get_property("value") == "  a  b\n  c"
    page.write("")
    page.browser.execute_cdp_cmd(
        "Input.imeSetComposition", {"text": "zhong", "selectionStart": 5, "selectionEnd": 5}
    )
    page.browser.execute_cdp_cmd("Input.insertText", {"text": "中文"})
    assert (page.editor.get_property("value"), page.texts(".editor .line")) == ("中文", ["中文\n"])
    page.press(Keys.ESCAPE, Keys.TAB)
    assert page.run("return document.activeElement.textContent") == "Run"


def test_a_job_is_watched_and_cancelled(page):
    """Statement, progress, metrics, tables and log are shown while it runs."""
    page.submit("set a = 1; -- wait")
    page.one(".job .state", "running")
    page.one(".bar-of", "Statement 2 of 4")
    page.one(".bar-of", "worker 0: epoch 3 of 4")
    assert [float(each.get_property("value")) for each in page.all("progress")] == [0.25, 0.75]
    page.one(".metrics td", "0.967512")
    page.one(".tables td", "Forest")
    page.one(".log", "[2/4] train it")
    page.one(".job button", "Cancel").click()
    page.one(".job .state", "cancelled")
    assert "Ended in statement 2 of 4" in page.one(".job .progress").text
    assert "cancelled" in page.browser.title


def test_a_result_is_shown_exactly_and_by_pages(page, downloads):
    """Null, an empty text and a text differ; what is long is cut until it is asked for."""
    page.submit("set a = 1;")
    page.one(".result [role=status]", "1–100 of 250 rows")
    assert page.texts(".result thead th")[1:] == ["id", "big", "price", "name", "list"]
    cells = page.texts(".result tbody td")
    rows = [cells[at : at + 5] for at in range(0, 20, 5)]
    exact = ["1152921504606846977", "12345678901234567890.10"]
    assert rows[:3] == [
        ["0", *exact, "null", "[1,2]"],
        ["1", *exact, "empty text", "null"],
        ["2", *exact, "first line…", "[]"],
    ]
    assert len(rows[3][3]) < 100
    page.one(".more").click()
    assert page.one(".long").text == LONG
    page.one(".pages button", "Last").click()
    page.one(".result [role=status]", "201–250 of 250 rows")
    assert page.texts(".result tbody td")[0] == "200"
    page.one(".downloads button", "csv").click()
    file = page.when(lambda: next(downloads.glob("*.csv"), None))
    page.when(lambda: file.read_text(encoding="utf-8").count("1152921504606846977") == 250)


def test_nothing_of_the_data_becomes_html(page):
    """Column names, values, the log, tables and names of jobs."""
    page.one(".more-fields summary").click()
    page.one("#name").send_keys(EVIL)
    page.submit("set a = 1; -- attack")
    page.one(".result td", EVIL)
    assert page.texts(".result thead th")[1:] == [EVIL, "__proto__", "2"]
    assert page.texts(".result td") == [EVIL, "a", "b"]
    page.one(".tables td", EVIL)
    page.one(".log", EVIL)
    page.one(".job h2", EVIL)
    page.open("#/jobs")
    page.one(".jobs a", EVIL).click()
    page.one(".job h2", EVIL)
    page.one(".job .state", "succeeded")
    assert EVIL in page.browser.title
    assert page.run("return document.querySelectorAll('img, [onerror]').length") == 0


def test_a_failed_job_is_found_by_its_address_and_its_script_edited(page):
    """The error has its place and the way out."""
    job = page.http.post(JOBS, json={"script": "set a = 1; -- fail\n"}).json()["id"]
    page.open(f"#/jobs/{job}")
    page.one(".job .state", "failed")
    assert page.texts(".error-box .place") == ["1:5"]
    assert page.texts(".error-box .message") == ["nothing lies there"]
    assert page.texts(".error-box .hint") == ["put something there"]
    page.one(".script summary", "Script").click()
    page.one(".script button", "Edit").click()
    page.when(lambda: page.editor.get_property("value") == "set a = 1; -- fail\n")
    page.open("#/jobs/none")
    page.one(".problem", "none")


def test_callbacks_are_shown_and_sent_again(page):
    """With the reason why nobody was told."""
    given = {"script": "set quick = 1;", "callback": "http://127.0.0.1:1/hook", "maxRetries": 0}
    job = page.http.post(JOBS, json=given).json()["id"]
    page.open(f"#/jobs/{job}")
    page.one(".callbacks li", "http://127.0.0.1:1/hook")
    page.one(".callbacks li", "dead")
    page.one(".callbacks button", "Send again").click()
    page.one(".callbacks .state")
    assert page.texts("[aria-label=Callbacks] > .problem") == []


def test_jobs_are_listed_filtered_and_turned_over(page):
    """The newest first, 50 at a time."""
    for number in range(52):
        page.http.post(JOBS, json={"script": "set quick = 1;", "name": "bulk" if number else "first"})
    page.open("#/jobs")
    page.one(".note[role=status]", "50 jobs, and older ones")
    page.one("button", "Older jobs").click()
    page.one(".jobs a", "first")
    page.one("input[name=name]").send_keys("first", Keys.ENTER)
    page.one(".note[role=status]", "1 job")
    assert page.texts(".jobs a") == ["first"]
    assert page.run("return location.hash") == "#/jobs?name=first"
    page.one("input[name=name]").send_keys("er", Keys.ENTER)
    page.one(".note[role=status]", "No job is like that")


def test_a_broken_connection_is_told_and_mended(page):
    """What the job told meanwhile comes once, and in order."""
    page.submit("set a = 1; -- wait")
    page.one(".log", "[2/4]")
    with page.wire.cut():
        page.one("#connection", "No connection")
        page.one(".job .note", "Connection lost")
        page.work.go.set()
    page.one(".job .state", "succeeded")
    page.work.go.clear()
    page.when(lambda: page.texts("#connection") == [""])
    page.one(".log", "the job is succeeded")
    states = [line.split(" ", 1)[1] for line in page.one(".log").text.split("\n") if "the job is" in line]
    assert states == ["the job is queued", "the job is running", "the job is succeeded"]


def test_a_token_that_was_revoked_is_asked_for_again(page):
    """What was asked for goes on with the new one."""
    page.run("sessionStorage.setItem('mlsql.token', 'mlsql_old')")
    page.one("nav a", "Jobs").click()
    page.one("#login input").send_keys(page.token, Keys.ENTER)
    page.one("main [role=status]", "job")


def test_it_fits_a_narrow_window_and_can_be_heard(page):
    """No page is wider than 400 px, and everything has a name for who hears it."""
    job = page.http.post(JOBS, json={"script": "set a = 1;", "name": "x" * 100}).json()["id"]
    with looking(page.browser, width=NARROW):
        page.submit(f'load csv.`/{"long" * 30}` where header="true" as t; -- 甲乙 {"word " * 60}\n')
        page.one(".result td")
        heights = page.run(
            "const [back, area] = document.querySelector('.editor').children;"
            "return [back.offsetHeight, area.offsetHeight, area.scrollHeight]"
        )
        assert len(set(heights)) == 1, "the letters stand where the cursor thinks they do"
        pages = {"": ".result td", "#/jobs": ".jobs a", f"#/jobs/{job}": ".script summary"}
        for address, shown in pages.items():
            page.run("location.hash = arguments[0]", address)
            page.one(shown)
            assert page.run("return document.documentElement.scrollWidth") <= NARROW
            assert unnamed(page.browser) == []
            assert page.browser.get_screenshot_as_png().startswith(b"\x89PNG")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_colour_can_be_read(page, scheme):
    """On every background."""
    with looking(page.browser, scheme=scheme):
        assert page.run(CONTRASTS) == []


@contextmanager
def looking(browser, *, width=1200, scheme="light"):
    """A block in which the window is that wide and the system that bright."""
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def unnamed(browser):
    """What a screen reader can only call by its role."""
    nodes = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    roles = ("button", "textbox", "combobox", "spinbutton", "link", "region", "progressbar", "log")
    return [
        each["role"]["value"]
        for each in nodes
        if not each["ignored"] and each["role"]["value"] in roles and not each["name"]["value"]
    ]


CONTRASTS = """
const style = getComputedStyle(document.documentElement);
const light = (name) => {
  const hex = style.getPropertyValue('--' + name).trim();
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
    .map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const texts = ['text', 'faint', 'accent', 'good', 'bad', 'odd', 'busy', 'keyword', 'string', 'path', 'number',
  'comment', 'command', 'variable'];
return ['page', 'card', 'sunk'].flatMap((back) => texts.map((text) => {
  const [dark, bright] = [light(back), light(text)].sort((one, other) => one - other);
  return [back, text, (bright + 0.05) / (dark + 0.05)];
})).filter(([, , contrast]) => contrast < 4.5);
"""
"""Pairs of background and text that are hard to read (WCAG AA)."""
