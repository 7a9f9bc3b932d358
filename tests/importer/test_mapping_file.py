"""What is wrong with a mapping is said with the place in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.edges.importer import load_mapping, parse_mapping
from pipelines.edges.importer.columns import used_columns
from schemas.errors import SettingsError
from tests.importer.shop import MAPPING, MemoryTables, import_shop


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "shop"', 'name = "My Shop"', "name: 1 to 64 of a-z, 0-9, - and _, the first a letter or digit"),
        ("[joined.lines]", '[joined."My Lines"]', "joined.My Lines: 1 to 64 of a-z, 0-9, - and _"),
        ('name = "shop"', 'nmae = "shop"', "name: Field required"),
        ('"Europe/Berlin"', '"Berlin"', "zone: 'Berlin' is no zone"),
        ('currency = "EUR"', 'currency = "XXX"', "currency"),
        ('currency = "EUR"', "", "events.priced.data.price: money needs the mapping's currency"),
        ('key = "order"', "", "joined.lines.key: Field required"),
        ('key = "order"', 'key = "order"\nkeep = "some"', "joined.lines.keep: "),
        ("order.shipped.v1", "order.sent.v1", "events.sent.type: 'order.sent.v1' is no order event; known: order."),
        ('source = "/mes"', 'source = "/crm"', "events.sent: /crm may not send order.shipped.v1"),
        ('source = "/mes"', 'source = "/warehouse"', "events.sent.source: '/warehouse' cannot be imported from"),
        (
            'source = "/mes"',
            'source = "/partners/acme"',
            "events.sent.source: '/partners/acme' cannot be imported from",
        ),
        ('time = "sent"', "time = 5", "events.sent.time: expected a column's name or a table with latest_of or"),
        ('time = "sent"', 'time = { latest = ["sent"] }', "events.sent.time: expected a column's name or a table"),
        ('time = "sent"', 'time = { latest_of = ["sent"], x = 1 }', "events.sent.time.x: Extra inputs"),
        ("not_empty = true", "not_empty = false", "events.priced.when.0.not_empty: "),
        (", not_empty = true", "", "events.priced.when.0: give exactly one of equals, one_of and not_empty"),
        ('{ integer = "pieces" }', '{ int = "pieces" }', "events.bought.data.items.item.quantity: expected"),
        ('reason = "state"', "reason = 1.5", "events.called_off.data.reason: expected"),
        ('each = "lines"', 'each = "items"', "events.bought.data.items.each: 'items' is no joined table"),
        ('zone = "Europe', 'time_format = "%Q"\nzone = "Europe', "time_format: not a format"),
        ('name = "shop"', 'name = "shop', "not TOML: .*line 2"),
    ],
)
def test_a_mistake_is_placed(old: str, new: str, message: str, tmp_path: Path) -> None:
    assert old in MAPPING
    path = tmp_path / "shop.toml"
    path.write_text(MAPPING.replace(old, new, 1))
    with pytest.raises(SettingsError) as caught:
        load_mapping(path)
    text = str(caught.value)
    for part in message.split(".*"):
        assert part in text
    assert "\n" not in text


def test_the_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "shop.toml"
    with pytest.raises(SettingsError, match=r"shop\.toml: No such file"):
        load_mapping(path)
    path.write_text("name = 1")
    with pytest.raises(SettingsError, match=r"shop\.toml: name: "):
        load_mapping(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'time = "sent"',
            'time = "posted"',
            "events.sent.time: table orders has no column 'posted'; it has id, customer",
        ),
        (
            '"lines.price", not_empty',
            '"line.price", not_empty',
            "events.priced.when.0.column: table orders has no column",
        ),
        ('"lines.price", not_empty', '"line.price", not_empty', "no [joined.line] in the mapping"),
        ('item_id = "sku"', 'item_id = "id"', "events.bought.data.items.item.item_id: table lines has no column 'id'"),
        ('key = "order"', 'key = "order_id"', "joined.lines.key: table lines has no column 'order_id'"),
        ('key = "order"', 'key = "order"\nto = "number"', "joined.lines.to: table orders has no column 'number'"),
        ('partner = "partner"', 'partner = "lines.seller"', "main.partner: table lines has no column 'seller'"),
    ],
)
async def test_a_column_that_is_not_there_is_placed(old: str, new: str, message: str) -> None:
    assert old in MAPPING
    with pytest.raises(SettingsError) as caught:
        await import_shop(mapping=MAPPING.replace(old, new, 1))
    assert message in str(caught.value)


def test_columns_of_no_use_are_not_kept() -> None:
    used = used_columns(parse_mapping(MAPPING))
    assert set(used[None]) == {"id", "customer", "partner", "bought", "sent", "state"}
    assert set(used["lines"]) == {"order", "sku", "pieces", "price", "shipping"}


async def test_an_empty_shop_imports_as_nothing() -> None:
    assert await MemoryTables().header("orders")
    result, events, rejected = await import_shop()
    assert (result.rows, result.rejected, result.unmatched, events, rejected) == (0, 0, [], [], [])
