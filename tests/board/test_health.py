"""/healthz, /readyz and /metrics."""

from __future__ import annotations

from cli.localservers import Addresses
from tests.board.support import Board, asked
from tests.support.runs import Run, fresh_run

NOWHERE = "postgresql://warren@127.0.0.1:9/warren"


async def test_ready_where_both_stores_answer(board: Board) -> None:
    assert await board.json("/readyz") == {"ready": True, "postgres": "ok", "redis": "ok"}


async def test_ready_without_redis_but_saying_so(stocked: Run) -> None:
    async with asked(stocked.settings, redis_url="redis://127.0.0.1:9/0") as board:
        answer = await board.json("/readyz")
        assert (answer["ready"], answer["postgres"]) == (True, "ok")
        assert "WARREN_REDIS_URL" in answer["redis"]


async def test_not_ready_without_postgres(stocked: Run) -> None:
    async with asked(stocked.settings, postgres_dsn=NOWHERE) as board:
        answer = await board.json("/readyz", 503)
        assert answer["ready"] is False
        assert "WARREN_POSTGRES_DSN" in answer["postgres"]
        assert answer["redis"] == "ok"
        assert await board.metric("warren_board_database_up") == 0


async def test_not_ready_before_the_tables_are_there(servers: Addresses) -> None:
    async with fresh_run(servers, prepared=False) as run, asked(run.settings) as board:
        answer = await board.json("/readyz", 503)
        assert "warren migrate" in answer["postgres"]
        assert "warren migrate" in await board.text("/", 503)


async def test_metrics_have_the_pipelines_totals_and_the_boards_own(board: Board, stocked: Run) -> None:
    await board.json("/api/orders/S1-0")
    connection = await stocked.connect()
    totals = await connection.fetch("SELECT partition, applied, next_offset FROM checkpoint")
    await connection.close()
    for partition, applied, next_offset in totals:
        labels = f'instance="views@1",partition="{partition}"'
        assert await board.metric(f'warren_pipeline_events_total{{{labels},result="applied"}}') == applied
        assert await board.metric(f"warren_pipeline_next_offset{{{labels}}}") == next_offset
    waiting = 'warren_pipeline_set_aside{instance="views@1",what="quarantined_events"}'
    assert await board.metric(waiting) == 2
    assert await board.metric("warren_board_database_up") == 1
    assert await board.metric("warren_board_sse_clients") == 0
    timed = 'warren_board_request_seconds_count{route="/api/orders/{order_id}",status="200"}'
    assert await board.metric(timed) == 1
