"""One run's own virtual host, database and Redis keys on servers that others use at the same time."""

import asyncio
import re
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import quote, urlsplit, urlunsplit

import httpx
import psycopg
from psycopg.sql import SQL, Composed, Identifier
from redis.asyncio import Redis

from cli.localservers.addresses import Addresses, RunAddresses
from cli.localservers.errors import ServicesError

NAME_LENGTH = 60
"""PostgreSQL cuts longer names at 63 bytes, and two that differ only beyond would be one."""

KEYS_AT_ONCE = 1000


def run_name(text: str) -> str:
    """Turn a text into a name that is valid as virtual host, database and key prefix: a-z, 0-9 and _."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    if not name or len(name) > NAME_LENGTH:
        raise ServicesError(f"{text!r} cannot name a run: use 1 to {NAME_LENGTH} letters, digits and _")
    return name


def unique_run_name(prefix: str) -> str:
    """Give a valid run name that nobody else has."""
    return run_name(f"{prefix}_{uuid.uuid4().hex[:12]}")


def run_addresses(addresses: Addresses, name: str) -> RunAddresses:
    """Give the URLs of a run. Creates nothing."""
    name = run_name(name)
    return RunAddresses(
        stream_url=_with_path(addresses.stream_url, name),
        amqp_url=_with_path(addresses.amqp_url, name),
        management_url=addresses.management_url,
        postgres_dsn=_with_path(addresses.postgres_dsn, name),
        postgres_read_dsn=addresses.postgres_read_dsn and _with_path(addresses.postgres_read_dsn, name),
        redis_url=addresses.redis_url,
        redis_prefix=f"warren:{name}:",
    )


def further_dsn(run: RunAddresses, suffix: str) -> str:
    """Give the address of a further database of a run, as `create_run` makes it."""
    return f"{run.postgres_dsn}_{suffix}"


async def create_run(
    addresses: Addresses, name: str, further: Sequence[str] = (), *, template: str = "template1"
) -> RunAddresses:
    """Create a run's virtual host and database, and `further` databases, each with its name and such a suffix.

    The database is a copy of `template`, to which nobody may be connected. Raises ServicesError, changing nothing, if
    it is there already.
    """
    name = run_name(name)
    try:
        copy = SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(template))
        await _execute(addresses.postgres_dsn, copy)
    except psycopg.errors.DuplicateDatabase as error:
        raise ServicesError(f"there is a run {name!r} already: drop it, or take another name") from error
    except psycopg.Error as error:
        raise ServicesError(f"PostgreSQL could not create database {name!r}: {error}") from error
    try:
        for suffix in further:
            await _execute(addresses.postgres_dsn, SQL("CREATE DATABASE {}").format(Identifier(f"{name}_{suffix}")))
        async with _management(addresses) as client:
            user = quote(urlsplit(addresses.management_url).username or "", safe="")
            await _request(client, "PUT", f"/api/vhosts/{name}")
            everything = {"configure": ".*", "write": ".*", "read": ".*"}
            await _request(client, "PUT", f"/api/permissions/{name}/{user}", everything)
    except BaseException as error:
        try:
            await drop_run(addresses, name, further)
        except ServicesError as second:
            error.add_note(str(second))
        if isinstance(error, psycopg.Error):
            raise ServicesError(f"PostgreSQL could not create the databases of {name!r}: {error}") from error
        raise
    return run_addresses(addresses, name)


async def drop_run(addresses: Addresses, name: str, further: Sequence[str] = ()) -> None:
    """Delete a run's virtual host, databases and Redis keys, whoever is still connected. Idempotent.

    One server that does not answer keeps none of the others from being cleaned; ServicesError tells of it.
    """
    name = run_name(name)
    databases = [name, *(f"{name}_{suffix}" for suffix in further)]
    drop = SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
    results = await asyncio.gather(
        _drop_vhost(addresses, name),
        *(_execute(addresses.postgres_dsn, drop.format(Identifier(database))) for database in databases),
        _delete_keys(addresses.redis_url, run_addresses(addresses, name).redis_prefix),
        return_exceptions=True,
    )
    failures = [result for result in results if isinstance(result, BaseException)]
    if failures:
        reasons = "; ".join(str(failure) for failure in failures)
        raise ServicesError(f"run {name!r} is not wholly dropped, do it again: {reasons}") from failures[0]


@asynccontextmanager
async def run_environment(
    addresses: Addresses, name: str, *, template: str = "template1"
) -> AsyncIterator[RunAddresses]:
    """Give a run for as long as the block runs, and drop it then. Of `template` see `create_run`."""
    run = await create_run(addresses, name, template=template)
    try:
        yield run
    finally:
        await drop_run(addresses, name)


async def _execute(dsn: str, statement: Composed) -> None:
    # Databases cannot be made or dropped inside a transaction.
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True, connect_timeout=30) as connection:
        await connection.execute(statement)


async def _drop_vhost(addresses: Addresses, name: str) -> None:
    async with _management(addresses) as client:
        await _request(client, "DELETE", f"/api/vhosts/{name}")


async def _delete_keys(redis_url: str, prefix: str) -> None:
    async with Redis.from_url(redis_url) as client:
        batch: list[bytes] = []
        async for key in client.scan_iter(match=f"{prefix}*", count=KEYS_AT_ONCE):
            batch.append(key)
            if len(batch) == KEYS_AT_ONCE:
                await client.unlink(*batch)
                batch.clear()
        if batch:
            await client.unlink(*batch)


def _management(addresses: Addresses) -> httpx.AsyncClient:
    url = urlsplit(addresses.management_url)
    return httpx.AsyncClient(
        base_url=f"{url.scheme}://{url.netloc.rpartition('@')[2]}",
        auth=(url.username or "", url.password or ""),
        timeout=30,
        # A proxy named by the environment has no business between us and our own server.
        trust_env=False,
    )


async def _request(client: httpx.AsyncClient, method: str, path: str, body: dict[str, str] | None = None) -> None:
    try:
        answer = await client.request(method, path, json=body)
    except httpx.HTTPError as error:
        raise ServicesError(f"RabbitMQ's management API does not answer: {error}") from error
    gone_already = method == "DELETE" and answer.status_code == httpx.codes.NOT_FOUND
    if answer.is_error and not gone_already:
        raise ServicesError(f"RabbitMQ refused {method} {path}: {answer.status_code} {answer.text[:200]}")


def _with_path(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{quote(name, safe='')}"))
