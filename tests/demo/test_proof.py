"""The demo's proof fails where it should: whatever is wrong is named, and the command's exit code says so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import StringIO

import orjson
import pytest
import typer
from rich.console import Console

from cli.demo.command import tell
from cli.demo.planned import Sender
from cli.demo.play import published
from cli.demo.players import Players, players
from cli.demo.proof import Proof, prove
from cli.demo.stage import Stage, stage
from cli.localservers import Addresses
from pipelines.edges.outbox import SCHEMA
from pipelines.engine.stores.postgres import connect
from pipelines.engine.transport import SuperStreamPublisher
from schemas.errors import StoreBehind
from schemas.identity import identity
from tests.support.events import event, message


@dataclass
class Played:
    """A demo that has played its orders, all applied, before its proof."""

    stage: Stage
    players: Players
    shown: StringIO

    async def prove(self) -> Proof:
        return await prove(self.stage, self.players, time.monotonic() - 1)

    async def database(self, statement: str) -> None:
        connection = await connect(self.stage.settings.postgres_dsn, self.stage.schema)
        try:
            assert not (await connection.execute(statement)).endswith(" 0"), "no row was there for it"
        finally:
            await connection.close()


@asynccontextmanager
async def play(servers: Addresses) -> AsyncIterator[Played]:
    shown = StringIO()
    console = Console(file=shown, force_terminal=True, width=150)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WARREN_BOARD_PORT", "0")
        async with (
            stage(servers, asyncio.Event(), lambda _: None) as set_stage,
            players(set_stage, 11, None, console) as cast,
        ):
            await published(cast.services, cast.simulation.play(80))
            await set_stage.checkpoints.until_applied()
            yield Played(set_stage, cast, shown)


@pytest.fixture
async def played(servers: Addresses) -> AsyncIterator[Played]:
    """One of the test's own: to prove empties its outboxes."""
    async with play(servers) as own:
        yield own


@pytest.fixture(scope="module")
async def shared(servers: Addresses) -> AsyncIterator[Played]:
    async with play(servers) as own:
        yield own


SPOILED = ("timeline", "ledger", "open_orders", "checkpoint", "quarantine")


@pytest.fixture
async def restored(shared: Played) -> AsyncIterator[Played]:
    """One that others use, too: whatever the test does to the `SPOILED` tables is undone afterwards."""
    for table in SPOILED:
        await shared.database(f"CREATE TABLE kept_{table} AS TABLE {table}")
    yield shared
    for table in SPOILED:
        await shared.database(f"TRUNCATE {table}")
        await shared.database(f"INSERT INTO {table} TABLE kept_{table}")
        await shared.database(f"DROP TABLE kept_{table}")


def exit_code(proof: Proof) -> int:
    try:
        tell(proof, as_json=True)
    except typer.Exit as end:
        return end.exit_code
    return 0


async def test_an_honest_run_is_proven(played: Played, capsys: pytest.CaptureFixture[str]) -> None:
    proof = await played.prove()
    assert proof.wrong == []
    assert set(proof.figures["outboxes"]) == {"shop", "crm", "mes"}
    assert all(events > 0 for events in proof.figures["outboxes"].values())
    assert exit_code(proof) == 0
    assert orjson.loads(capsys.readouterr().out) == proof.figures
    assert played.stage.board_url in played.shown.getvalue()
    assert "duplicates dropped" in played.shown.getvalue()


async def _lose(played: Played) -> None:
    await played.database(
        "WITH gone AS (DELETE FROM timeline WHERE (order_no, stream_offset) IN "
        "(SELECT order_no, stream_offset FROM timeline ORDER BY 1, 2 LIMIT 1) RETURNING order_no, identity) "
        "DELETE FROM ledger USING gone WHERE ledger.order_no = gone.order_no AND ledger.identity = gone.identity"
    )


async def _lie(played: Played) -> None:
    await played.database(
        "UPDATE open_orders SET stage = 'initiated' "
        "WHERE order_no = (SELECT min(order_no) FROM open_orders WHERE stage <> 'initiated')"
    )


async def _miscount(played: Played) -> None:
    await played.database("UPDATE checkpoint SET duplicates = duplicates + 1 WHERE partition = 0")


async def _forget_a_quarantined_one(played: Played) -> None:
    await played.database("DELETE FROM quarantine WHERE reason = 'conflict' OR reason = 'invalid'")


async def finds(played: Played, capsys: pytest.CaptureFixture[str], figure: str, named: str) -> None:
    """Prove, and hold what it says against what was done to the stores."""
    proof = await played.prove()
    assert proof.figures[figure] > 0
    assert any(line.startswith(named) for line in proof.wrong), proof.wrong
    assert exit_code(proof) == 1
    said = capsys.readouterr()
    assert orjson.loads(said.out)[figure] > 0
    assert said.err.splitlines()[-1].startswith("warren: ")


@pytest.mark.parametrize(
    ("sabotage", "figure", "named"),
    [
        (_lose, "lost", "lost: 1"),
        (_lie, "mismatches", "mismatches: "),
        (_miscount, "mismatches", "duplicates dropped, by the checkpoints: "),
        (_forget_a_quarantined_one, "lost", "quarantined as "),
    ],
)
async def test_a_fault_put_into_the_stores_is_found_and_named(
    restored: Played,
    capsys: pytest.CaptureFixture[str],
    sabotage: Callable[[Played], Awaitable[None]],
    figure: str,
    named: str,
) -> None:
    await sabotage(restored)
    await finds(restored, capsys, figure, named)


async def test_one_that_an_outbox_has_and_the_ledger_has_not_is_found(
    played: Played, capsys: pytest.CaptureFixture[str]
) -> None:
    """The stream might have lost it as well."""
    outbox = await connect(played.stage.outboxes[Sender.SHOP].dsn, SCHEMA)
    # One that came twice is still there, and would be a duplicate.
    order_id, event_id = await outbox.fetchrow("SELECT min(subject), id FROM event GROUP BY id HAVING count(*) = 1")
    await outbox.close()
    views = await connect(played.stage.settings.postgres_dsn, played.stage.schema)
    gone = await views.execute("DELETE FROM ledger WHERE identity = $1", identity("/shop", event_id))
    await views.close()
    assert gone == "DELETE 1", order_id
    await finds(played, capsys, "lost", "1 of ")


async def test_an_event_the_simulator_knows_nothing_of_is_a_disagreement(played: Played) -> None:
    settings = played.stage.settings
    async with SuperStreamPublisher(settings.stream_url, settings.super_stream) as publisher:
        await publisher.publish([message(event("stranger", "initiated"))])
    proof = await played.prove()
    tally = played.players.tally
    assert proof.figures["lost"] == 0
    assert f"distinct, by the audit: {tally.distinct + 1}, but the simulator knows of {tally.distinct}" in proof.wrong
    assert f"orders in the views: {tally.orders + 1}, but the simulator knows of {tally.orders}" in proof.wrong
    assert exit_code(proof) == 1


async def test_without_an_audit_there_is_no_proof(shared: Played) -> None:
    await shared.database("ALTER TABLE timeline RENAME TO elsewhere")
    with pytest.raises(StoreBehind, match="timeline"):
        await shared.prove()
    await shared.database("ALTER TABLE elsewhere RENAME TO timeline")
