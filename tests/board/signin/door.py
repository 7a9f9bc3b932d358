"""Accounts, boards at which people sign in, and signing in."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import uuid4

from argon2 import PasswordHasher
from httpx import Response
from pydantic import SecretStr

from tests.board.support import Board, asked
from tests.support.runs import Run

KEY = "k" * 40
PASSWORD = "a long enough password"

_HASHED = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
"""Quick to verify; what the command makes is not."""


async def give_accounts(run: Run, **roles: str) -> None:
    """Make an account of an hour ago for each name, with its role and `PASSWORD`."""
    connection = await run.connect()
    for name, role in roles.items():
        await connection.execute(
            "INSERT INTO warren.accounts (name, password, role, changed_at)"
            " VALUES ($1, $2, $3, now() - interval '1 h')",
            name,
            _HASHED,
            role,
        )
    await connection.close()


def signing(run: Run, **changes: Any) -> AbstractAsyncContextManager[Board]:
    """Run a board at which people sign in."""
    own: dict[str, Any] = {
        "board_sign_in": "accounts",
        "board_secret_key": SecretStr(KEY),
        "redis_prefix": f"warren:{uuid4()}:",  # attempts are counted under it
    }
    return asked(run.settings, **own | changes)


async def sign_in(board: Board, name: str = "otto", password: str = PASSWORD, **fields: str) -> Response:
    """Fill the form in and send it, as a browser does."""
    return await board.client.post(
        "/sign-in", data={"name": name, "password": password, **fields}, headers={"Sec-Fetch-Site": "same-origin"}
    )
