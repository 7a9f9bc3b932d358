"""Tables from CSV files."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from pipelines.edges.importer.csv_tables import CsvTables, table_name
from pipelines.edges.importer.mapping import CsvFormat
from pipelines.edges.importer.rows import Row
from schemas.errors import SettingsError


async def rows_of(path: Path, csv_format: CsvFormat | None = None) -> list[Row]:
    return [row async for row in CsvTables([path], csv_format or CsvFormat()).rows(table_name(path))]


def file(folder: Path, content: str | bytes, name: str = "orders.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


async def test_rows_have_their_cells_trimmed_and_their_lines(tmp_path: Path) -> None:
    path = file(tmp_path, 'id, note\nA1 ,"two\nlines"\n\nA2,"say ""hi"""\n')
    rows = await rows_of(path)
    assert [(row.place.line, dict(row.cells)) for row in rows] == [
        (2, {"id": "A1", "note": "two\nlines"}),
        (5, {"id": "A2", "note": 'say "hi"'}),
    ]
    assert {row.place.file for row in rows} == {str(path)}
    assert {row.problem for row in rows} == {None}


async def test_gzip_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = file(tmp_path, gzip.compress("\ufeffid,note\nA1,x\n".encode()), "orders.csv.gz")
    assert [dict(row.cells) for row in await rows_of(path)] == [{"id": "A1", "note": "x"}]


async def test_another_delimiter_and_encoding(tmp_path: Path) -> None:
    path = file(tmp_path, "id;note\nA1;шестерня\n".encode("cp1251"))
    rows = await rows_of(path, CsvFormat(delimiter=";", encoding="cp1251"))
    assert [dict(row.cells) for row in rows] == [{"id": "A1", "note": "шестерня"}]


async def test_a_faulty_row_is_told_and_the_next_ones_are_read(tmp_path: Path) -> None:
    path = file(tmp_path, b'id,note\nA1\nA2,x,y\nA3,\xff\nA4,"a"b\nA5,ok\n')
    rows = await rows_of(path)
    assert [(row.place.line, row.problem) for row in rows] == [
        (2, "1 cells, but the header has 2"),
        (3, "3 cells, but the header has 2"),
        (4, "note: not in the mapping's csv.encoding"),
        (5, "not CSV: ',' expected after '\"'"),
        (6, None),
    ]
    assert dict(rows[2].cells) == {"id": "A3"}


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        ("", "orders.csv", "no header line"),
        ("id,id\n", "orders.csv", "'id' is there twice"),
        ("id\nA1\n", "orders.csv.gz", "orders.csv.gz: Not a gzipped file"),
        (gzip.compress(b"id\n" + b"A1\n" * 9999)[:-20], "orders.csv.gz", "orders.csv.gz"),
    ],
)
async def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, content: str | bytes, name: str, message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        await rows_of(file(tmp_path, content, name))


async def test_a_missing_file_and_a_missing_table_are_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"orders\.csv: No such file"):
        await rows_of(tmp_path / "orders.csv")
    with pytest.raises(SettingsError, match=r"no table lines among the files \(there is: orders\)"):
        await CsvTables([tmp_path / "orders.csv"], CsvFormat()).header("lines")


def test_two_files_of_one_table_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"table orders is in .* already"):
        CsvTables([tmp_path / "orders.csv", tmp_path / "orders.csv.gz"], CsvFormat())


async def test_the_share_read_goes_from_nothing_to_all(tmp_path: Path) -> None:
    path = file(tmp_path, "id\n" + "A1\n" * 20_000)
    tables = CsvTables([path], CsvFormat())
    shares = [tables.read_share() or 0.0 async for _ in tables.rows("orders")]
    assert shares == sorted(shares)
    assert shares[0] == 0.0
    assert tables.read_share() == 1.0
