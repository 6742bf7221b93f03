"""The options of Spark's formats that are text: csv, json, text, xml.

These classes have no slots, since a class cannot have two bases with slots.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlsql.options import BOOLEAN, CHARACTER, TEXT, Kind, integer, number, one_of, option
from mlsql.stages.sources.file_options import FileReadOptions, FileWriteOptions
from mlsql.stages.sources.spark_options import spark_option

_NO_CHARACTER: Kind[str] = Kind(
    "a single character, or nothing", lambda text: CHARACTER.read(text) if text else text
)
_QUOTE_HANDLING = one_of(
    "STOP_AT_CLOSING_QUOTE", "BACK_TO_DELIMITER", "STOP_AT_DELIMITER", "SKIP_VALUE", "RAISE_ERROR"
)
_TEXT_CODECS = one_of("none", "uncompressed", "bzip2", "deflate", "gzip", "lz4", "snappy", "zstd")


@dataclass(frozen=True, kw_only=True)
class TimeOptions:
    """How text stands for days and times."""

    date_format: str | None = spark_option("dateFormat", TEXT, "Pattern of dates (yyyy-MM-dd).")
    timestamp_format: str | None = spark_option("timestampFormat", TEXT, "Pattern of timestamps.")
    timestamp_ntz_format: str | None = spark_option(
        "timestampNTZFormat", TEXT, "Pattern of timestamps without a time zone."
    )
    time_zone: str | None = spark_option("timeZone", TEXT, "Zone of timestamps that name none.")
    locale: str | None = spark_option("locale", TEXT, "Language of names of months and days (en-US).")


@dataclass(frozen=True, kw_only=True)
class LineOptions:
    """How the text of a file is cut into lines."""

    encoding: str | None = spark_option("encoding", TEXT, "Character set (UTF-8).", aliases=("charset",))
    line_separator: str | None = spark_option("lineSep", TEXT, "What ends a line (any line end).")


@dataclass(frozen=True, kw_only=True)
class RecordOptions(TimeOptions):
    """What to do with records that do not parse, and how types are found."""

    mode: str | None = spark_option(
        "mode",
        one_of("PERMISSIVE", "DROPMALFORMED", "FAILFAST"),
        "Broken records: keep what can be read, drop them, or fail.",
    )
    corrupt_column: str | None = spark_option(
        "columnNameOfCorruptRecord", TEXT, "Column that takes broken records (_corrupt_record)."
    )
    sampling: str | None = spark_option(
        "samplingRatio", number(0, 1), "Share of the records that types are found from (1)."
    )


@dataclass(frozen=True, kw_only=True)
class CsvOptions(LineOptions):
    """What reading and writing of CSV have in common."""

    separator: str | None = spark_option("sep", TEXT, "What separates fields (,).", aliases=("delimiter",))
    quote: str | None = spark_option("quote", _NO_CHARACTER, 'What quotes a field ("); nothing: no quoting.')
    escape: str | None = spark_option("escape", _NO_CHARACTER, "What escapes a quote within quotes (\\).")
    quote_escape: str | None = spark_option(
        "charToEscapeQuoteEscaping", _NO_CHARACTER, "What escapes the escape before a quote."
    )
    header: str | None = spark_option("header", BOOLEAN, "The first line names the columns (false).")
    null_value: str | None = spark_option("nullValue", TEXT, "What stands for null (nothing).")
    empty_value: str | None = spark_option("emptyValue", TEXT, "What stands for an empty text.")
    trim_left: str | None = spark_option("ignoreLeadingWhiteSpace", BOOLEAN, "Drop blanks before a value.")
    trim_right: str | None = spark_option("ignoreTrailingWhiteSpace", BOOLEAN, "Drop blanks after a value.")


@dataclass(frozen=True, kw_only=True)
class CsvRecordOptions(CsvOptions, RecordOptions):
    """How CSV text becomes rows."""

    time_fallback: str | None = spark_option(
        "enableDateTimeParsingFallback", BOOLEAN, "Try older ways of reading dates when the pattern fails."
    )
    infer: str | None = spark_option("inferSchema", BOOLEAN, "Find types by reading all of it (false).")
    prefer_date: str | None = spark_option("preferDate", BOOLEAN, "Find dates before timestamps (true).")
    enforce: str | None = spark_option("enforceSchema", BOOLEAN, "Do not judge headers by a schema (true).")
    comment: str | None = spark_option("comment", _NO_CHARACTER, "Lines that start so are left out.")
    nan: str | None = spark_option("nanValue", TEXT, "What stands for not-a-number (NaN).")
    infinity: str | None = spark_option("positiveInf", TEXT, "What stands for infinity (Inf).")
    negative_infinity: str | None = spark_option("negativeInf", TEXT, "What stands for its opposite (-Inf).")
    most_columns: str | None = spark_option("maxColumns", integer(1), "Most columns of a record (20480).")
    most_characters: str | None = spark_option(
        "maxCharsPerColumn", integer(-1), "Most characters of a value (-1: no limit)."
    )
    unescaped_quotes: str | None = spark_option(
        "unescapedQuoteHandling",
        _QUOTE_HANDLING,
        "What to do at a quote that is not escaped (STOP_AT_DELIMITER).",
    )


@dataclass(frozen=True, kw_only=True)
class CsvReadOptions(CsvRecordOptions, FileReadOptions):
    """What a ``load csv`` may say."""

    skip: int = option(
        "skipFirstNLines", integer(0), "Lines at the beginning of each file that are left out.", default=0
    )
    multi_line: str | None = spark_option("multiLine", BOOLEAN, "A record may span lines (false).")


@dataclass(frozen=True, kw_only=True)
class CsvWriteOptions(CsvOptions, TimeOptions, FileWriteOptions):
    """What a ``save … as csv`` may say."""

    compression: str | None = spark_option("compression", _TEXT_CODECS, "Codec.", aliases=("codec",))
    quote_all: str | None = spark_option("quoteAll", BOOLEAN, "Quote every value (false).")
    escape_quotes: str | None = spark_option("escapeQuotes", BOOLEAN, "Quote values with quotes (true).")


@dataclass(frozen=True, kw_only=True)
class JsonRecordOptions(RecordOptions):
    """How JSON text becomes rows."""

    time_fallback: str | None = spark_option(
        "enableDateTimeParsingFallback", BOOLEAN, "Try older ways of reading dates when the pattern fails."
    )
    text_only: str | None = spark_option("primitivesAsString", BOOLEAN, "Numbers and booleans become text.")
    decimals: str | None = spark_option("prefersDecimal", BOOLEAN, "Fractions become decimals if they fit.")
    comments: str | None = spark_option("allowComments", BOOLEAN, "Take comments as in Java and C++.")
    bare_names: str | None = spark_option("allowUnquotedFieldNames", BOOLEAN, "Take names without quotes.")
    single_quotes: str | None = spark_option("allowSingleQuotes", BOOLEAN, "Take single quotes too (true).")
    leading_zeros: str | None = spark_option("allowNumericLeadingZeros", BOOLEAN, "Take numbers such as 007.")
    any_escape: str | None = spark_option(
        "allowBackslashEscapingAnyCharacter", BOOLEAN, "Take a backslash before any character."
    )
    control_characters: str | None = spark_option(
        "allowUnquotedControlChars", BOOLEAN, "Take control characters as they are."
    )
    not_numbers: str | None = spark_option(
        "allowNonNumericNumbers", BOOLEAN, "Take NaN and infinities as numbers (true)."
    )
    drop_nulls: str | None = spark_option("dropFieldIfAllNull", BOOLEAN, "No column for what is always null.")
    find_timestamps: str | None = spark_option("inferTimestamp", BOOLEAN, "Find timestamps in text.")
    variant: str | None = spark_option(
        "singleVariantColumn", TEXT, "One column of this name takes each record whole, as a variant."
    )


@dataclass(frozen=True, kw_only=True)
class JsonReadOptions(LineOptions, JsonRecordOptions, FileReadOptions):
    """What a ``load json`` may say."""

    multi_line: str | None = spark_option("multiLine", BOOLEAN, "One record a file, over many lines (false).")


@dataclass(frozen=True, kw_only=True)
class JsonWriteOptions(LineOptions, TimeOptions, FileWriteOptions):
    """What a ``save … as json`` may say."""

    compression: str | None = spark_option("compression", _TEXT_CODECS, "Codec.", aliases=("codec",))
    skip_nulls: str | None = spark_option("ignoreNullFields", BOOLEAN, "Leave out what is null (true).")
    ascii_only: str | None = spark_option(
        "writeNonAsciiCharacterAsCodePoint", BOOLEAN, "Write what is not ASCII as \\uXXXX (false)."
    )


@dataclass(frozen=True, kw_only=True)
class TextReadOptions(FileReadOptions):
    """What a ``load text`` may say."""

    whole: str | None = spark_option("wholetext", BOOLEAN, "A row is a file, not a line (false).")
    line_separator: str | None = spark_option("lineSep", TEXT, "What ends a line (any line end).")
    encoding: str | None = spark_option("encoding", TEXT, "Character set (UTF-8).", aliases=("charset",))


@dataclass(frozen=True, kw_only=True)
class TextWriteOptions(FileWriteOptions):
    """What a ``save … as text`` may say."""

    content: str | None = option(
        "contentColumn", TEXT, "Column with the lines; not needed when the table has one.", default=None
    )
    line_separator: str | None = spark_option("lineSep", TEXT, "What ends a line (a line feed).")
    compression: str | None = spark_option("compression", _TEXT_CODECS, "Codec.", aliases=("codec",))


@dataclass(frozen=True, kw_only=True)
class XmlOptions(TimeOptions):
    """What reading and writing of XML have in common."""

    row_tag: str = spark_option("rowTag", TEXT, "Element that is a row.", required=True)
    attribute_prefix: str | None = spark_option("attributePrefix", TEXT, "Before names of attributes (_).")
    value_tag: str | None = spark_option(
        "valueTag", TEXT, "Column of the text of an element that has attributes too (_VALUE)."
    )
    null_value: str | None = spark_option("nullValue", TEXT, "What stands for null (null).")
    encoding: str | None = spark_option("encoding", TEXT, "Character set (UTF-8).", aliases=("charset",))
    check_names: str | None = spark_option("validateName", BOOLEAN, "Refuse names that XML forbids (true).")


@dataclass(frozen=True, kw_only=True)
class XmlReadOptions(XmlOptions, RecordOptions, FileReadOptions):
    """What a ``load xml`` may say."""

    infer: str | None = spark_option("inferSchema", BOOLEAN, "Find types by reading all of it (true).")
    decimals: str | None = spark_option("prefersDecimal", BOOLEAN, "Fractions become decimals if they fit.")
    multi_line: str | None = spark_option("multiLine", BOOLEAN, "A row may span lines (true).")
    no_attributes: str | None = spark_option("excludeAttribute", BOOLEAN, "Leave attributes out (false).")
    trim: str | None = spark_option("ignoreSurroundingSpaces", BOOLEAN, "Drop blanks around a value (true).")
    no_namespaces: str | None = spark_option(
        "ignoreNamespace", BOOLEAN, "Leave the prefixes of names out (false)."
    )
    wildcard: str | None = spark_option(
        "wildcardColName", TEXT, "Column that takes what a schema does not name (xs_any)."
    )


@dataclass(frozen=True, kw_only=True)
class XmlWriteOptions(XmlOptions, FileWriteOptions):
    """What a ``save … as xml`` may say."""

    root_tag: str | None = spark_option("rootTag", TEXT, "Element around all rows (ROWS).")
    declaration: str | None = spark_option(
        "declaration", TEXT, "Text of the XML declaration (version, encoding, standalone)."
    )
    indent: str | None = spark_option("indent", TEXT, "Blanks before an inner element (four).")
    item_tag: str | None = spark_option("arrayElementName", TEXT, "Element of an array in an array (item).")
    compression: str | None = spark_option("compression", _TEXT_CODECS, "Codec.", aliases=("codec",))
