"""Results on disk: the same rows in every form, page by page, within limits."""

from __future__ import annotations

import csv
import errno
import io
import json
import stat
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsql.errors import ConfigError, ScriptError
from mlsql.jobs.errors import ResultGone
from mlsql.jobs.results import FORMS, ResultFolders
from mlsql.jobs.states import Job, Kept, Submission
from mlsql.results.formats import csv_lines, json_lines, read_rows

JOB = Job(id="a", submission=Submission(owner="ann", script=""), submitted=0.0, result=Kept(0, 0))
SCHEMA = pa.schema([("id", pa.int64()), ("name", pa.string())])


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Folders of this module."""
    return ResultFolders(tmp_path_factory.mktemp("jobs"), rows=10_000, bytes=2**20)


def batches(*counts):
    """Batches of so many rows, numbered through."""
    first = 0
    for count in counts:
        ids = range(first, first + count)
        yield pa.record_batch([pa.array(ids, pa.int64()), [f"n{number}" for number in ids]], schema=SCHEMA)
        first += count


def whole(stored, form, **page):
    """All bytes of a form."""
    return b"".join(FORMS[form][1](stored, page.get("offset", 0), page.get("limit")))


def rows_of(form, data):
    """The ids that a form holds."""
    match form:
        case "json":
            return [each["id"] for each in json.loads(data)]
        case "csv":
            return [int(each["id"]) for each in csv.DictReader(io.StringIO(data.decode()))]
        case "arrow":
            return pa.ipc.open_stream(data).read_all()["id"].to_pylist()
        case "parquet":
            return pq.read_table(io.BytesIO(data))["id"].to_pylist()


@given(
    st.lists(st.integers(1, 5), max_size=5),
    st.integers(0, 30),
    st.none() | st.integers(0, 30),
    st.sampled_from([*FORMS]),
)
def test_a_page_holds_the_rows_that_were_asked_for(results, counts, offset, limit, form):
    """However they lie in batches, in each form."""
    results.keep(JOB, SCHEMA, batches(*counts))
    end = None if limit is None else offset + limit
    data = whole(results.open(JOB), form, offset=offset, limit=limit)
    assert rows_of(form, data) == list(range(sum(counts)))[offset:end]


def test_a_disk_that_is_full_is_told_to_the_operator(results):
    """And nothing is left of the half; the result of before stays."""
    results.keep(JOB, SCHEMA, batches(2))

    def on_a_full_disk():
        yield from batches(1)
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(ConfigError, match="No space left on device"):
        results.keep(JOB, SCHEMA, on_a_full_disk())
    assert [each.name for each in results.of(JOB.id).iterdir()] == ["result.arrow"]
    assert rows_of("json", whole(results.open(JOB), "json")) == [0, 1]


@pytest.mark.parametrize(("most", "kept"), [(0, 0), (3, 3), (7, 7), (8, 8), (None, 8)])
def test_no_more_rows_are_kept_than_the_job_wants(results, most, kept):
    """And it is told whether there were more."""
    job = replace(JOB, submission=replace(JOB.submission, rows=most))
    told = results.keep(job, SCHEMA, batches(4, 4))
    assert (told.rows, told.complete) == (kept, kept == 8)
    assert rows_of("json", whole(results.open(job), "json")) == list(range(kept))


def test_no_more_rows_and_bytes_are_kept_than_the_settings_allow(tmp_path):
    """The rest is left out, which is told."""
    rows = ResultFolders(tmp_path, rows=5, bytes=2**20).keep(JOB, SCHEMA, batches(4, 4))
    size = ResultFolders(tmp_path, rows=100, bytes=200).keep(JOB, SCHEMA, batches(4, 40, 4))
    assert (rows.rows, rows.complete) == (5, False)
    assert (size.rows, size.complete) == (4, False)
    assert size.bytes <= 200


def test_no_more_is_read_than_is_kept(tmp_path):
    """What comes behind the limit is not computed."""

    def rows():
        yield from batches(4, 4)
        pytest.fail("read too far")

    assert ResultFolders(tmp_path, rows=6, bytes=2**20).keep(JOB, SCHEMA, rows()).rows == 6


def test_a_failed_result_leaves_the_one_of_before(results):
    """It appears whole or not at all."""
    results.keep(JOB, SCHEMA, batches(2))

    def rows():
        yield from batches(1)
        raise ScriptError("half way")

    with pytest.raises(ScriptError):
        results.keep(JOB, SCHEMA, rows())
    assert rows_of("json", whole(results.open(JOB), "json")) == [0, 1]


def test_only_the_owner_of_the_process_can_look_into_a_result(results):
    """Others may not even list it."""
    results.keep(JOB, SCHEMA, batches(1))
    assert stat.S_IMODE(results.of(JOB.id).stat().st_mode) == 0o700


def test_what_was_swept_is_gone(results):
    """Also where the file is not there for another reason."""
    results.keep(JOB, SCHEMA, batches(1))
    with pytest.raises(ResultGone):
        results.open(replace(JOB, expired=True))
    results.remove(JOB.id)
    with pytest.raises(ResultGone):
        results.open(JOB)


KINDS = """
    select 1 as i, 9007199254740993L as big, 1.5D as d, double('NaN') as n, float(0.1) as f, 1.10BD as dec,
      null as nothing,
      timestamp'2026-01-02 03:04:05.123456' as at, timestamp'2026-01-02 03:04:05' as at_second,
      timestamp_ntz'2026-01-02 03:04:05.5' as here, date'2026-01-02' as day,
      date_add(date'9999-12-31', 1) as late,
      date'0001-01-01' as early, true as b, X'00ff' as bytes, 'ä"' as t, interval '1' day as span,
      interval '2' year as years, array(1D, double('inf')) as list,
      map(1, timestamp'2026-01-02 00:00:00') as m,
      named_struct('x', date'2026-01-01', 'y', array(named_struct('z', 9007199254740993L))) as s,
      parse_json('{"a": [1, 9007199254740993]}') as v, tinyint(3) as tiny, cast(null as date) as no_day
    from range(2)
