"""The simulated services' good events go through their outboxes, each order's in order, whoever sends them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import orjson
import pytest

from cli.demo.outboxes import ServiceOutbox, takes
from cli.demo.pace import Pace
from cli.demo.planned import Fate, Planned, Sender
from cli.demo.play import published
from cli.demo.playing import SERVICES
from cli.demo.services import Services
from cli.demo.tally import Tally
from cli.localservers import Addresses, create_run, drop_run, further_dsn, unique_run_name
from pipelines.edges.outbox.installation import install
from pipelines.engine.settings import Settings
from pipelines.engine.transport import create_super_stream
from schemas.errors import Reason
from tests.outbox.relaying import relaying
from tests.publisher.stream import stored_orders
from tests.support.events import event
from tests.support.runs import Run


@pytest.fixture
async def shop(servers: Addresses) -> AsyncIterator[tuple[Run, dict[Sender, ServiceOutbox]]]:
    """A stream, and three services' databases with outboxes that are relayed."""
    name = unique_run_name("test")
    own = await create_run(servers, name, SERVICES)
    run = Run(Settings(_env_file=None, **own.model_dump(), partitions=4, board_port=0), own)
    await create_super_stream(run.settings.stream_url, "orders", 4)
    outboxes = {sender: ServiceOutbox(further_dsn(own, sender)) for sender in Sender}
    async with AsyncExitStack() as stack:
        stack.push_async_callback(drop_run, servers, name, SERVICES)
        for sender, outbox in outboxes.items():
            await install(outbox.dsn, f"/{sender}")
            await stack.enter_async_context(relaying(run, outbox.dsn))
            stack.callback(outbox.close)
        yield run, outboxes


def said(order: str, number: int, sender: Sender, reason: Reason | None = None) -> Planned:
    fields = event(order, "note_added", event_id=f"{number}", source=f"/{sender}")
    fate = Fate.APPLIED if reason is None else Fate.QUARANTINED
    return Planned(order, sender, fields["id"], fields["type"], orjson.dumps(fields), fate, reason)


async def test_orders_keep_their_order_over_three_outboxes_and_strangers(
    shop: tuple[Run, dict[Sender, ServiceOutbox]],
) -> None:
    run, outboxes = shop
    confirmed: list[Planned] = []
    services = Services(run.settings, Pace(None), Tally(), confirmed.append, outboxes)
    senders = [Sender.SHOP, Sender.CRM, Sender.MES, Sender.SHOP, Sender.MES]

    async def orders() -> None:
        for order in range(30):
            messages = [said(f"o{order}", number, sender) for number, sender in enumerate(senders)]
            services.add([*messages[:3], said(f"o{order}", 99, Sender.CRM, Reason.INVALID), *messages[3:]])
        await services.until_under_way(0)

    await published(services, orders())
    assert await stored_orders(run) == {f"o{order}": ["0", "1", "2", "99", "3", "4"] for order in range(30)}
    assert len(confirmed) == 150


def test_an_outbox_takes_its_services_own_events_at_home() -> None:
    assert takes(said("o", 1, Sender.SHOP))
    assert takes(said("o", 1, Sender.SHOP, Reason.CONFLICT))
    assert not takes(said("o", 1, Sender.SHOP, Reason.INVALID))
    fields = event("o", "price_calculated")
    assert not takes(Planned("o", Sender.MES, "1", fields["type"], orjson.dumps(fields), Fate.APPLIED))
