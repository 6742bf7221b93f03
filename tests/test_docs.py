"""The documentation is true: its links lead somewhere, its scripts run, its tables are complete."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from mlsql import errors
from mlsql.cli import EXIT_CODES
from mlsql.cli.terminal import table_lines
from mlsql.config.loading import declared_settings
from mlsql.errors import MlsqlError
from mlsql.grammar import parse
from mlsql.rest.errors import STATUSES
from mlsql.results.formats import read_rows
from mlsql.spans import Script

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md"))]
EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.mlsql"))
BLOCK = re.compile(
    r"^```mlsql\n(?P<script>.*?)^```$(?:\n+^```text\n(?P<shown>.*?)^```$)?", re.MULTILINE | re.DOTALL
)
LINK = re.compile(r"\]\((?!https?:|#)(?P<target>[^)#]+)")
BLOCKS = [(page, match) for page in PAGES for match in BLOCK.finditer(page.read_text(encoding="utf-8"))]


def name_of(value):
    """The name of a page, an example or a block in test reports."""
    return f"{value.parent.name}/{value.name}" if isinstance(value, Path) else f"at-{value.start()}"


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A working folder with the documentation in it, as in a checkout; what scripts write goes elsewhere."""
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_link_leads_somewhere(page):
    """Every relative one."""
    targets = [match["target"] for match in LINK.finditer(page.read_text(encoding="utf-8"))]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_setting_is_documented():
    """With the sentence that declares it."""
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    missing = [
        key
        for key, each in declared_settings()
        if not re.search(rf"\| `{key}` \| .* \| {re.escape(each.doc)} \|", page)
    ]
    assert missing == []


def test_every_extra_is_documented():
    """With what it brings."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    rows = (ROOT / "docs" / "install.md").read_text(encoding="utf-8").splitlines()
    for extra, packages in extras["optional-dependencies"].items():
        (row,) = [each for each in rows if each.startswith("| `") and f"`{extra}`" in each.split("|")[1]]
        names = {re.split(r"[\[<>=]", each)[0] for each in packages}
        assert extra in ("dev", "bench", "java") or names <= set(re.findall(r"\w+", row))


@pytest.mark.parametrize("example", EXAMPLES, ids=name_of)
def test_an_example_parses(example):
    """Without Spark."""
    assert parse(Script(example.name, example.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("page", "block"), [each for each in BLOCKS if each[0].name != "errors.md"], ids=name_of
)
def test_a_script_in_a_page_parses(page, block):
    """Without Spark."""
    assert parse(Script(page.name, block["script"]))


def test_the_readme_explains_the_example_as_it_is():
    """Every piece of the script in the README stands in the example, in the same order."""
    example = (ROOT / "docs" / "examples" / "quickstart.mlsql").read_text(encoding="utf-8")
    at = 0
    for page, block in BLOCKS:
        if page.name == "README.md" and page.parent == ROOT:
            at = example.find(block["script"], at)
            assert at >= 0, block["script"]


@pytest.mark.spark
@pytest.mark.parametrize(
    ("page", "block"),
    [
        each
        for each in BLOCKS
        if each[0].parent.name in ("docs", "language", "training") and each[0].name != "errors.md"
    ],
    ids=name_of,
)
def test_a_script_in_a_page_runs_and_gives_what_stands_below_it(page, block, engine, checkout):
    """The table that is shown is the one that comes."""
    with engine.run(block["script"], name=page.name).reading() as frame:
        rows = read_rows(frame)
        lines = table_lines(rows.columns, list(rows.values))
    if block["shown"] is not None:
        assert lines == block["shown"].splitlines()[:-1]


@pytest.mark.spark
@pytest.mark.parametrize("block", [match for page, match in BLOCKS if page.name == "errors.md"], ids=name_of)
def test_a_mistake_is_told_as_the_page_shows_it(block, engine, checkout):
    """Word for word."""
    with (
        pytest.raises(MlsqlError) as told,
        engine.run(block["script"], name="script.mlsql", fresh=True).reading() as frame,
    ):
        frame.collect()
    assert f"{told.value}\n".replace(str(checkout), "…") == block["shown"]


def test_every_class_of_error_is_documented():
    """With its exit code and its status."""
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    classes = [
        each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, MlsqlError)
    ]
    for each in set(classes) - {MlsqlError}:
        code = next(EXIT_CODES[kind] for kind in each.__mro__ if kind in EXIT_CODES)
        status = next(STATUSES[kind] for kind in each.__mro__ if kind in STATUSES)
        (row,) = [line for line in page.splitlines() if line.startswith("|") and f"`{each.__name__}`" in line]
        assert row.endswith(f"| {code} | {status} |")


@pytest.mark.spark
def test_the_page_for_python_is_one_session_that_goes_as_it_says(spark, checkout, capsys):
    """Each example prints what stands below it; the engine in it leaves the session as it was."""
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```\n+^```text\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) == page.count("```python") >= 4
    names = {"spark": spark.newSession()}
    for code, shown in blocks:
        exec(code, names)
        assert capsys.readouterr().out == shown


@pytest.mark.spark
def test_the_quickstart_runs_and_can_be_run_again(engine, checkout):
    """The second run makes the second version, overwrites the predictions, and gives the same."""
    script = (ROOT / "docs" / "examples" / "quickstart.mlsql").read_text(encoding="utf-8")
    first, second = (read_rows(engine.run(script).frame).take(11) for _ in range(2))
    assert first == second
    assert len(first) == 10
    assert sorted(each.name for each in checkout.glob("out/quickstart/models/diagnosis/*")) == [
        "_model_0",
        "_model_1",
    ]
