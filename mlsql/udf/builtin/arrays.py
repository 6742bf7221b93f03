"""Arrays and maps."""

from __future__ import annotations

from collections.abc import Sequence

from mlsql.udf.builtin.declaration import SqlFunction, function


def _cast(name: str, given: str, to: str, doc: str, example: str, gives: str) -> SqlFunction:
    body = f"transform(array, each -> cast(each as {to}))"
    signature = f"{name}(array array<{given}>) -> array<{to}>"
    return function(signature, body, doc, example=example, gives=gives)


FUNCTIONS: Sequence[SqlFunction] = (
    function(
        "array_index(array array<any>, element any) -> int",
        "cast(array_position(array, element) - 1 as int)",
        "Where the element first stands, counted from 0; -1 when it is not there.",
        example="array_index(array('a', 'b'), 'b')",
        gives="1",
    ),
    function(
        "array_slice(array array<any>, start int, until int) -> array<any>",
        "if(start is null or until is null, null, slice(array, greatest(start, 0) + 1,"
        " greatest(if(until = -1, size(array), until) - greatest(start, 0), 0)))",
        "The elements from a place up to another, which is left out, counted from 0; -1 is the end.",
        example="array_slice(array(1, 2, 3), 1, -1)",
        gives="[2, 3]",
    ),
    function(
        "array_concat(arrays array<any>) -> array<any>",
        "flatten(arrays)",
        "Arrays one behind the other, as one; null when one is null.",
        example="array_concat(array(array('a'), array('b', 'c')))",
        gives="[a, b, c]",
    ),
    function(
        "array_number_concat(arrays array<array<double>>) -> array<double>",
        "flatten(arrays)",
        "Arrays of numbers, or vectors, one behind the other; null when one is null.",
        example="array_number_concat(array(array(1), array(2.5)))",
        gives="[1.0, 2.5]",
    ),
    _cast(
        "array_number_to_string",
        "any",
        "string",
        "Each number as a text; a null stays one.",
        "array_number_to_string(array(1.5, 2.0D))",
        "[1.5, 2.0]",
    ),
    _cast(
        "array_string_to_double",
        "string",
        "double",
        "Each text as a double; one that is no number is an error, a null stays null.",
        "array_string_to_double(array('1', '2.5'))",
        "[1.0, 2.5]",
    ),
    _cast(
        "array_string_to_float",
        "string",
        "float",
        "Each text as a float; one that is no number is an error, a null stays null.",
        "array_string_to_float(array('1', '2.5'))",
        "[1.0, 2.5]",
    ),
    _cast(
        "array_string_to_int",
        "string",
        "int",
        "Each text as an int; one that is no whole number is an error, a null stays null.",
        "array_string_to_int(array('1', '2'))",
        "[1, 2]",
    ),
    _cast(
        "to_array_double",
        "any",
        "double",
        "Each element, a number or a text, as a double; a null stays null.",
        "to_array_double(array('1', '2.5'))",
        "[1.0, 2.5]",
    ),
    function(
        "map_value_int_to_double(map map<string,int>) -> map<string,double>",
        "transform_values(map, (key, each) -> double(each))",
        "The map with its values as doubles.",
        example="map_value_int_to_double(map('a', 1))",
        gives="{a -> 1.0}",
    ),
    function(
        "padding_int_array(array array<int>, length int, filler int) -> array<int>",
        "if(filler is null, null, slice(concat(array, array_repeat(filler, length)), 1, length))",
        "The array at this length: cut, or filled up at its end.",
        example="padding_int_array(array(1, 2), 4, 0)",
        gives="[1, 2, 0, 0]",
    ),
    function(
        "ngram(words array<string>, n int) -> array<string>",
        "case when n < 1 then raise_error('an n-gram has at least one word')"
        " when size(words) < n then cast(array() as array<string>)"
        " else transform(sequence(1, size(words) - n + 1), place ->"
        " array_join(slice(words, place, n), ' ')) end",
        "Each n words that stand beside each other, with a blank between them; of nulls nothing.",
        example="ngram(array('a', 'b', 'c'), 2)",
        gives="[a b, b c]",
    ),
    function(
        "mkString(separator string, array array<any>) -> string",
        "array_join(transform(array, each -> cast(each as string)), separator)",
        "The elements as one text; nulls are left out.",
        example="mkString('-', array(1, 2))",
        gives="1-2",
    ),
    function(
        "json_object_array(text string) -> array<string>",
        "from_json(text, 'array<string>')",
        "The elements of a JSON array, each as a text; null when it is none.",
        example="""json_object_array('[{"a":1},{"a":2}]')""",
        gives="""[{"a":1}, {"a":2}]""",
    ),
)
