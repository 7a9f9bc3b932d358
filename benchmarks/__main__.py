"""`make bench ARGS="--json [--only NAME] [--quick]"`: figures beside limits measured in the same run."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable

import orjson
import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks.archive import archive
from benchmarks.board_page import board_page
from benchmarks.cache_loss import cache_loss
from benchmarks.environment import Bench
from benchmarks.handlers import batch_handler, single_handler
from benchmarks.live_200 import live_200
from benchmarks.materialise import materialise
from benchmarks.memory import memory
from benchmarks.naive import naive
from benchmarks.orders_page import orders_page, orders_page_naive
from benchmarks.outbox import outbox
from benchmarks.publish import publish
from benchmarks.result import Result
from benchmarks.scale import scale
from benchmarks.search import search
from benchmarks.takeover import takeover
from benchmarks.visible import visible
from cli.localservers import ServicesError, running_servers

BENCHMARKS: dict[str, Callable[[Bench], Awaitable[Result]]] = {
    "publish": publish,
    "outbox": outbox,
    "materialise": materialise,
    "naive": naive,
    "visible": visible,
    "batch_handler": batch_handler,
    "single_handler": single_handler,
    "memory": memory,
    "scale": scale,
    "takeover": takeover,
    "board_page": board_page,
    "orders_page": orders_page,
    "orders_page_naive": orders_page_naive,
    "search": search,
    "live_200": live_200,
    "cache_loss": cache_loss,
    "archive": archive,
}


def main() -> int:
    """Run the benchmarks asked for; the last line of stdout is one JSON object with --json."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")
    parser.add_argument("--only", metavar="NAME", choices=BENCHMARKS, help=f"one of {', '.join(BENCHMARKS)}")
    parser.add_argument(
        "--quick", action="store_true", help="one run of each instead of several, over a smaller history"
    )
    arguments = parser.parse_args()
    wanted = [arguments.only] if arguments.only else list(BENCHMARKS)
    err = Console(stderr=True)
    results: dict[str, Result] = {}
    try:
        with running_servers("bench") as addresses:
            bench = Bench(addresses, arguments.quick)
            for name in wanted:
                err.print(f"measuring {name} …")
                results[name] = uvloop.run(_one(BENCHMARKS[name], bench))
    except ServicesError as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    if arguments.json:
        sys.stdout.write(orjson.dumps({"results": {name: r.as_json() for name, r in results.items()}}).decode() + "\n")
        return 0
    table = Table("name", "value", "unit", "limit", "ratio", "the limit is")
    for name, result in results.items():
        row = result.as_json()
        table.add_row(
            name, f"{result.value:,.1f}", result.unit, f"{result.limit:,.1f}", f"{row['ratio']}", result.limit_is
        )
    Console().print(table)
    return 0


async def _one(benchmark: Callable[[Bench], Awaitable[Result]], bench: Bench) -> Result:
    async with asyncio.timeout(5400):
        return await benchmark(bench)


if __name__ == "__main__":
    sys.exit(main())
