"""Files of rows: charsets, separators, line ends and broken rows, each row with the line on which it begins."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.importing import rows
from services.console.importing.rows import Row, Table
from services.console.where import Trouble


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "leads.csv"


def read(path: Path, content: bytes, **options: Any) -> tuple[Table, list[Row]]:
    path.write_bytes(content)
    table = rows.look(path, **options)
    return table, list(table.rows())


@pytest.mark.parametrize(
    ("encoding", "found", "guessed"),
    [
        ("utf-8", "utf-8", False),
        ("utf-8-sig", "utf-8-sig", False),
        ("utf-16", "utf-16", False),
        ("windows-1252", "windows-1252", True),
    ],
)
def test_a_charset_is_found_by_its_mark_or_by_being_utf8_else_it_is_guessed(
    file: Path, encoding: str, found: str, guessed: bool
) -> None:
    table, [row] = read(file, "E-Mail,Straße\njo@acme.example,Köln\n".encode(encoding))
    assert (table.encoding, table.guessed, table.columns) == (found, guessed, ("E-Mail", "Straße"))
    assert row == Row(2, {"E-Mail": "jo@acme.example", "Straße": "Köln"})


def test_a_named_charset_is_taken_at_its_word(file: Path) -> None:
    _, [row] = read(file, "name\nŁódź\n".encode("iso-8859-2"), encoding="iso-8859-2")
    assert row.fields == {"name": "Łódź"}
    with pytest.raises(Trouble, match="--encoding"):
        read(file, "name\nKöln\n".encode("latin-1"), encoding="utf-8")
    with pytest.raises(Trouble, match="no charset"):
        rows.look(file, encoding="klingon")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends_are_found(file: Path, delimiter: str, end: str) -> None:
    lines = [delimiter.join(("a b", "c")), delimiter.join(('"x, y; z"', "2"))]
    table, [row] = read(file, end.join(lines).encode())
    assert (table.delimiter, row) == (delimiter, Row(2, {"a b": "x, y; z", "c": "2"}))


def test_what_excel_writes_before_the_header_is_the_separator(file: Path) -> None:
    table, [row] = read(file, b"sep=;\r\na,b;c\r\n1;2\r\n")
    assert (table.delimiter, row) == (";", Row(3, {"a,b": "1", "c": "2"}))


def test_a_row_has_the_line_on_which_it_begins_also_after_one_with_line_ends_in_it(file: Path) -> None:
    _, found = read(file, b'a,b\n\n1,"two\nlines"\n2,x\n,\n3\n4,y,z\n5,w\n')
    assert [row.line for row in found] == [3, 5, 7, 8, 9]
    assert [row.mistake for row in found] == [
        "",
        "",
        "the row has 1 fields, the header 2",
        "the row has 3 fields, the header 2",
        "",
    ]


def test_a_quote_that_is_never_closed_names_the_line_where_it_begins(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "_LONGEST_FIELD", 100)
    with pytest.raises(Trouble, match="line 3: a quote"):
        read(file, b'a,b\n1,2\n3,"4' + b"\nx,y" * 50)


@pytest.mark.parametrize(
    ("content", "says"), [(b"", "no header"), (b"\n\n", "no header"), (b"a,b,a\n1,2,3\n", "two columns of one name: a")]
)
def test_a_header_that_names_no_columns_is_told(file: Path, content: bytes, says: str) -> None:
    with pytest.raises(Trouble, match=says):
        read(file, content)


def test_of_json_lines_each_is_an_object_or_a_mistake(tmp_path: Path) -> None:
    _, found = read(tmp_path / "leads.jsonl", b'\xef\xbb\xbf{"a": 1}\n\n[1]\n{"a":\n{"b": {"c": 2}}')
    assert found == [
        Row(1, {"a": 1}),
        Row(3, None, "the line is no JSON object"),
        Row(4, None, "the line is no JSON"),
        Row(5, {"b": {"c": 2}}),
    ]


def test_a_file_that_says_nothing_of_its_format_has_to_be_told(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="--format"):
        read(tmp_path / "leads", b"a\n1\n")
    with pytest.raises(Trouble, match="can't be read"):
        rows.look(tmp_path / "gone.csv")
    assert read(tmp_path / "leads", b'{"a": 1}', format_="jsonl")[1] == [Row(1, {"a": 1})]


_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8)


@given(st.lists(st.tuples(_TEXT, _TEXT), max_size=8), st.sampled_from(",;\t|"))
def test_whatever_a_csv_writer_writes_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, values: list[tuple[str, str]], delimiter: str
) -> None:
    file = tmp_path_factory.getbasetemp() / "written.csv"
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([("first", "second"), *values])
    _, found = read(file, text.getvalue().encode())
    wanted = [{"first": one.strip(), "second": other.strip()} for one, other in values if (one + other).strip()]
    assert [row.fields for row in found] == wanted


@given(st.binary(max_size=200))
def test_no_bytes_break_it(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    for name in ("any.csv", "any.jsonl"):
        try:
            for row in read(tmp_path_factory.getbasetemp() / name, content)[1]:
                assert json.dumps(row.fields) is not None
        except Trouble:
            continue
