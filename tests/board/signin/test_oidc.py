"""Signing in by OpenID Connect, and all that must not be believed."""

from __future__ import annotations

import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from dashboards.operator.signin import sessions
from schemas.errors import SettingsError
from tests.board.signin.door import PASSWORD, sign_in, signing
from tests.board.signin.provider import CLIENT, SECRET, Provider, running_provider
from tests.board.support import Board
from tests.support.runs import Run


@pytest.fixture(scope="module")
async def _running() -> AsyncIterator[Provider]:
    async with running_provider() as provider:
        yield provider


@pytest.fixture
def provider(_running: Provider) -> Provider:
    """A provider that does all as it should, for somebody who may act."""
    _running.claims = {"preferred_username": "olga", "roles": ["staff", "warren-operator"]}
    _running.forge = _running.down = False
    return _running


@asynccontextmanager
async def company_board(shop: Run, provider: Provider, **changes: Any) -> AsyncIterator[Board]:
    """A board whose people come by the provider, and which people know by its own address."""
    # Its address has to be known before it is up.
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    own: dict[str, Any] = {
        "board_sign_in": "accounts,oidc",
        "board_url": f"http://127.0.0.1:{port}",
        "board_port": port,
        "board_oidc_issuer": provider.issuer,
        "board_oidc_client_id": CLIENT,
        "board_oidc_client_secret": SecretStr(SECRET),
    }
    async with signing(shop, **own | changes) as board:
        yield board


async def come(board: Board, path: str = "/") -> httpx.Response:
    """Go to the provider and come back, as a browser does."""
    to = await board.client.get("/sign-in/provider", params={"next": path})
    assert to.status_code == 303, to.text
    async with httpx.AsyncClient() as elsewhere:
        back = await elsewhere.get(to.headers["location"])
    return await board.client.get(back.headers["location"])


async def test_somebody_comes_by_the_provider_with_the_role_they_have_there(shop: Run, provider: Provider) -> None:
    async with company_board(shop, provider) as board:
        assert "company account" in await board.text("/sign-in")
        came = await come(board, "/orders?stuck=1")
        assert (came.status_code, came.headers["location"]) == (303, "/orders?stuck=1")
        page = await board.text("/orders")
        assert "olga" in page
        assert "operator" in page


@pytest.mark.parametrize(
    ("said", "role"),
    [(["warren-viewer", "warren-admin"], "admin"), ("warren-viewer", "viewer"), (["x", "warren-viewer"], "viewer")],
)
async def test_the_highest_role_counts(shop: Run, provider: Provider, said: Any, role: str) -> None:
    provider.claims["roles"] = said
    async with company_board(shop, provider) as board:
        await come(board)
        assert f'class="hint">{role}<' in await board.text("/orders")


@pytest.mark.parametrize(
    "said", [None, [], ["staff"], "viewer", {"warren-admin": True}, 7, [{"a": 1}, ["warren-admin"]]]
)
async def test_who_has_no_role_here_is_told_whom_to_ask(shop: Run, provider: Provider, said: Any) -> None:
    provider.claims["roles"] = said
    async with company_board(shop, provider) as board:
        came = await come(board)
        assert came.status_code == 403
        assert "You are known as olga, but may not use this board" in came.text
        assert (await board.client.get("/orders")).status_code == 303


async def test_roles_and_their_claim_can_be_named_otherwise(shop: Run, provider: Provider) -> None:
    provider.claims = {"email": "o@shop.example", "groups": ["a=b"], "roles": ["warren-admin"]}
    names = {"board_oidc_roles_claim": "groups", "board_oidc_roles": "a=b=viewer, c=admin"}
    async with company_board(shop, provider, **names) as board:
        await come(board)
        page = await board.text("/orders")
        assert "o@shop.example" in page
        assert 'class="hint">viewer<' in page


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"}, {"nonce": None}, {"aud": "another"}, {"iss": "https://evil.example"},
        {"exp": int(time.time()) - 3600}, {"sub": None},
    ],
    ids=str,
)  # fmt: skip
async def test_a_token_that_is_not_for_us_now_is_not_believed(
    shop: Run, provider: Provider, claims: dict[str, Any]
) -> None:
    provider.claims |= claims
    async with company_board(shop, provider) as board:
        came = await come(board)
        assert came.status_code == 403
        assert "did not let you in" in came.text
        assert (await board.client.get("/orders")).status_code == 303


async def test_a_forged_signature_is_not_believed(shop: Run, provider: Provider) -> None:
    provider.forge = True
    async with company_board(shop, provider) as board:
        assert (await come(board)).status_code == 403


async def test_who_comes_back_without_having_gone_is_not_let_in(shop: Run, provider: Provider) -> None:
    """Somebody else's code, given to a victim's browser."""
    async with company_board(shop, provider) as board:
        to = await board.client.get("/sign-in/provider")
        async with httpx.AsyncClient() as elsewhere:
            back = (await elsewhere.get(to.headers["location"])).headers["location"]
        async with httpx.AsyncClient(base_url=board.address) as victim:
            assert (await victim.get(back)).status_code == 403
            assert "warren" not in victim.cookies
        assert (await board.client.get(back.replace("state=", "state=x"))).status_code == 403
        assert (await board.client.get("/sign-in/back?error=access_denied&error_description=<b>no")).status_code == 403
        assert (await board.client.get("/sign-in/back")).status_code == 403


async def test_who_takes_too_long_at_the_provider_is_not_let_in(
    shop: Run, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "_WAY_SECONDS", -1)
    async with company_board(shop, provider) as board:
        to = await board.client.get("/sign-in/provider")
        cookie = to.headers["set-cookie"].split(";")[0]  # which a browser would have dropped by itself
        async with httpx.AsyncClient() as elsewhere:
            back = (await elsewhere.get(to.headers["location"])).headers["location"]
        assert (await board.client.get(back, headers={"Cookie": cookie})).status_code == 403


@pytest.mark.parametrize(("verified", "name"), [(True, "olga@example.com"), (False, "4711"), ("true", "4711")])
async def test_an_address_that_nobody_has_proved_is_no_name(
    shop: Run, provider: Provider, verified: object, name: str
) -> None:
    provider.claims = {
        "sub": "4711", "email": "olga@example.com", "email_verified": verified, "roles": ["warren-viewer"]
    }  # fmt: skip
    async with company_board(shop, provider) as board:
        await come(board)
        assert f'title="viewer">{name} ' in await board.text("/orders")


async def test_a_name_that_cannot_be_shown_is_none(shop: Run, provider: Provider) -> None:
    provider.claims |= {"preferred_username": "a\nb", "roles": ["warren-admin"]}
    async with company_board(shop, provider) as board:
        assert (await come(board)).status_code == 403


async def test_while_the_provider_is_away_accounts_still_do(shop: Run, provider: Provider) -> None:
    provider.down = True
    async with company_board(shop, provider) as board:
        away = await board.client.get("/sign-in/provider")
        assert away.status_code == 503
        assert "does not answer just now" in away.text
        assert (await sign_in(board, "otto", PASSWORD)).status_code == 303


async def test_a_board_that_lacks_a_setting_says_which(shop: Run) -> None:
    with pytest.raises(SettingsError, match="WARREN_BOARD_OIDC_ISSUER"):
        async with signing(shop, board_sign_in="oidc"):
            pass
    with pytest.raises(SettingsError, match="WARREN_BOARD_SIGN_IN"):
        async with signing(shop, board_sign_in="everybody"):
            pass
    with pytest.raises(SettingsError, match="at least 32"):
        async with signing(shop, board_secret_key=SecretStr("short")):
            pass
