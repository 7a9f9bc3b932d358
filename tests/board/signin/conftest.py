"""Boards at which people sign in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from argon2 import PasswordHasher
from pydantic import SecretStr

from cli.localservers import Addresses
from tests.board.support import Board, asked
from tests.support.emptied import tables_only
from tests.support.runs import Run

KEY = "k" * 40
PASSWORD = "a long enough password"

_HASHED = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
"""Quick to verify; what the command makes is not."""


@pytest.fixture(scope="module")
async def shop(servers: Addresses) -> AsyncIterator[Run]:
    """An environment with tables and accounts: vera looks, otto acts, anna does both; nobody else signs in."""
    async with tables_only(servers) as run:
        connection = await run.connect()
        for name, role in (("vera", "viewer"), ("otto", "operator"), ("anna", "admin")):
            await connection.execute(
                "INSERT INTO warren.accounts (name, password, role, changed_at)"
                " VALUES ($1, $2, $3, now() - interval '1 h')",
                name,
                _HASHED,
                role,
            )
        await connection.close()
        yield run


@pytest.fixture
async def board(shop: Run) -> AsyncIterator[Board]:
    """A board at which people sign in with a password."""
    async with signing(shop) as board:
        yield board


def signing(run: Run, **changes: Any) -> Any:
    """Run a board at which people sign in."""
    own: dict[str, Any] = {
        "board_sign_in": "accounts",
        "board_secret_key": SecretStr(KEY),
        "redis_prefix": f"warren:{uuid4()}:",  # attempts are counted under it
    }
    return asked(run.settings, **own | changes)


async def sign_in(board: Board, name: str = "otto", password: str = PASSWORD, **fields: str) -> Any:
    """Fill the form in and send it, as a browser does."""
    return await board.client.post(
        "/sign-in", data={"name": name, "password": password, **fields}, headers={"Sec-Fetch-Site": "same-origin"}
    )
