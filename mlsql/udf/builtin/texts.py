"""Texts: Chinese characters, bytes, sizes."""

from __future__ import annotations

from collections.abc import Sequence

from mlsql.udf.builtin.declaration import SqlFunction, function

_PUNCTUATION = (
    r"\x{3000}-\x{303F}\x{FE30}-\x{FE4F}\x{FF00}-\x{FFEF}"
    r"\x{2014}\x{2018}\x{2019}\x{201C}\x{201D}\x{2026}\x{00B7}"
)
"""The CJK and full-width forms, and what Chinese texts borrow of the general ones."""
_SIZE = r"r'^\s*([0-9]+)\s*([a-z]*)\s*$'"
_POWERS = (
    "map('b', 0, 'k', 1, 'kb', 1, 'm', 2, 'mb', 2, 'g', 3, 'gb', 3,"
    " 't', 4, 'tb', 4, 'p', 5, 'pb', 5, '', {power})"
)


def _size(name: str, power: int, unit: str, example: str, gives: str) -> SqlFunction:
    written = f"regexp_extract(lower(text), {_SIZE}, 2)"
    known = _POWERS.format(power=power)
    body = (
        f"case when text is null then null when not lower(text) rlike {_SIZE}"
        f" or not map_contains_key({known}, {written})"
        " then raise_error(concat('a size is a number and a unit such as 10mb, not ', text))"
        f" else cast(cast(regexp_extract(lower(text), {_SIZE}, 1) as decimal(20, 0))"
        f" * power(1024D, {known}[{written}] - {power}) as bigint) end"
    )
    doc = f"A size such as `10mb` in {unit}, rounded down; a number alone is in {unit}."
    return function(f"{name}(text string) -> bigint", body, doc, example=example, gives=gives)


FUNCTIONS: Sequence[SqlFunction] = (
    function(
        "keepChinese(text string, keepPunctuation boolean, extra array<string>) -> string",
        "if(keepPunctuation is null, null, regexp_replace(text,"
        f" concat(r'[^\\p{{IsHan}}', if(keepPunctuation, r'{_PUNCTUATION}', ''),"
        r" array_join(transform(extra, each -> concat(r'\Q', replace(each, r'\E', ''), r'\E')), ''),"
        " ']'), ''))",
        "The Chinese characters of a text, with their punctuation when wanted, and the extra characters.",
        example="keepChinese('Spark 是什么？ok', true, array('k'))",
        gives="k是什么？k",
    ),
    function(
        "decodeKafka(value binary) -> string",
        "decode(value, 'utf-8')",
        "Bytes as a text in UTF-8.",
        example="decodeKafka(X'e4bda0')",
        gives="你",
    ),
    _size("byteStringAsBytes", 0, "bytes", "byteStringAsBytes('2kb')", "2048"),
    _size("byteStringAsKb", 1, "KiB", "byteStringAsKb('3m')", "3072"),
    _size("byteStringAsMb", 2, "MiB", "byteStringAsMb('2g')", "2048"),
    _size("byteStringAsGb", 3, "GiB", "byteStringAsGb('2048mb')", "2"),
)
