"""The page on callbacks is true: what it shows checks the signatures of real messages."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mlsql.jobs.callback_messages import Messages
from mlsql.jobs.states import Callback, Delivery, Job, JobState, Submission

PAGE = (Path(__file__).parents[2] / "docs" / "callbacks.md").read_text(encoding="utf-8")
SECRET = "a long random text"
NOW = 1_700_000_000.5


def example(language):
    """The one example in a language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return found


@pytest.fixture
def message():
    """One that was sent then."""
    messages = Messages(lambda _job: {}, lambda _job: {}, lambda _job: '[{"t":"ä"}]', SECRET)
    asked = Submission(owner="ann", script="")
    job = Job(id="abc", submission=asked, submitted=1.0, state=JobState.SUCCEEDED)
    delivery = Delivery(id="abc-1", job="abc", next_try=0.0, callback=Callback("http://x/"))
    return messages.of(delivery, job, NOW)


@pytest.fixture
def is_genuine(monkeypatch):
    """The function of the page, a minute after the message was sent."""
    names = {}
    exec(example("python"), names)
    monkeypatch.setattr(names["time"], "time", lambda: NOW + 60)
    return names["is_genuine"]


def test_the_example_in_python_tells_what_is_genuine(is_genuine, message):
    """A message that was sent; not one that was changed, that another signed, or that is old."""
    stamp = message.headers["X-Mlsql-Timestamp"]
    assert is_genuine(SECRET, message.headers, message.body)
    assert not is_genuine(SECRET, message.headers, message.body + b" ")
    assert not is_genuine("another", message.headers, message.body)
    later = {**message.headers, "X-Mlsql-Timestamp": str(int(stamp) + 1)}
    assert not is_genuine(SECRET, later, message.body)
    assert not is_genuine(SECRET, message.headers, message.body, most_seconds=30)


def test_the_example_in_a_shell_prints_the_signature(message, tmp_path):
    """As the header has it."""
    if not (shutil.which("openssl") and shutil.which("sh")):
        pytest.skip("openssl and sh are needed")
    (tmp_path / "body").write_bytes(message.body)
    environment = {"timestamp": message.headers["X-Mlsql-Timestamp"], "secret": SECRET}
    path = f"PATH={Path(shutil.which('openssl')).parent}:/usr/bin:/bin"
    ended = subprocess.run(
        ["env", path, *(f"{name}={value}" for name, value in environment.items()), "sh", "-c", example("sh")],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        check=True,
    )
    assert ended.stdout.strip() == message.headers["X-Mlsql-Signature"]
