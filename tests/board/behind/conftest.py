"""Three instances of the board behind nginx, with a real pipeline."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from cli.localservers import Addresses
from tests.board.behind.instances import Instance, environment
from tests.board.behind.nginx import Front, running_nginx
from tests.board.signin.door import KEY, give_accounts, sign_in
from tests.board.signin.provider import CLIENT, SECRET, running_provider
from tests.board.stock import publish, stock
from tests.board.support import Board
from tests.support.pipelines import caught_up, running_pipeline
from tests.support.runs import Run, fresh_run
from tests.support.waiting import until


@dataclass(frozen=True, slots=True)
class Farm:
    """Instances and what is in front of them."""

    run: Run
    instances: list[Instance]
    front: Front
    _hosts: itertools.count[int] = field(default_factory=lambda: itertools.count(2))

    @asynccontextmanager
    async def visitor(self, name: str | None = None) -> AsyncIterator[Board]:
        """The board as somebody sees it who comes from an address of their own, signed in where they have a `name`."""
        transport = httpx.AsyncHTTPTransport(
            verify=self.front.trust,
            local_address=f"127.0.0.{next(self._hosts)}",
            limits=httpx.Limits(max_connections=200),
        )
        async with httpx.AsyncClient(base_url=self.front.address, transport=transport, timeout=30) as client:
            board = Board(self.front.address, client)
            if name is not None:
                assert (await sign_in(board, name)).status_code == 303
            yield board

    async def whole(self) -> None:
        """Start the instances that do not run, and wait until all are asked."""
        gone = [instance for instance in self.instances if not instance.running]
        for instance in gone:
            instance.start()
        await asyncio.gather(*(instance.ready() for instance in gone))
        await self.spread()

    async def spread(self) -> None:
        """Wait until nginx asks every instance again, which it does not for a while after one was away."""
        async with self.visitor() as board:

            async def even() -> bool:
                for _ in self.instances:
                    await board.text("/sign-in")
                last = self.front.asked()[-len(self.instances) :]
                return {asked[-1] for _, _, asked in last} == {str(instance.port) for instance in self.instances}

            await until(even, "nginx to ask every instance")


@pytest.fixture(scope="package")
async def _farm(servers: Addresses, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Farm]:
    folder = tmp_path_factory.mktemp("behind")
    https, http = _free_ports(2)
    async with fresh_run(servers) as run, running_provider() as provider, running_pipeline(run):
        await give_accounts(run, vera="viewer", otto="operator", anna="admin")
        await publish(run, *stock())
        await caught_up(run)
        provider.claims = {"preferred_username": "olga", "roles": ["warren-operator"]}
        own = environment(
            {
                **run.environment(),
                "WARREN_BOARD_SIGN_IN": "accounts,oidc",
                "WARREN_BOARD_SECRET_KEY": KEY,
                "WARREN_BOARD_URL": f"https://127.0.0.1:{https}",
                "WARREN_BOARD_PROXIES": "127.0.0.1",
                "WARREN_BOARD_OIDC_ISSUER": provider.issuer,
                "WARREN_BOARD_OIDC_CLIENT_ID": CLIENT,
                "WARREN_BOARD_OIDC_CLIENT_SECRET": SECRET,
            }
        )
        instances = [Instance(own, folder / f"board-{number}.log") for number in range(3)]
        with ExitStack() as ends:
            for instance in instances:
                ends.callback(instance.end)
                instance.start()
            await asyncio.gather(*(instance.ready() for instance in instances))
            async with running_nginx(folder, [instance.port for instance in instances], https, http) as front:
                yield Farm(run, instances, front)


@pytest.fixture
async def farm(_farm: Farm) -> Farm:
    """All of it, with every instance at work."""
    await _farm.whole()
    return _farm


def _free_ports(count: int) -> list[int]:
    """Ports for which nobody listens: instances have to be told the address in front of them before it is there."""
    with ExitStack() as stack:
        return [stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1] for _ in range(count)]
