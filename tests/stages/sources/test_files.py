from __future__ import annotations

import struct
import zlib

import pytest

from mlsql.config.settings import Settings
from mlsql.errors import DataError, MissingColumn, MissingOption, ScriptError
from mlsql.spark.connectors import Connectors

pytestmark = pytest.mark.spark


def test_lines_of_text_come_with_their_file(scripts, tmp_path):
    """As older engines have it: the columns file and value."""
    (tmp_path / "poem.txt").write_text("床前明月光\n\n疑是地上霜\n", encoding="utf-8")
    rows = scripts.rows("load text.`poem.txt` as t; select * from t as u;")
    assert [row["value"] for row in rows] == ["床前明月光", "", "疑是地上霜"]
    assert {row["file"] for row in rows} == {f"file://{tmp_path}/poem.txt"}


def test_a_whole_file_may_be_a_row(scripts, tmp_path):
    """By Spark's option."""
    (tmp_path / "a.txt").write_text("1\n2\n")
    (row,) = scripts.rows('load text.`a.txt` where wholetext="true" as t;')
    assert row["value"] == "1\n2\n"


def test_text_is_saved_from_one_column(scripts, tmp_path):
    """The only one, or the one that is named; a null is an empty line."""
    scripts('select 1 as id, "中" as line union all select 2, null as t;')
    (row,) = scripts.rows('save overwrite t as text.`out` where contentColumn="line" and fileNum="1";')
    assert (row["rows"], row["files"]) == (2, 1)
    (file,) = (tmp_path / "out").glob("part-*")
    assert sorted(file.read_text(encoding="utf-8").splitlines()) == ["", "中"]
    assert scripts.rows('select "x" as a as u; save append u as text.`out`;')[0]["files"] == 1


@pytest.mark.parametrize(
    ("saved", "error", "span", "message"),
    [
        ("save t as text.`out`;", DataError, "`out`", "from one column"),
        ('save t as text.`out` where contentColumn="lien";', MissingColumn, 'contentColumn="lien"', "'lien'"),
        (
            'save t as text.`out` where contentColumn="id";',
            DataError,
            'contentColumn="id"',
            "is no text but int",
        ),
        ("save t as xml.`out`;", MissingOption, "xml", "needs the option 'rowTag'"),
        ('save t as orc.`out` where codec="gzip";', ScriptError, '"gzip"', "takes one of"),
        ("save t as libsvm.`out`;", MissingColumn, "`out`", "no column 'label'"),
        ("select 1 as label, 2 as features as t; save t as libsvm.`out`;", DataError, "`out`", "no vectors"),
    ],
)
def test_what_cannot_be_saved_is_told_in_its_place(scripts, saved, error, span, message):
    """At the option, or at the path."""
    with pytest.raises(error, match=message) as caught:
        scripts(f'select 1 as id, "a" as line as t; {saved}')
    assert caught.value.span.text == span


def test_labelled_vectors_go_out_and_come_back(scripts):
    """As libsvm writes them, features counted from 1."""
    rows = scripts.rows(
        """
        select 1.0D as label, vec_dense(array(0.5D, 0.0D)) as features as t;
        save overwrite t as libsvm.`out`;
        load libsvm.`out` where numFeatures="2" as u;
        select label, vec_array(features) as features from u as v;
        """
    )
    assert rows == [{"label": 1.0, "features": [0.5, 0.0]}]


def test_elements_are_rows(scripts, tmp_path):
    """Attributes and text of an element are columns."""
    (tmp_path / "a.xml").write_text('<all><p id="1">x</p><p id="2">y</p></all>')
    rows = scripts.rows(
        'load xml.`a.xml` where rowTag="p" as t; select _id, _VALUE from t order by _id as u;'
    )
    assert rows == [{"_id": 1, "_VALUE": "x"}, {"_id": 2, "_VALUE": "y"}]


def test_a_dynamic_overwrite_counts_the_files_of_the_partitions_that_it_replaces(scripts):
    """The others keep theirs."""
    scripts('set spark.sql.sources.partitionOverwriteMode="dynamic" where type="conf";')
    scripts("select 1 as n, 1 as side union all select 2, 2 as t;")
    scripts("save overwrite t as parquet.`out` partitionBy side;")
    (row,) = scripts.rows(
        "select 3 as n, 2 as side as u; save overwrite u as parquet.`out` partitionBy side;"
    )
    assert (row["rows"], row["files"]) == (1, 1)
    assert scripts("load parquet.`out` as v;").count() == 2


class TestLinesThatAreNoTable:
    """CSV whose files begin with something else."""

    @pytest.fixture(autouse=True)
    def reports(self, scripts):
        """Two files, each with two such lines and a header."""
        folder = scripts.path / "reports"
        folder.mkdir()
        for name in ("a", "b"):
            (folder / f"{name}.csv").write_text(
                f"made for {name}\n\nname,pay\n{name},1\n名,2\n", encoding="utf-8"
            )

    def test_they_are_left_out_of_each_file(self, scripts):
        """Types are found in what is left; a file that is shorter has no rows."""
        frame = scripts(
            'load csv.`reports` where skipFirstNLines=2 and header="true" and inferSchema="true" as t;'
        )
        assert frame.dtypes == [("name", "string"), ("pay", "int")]
        assert sorted(map(tuple, frame.collect())) == [("a", 1), ("b", 1), ("名", 2), ("名", 2)]
        (scripts.path / "reports" / "c.csv").write_text("made\n")
        assert scripts('load csv.`reports` where skipFirstNLines=2 and header="true" as t;').count() == 4

    def test_records_over_several_lines_cannot_be_told_from_them(self, scripts):
        """So it is refused."""
        with pytest.raises(ScriptError, match="lines cannot be skipped") as caught:
            scripts('load csv.`reports` where skipFirstNLines=2 and multiLine="true" as t;')
        assert "skipFirstNLines" in caught.value.span.text


def test_whole_files_are_rows(scripts):
    """With their bytes; a picture with its size."""
    (scripts.path / "a.bin").write_bytes(b"\0\1\2")
    assert scripts.rows("load binaryFile.`*.bin` as t; select length, content from t as u;") == [
        {"length": 3, "content": b"\0\1\2"}
    ]
    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    parts = {b"IHDR": header, b"IDAT": zlib.compress(b"\0\1\2\3"), b"IEND": b""}
    pixel = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts.items()
    )
    (scripts.path / "a.png").write_bytes(pixel)
    (size,) = scripts.rows(
        """
        load image.`*.png` where dropInvalid="false" as t;
        select image.width as w, image.height as h from t as u;
        """
    )
    assert size == {"w": 1, "h": 1}


@pytest.mark.parametrize("codec", ["uncompressed", "zstandard"])
def test_avro_keeps_names_and_types(scripts, codec):
    """With its connector."""
    connectors = Connectors.from_settings(Settings())
    if not connectors.jars(connectors.get("avro")):
        pytest.skip("the connector is not fetched: mlsql connectors add avro")
    rows = scripts.rows(
        f"""
        select 1 as id, "名" as name, array(1.5d, null) as pays as t;
        save overwrite t as avro.`out` where codec="{codec}";
        load avro.`out` as u;
        """
    )
    assert rows == [{"id": 1, "name": "名", "pays": [1.5, None]}]
