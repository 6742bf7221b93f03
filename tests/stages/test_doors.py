from __future__ import annotations

import re
from pathlib import Path

import mlsql.stages

STAGES = Path(mlsql.stages.__file__).parent
READERS = {"sources/files.py"}


def test_sql_and_paths_go_past_the_policy():
    """No stage hands SQL to Spark itself, and only the sources of files let it read and write."""
    forbidden = re.compile(r"spark\.sql\(|\.load\(|\.save\(|(?<![.\w])open\(|read_text|write_text")
    found = {
        str(file.relative_to(STAGES))
        for file in STAGES.rglob("*.py")
        if forbidden.search(file.read_text("utf-8"))
    }
    assert found == READERS