"""


@pytest.mark.spark
def test_a_stored_result_says_what_the_frame_says(spark, results):
    """JSON and CSV are those of the command line, for every type."""
    frame = spark.sql(KINDS)
    kept = results.keep_frame(JOB, frame)
    stored = results.open(JOB)
    assert (kept.rows, kept.complete) == (2, True)
    assert whole(stored, "json").decode() == "\n".join(json_lines(read_rows(frame)))
    assert whole(stored, "csv").decode() == "".join(f"{line}\n" for line in csv_lines(read_rows(frame)))
    assert json.loads(stored.spark_schema) == json.loads(frame.schema.json())
    assert pq.read_table(io.BytesIO(whole(stored, "parquet"))).num_rows == 2


@pytest.mark.spark
def test_vectors_are_lists_and_types_are_arrows_own(spark, results):
    """So that any reader of Arrow takes them."""
    from pyspark.ml.linalg import Matrices, Vectors

    rows = [
        (Vectors.sparse(3, {1: 2.0}), Vectors.dense(1.0), Matrices.dense(2, 1, [1.0, 2.0])),
        (None, None, None),
    ]
    frame = spark.createDataFrame(rows, ["a", "b", "c"])
    results.keep_frame(JOB, frame)
    stored = results.open(JOB)
    assert whole(stored, "json").decode() == "\n".join(json_lines(read_rows(frame)))
    table = pa.ipc.open_stream(whole(stored, "arrow")).read_all()
    assert table.schema.field("a").type == pa.list_(pa.float64())
    times = spark.sql("select timestamp'2026-01-02 03:04:05' as at, 1.10BD as d, date'2026-01-02' as day")
    results.keep_frame(JOB, times)
    kinds = pa.ipc.open_stream(whole(results.open(JOB), "arrow")).schema.types
    assert kinds == [pa.timestamp("us", "UTC"), pa.decimal128(3, 2), pa.date32()]


@pytest.mark.spark
def test_two_columns_of_one_name_can_be_had_as_arrow_and_not_as_json(spark, results):
    """A JSON object holds one of each name; it is told so."""
    results.keep_frame(JOB, spark.sql("select 1 as a, 2 as a"))
    stored = results.open(JOB)
    assert whole(stored, "csv") == b"a,a\n1,2\n"
    assert pa.ipc.open_stream(whole(stored, "arrow")).read_all().num_columns == 2
    with pytest.raises(ScriptError, match="2 columns called 'a'"):
        whole(stored, "json")


@pytest.mark.spark
def test_a_large_result_is_kept_up_to_its_limit(spark, tmp_path):
    """Partition by partition."""
    results = ResultFolders(tmp_path, rows=20_000, bytes=2**30)
    kept = results.keep_frame(JOB, spark.range(0, 30_000, 1, 3))
    assert (kept.rows, kept.complete) == (20_000, False)
    assert rows_of("arrow", whole(results.open(JOB), "arrow", offset=19_998)) == [19_998, 19_999]
