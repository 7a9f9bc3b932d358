"""`warren import` as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from cli.importer import EPILOG, import_command
from tests.importer.shop import LINE_COLUMNS, MAPPING, ORDER_COLUMNS, line, order

app = typer.Typer()
app.command(epilog=EPILOG)(import_command)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with shop.toml, orders.csv (one of three rows is bad) and lines.csv."""
    (tmp_path / "shop.toml").write_text(MAPPING)
    orders = [order("A1"), order("A2", bought="soon"), order("A3", sent="2026-03-09")]
    write(tmp_path / "orders.csv", ORDER_COLUMNS, orders)
    write(tmp_path / "lines.csv", LINE_COLUMNS, [line("A1")])
    return tmp_path


def write(path: Path, columns: tuple[str, ...], rows: list[dict[str, str]]) -> None:
    lines = [",".join(columns), *(",".join(row[column] for column in columns) for row in rows)]
    path.write_text("\n".join(lines) + "\n")


def call(folder: Path, *more: str) -> Result:
    files = [str(folder / "orders.csv"), str(folder / "lines.csv")]
    return CliRunner().invoke(app, ["--mapping", str(folder / "shop.toml"), *files, *more])


def test_a_dry_run_counts_and_tells_what_is_wrong(shop: Path) -> None:
    rejects = shop / "rejects.jsonl"
    result = call(shop, "--dry-run", "--json", "--rejects", str(rejects))
    assert json.loads(result.stdout) == {
        "rows": 3, "orders": 2, "events": 4, "confirmed": 0, "rejected": 1, "unmatched": [], "dry_run": True,
    }  # fmt: skip
    assert result.exit_code == 1
    reason = "bought: 'soon' is not an ISO 8601 time"
    place = {"file": str(shop / "orders.csv"), "line": 3, "order_id": "A2", "reason": reason}
    assert [json.loads(text) for text in rejects.read_text().splitlines()] == [place]
    assert f"rejected {shop / 'orders.csv'}:3: {reason}" in result.stderr


def test_a_clean_import_exits_with_0(shop: Path) -> None:
    write(shop / "orders.csv", ORDER_COLUMNS, [order("A1")])
    result = call(shop, "--dry-run")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout == "1 rows would give 2 events of 1 orders; nothing published, 0 rows rejected\n"


def test_of_many_bad_rows_the_first_are_shown(shop: Path) -> None:
    write(shop / "orders.csv", ORDER_COLUMNS, [order(f"A{number}", bought="soon") for number in range(25)])
    result = call(shop, "--dry-run")
    assert result.exit_code == 1
    assert result.stderr.count("rejected ") == 10
    assert "15 more bad rows; --rejects FILE lists all" in result.stderr


def test_a_row_whose_ids_cannot_be_read_is_reported_all_the_same(shop: Path) -> None:
    for name in ("orders.csv", "lines.csv"):
        (shop / name).write_bytes((shop / name).read_bytes().replace(b"A1", b"A\xff"))
    rejects = shop / "rejects.jsonl"
    assert call(shop, "--dry-run", "--rejects", str(rejects)).exit_code == 1
    told = [json.loads(text) for text in rejects.read_text().splitlines()]
    assert [(Path(row["file"]).name, row["line"], row["order_id"]) for row in told] == [
        ("lines.csv", 2, None),
        ("orders.csv", 2, None),
        ("orders.csv", 3, "A2"),
    ]
    assert told[0]["reason"] == "order: not in the mapping's csv.encoding"


def test_a_bad_line_makes_its_order_unusable(shop: Path) -> None:
    (shop / "lines.csv").write_text((shop / "lines.csv").read_text() + "A3,gear\n")
    result = call(shop, "--dry-run", "--json")
    assert f"rejected {shop / 'lines.csv'}:3: 2 cells, but the header has 5" in result.stderr
    assert json.loads(result.stdout)["orders"] == 1


def test_lines_that_belong_to_nothing_are_warned_of(shop: Path) -> None:
    write(shop / "lines.csv", LINE_COLUMNS, [line("B1")])
    assert "warning: no row of joined.lines belongs to any order" in call(shop, "--dry-run").stderr


@pytest.mark.parametrize(
    ("mapping", "arguments", "message"),
    [
        (MAPPING, [], "give either CSV files or --dsn"),
        (MAPPING, ["orders.csv", "lines.csv", "--dsn", "postgresql://localhost:1/x"], "give either CSV files or --dsn"),
        (MAPPING, ["orders.csv"], "no table lines among the files"),
        (MAPPING, ["--dsn", "postgresql://127.0.0.1/x?sslmode=maybe"], "--dsn: `sslmode` parameter must be one of"),
        (MAPPING, ["--dsn", "postgresql://me:secret@x:notaport/"], "--dsn: its port is no number from 1 to 65535"),
        (MAPPING, ["--dsn", "postgresql://me:se/cret@x:5432/"], "--dsn: its port is no number from 1 to 65535"),
        (MAPPING, ["--dsn", "mysql://me:secret@x/"], "--dsn: an address begins with postgresql:// or postgres://"),
        (MAPPING.replace('"sent"', '"posted"'), ["orders.csv", "lines.csv"], "events.sent.time: table orders has no"),
        ("name = 1", ["orders.csv"], "shop.toml: name: "),
    ],
)
def test_wrong_usage_exits_with_2_and_one_line(
    shop: Path, mapping: str, arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop)
    Path("shop.toml").write_text(mapping)
    result = CliRunner().invoke(app, ["--mapping", "shop.toml", "--dry-run", *arguments])
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert "cret" not in result.stderr
    assert result.stdout == ""


def test_a_database_that_is_away_exits_with_3_and_one_line(shop: Path) -> None:
    options = ["--mapping", str(shop / "shop.toml"), "--dry-run", "--dsn", "postgresql://127.0.0.1:1/x"]
    result = CliRunner().invoke(app, options)
    assert result.exit_code == 3
    assert result.stderr.startswith("warren: --dsn: cannot connect: ")
    assert result.stderr.count("\n") == 1
