"""`scale`: the same backlog for one, two and four processors; what an event costs must not grow with their number."""

from __future__ import annotations

from benchmarks.environment import Bench
from benchmarks.events import lives
from benchmarks.materialise import publish_all
from benchmarks.processor import processors, until_done
from benchmarks.result import Result

EVENTS = 150_000
COUNTS = (1, 2, 4)


async def scale(bench: Bench) -> Result:
    """CPU of all processors an event with four of them, beside that with one."""
    messages = lives(EVENTS // 3 if bench.quick else EVENTS)
    cost: dict[int, float] = {}
    speed: dict[int, float] = {}
    for count in COUNTS:
        async with bench.environment() as run, processors(run, count) as pids:
            await publish_all(run, messages[: len(messages) // 10])
            await until_done(run, pids, len(messages) // 10)  # all have joined, partitions are shared out
            await publish_all(run, messages[len(messages) // 10 :])
            first, last = await until_done(run, pids, len(messages))
        events = last.events - first.events
        cost[count] = (last.cpu - first.cpu) / events * 1e6
        speed[count] = events / (last.at - first.at)
    conditions = {
        "events": len(messages),
        "cpu_us_per_event": {str(count): round(value, 1) for count, value in cost.items()},
        "events_per_second": {str(count): round(value) for count, value in speed.items()},
    }
    return Result("scale", cost[4], "us/event", cost[1], "one processor", True, conditions)
