"""Accounts with a password: `warren account` writes them, the board only reads them, from a replica if there is one."""

from __future__ import annotations

import asyncio
import secrets
from datetime import datetime
from functools import cache
from typing import NamedTuple

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from dashboards.operator.database import Database
from dashboards.operator.shared import Shared
from dashboards.operator.signin.people import Person, Role
from dashboards.operator.signin.sessions import Session
from pipelines.engine.stores.named_sql import named_sql
from schemas.errors import StoreError

_ACCOUNT = named_sql(__package__, "account")
_ANY = named_sql(__package__, "any_account")

BY = "account"

REUSE_SECONDS = 10.0
"""So long a session may outlive its account."""


class _Account(NamedTuple):
    name: str
    password: str
    role: Role
    disabled: bool
    changed_at: datetime

    @property
    def state(self) -> str:
        """Another after each change."""
        return self.changed_at.isoformat()


class Accounts:
    """Knows who may sign in with a password. Both questions raise StoreError where Postgres is away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._hasher = PasswordHasher()
        self._known: Shared[_Account | None] = Shared(REUSE_SECONDS)

    async def signed_in(self, name: str, password: str) -> Person | None:
        """Return whose name and password these are; None where they are nobody's."""
        account = await self._ask(_folded(name))
        right = await asyncio.to_thread(self._verify, account, password)
        if account is None or account.disabled or not right:
            return None
        return Person(account.name, account.role, BY, account.state)

    async def holds(self, session: Session) -> bool:
        """Whether the account is still as it was when the session began. Where nobody can say, it is."""
        if session.person.by != BY:
            return True
        name = session.person.name
        try:
            account = await self._known.get(name, lambda: self._ask(name))
        except StoreError:
            return True
        return (
            account is not None
            and not account.disabled
            and account.role is session.person.role
            and account.state == session.person.state
        )

    async def any(self) -> bool:
        """Whether there is any account at all."""
        async with self._database.snapshot("accounts") as (connection, _):
            return bool(await connection.fetchval(_ANY))

    async def close(self) -> None:
        """Give up what is under way."""
        await self._known.close()

    async def _ask(self, name: str) -> _Account | None:
        if "\0" in name:
            return None
        async with self._database.snapshot("accounts") as (connection, _):
            row = await connection.fetchrow(_ACCOUNT, name)
        return None if row is None else _Account(**dict(row) | {"role": Role(row["role"])})

    def _verify(self, account: _Account | None, password: str) -> bool:
        try:
            return self._hasher.verify(_nobodys() if account is None else account.password, password)
        except (VerificationError, InvalidHashError):
            return False


@cache
def _nobodys() -> str:
    """What stands for the password of a name that nobody has: to look at it takes as long as for one somebody has."""
    return PasswordHasher().hash(secrets.token_hex())


def _folded(name: str) -> str:
    return name.strip().lower()
