"""Files and folders: listing, reading, moving and removing them, on a real file system."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mlsql.errors import DataError, MissingPath, Refused
from tests.stages.jobs import jobs_of


@pytest.fixture
def folder(scripts):
    """A folder with two files and a folder that holds one more; a name of two words and a Chinese one."""
    (scripts.path / "in" / "子").mkdir(parents=True)
    (scripts.path / "in" / "two words.txt").write_text("one\ntwo\n", encoding="utf-8")
    (scripts.path / "in" / "b.csv").write_text("a,b", encoding="utf-8")
    (scripts.path / "in" / "子" / "c.csv").write_text("三", encoding="utf-8")
    return scripts.path / "in"


def listed(scripts, text):
    """The names that a command lists."""
    return [row["name"] for row in scripts.rows(text)]


@pytest.mark.parametrize(
    "command", ["!ls in;", "!fs -ls in;", "!hdfs -ls in;", "!fs -ls -h `in`;", "!ls file:${HOME}/in;"]
)
def test_a_folder_is_listed_by_name(scripts, folder, command):
    """Without a job, whichever way it is asked."""
    assert jobs_of(scripts.run.spark, lambda: scripts.rows(command)) == 0
    rows = scripts.rows(command)
    assert [(row["name"], row["path"], row["is_folder"]) for row in rows] == [
        ("b.csv", str(folder / "b.csv"), False),
        ("two words.txt", str(folder / "two words.txt"), False),
        ("子", str(folder / "子"), True),
    ]
    assert rows[0]["size"] == 3
    assert rows[0]["permission"] == "rw-r--r--"
    assert rows[0]["modified"] is not None


def test_a_listing_may_go_all_the_way_down_and_take_patterns(scripts, folder):
    """A pattern stands for what it matches; a file is listed as itself."""
    assert listed(scripts, "!fs -ls -R in;") == ["b.csv", "two words.txt", "子", "c.csv"]
    assert listed(scripts, "!fs -ls in/*.{csv,txt};") == ["b.csv", "two words.txt"]
    assert listed(scripts, "!fs -ls in/*;") == ["b.csv", "two words.txt", "c.csv"]
    assert listed(scripts, "!fs -ls 'in/two words.txt' in/子;") == ["two words.txt", "c.csv"]


def test_a_name_that_looks_like_a_pattern_is_taken_as_it_is(scripts):
    """When something is called so."""
    (scripts.path / "a[1].txt").write_text("x", encoding="utf-8")
    assert listed(scripts, "!ls a[1].txt;") == ["a[1].txt"]


@pytest.mark.parametrize(
    "text", ["!ls nix;", "!fs -cat nix;", "!fs -rm -r nix;", "!fs -mv nix x;", "!fs -du nix;", "!ls *.nix;"]
)
def test_a_path_at_which_nothing_lies_is_told(scripts, text):
    """At the path."""
    with pytest.raises(MissingPath) as caught:
        scripts(text)
    assert caught.value.span.text in ("nix", "*.nix")


def test_whether_something_lies_at_a_path(scripts, folder):
    """A file, a folder, a pattern, nothing."""
    for path, expected in (
        ("in", True),
        ("in/b.csv", True),
        ("in/*.csv", True),
        ("in/*.nix", False),
        ("x", False),
    ):
        (row,) = scripts.rows(f"!exists {path};")
        assert row == {"path": str(scripts.path / path), "exists": expected}


def test_files_are_shown_line_by_line(scripts, folder):
    """One after the other; no job is started."""
    assert jobs_of(scripts.run.spark, lambda: scripts.rows("!fs -cat in/*.*;")) == 0
    assert scripts.rows("!fs -cat in/*.* in/子/c.csv;") == [
        {"line": each} for each in ("a,b", "one", "two", "三")
    ]


def test_what_cannot_be_shown_is_told(scripts, folder):
    """A folder, what is no text, and what is too long."""
    (folder / "binary").write_bytes(b"\xff\xfe\x00")
    (folder / "long").write_bytes(b"x" * (2**20 + 1))
    for path, message in (
        ("in", "is a folder"),
        ("in/binary", "is no text in UTF-8"),
        ("in/long", "more than the 1,048,576 bytes"),
    ):
        with pytest.raises(DataError, match=message) as caught:
            scripts(f"!fs -cat {path};")
        assert caught.value.span.text == path


def test_a_folder_is_made_with_those_above_it(scripts):
    """Again, it is left as it is."""
    for text in ("!fs -mkdir -p `x/y z/子`;", "!fs -mkdir `x/y z/子`;"):
        assert scripts.rows(text) == [{"path": str(scripts.path / "x/y z/子")}]
    assert (scripts.path / "x" / "y z" / "子").is_dir()


def test_a_folder_in_the_place_of_a_file_is_refused_by_the_file_system(scripts, folder):
    """In its words, at the path."""
    with pytest.raises(DataError, match="the file system fails") as caught:
        scripts("!fs -mkdir in/b.csv/x;")
    assert caught.value.span.text == "in/b.csv/x"


def test_files_and_folders_are_removed(scripts, folder):
    """A folder only when that is said."""
    assert scripts.rows("!fs -rm in/*.csv;") == [{"removed": str(folder / "b.csv")}]
    with pytest.raises(DataError) as caught:
        scripts("!fs -rm in/子;")
    assert caught.value.hint == "!fs -rm -r in/子 removes it with all that lies in it"
    for text in ("!fs -rm -r in/子;", "!hdfs -rmr in;"):
        assert len(scripts.rows(text)) == 1
    assert not folder.exists()
    assert scripts.rows("!fs -rm -f -r -skipTrash in;") == []


@pytest.mark.parametrize("path", ["/", ".", "..", "file:///", "*/../.", "~/."])
def test_the_root_the_home_and_the_working_folder_are_not_removed(scripts, folder, path):
    """Nor what they lie in, however that is written."""
    with pytest.raises(Refused, match="stays where it is") as caught:
        scripts(f"!fs -rm -r {path};")
    assert caught.value.span.text == path
    with pytest.raises(Refused):
        scripts(f"!fs -mv {path} elsewhere;")
    assert folder.is_dir()


def test_a_link_to_the_working_folder_may_go(scripts, folder):
    """Only the link does."""
    (scripts.path / "link").symlink_to(scripts.path)
    scripts("!fs -rm -r link;")
    assert folder.is_dir()
    assert not (scripts.path / "link").is_symlink()


def test_files_are_moved_and_copied(scripts, folder):
    """Under another name, or into a folder; what lies there already stays."""
    assert scripts.rows("!fs -cp in/b.csv in/d.csv;") == [
        {"source": str(folder / "b.csv"), "target": str(folder / "d.csv")}
    ]
    assert scripts.rows("!fs -mv in/d.csv in/子;") == [
        {"source": str(folder / "d.csv"), "target": str(folder / "子/d.csv")}
    ]
    scripts("!fs -cp in/子 copy;")
    assert listed(scripts, "!ls copy;") == ["c.csv", "d.csv"]
    for text, place in (
        ("!fs -mv in/b.csv copy/c.csv;", "copy/c.csv"),
        ("!fs -cp in/子/d.csv copy;", "copy"),
    ):
        with pytest.raises(DataError, match="already") as caught:
            scripts(text)
        assert caught.value.span.text == place
    with pytest.raises(MissingPath) as caught:
        scripts("!fs -mv in/b.csv no/such/folder;")
    assert caught.value.path == str(scripts.path / "no" / "such")


def test_what_lies_in_a_folder_is_measured(scripts, folder):
    """Each thing in it, or the whole."""
    sizes = [(Path(row["path"]).name, row["bytes"], row["files"]) for row in scripts.rows("!fs -du -h in;")]
    assert sizes == [("b.csv", 3, 1), ("two words.txt", 8, 1), ("子", 3, 1)]
    assert scripts.rows("!fs -du -s in;") == [{"path": str(folder), "bytes": 14, "files": 3, "folders": 2}]


def test_a_path_outside_of_the_root_is_refused(scripts, folder, tmp_path):
    """Before anything is looked at, to read or to write."""
    scripts.run.policy = replace(scripts.run.policy, root=folder)
    for text in (
        "!ls ../x;",
        "!fs -rm -r /../x;",
        "!fs -mv b.csv ../b.csv;",
        "!fs -mkdir ../x;",
    ):
        with pytest.raises(Refused):
            scripts(text)
    assert listed(scripts, "!ls /;") == ["b.csv", "two words.txt", "子"]
    with pytest.raises(Refused, match="stays where it is"):
        scripts("!fs -rm -r /;")


def test_a_file_system_that_there_is_not_is_told_at_the_path(scripts):
    """Without a stack of Java."""
    for path in ("nix://a/b", "hdfs://no-such-host.invalid:1/a"):
        with pytest.raises(DataError, match="the file system fails") as caught:
            scripts(f"!ls {path};")
        assert caught.value.span.text == path


def test_the_cell_of_a_table_becomes_a_file(scripts):
    """Binary as it is, text in UTF-8; what lay there is replaced, folders are made."""
    for value, content in (("unhex('00ff0a')", b"\x00\xff\n"), ("'中文'", "中文".encode()), ("''", b"")):
        (row,) = scripts.rows(f"select {value} as content as one; !saveFile _ -i one -o `new/the file.bin`;")
        assert row == {"path": str(scripts.path / "new" / "the file.bin"), "bytes": len(content)}
        assert (scripts.path / "new" / "the file.bin").read_bytes() == content


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("select 'a' as a where false", "has no rows"),
        ("select explode(array('a', 'b')) as a", "has several rows"),
        ("select 'a' as a, 'b' as b", "has 2 columns"),
        ("select cast(null as string) as a", "is null"),
        ("select 1 as a", "is neither text nor binary"),
    ],
)
def test_what_is_not_one_cell_is_no_file(scripts, query, message):
    """Said at the table, and nothing is written."""
    with pytest.raises(DataError, match=message) as caught:
        scripts(f"{query} as t; !saveFile _ -i t -o x.bin;")
    assert caught.value.span.text == "t"
    assert not (scripts.path / "x.bin").exists()
