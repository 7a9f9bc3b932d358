"""Boards at which people sign in."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from cli.localservers import Addresses
from tests.board.signin.door import give_accounts, signing
from tests.board.support import Board
from tests.support.emptied import tables_only
from tests.support.runs import Run


@pytest.fixture(scope="module")
async def shop(servers: Addresses) -> AsyncIterator[Run]:
    """An environment with tables and accounts: vera looks, otto acts, anna does both; nobody else signs in."""
    async with tables_only(servers) as run:
        await give_accounts(run, vera="viewer", otto="operator", anna="admin")
        yield run


@pytest.fixture
async def board(shop: Run) -> AsyncIterator[Board]:
    """A board at which people sign in with a password."""
    async with signing(shop) as board:
        yield board
