"""`warren lag`."""

from __future__ import annotations

from pipelines.engine.transport import SuperStreamPublisher
from tests.cli.support import Warren
from tests.support.events import life, message
from tests.support.pipelines import caught_up, running_pipeline
from tests.support.runs import Run


async def test_it_counts_what_waits_and_says_who_owns_each_partition(warren: Warren, run: Run) -> None:
    messages = [message(fields) for number in range(20) for fields in life(f"A{number}")]
    async with SuperStreamPublisher(run.settings.stream_url, "orders") as publisher:
        await publisher.publish(messages)
        behind = (await warren("lag", "--json")).json
        assert behind["pipeline"] == "views@1"
        assert behind["total"]["events"] == 200
        assert behind["total"]["seconds"] > 0
        assert [partition["owned"] for partition in behind["partitions"]] == [False] * 4
        assert "nobody yet" in (await warren("lag")).words
        async with running_pipeline(run):
            await caught_up(run)
            level = (await warren("lag", "--json")).json
        assert level["total"] == {"events": 0, "seconds": None}
        assert [partition["owned"] for partition in level["partitions"]] == [True] * 4
        assert [partition["epoch"] for partition in level["partitions"]] == [1] * 4
        assert sum(partition["next_offset"] for partition in level["partitions"]) == 200
        await publisher.publish(messages[:7])
    assert "7 events wait, the oldest for" in (await warren("lag")).words
    assert "(gone)" in (await warren("lag")).words
