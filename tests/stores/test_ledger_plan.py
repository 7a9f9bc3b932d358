"""The ledger is asked by its key, whatever was known of it when that was planned."""

from __future__ import annotations

import pytest

from pipelines.engine.stores.named_sql import named_sql
from pipelines.engine.stores.postgres import BY_KEY, connect
from tests.support.runs import Run


@pytest.mark.parametrize("analyzed", [False, True])
async def test_a_ledger_that_was_empty_is_not_read_whole(run: Run, analyzed: bool) -> None:
    """It grows under a connection whose plan is kept; one that reads all of it costs more with every batch."""
    connection = await connect(run.settings.postgres_dsn, "views_v1", planning=BY_KEY)
    if analyzed:
        await connection.execute("VACUUM ANALYZE ledger")
    await connection.execute(
        f"PREPARE asked(ledger_question[]) AS {named_sql('pipelines.engine.stores', 'ledger_look_up')}"
    )
    plan = "\n".join(row[0] for row in await connection.fetch("EXPLAIN EXECUTE asked(NULL)"))
    await connection.close()
    _, _, look = plan.partition("using ledger_pkey on ledger")
    condition = look.splitlines()[1]
    assert "Index Cond" in condition
    assert "order_no =" in condition
    assert "identity =" in condition
    assert "Materialize" not in plan
