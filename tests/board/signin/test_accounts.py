"""Signing in with a password."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from html import unescape

import httpx
import pytest
from itsdangerous import URLSafeTimedSerializer
from limits import RateLimitItemPerMinute
from pydantic import SecretStr
from starlette.responses import Response

from dashboards.operator.app import create_app
from dashboards.operator.signin import accounts, attempts, guard, page
from dashboards.operator.signin.guard import BODY_BYTES
from dashboards.operator.signin.people import Person, Role
from dashboards.operator.signin.sessions import Sessions
from tests.board.signin.door import KEY, PASSWORD, sign_in, signing
from tests.board.support import Board
from tests.support.proxy import proxied
from tests.support.runs import Run
from tests.support.waiting import until


async def test_who_has_not_signed_in_is_led_to_the_form_and_back(board: Board) -> None:
    away = await board.client.get("/orders?stuck=1")
    assert (away.status_code, away.headers["location"]) == (303, "/sign-in?next=%2Forders%3Fstuck%3D1")
    form = unescape(await board.text(away.headers["location"]))
    assert 'name="next" value="/orders?stuck=1"' in form
    inside = await sign_in(board, next="/orders?stuck=1")
    assert (inside.status_code, inside.headers["location"]) == (303, "/orders?stuck=1")
    assert "otto" in await board.text("/orders?stuck=1")
    out = await board.client.post("/sign-out", headers={"Sec-Fetch-Site": "same-origin"})
    assert out.headers["location"] == "/sign-in"
    assert (await board.client.get("/orders")).status_code == 303


@pytest.mark.parametrize("path", ["/api/board", "/api/orders", "/api/events", "/api/stuck", "/api/pipeline"])
async def test_machines_are_told_so(board: Board, path: str) -> None:
    answer = await board.client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")


async def test_every_page_and_answer_needs_it_but_what_runs_the_board(shop: Run, board: Board) -> None:
    paths = set(create_app(shop.settings).openapi()["paths"])
    free = {"/sign-in", "/sign-in/provider", "/sign-in/back", "/sign-out", "/healthz", "/readyz", "/metrics"}
    assert len(paths) > 15
    for path in paths - free:
        assert (await board.client.get(re.sub(r"\{[^}]*\}", "1", path))).status_code in (303, 401), path
    for path in ("/healthz", "/metrics", "/static/board.css"):
        assert (await board.client.get(path)).status_code == 200, path


@pytest.mark.parametrize(
    ("name", "password"),
    [("otto", "wrong"), ("nobody", PASSWORD), ("", ""), ("otto", ""), ("ot\0to", PASSWORD), ("x" * 100, PASSWORD)],
)
async def test_a_wrong_name_or_password_is_refused_in_the_same_words(board: Board, name: str, password: str) -> None:
    answer = await sign_in(board, name, password)
    assert answer.status_code == 403
    assert "That is not the name and password of anybody." in answer.text
    assert not board.client.cookies


async def test_capitals_and_spaces_around_a_name_do_not_count(board: Board) -> None:
    assert (await sign_in(board, " Otto ")).status_code == 303


async def test_a_session_holds_at_every_instance_with_the_same_key_and_at_no_other(shop: Run, board: Board) -> None:
    await sign_in(board)
    async with signing(shop) as another:
        another.client.cookies = board.client.cookies
        assert "otto" in await another.text("/orders")
    async with signing(shop, board_secret_key=SecretStr(f"{'n' * 40},{KEY}")) as rotated:
        rotated.client.cookies = board.client.cookies
        assert "otto" in await rotated.text("/orders")
        fresh = await sign_in(rotated)
        assert fresh.status_code == 303
        board.client.cookies = rotated.client.cookies
        assert (await board.client.get("/orders")).status_code == 303, "signed by the new key only"
    async with signing(shop, board_secret_key=SecretStr("o" * 40)) as foreign:
        foreign.client.cookies = board.client.cookies
        assert (await foreign.client.get("/orders")).status_code == 303


async def test_a_cookie_that_somebody_made_is_none(board: Board) -> None:
    await sign_in(board, "vera")
    good = board.client.cookies["warren"]
    forged = URLSafeTimedSerializer("guessed" * 8, salt="session").dumps(["anna", "admin", "account"])
    head, tail = good[:-4], good[-4:]
    for value in (forged, head + tail[::-1], good + "x", good.split(".")[0], "", "x.y.z"):
        answer = await board.client.get("/orders", headers={"Cookie": f"warren={value}"})
        assert answer.status_code == 303, value


async def test_a_session_ends(shop: Run, board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    await sign_in(board)
    assert (await board.client.get("/orders")).status_code == 200
    later = time.time() + 12.1 * 3600
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: later)
    assert (await board.client.get("/orders")).status_code == 303


@pytest.mark.parametrize(
    "change",
    ["disabled = true", "role = 'viewer', changed_at = now()", "password = 'x', changed_at = now()", None],
)
async def test_a_session_ends_when_its_account_changes_and_so_do_its_streams(
    shop: Run, change: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "REUSE_SECONDS", 0.1)
    monkeypatch.setattr(guard, "CHECK_SECONDS", 0.1)
    connection = await shop.connect()
    before = await connection.fetchrow("SELECT * FROM warren.accounts WHERE name = 'otto'")
    try:
        async with signing(shop) as board:
            await sign_in(board)
            async with board.events() as frames:
                await anext(frames)
                if change is None:
                    await connection.execute("DELETE FROM warren.accounts WHERE name = 'otto'")
                else:
                    await connection.execute(f"UPDATE warren.accounts SET {change} WHERE name = 'otto'")
                async with asyncio.timeout(30):
                    with suppress(httpx.RemoteProtocolError):  # an answer without an end
                        async for _ in frames:
                            pass

            async def out() -> bool:
                return bool((await board.client.get("/orders")).status_code == 303)

            await until(out, "the session to end")
    finally:
        await connection.execute("DELETE FROM warren.accounts WHERE name = 'otto'")
        await connection.execute("INSERT INTO warren.accounts VALUES ($1, $2, $3, $4, $5, $6)", *before.values())
        await connection.close()


async def test_without_postgres_sessions_go_on_and_nobody_new_comes_in(shop: Run) -> None:
    async with proxied(shop.settings.postgres_dsn) as (dsn, proxy), signing(shop, postgres_dsn=dsn) as board:
        await sign_in(board)
        assert (await board.client.get("/")).status_code == 200
        proxy.refusing = True
        proxy.cut()
        assert (await board.client.get("/api/board")).status_code in (200, 503)
        answer = await sign_in(board, "vera")
        assert answer.status_code == 503
        assert "cannot be checked just now" in answer.text


@pytest.mark.parametrize("redis_away", [False, True])
async def test_after_some_attempts_there_is_a_pause_at_every_instance(
    shop: Run, monkeypatch: pytest.MonkeyPatch, redis_away: bool
) -> None:
    monkeypatch.setattr(attempts, "PER_NAME", (RateLimitItemPerMinute(3),))
    url = "redis://127.0.0.1:9/0" if redis_away else shop.settings.redis_url
    same = {"redis_url": url, "redis_prefix": "warren:both:"}
    async with signing(shop, **same) as board, signing(shop, **same) as another:
        name = f"guest{redis_away}".lower()
        for _ in range(3):
            assert (await sign_in(board, name, "wrong")).status_code == 403
        refused = await sign_in(board, name, "wrong")
        assert refused.status_code == 429
        assert 0 < int(refused.headers["retry-after"]) <= 60
        assert "Too many attempts" in refused.text
        assert (await sign_in(another, name, "wrong")).status_code == (403 if redis_away else 429)
        assert (await sign_in(board)).status_code == 303, "others are let in"


async def test_attempts_made_at_once_pass_no_more_than_one_after_the_other(
    shop: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "PER_NAME", (RateLimitItemPerMinute(3),))
    monkeypatch.setattr(attempts, "PER_ADDRESS", ())
    async with signing(shop) as board:
        answers = await asyncio.gather(*(sign_in(board, "otto", f"guess {number}") for number in range(30)))
        looked_at = sum(answer.status_code == 403 for answer in answers)
        assert 3 <= looked_at <= 2 + attempts.AT_ONCE
        assert {answer.status_code for answer in answers} == {403, 429}


async def test_a_name_is_the_same_in_capitals(shop: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "PER_NAME", (RateLimitItemPerMinute(2),))
    async with signing(shop) as board:
        tries = [(await sign_in(board, name, "wrong")).status_code for name in ("guess", "GUESS", " Guess ")]
        assert tries == [403, 403, 429]


async def test_of_ipv6_a_network_is_one_address(shop: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "PER_ADDRESS", (RateLimitItemPerMinute(2),))
    counted = attempts.Attempts(shop.settings.model_copy(update={"redis_prefix": "warren:ipv6:"}))
    for number in range(2):
        await counted.failed(f"n{number}", f"2001:db8:0:7::{number}")
    assert await counted.wait("n9", "2001:db8:0:7:ffff::1") > 0
    assert await counted.wait("n9", "2001:db8:0:8::1") == 0
    await counted.failed("n0", "192.0.2.1")
    await counted.failed("n1", "192.0.2.1")
    assert await counted.wait("n9", "192.0.2.2") == 0


async def test_whoever_signs_in_right_after_the_account_was_made_stays(shop: Run) -> None:
    connection = await shop.connect()
    await connection.execute(
        "INSERT INTO warren.accounts (name, password, role, changed_at)"
        " SELECT 'fresh', password, 'viewer', now() FROM warren.accounts WHERE name = 'otto'"
    )
    await connection.close()
    async with signing(shop) as board:
        assert (await sign_in(board, "fresh")).status_code == 303
        assert (await board.client.get("/orders")).status_code == 200


async def test_a_session_of_a_way_that_is_closed_holds_no_more(shop: Run) -> None:
    sessions, answer = Sessions(shop.settings.model_copy(update={"board_secret_key": SecretStr(KEY)})), Response()
    sessions.begin(answer, Person("olga", Role.ADMIN, "oidc"))
    cookie = answer.headers["set-cookie"].split(";")[0]
    async with signing(shop) as board:
        assert (await board.client.get("/orders", headers={"Cookie": cookie})).status_code == 303


async def test_nobody_sends_more_than_a_form(board: Board) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"name=otto"

    own = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}
    for content in (b"x" * (BODY_BYTES + 1), pieces()):
        answer = await board.client.post("/sign-in", content=content, headers=own)
        assert answer.status_code == 413


async def test_one_address_is_stopped_whatever_names_it_tries(shop: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "PER_ADDRESS", (RateLimitItemPerMinute(4),))
    async with signing(shop) as board:
        answers = [(await sign_in(board, f"g{number}", "wrong")).status_code for number in range(6)]
        assert answers == [403, 403, 403, 403, 429, 429]


async def test_a_board_without_sign_in_lets_everybody_look(shop: Run) -> None:
    async with signing(shop, board_sign_in="off") as board:
        assert (await board.client.get("/orders")).status_code == 200
        assert "Sign out" not in await board.text("/orders")


async def test_without_any_account_the_form_says_how_to_make_one(shop: Run) -> None:
    connection = await shop.connect()
    async with signing(shop) as board:
        assert "warren account add" not in await board.text("/sign-in")
        await connection.execute("UPDATE warren.accounts SET disabled = true")
        assert "warren account add NAME --role admin" in await board.text("/sign-in")
        await connection.execute("UPDATE warren.accounts SET disabled = false")
    await connection.close()


async def test_with_https_cookies_are_for_it_only(shop: Run) -> None:
    async with signing(shop, board_url="https://orders.example") as board:
        answer = await sign_in(board)
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-warren=")
        assert {"HttpOnly", "Path=/", "SameSite=lax", "Secure"} <= {part.strip() for part in cookie.split(";")}


@pytest.mark.parametrize(
    "wished",
    [
        "//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "", "evil",
        "/\x09/evil.example", "/sign-out", "/sign-in",
    ],
)  # fmt: skip
async def test_nobody_is_led_elsewhere(board: Board, wished: str) -> None:
    assert page.own_path(wished) == "/"
    assert (await sign_in(board, next=wished)).headers["location"] == "/"


async def test_it_is_in_russian_too(board: Board) -> None:
    assert "Пароль" in await board.text("/sign-in?lang=ru")
