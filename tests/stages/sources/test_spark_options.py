from __future__ import annotations

import pytest

from mlsql.options import OptionText, declared_options, read_options
from mlsql.stages.sources import file_options, text_options
from mlsql.stages.sources.spark_options import spark_options
from mlsql.stages.sources.text_options import CsvWriteOptions

OURS = {"fileNum", "partitionBy", "contentColumn", "skipFirstNLines"}
OF_ALL_FILES = {
    "pathGlobFilter",
    "recursiveFileLookup",
    "modifiedBefore",
    "modifiedAfter",
    "ignoreCorruptFiles",
    "ignoreMissingFiles",
}
FORMATS = {
    "csv": (text_options.CsvReadOptions, text_options.CsvWriteOptions),
    "json": (text_options.JsonReadOptions, text_options.JsonWriteOptions),
    "text": (text_options.TextReadOptions, text_options.TextWriteOptions),
    "xml": (text_options.XmlReadOptions, text_options.XmlWriteOptions),
    "orc": (file_options.OrcReadOptions, file_options.OrcWriteOptions),
    "parquet": (file_options.ParquetReadOptions, file_options.ParquetWriteOptions),
    "libsvm": (file_options.LibsvmReadOptions, file_options.LibsvmWriteOptions),
}


@pytest.mark.spark
@pytest.mark.parametrize(
    ("format_name", "spark_class"),
    [
        ("csv", "catalyst.csv.CSVOptions"),
        ("json", "catalyst.json.JSONOptions"),
        ("text", "execution.datasources.text.TextOptions"),
        ("xml", "catalyst.xml.XmlOptions"),
        ("orc", "execution.datasources.orc.OrcOptions"),
        ("parquet", "execution.datasources.parquet.ParquetOptions"),
    ],
)
def test_every_option_is_one_that_spark_knows(spark, format_name, spark_class):
    """A misspelt key would be ignored by Spark in silence."""
    package = spark._jvm.org.apache.spark.sql
    for part in spark_class.split("."):
        package = getattr(package, part)
    known = {
        key.casefold()
        for key in spark._jvm.scala.jdk.javaapi.CollectionConverters.asJava(package.getAllOptions())
    }
    declared = {one.key for kind in FORMATS[format_name] for one in declared_options(kind)}
    unlisted = {"comment"}  # Spark reads it all the same
    assert {key for key in declared - OURS - OF_ALL_FILES - unlisted if key.casefold() not in known} == set()


@pytest.mark.parametrize("kind", [kind for kinds in FORMATS.values() for kind in kinds])
def test_no_option_says_what_is_read(kind):
    """Paths go past the policy, never by options."""
    keys = {one.key.casefold() for one in declared_options(kind)}
    assert not keys & {"path", "paths", "basepath"}


def test_spark_gets_the_text_as_it_was_written():
    """Judged here, read there; what is ours stays here."""
    given = {"header": "TRUE", "compression": "gzip", "fileNum": "2", "partitionBy": "a"}
    options = read_options(
        CsvWriteOptions, {key: OptionText(text) for key, text in given.items()}, owner="csv"
    )
    assert spark_options(options) == {"header": "TRUE", "compression": "gzip"}
    assert options.files == 2
