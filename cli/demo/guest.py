"""Somebody who may sign in at the demo's board."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import httpx
from argon2 import PasswordHasher

from pipelines.engine.stores.named_sql import named_sql
from pipelines.engine.stores.postgres import connect

_ADD = named_sql("cli", "account_add")


@dataclass(frozen=True, slots=True)
class Guest:
    """An account of this run."""

    name: str
    password: str


async def invite(dsn: str) -> Guest:
    """Make an account, an admin's, with a password that nobody has used before. Raises as the database does."""
    guest = Guest("demo", "-".join(secrets.token_hex(2) for _ in range(4)))
    connection = await connect(dsn, "warren", application="warren demo")
    await connection.fetch(_ADD, guest.name, PasswordHasher().hash(guest.password), "admin")
    await connection.close()
    return guest


async def let_in(client: httpx.AsyncClient, guest: Guest) -> None:
    """Sign the client in, as a browser does. Raises httpx.HTTPError."""
    fields = {"name": guest.name, "password": guest.password}
    answer = await client.post("/sign-in", data=fields, headers={"Sec-Fetch-Site": "same-origin"})
    if not answer.has_redirect_location:
        answer.raise_for_status()
