"""Messages in quarantine: of an erased customer's order, or naming one in any spelling, they lose their bytes."""

from __future__ import annotations

import orjson
import pytest

from pipelines.audit import Kind, audit
from pipelines.audit.digests import customers_in
from pipelines.audit.erased import each
from schemas.erasure import customer_digest, customers_named
from schemas.streams import partition_of
from tests.audit.stores import SOUND, commit, publish, publish_raw
from tests.erasure.shop import IVAN, erase, naming, note
from tests.support.events import event
from tests.support.runs import Run


async def _bodies(run: Run) -> list[bytes]:
    connection = await run.connect()
    rows = await connection.fetch("SELECT body FROM quarantine ORDER BY partition, stream_offset")
    await connection.close()
    return [row["body"] for row in rows]


def _bad(order_id: str, number: int) -> dict[str, object]:
    return event(order_id, "note_added", event_id=f"bad {number}", data={"text": f"call {IVAN}", "author": number})


async def test_of_the_customers_order_before_and_after(run: Run) -> None:
    """And whether the order was his all along, or turns out to be."""
    await publish(run.settings, [_bad("A1", 1), event("A1", "submitted", data={"customer_id": IVAN}), _bad("A1", 2)])
    await publish(run.settings, [event("B1", "initiated"), _bad("B1", 3), _bad("C1", 4), note("C1", "hello")])
    await commit(run.settings, SOUND())
    assert all(await _bodies(run))
    assert (await erase(run.settings)).finished
    await publish(run.settings, [_bad("A1", 5), event("B1", "submitted", data={"customer_id": IVAN}), _bad("B1", 6)])
    await commit(run.settings, SOUND())
    kept = [body for body in await _bodies(run) if body]
    assert [orjson.loads(body)["id"] for body in kept] == ["bad 4"], "which is of nobody's order"
    report = await audit(run.settings)
    assert report.clean, report.findings


async def test_bytes_that_stay_or_are_gone_without_cause_are_found(run: Run) -> None:
    bad = _bad("A1", 1)
    await publish(run.settings, [event("A1", "submitted", data={"customer_id": IVAN}), bad, _bad("C1", 2)])
    await commit(run.settings, SOUND())
    await erase(run.settings)
    connection = await run.connect()
    await connection.execute("UPDATE quarantine SET body = $1 WHERE subject = 'A1'", orjson.dumps(bad))
    await connection.execute("UPDATE quarantine SET body = '' WHERE subject = 'C1'")
    await connection.close()
    found = {(finding.order_id, finding.kind) for finding in (await audit(run.settings)).findings}
    assert found == {("A1", Kind.NOT_ERASED), ("C1", Kind.QUARANTINED_OTHER_BYTES)}


@pytest.mark.parametrize(
    "body",
    [
        b'{"customer_id": 4711}', b'{"data": {"customer_id": ["x", {"id": "4711"}]}}', b'{"customer\\u005fid": "4711"}',
        b'{"customer_id": "4711", "customer_id": "else"}', b'{"customer_id" : 4711, broken',
        b'{"customer_id": "47\\u00311"',
    ],
)  # fmt: skip
async def test_however_the_customer_is_spelled(run: Run, body: bytes) -> None:
    await publish_raw(run.settings, partition_of("A1", 4), body, b'{"customer_id": 4712}')
    await commit(run.settings, SOUND())
    assert (await erase(run.settings, "4711")).messages == 1
    assert await _bodies(run) == [b"", b'{"customer_id": 4712}']
    report = await audit(run.settings)
    assert report.clean, report.findings
    await publish_raw(run.settings, partition_of("A1", 4), body)
    await commit(run.settings, SOUND())
    assert (await _bodies(run))[2:] == [b""]
    assert (await audit(run.settings)).clean
    assert not await _naming(run)


@pytest.mark.parametrize(
    "body",
    [
        b'{"customer_id": 1e5}', b'{"customer_id": -4.50, broken',
        b'{"customer_id": [1, {"a": ["b", 2.0]}, true, null]}',
        b'{"customer_id": "a", "data": {"customer_id": "b"}}', b'{"a": "\\"customer_id\\": \\"x\\""}',
        b'{"customer_id": {}}',
        b'{"customer_id": "\\ud800"}', b"\xff", b'[{"customer\\u005fid": 7}]',
    ],
)  # fmt: skip
def test_engine_and_audit_read_the_same_customers(body: bytes) -> None:
    """By their own code each."""
    assert sorted(each(customers_in(body))) == sorted(map(customer_digest, customers_named(body)))


async def _naming(run: Run) -> list[str]:
    connection = await run.connect()
    found = [row for row in await naming(connection, "4711") if row.startswith("quarantine")]
    await connection.close()
    return found
