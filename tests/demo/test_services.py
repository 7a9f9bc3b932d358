"""The simulated services publish each order's messages in their order, and again where the broker did not confirm."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import orjson

from cli.demo.pace import Pace
from cli.demo.planned import Fate, Planned, Sender
from cli.demo.play import published
from cli.demo.progress import Checkpoints
from cli.demo.services import Services
from cli.demo.simulation import Simulation
from cli.demo.tally import Tally
from cli.demo.verdict import disagreements, look
from cli.demo.world import World
from pipelines.audit import audit
from pipelines.engine.transport import body_of, end_offset, read_stream
from schemas.streams import partition_name
from tests.support.pipelines import running_pipeline
from tests.support.proxy import proxied
from tests.support.runs import Run
from tests.support.waiting import until


def note(order: str, number: int, sender: Sender, due: datetime | None = None) -> Planned:
    return Planned(order, sender, f"{order}-{number}", "test", orjson.dumps([order, number]), Fate.APPLIED, due=due)


async def stored(run: Run) -> list[tuple[int, list[str | int]]]:
    """Return all the messages, with their partition."""
    found = []
    for partition in range(run.settings.partitions):
        stream = partition_name("orders", partition)
        end = await end_offset(run.settings.stream_url, stream)
        async for chunk in read_stream(run.settings.stream_url, stream, 0, end):
            found += [(partition, orjson.loads(body_of(record))) for record in chunk.records]
    return found


async def test_one_orders_messages_keep_their_order_whichever_service_sends_them(run: Run) -> None:
    confirmed: list[Planned] = []
    services = Services(run.settings, Pace(None), Tally(), confirmed.append, {})
    senders = [Sender.SHOP, Sender.CRM, Sender.MES, Sender.SHOP, Sender.MES]

    async def orders() -> None:
        for order in range(40):
            services.add([note(f"o{order}", number, sender) for number, sender in enumerate(senders)])
        await services.until_under_way(0)

    await published(services, orders())
    seen: dict[str, list[int]] = {}
    for _, (order, number) in await stored(run):
        seen.setdefault(str(order), []).append(int(number))
    assert seen == {f"o{order}": [0, 1, 2, 3, 4] for order in range(40)}
    assert len(confirmed) == 200


async def test_a_message_waits_until_it_is_due(run: Run) -> None:
    due = datetime.now(UTC) + timedelta(seconds=0.3)
    confirmed: list[datetime] = []
    services = Services(run.settings, Pace(None), Tally(), lambda _: confirmed.append(datetime.now(UTC)), {})

    async def orders() -> None:
        services.add([note("o", 0, Sender.SHOP), note("o", 1, Sender.CRM, due)])
        await services.until_idle()
        assert len(confirmed) == 1
        await services.until_under_way(0)

    await published(services, orders())
    assert confirmed[1] >= due


async def test_unconfirmed_messages_are_published_again_and_the_figures_stay_honest(run: Run) -> None:
    async with proxied(run.settings.stream_url) as (url, proxy), running_pipeline(run):
        tally = Tally()
        settings = run.settings.model_copy(update={"stream_url": url})
        services = Services(settings, Pace(None), tally, lambda _: None, {})
        simulation = Simulation(World(21), services, Pace(None), run.settings.partitions)

        async def cut_again_and_again() -> None:
            for goal in range(200, 1200, 200):

                async def reached(goal: int = goal) -> bool:
                    return tally.published >= goal

                await until(reached, f"{goal} published messages")
                proxy.cut()

        await asyncio.gather(published(services, simulation.play(200)), cut_again_and_again())
        checkpoints = Checkpoints(run.settings, "views_v1")
        try:
            await checkpoints.until_applied()
            found = await look(run.settings, "views_v1", await checkpoints.read())
        finally:
            checkpoints.close()
        report = await audit(run.settings)
    assert tally.uncertain.total() > 0
    assert report.clean, report.findings
    assert disagreements(tally, found, report) == []


async def test_a_rate_is_kept() -> None:
    pace, begun, taken = Pace(400.0), time.monotonic(), 0
    while taken < 200:
        taken += await pace.take(50)
    # Never faster; how much slower is the machine's business.
    assert taken <= 400 * (time.monotonic() - begun) + 1
    pace.change(None)
    assert await pace.take(10_000) == 10_000
