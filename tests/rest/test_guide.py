"""The guides to REST and serving are true: their examples in sh and Python give what stands below them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [DOCS / "rest.md", DOCS / "serving.md"]
ADDRESS = "http://127.0.0.1:9003"
BLOCK = re.compile(
    r"^```(?P<language>sh|python)\n(?P<code>.*?)^```$\n+^```text\n(?P<shown>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
BLOCKS = [each for page in PAGES for each in BLOCK.finditer(page.read_text(encoding="utf-8"))]
COMMANDS = {"sh": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}


def test_every_example_shows_what_comes():
    """None is left out."""
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert len(BLOCKS) == len(re.findall(r"^```(sh|python)$", text, re.MULTILINE)) >= 4


@pytest.fixture(scope="module")
def address(client_of, engine):
    """Where a server on a real engine answers."""
    return str(client_of(engine).base_url).replace("localhost", "127.0.0.1").rstrip("/")


@pytest.mark.spark
@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{block['language']}-at-{block.start()}")
def test_an_example_gives_what_stands_below_it(address, block):
    """Against the server of the test."""
    if block["language"] == "sh" and not (shutil.which("curl") and shutil.which("bash")):
        pytest.skip("curl and bash are needed")
    code = block["code"].replace(ADDRESS, address)
    ended = subprocess.run(
        [*COMMANDS[block["language"]], code], capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.stdout.strip() == block["shown"].strip(), ended.stderr
