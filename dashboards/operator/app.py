"""The operators' board, wired together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from dashboards.operator import api, events, health, orders, pages
from dashboards.operator.acting import page as acting_page
from dashboards.operator.acting.actions import Actions
from dashboards.operator.boards import Boards
from dashboards.operator.changes import Listener
from dashboards.operator.database import Database
from dashboards.operator.desk import Desk
from dashboards.operator.drawings import Drawings
from dashboards.operator.hot_cache import HotCache
from dashboards.operator.listing.lanes import Lanes
from dashboards.operator.listing.listings import Listings
from dashboards.operator.live import Live
from dashboards.operator.metrics import Metrics
from dashboards.operator.middleware import Answers
from dashboards.operator.notices import Notices
from dashboards.operator.order import page as order_page
from dashboards.operator.pipeline import page as pipeline_page
from dashboards.operator.pipeline.reading import SetAside
from dashboards.operator.pipeline.streams import Streams
from dashboards.operator.problems import add_problems
from dashboards.operator.reads import Reads
from dashboards.operator.signin import page as signin_page
from dashboards.operator.signin.door import Door
from dashboards.operator.signin.guard import Guard
from dashboards.operator.stuck import page as stuck_page
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
    door = Door.of(settings, database)
    actions = Actions(settings)
    environment = make_environment(settings.super_stream)
    lanes = Lanes(database, stuck)
    listings = Listings(database)
    boards = Boards(reads, lanes)
    streams = Streams(settings, reads)
    notices = Notices(reads, cache, streams)
    live = Live(reads, boards, notices, environment, metrics)
    listener = Listener(settings, reads, live.tell)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await database.open()
        tasks = [asyncio.create_task(run()) for run in (live.run, live.run_narrowed, listener.run, streams.run)]
        try:
            yield
        finally:
            live.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await reads.close()
            await lanes.close()
            await stuck.close()
            await listings.close()
            await door.accounts.close()
            await actions.close()
            await cache.close()
            await database.close()

    app = FastAPI(title="Warren", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.desk = Desk(
        environment, cache, database, reads, boards, listings, stuck, door, live, notices, streams,
        SetAside(database), actions, metrics, Drawings(environment),
    )  # fmt: skip
    app.add_middleware(Guard, settings=settings, sessions=door.sessions, accounts=door.accounts)
    app.add_middleware(Answers, metrics=metrics)
    add_problems(app)
    for router in (
        orders.router, order_page.router, pages.router, stuck_page.router, stuck_page.machines, pipeline_page.router,
        pipeline_page.machines, signin_page.router, acting_page.router, api.router, events.router, health.router,
    ):  # fmt: skip
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=str(files(__package__ or "").joinpath("static"))), name="static")
    return app
