"""Whoever signs in at one instance is signed in at all, and no instance believes what another would not."""

from __future__ import annotations

import httpx
import pytest

from tests.board.behind.conftest import Farm
from tests.board.signin.door import PASSWORD, sign_in
from tests.board.support import Board

ROUNDS = 6
"""Requests one after the other, which nginx spreads evenly: each instance has at least one of them."""


async def test_a_session_holds_at_every_instance_and_ends_at_every_one(farm: Farm) -> None:
    async with farm.visitor() as board:
        inside = await sign_in(board)
        assert inside.headers["location"] == "/"
        assert inside.headers["set-cookie"].startswith("__Host-warren=")
        assert "Secure" in inside.headers["set-cookie"]
        before = len(farm.front.asked())
        for _ in range(ROUNDS):
            assert "otto" in await board.text("/orders")
        ports = {port for _, _, asked in farm.front.asked()[before:] for port in asked}
        assert ports == {str(instance.port) for instance in farm.instances}
        out = await board.client.post("/sign-out", headers={"Sec-Fetch-Site": "same-origin"})
        assert out.headers["location"] == "/sign-in"
        for _ in range(ROUNDS):
            assert (await board.client.get("/orders")).status_code == 303


async def test_attempts_are_counted_for_all_instances_by_name(farm: Farm) -> None:
    async with farm.visitor() as board, farm.visitor() as elsewhere:
        tried = [(await sign_in(board, "guest", "wrong")).status_code for _ in range(8)]
        assert tried == [403] * 5 + [429] * 3
        assert (await sign_in(elsewhere, "guest", "wrong")).status_code == 429
        assert (await sign_in(board)).status_code == 303, "others are let in"


async def test_and_by_the_address_they_come_from_whatever_they_say_of_it(farm: Farm) -> None:
    async def guess(board: Board, number: int) -> int:
        answer = await board.client.post(
            "/sign-in",
            data={"name": f"guest{number}", "password": "wrong"},
            headers={"Sec-Fetch-Site": "same-origin", "X-Forwarded-For": f"192.0.2.{number}", "X-Real-IP": "::1"},
        )
        return answer.status_code

    async with farm.visitor() as board, farm.visitor("otto"):
        tried = [await guess(board, number) for number in range(13)]
        assert tried == [403] * 10 + [429] * 3
        assert (await sign_in(board)).status_code == 429
    async with farm.visitor("otto"):
        pass  # who comes from elsewhere is let in


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("{front}", 303),
        ("{inside}", 403),
        ("http://{host}", 403),
        ("https://evil.example", 403),
        ("null", 403),
    ],
)
async def test_every_instance_takes_forms_of_the_address_in_front_only(farm: Farm, origin: str, status: int) -> None:
    """As a browser says it that is too old for `Sec-Fetch-Site`."""
    front = farm.front.address
    said = origin.format(front=front, host=front.partition("//")[2], inside=farm.instances[0].address)
    async with farm.visitor() as board:
        for _ in farm.instances:
            answer = await board.client.post(
                "/sign-in", data={"name": "otto", "password": PASSWORD}, headers={"Origin": said}
            )
            assert answer.status_code == status


async def test_who_goes_to_the_provider_from_one_instance_may_come_back_to_another(farm: Farm) -> None:
    async with farm.visitor() as board, httpx.AsyncClient() as elsewhere:
        for _ in farm.instances:
            to = await board.client.get("/sign-in/provider", params={"next": "/stuck"})
            back = (await elsewhere.get(to.headers["location"])).headers["location"]
            assert back.startswith(f"{farm.front.address}/sign-in/back?")
            came = await board.client.get(back)
            assert (came.status_code, came.headers["location"]) == (303, "/stuck")
            assert "olga" in await board.text("/orders")
        asked = [(path, ports) for path, _, ports in farm.front.asked() if path.startswith("GET /sign-in/")]
        assert any(asked[at][1] != asked[at + 1][1] for at in range(0, len(asked), 2))


async def test_addresses_that_an_instance_makes_are_those_in_front(farm: Farm) -> None:
    async with farm.visitor("vera") as board:
        answer = await board.client.get("/stuck/")
    assert (answer.status_code, answer.headers["location"]) == (307, f"{farm.front.address}/stuck")


async def test_who_comes_without_tls_is_led_to_it(farm: Farm) -> None:
    async with httpx.AsyncClient(base_url=farm.front.plain_address) as client:
        answer = await client.get("/orders?stuck=1")
    assert (answer.status_code, answer.headers["location"]) == (301, "https://127.0.0.1/orders?stuck=1")


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz"])
async def test_what_each_instance_says_of_itself_stays_inside(farm: Farm, path: str) -> None:
    async with farm.visitor() as board:
        assert (await board.client.get(path)).status_code == 404
