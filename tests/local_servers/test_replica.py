"""`up --replica`: a streaming replica that follows its primary through whatever becomes of either."""

from collections.abc import Iterator

import psycopg
import pytest

from cli.localservers import Addresses, ServerControl, ServicesError, StateDir, down, running_servers, up
from cli.localservers.health import why_unhealthy
from tests.local_servers.support import quiet
from tests.support.own_sets import OwnSet
from tests.support.waiting import until


@pytest.fixture(scope="session")
def replicated(own_servers: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnSet]:
    """A set with a replica. Tests may break it and must mend it."""
    home = StateDir(tmp_path_factory.mktemp("replicated"))
    servers = up(home, replica=True, say=quiet)
    yield OwnSet(home, servers.addresses, ServerControl(home, say=quiet))
    down(home, force=True, purge=True, say=quiet)


def execute(dsn: str | None, statement: str) -> object:
    """Return the first field of the answer, if it has one."""
    with psycopg.connect(dsn or "", autocommit=True) as connection:
        cursor = connection.execute(statement)
        row = cursor.fetchone() if cursor.description else None
    return row[0] if row else None


async def follows(addresses: Addresses, text: str) -> None:
    """Write on the primary and wait until the replica has it."""
    execute(addresses.postgres_dsn, f"CREATE TABLE IF NOT EXISTS said (text text); INSERT INTO said VALUES ('{text}')")

    async def arrived() -> bool:
        try:
            return bool(execute(addresses.postgres_read_dsn, f"SELECT count(*) FROM said WHERE text = '{text}'"))
        except psycopg.errors.UndefinedTable:
            return False

    await until(arrived, "the replica to have what the primary has")


async def test_it_follows_and_takes_no_writes(replicated: OwnSet) -> None:
    await follows(replicated.addresses, "first")
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        execute(replicated.addresses.postgres_read_dsn, "INSERT INTO said VALUES ('on the replica')")
    assert "WARREN_POSTGRES_READ_DSN" in replicated.addresses.as_environment()


async def test_whoever_shares_the_set_shares_the_replica(replicated: OwnSet) -> None:
    assert up(replicated.home, say=quiet).addresses == replicated.addresses
    with running_servers("a test", home=replicated.home, say=quiet) as addresses:
        assert addresses == replicated.addresses


async def test_killed_it_goes_on_where_it_was(replicated: OwnSet) -> None:
    replicated.control.kill("replica")
    assert why_unhealthy("replica", replicated.addresses) is not None
    execute(replicated.addresses.postgres_dsn, "CREATE TABLE IF NOT EXISTS meanwhile (n int)")
    replicated.control.start("replica")
    await follows(replicated.addresses, "after the kill")


async def test_one_that_the_primary_has_forgotten_is_made_anew(replicated: OwnSet) -> None:
    replicated.control.stop("replica")
    execute(replicated.addresses.postgres_dsn, "SELECT pg_drop_replication_slot('replica')")
    replicated.control.start("replica")
    await follows(replicated.addresses, "after a new copy")


async def test_a_restarted_primary_is_followed_again(replicated: OwnSet) -> None:
    replicated.control.restart("postgres")
    await follows(replicated.addresses, "after a restart")


def test_servers_that_are_not_ours_get_none(shared: OwnSet, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in shared.addresses.as_environment().items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ServicesError, match="WARREN_POSTGRES_READ_DSN"):
        up(StateDir.of_checkout(), replica=True, say=quiet)
    monkeypatch.setenv("WARREN_POSTGRES_READ_DSN", "postgresql://warren@replica/postgres")
    named = up(StateDir.of_checkout(), replica=True, say=quiet)
    assert (named.mode, named.addresses.postgres_read_dsn) == ("environment", "postgresql://warren@replica/postgres")
