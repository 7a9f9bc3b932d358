"""The operators' board, wired together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from dashboards.operator import api, events, health, orders, pages
from dashboards.operator.changes import Listener
from dashboards.operator.database import Database
from dashboards.operator.desk import Desk
from dashboards.operator.hot_cache import HotCache
from dashboards.operator.listing.listings import Listings
from dashboards.operator.live import Live
from dashboards.operator.metrics import Metrics
from dashboards.operator.middleware import Answers
from dashboards.operator.problems import add_problems
from dashboards.operator.reads import Reads
from dashboards.operator.stuck import page
from dashboards.operator.stuck.reading import StuckOrders
from dashboards.operator.templating import make_environment
from pipelines.edges.archive.reading import ArchivedEvents
from pipelines.engine.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """Return the board. It starts without its servers, and answers as soon as they are there.

    Raises:
        SettingsError: an address is none.
    """
    metrics = Metrics()
    cache = HotCache(settings)
    archive = ArchivedEvents(settings.archive_url)
    database = Database(settings.postgres_read_dsn or settings.postgres_dsn, metrics, archive)
    reads = Reads(cache, database, metrics)
    stuck = StuckOrders(database)
    environment = make_environment(settings.super_stream)
    live = Live(reads, environment, metrics)
    listener = Listener(settings, reads, live.tell)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await database.open()
        tasks = [asyncio.create_task(live.run()), asyncio.create_task(listener.run())]
        try:
            yield
        finally:
            live.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await reads.close()
            await stuck.close()
            await cache.close()
            await database.close()

    app = FastAPI(title="Warren", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.desk = Desk(environment, cache, database, reads, Listings(database), stuck, live, metrics)
    app.add_middleware(Answers, metrics=metrics)
    add_problems(app)
    for router in (
        orders.router, pages.router, page.router, page.machines, api.router, events.router, health.router,
    ):  # fmt: skip
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=str(files(__package__ or "").joinpath("static"))), name="static")
    return app
