"""`warren topology`."""

from __future__ import annotations

from pipelines.engine.transport import SuperStreamPublisher
from tests.cli.support import Warren
from tests.support.events import life, message
from tests.support.runs import Run


async def test_apply_makes_the_super_stream_once(bare_warren: Warren) -> None:
    found = {"super_stream": "orders", "partitions": 4}
    assert (await bare_warren("topology", "apply", "--json")).json == {**found, "created": True}
    assert (await bare_warren("topology", "apply", "--json")).json == {**found, "created": False}
    assert "was there already" in (await bare_warren("topology", "apply")).words


async def test_another_number_of_partitions_is_refused(warren: Warren) -> None:
    warren.environment["WARREN_PARTITIONS"] = "5"
    (await warren("topology", "apply")).failed(2, "has 4 partitions, not 5", "set WARREN_PARTITIONS=4")


async def test_show_gives_leader_and_offsets(warren: Warren, run: Run) -> None:
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        await publisher.publish([message(fields) for number in range(20) for fields in life(f"A{number}")])
    shown = (await warren("topology", "show", "--json")).json
    assert [partition["stream"] for partition in shown["partitions"]] == [f"orders-{n}" for n in range(4)]
    assert sum(partition["end_offset"] for partition in shown["partitions"]) == 200
    assert all(partition["leader"] for partition in shown["partitions"])
    table = (await warren("topology", "show")).words
    assert "orders-3" in table
    assert "End offset" in table
