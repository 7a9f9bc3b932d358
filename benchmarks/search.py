"""`search`: an order by its id, from the word somebody types to its page: hot, cold and archived."""

from __future__ import annotations

from tempfile import TemporaryDirectory

from benchmarks.archiving import archive_run, archived_at
from benchmarks.asking import Asker, asker, percentile, told, until_cached
from benchmarks.board import board
from benchmarks.environment import Bench, BenchRun
from benchmarks.grown import GrownShop
from benchmarks.processor import processors
from benchmarks.result import Result

WHOLE, QUICK = GrownShop(10_000_000), GrownShop(100_000)
SEARCHES = 500
HOT = 20
AIMS_MS = {"hot": 10, "cold": 25, "archived": 500}

_WARM = 50
_LIMIT_SECONDS = 600.0


async def search(bench: Bench) -> Result:
    """The 99th percentile in milliseconds of an order nobody has asked for: `/find` and the page it leads to."""
    shop, count = (QUICK, SEARCHES // 5) if bench.quick else (WHOLE, SEARCHES)
    cold, archived = shop.cold(count + _WARM), shop.oldest(count + _WARM)
    async with bench.environment(shop) as run:
        with TemporaryDirectory() as folder:
            rows, _ = await archive_run(run, folder, _LIMIT_SECONDS)
            assert rows, "the month has not left"
            variables = {**run.variables, **archived_at(folder)}
            async with processors(run), board(BenchRun(run.settings, variables)) as address, asker(address) as reader:
                await until_cached(reader)
                taken = {
                    "hot": await _found(reader, shop.live(HOT) * ((count + _WARM) // HOT)),
                    "cold": await _found(reader, cold),
                    "archived": await _found(reader, archived),
                }
    conditions = {
        "orders": shop.orders, "searches_each": count, "archived_rows": rows, "hot_orders": HOT,
        "ms": {name: told(found) for name, found in taken.items()}, "aims_p99_ms": AIMS_MS,
    }  # fmt: skip
    value, limit = percentile(taken["cold"], 99), percentile(taken["hot"], 99)
    return Result("search", value, "ms", limit, "orders that are looked for again and again", True, conditions)


async def _found(reader: Asker, order_ids: list[str]) -> list[float]:
    """Return the milliseconds of each search but the first ones, from the word to the whole page."""
    taken = []
    for order_id in order_ids:
        found = await reader.ask(f"/find?q={order_id}")
        assert found.status == 303, f"{order_id}: {found.status}"
        page = await reader.page(found.headers["location"])
        assert page.body.count(b'class="span') >= 1, order_id
        taken.append(found.ms + page.ms)
    return taken[_WARM:]
