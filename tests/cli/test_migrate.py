"""`warren migrate`."""

from __future__ import annotations

from tests.cli.support import Warren


async def test_it_makes_the_tables_once_and_says_nothing_on_stderr(bare_warren: Warren) -> None:
    for _ in range(2):
        answer = await bare_warren.ends("migrate", "--json")
        assert (answer.code, answer.stderr) == (0, "")
        assert answer.json == {"schemas": ["warren", "views_v1"], "pipelines": ["views@1"]}
    assert (await bare_warren("quarantine", "list")).words == "Nothing in quarantine waits; --all shows what did."


async def test_it_says_what_is_up_to_date(warren: Warren) -> None:
    assert (await warren("migrate")).words == "Up to date: schemas warren, views_v1."


async def test_a_database_that_is_not_there_is_named(bare_warren: Warren) -> None:
    bare_warren.environment["WARREN_POSTGRES_DSN"] += "_elsewhere"
    answer = await bare_warren("lag")
    answer.failed(3, "PostgreSQL refused", "_elsewhere", "does not exist")
