"""An audit that goes on while customers are erased: what is gone rightly is no fault, and what is not is found."""

from __future__ import annotations

from pipelines.audit import Kind
from pipelines.engine.settings import Settings
from pipelines.engine.stores.postgres import connect
from tests.audit.stores import SOUND, commit, publish
from tests.audit.test_while_running import audit_while, fill
from tests.erasure.shop import IVAN, erase, named, note
from tests.support.runs import Run


async def _blank(settings: Settings, order_id: str) -> None:
    connection = await connect(settings.postgres_dsn, "views_v1")
    number = await connection.fetchval("SELECT order_no FROM order_index WHERE order_id = $1", order_id)
    await connection.execute("UPDATE timeline SET body = '' WHERE order_no = $1", number)
    await connection.close()


async def test_an_order_that_went_on_may_lack_its_bytes_only_if_somebody_was_erased(run: Run) -> None:
    await fill(run.settings)

    async def go_on_and_lose_bytes() -> None:
        await publish(run.settings, [note("A3", "on it goes")])
        await commit(run.settings, SOUND())
        await _blank(run.settings, "A3")

    report = await audit_while(run.settings, go_on_and_lose_bytes, 1)
    assert [(f.kind, f.order_id) for f in report.findings] == [(Kind.TIMELINE_ROW, "A3")] * 3


async def test_an_order_that_turns_out_to_be_an_erased_customers_lacks_them_rightly(run: Run) -> None:
    await fill(run.settings)
    await erase(run.settings)

    async def go_on() -> None:
        await publish(run.settings, [named("A3", IVAN, event_id="late")])
        await commit(run.settings, SOUND())

    report = await audit_while(run.settings, go_on, 1)
    assert report.clean, report.findings


async def test_a_customer_who_is_erased_meanwhile_is_no_fault(run: Run) -> None:
    await fill(run.settings)

    async def forget() -> None:
        await erase(run.settings, "c1")

    report = await audit_while(run.settings, forget, 1)
    assert report.clean, report.findings
