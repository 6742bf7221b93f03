from __future__ import annotations

from datetime import date, datetime
from functools import partial

import pytest
from openpyxl import Workbook, load_workbook

from mlsql.errors import DataError, ScriptError
from mlsql.stages.sources.excel_cells import Sheet, rows_of, shape_of
from mlsql.stages.sources.excel_options import AREA, Area

moment = partial(datetime, tzinfo=None)  # a sheet has no zones


def workbook(path, sheets):
    """A file with these sheets: rows by name."""
    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        page = book.create_sheet(name)
        for row in rows:
            page.append(row)
    book.save(path)
    return path


PAYS = [
    ["id", "name", "pay", "since", "at", "good", "mixed"],
    [1, "ann", 10, date(2026, 1, 2), moment(2026, 1, 2, 3, 4, 5), True, 1],
    [],
    [2, "名字", 20.5, date(2025, 1, 2), moment(2026, 1, 2), None, "x"],
    [3, None, None, None, None, False, "#N/A"],
]


@pytest.mark.parametrize(
    ("text", "area"),
    [
        ("B3", Area(None, 3, 2)),
        ("a1:f100", Area(None, 1, 1, 100, 6)),
        ("Pays!$A$2:$AA$9", Area("Pays", 2, 1, 9, 27)),
        ("'My pays'!C1", Area("My pays", 1, 3)),
    ],
)
def test_an_area_is_read_as_excel_writes_it(text, area):
    """With a sheet or without, to an end or without."""
    assert AREA.read(text) == area


@pytest.mark.parametrize("text", ["", "3", "B", "B3:A1", "A1:B2:C3", "A0"])
def test_what_is_no_area_is_refused(text):
    """A reader says so by ValueError."""
    with pytest.raises(ValueError):
        AREA.read(text)


def test_kinds_of_columns_are_those_of_their_cells(tmp_path):
    """Whole numbers stay whole, and what differs is text; empty rows and errors of formulas do not count."""
    content = workbook(tmp_path / "a.xlsx", {"Pays": PAYS}).read_bytes()
    sheet = Sheet(None, Area(), header=True, most_rows=100)
    shape = shape_of(content, sheet, infer=True)
    assert dict(zip(shape.names, shape.kinds, strict=True)) == {
        "id": "bigint",
        "name": "string",
        "pay": "double",
        "since": "date",
        "at": "timestamp_ntz",
        "good": "boolean",
        "mixed": "string",
    }
    (first, second, third), *more = rows_of(content, sheet, shape, 3)
    assert first == (1, "ann", 10.0, date(2026, 1, 2), moment(2026, 1, 2, 3, 4, 5), True, "1")
    assert second[1:5] == ("名字", 20.5, date(2025, 1, 2), moment(2026, 1, 2))
    assert third == (3, None, None, None, None, False, None)
    assert more == []


@pytest.mark.spark
class TestInScripts:
    """Workbooks among the paths of scripts."""

    def test_what_is_saved_can_be_loaded(self, scripts):
        """Types and nulls included; the file is one that others read."""
        (row,) = scripts.rows(
            """
            select 1 as id, "ann" as name, 1.5d as pay, date'2026-01-02' as since, true as good
            union all select 2, null, null, null, false as t;
            save overwrite t as excel.`out/pays.xlsx` where sheetName="Pays";
            """
        )
        assert (row["rows"], row["files"]) == (2, 1)
        assert load_workbook(scripts.path / "out" / "pays.xlsx").sheetnames == ["Pays"]
        frame = scripts(
            "load excel.`out/pays.xlsx` where sheetName='Pays' as u; select * from u order by id as v;"
        )
        assert frame.dtypes == [
            ("id", "bigint"),
            ("name", "string"),
            ("pay", "double"),
            ("since", "date"),
            ("good", "boolean"),
        ]
        assert [tuple(each) for each in frame.collect()] == [
            (1, "ann", 1.5, date(2026, 1, 2), True),
            (2, None, None, None, False),
        ]
        with pytest.raises(DataError, match="already"):
            scripts("save t as excel.`out/pays.xlsx`;")

    def test_an_area_of_a_sheet_of_several_workbooks(self, scripts):
        """Without a header the columns have numbers; text is text when nothing is inferred."""
        for name in ("a", "b"):
            workbook(scripts.path / f"{name}.xlsx", {"no": [[0]], "yes": [["x", 9, 9], ["y", 1, "e"]]})
        where = 'sheetName="1" and dataAddress="B1:B2" and header="false" and inferSchema="false"'
        frame = scripts(f"load excel.`*.xlsx` where {where} as t;")
        assert frame.dtypes == [("_c0", "string")]
        assert sorted(row[0] for row in frame.collect()) == ["1", "1", "9", "9"]

    @pytest.mark.parametrize(
        ("script", "error", "message"),
        [
            ("load excel.`a.xlsx` where sheetName='Pay' as t;", DataError, "no sheet 'Pay'"),
            ("load excel.`none.xlsx` as t;", DataError, "nothing lies at"),
            ("load excel.`no.xlsx` as t;", DataError, "no workbook of the kind xlsx"),
            ("load excel.`a.xlsx` where dataAddress='Z9' as t;", DataError, "no table lies in"),
            ("load excel.`a.xlsx` where dataAddress='9' as t;", ScriptError, "takes a cell or an area"),
            ("save append command as excel.`b.xlsx`;", ScriptError, "nothing can be added"),
            ("select array(1) as a as t; save t as excel.`b.xlsx`;", DataError, "cannot hold the column 'a'"),
        ],
    )
    def test_a_mistake_is_told_where_it_stands(self, scripts, script, error, message):
        """With what to do where we know."""
        workbook(scripts.path / "a.xlsx", {"Pays": PAYS})
        (scripts.path / "no.xlsx").write_text("no workbook")
        with pytest.raises(error, match=message) as caught:
            scripts(script)
        assert caught.value.span is not None
