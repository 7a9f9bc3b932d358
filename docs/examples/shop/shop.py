"""A shop: it places and submits orders, and says so in its outbox, in the same transaction.

DATABASE_URL=postgresql://shop@localhost/shop uvicorn shop:app --port 8001
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import asyncpg
from fastapi import FastAPI, Header, HTTPException, Request, Response
from pydantic import BaseModel, Field

PLACE = """
    INSERT INTO orders (idempotency_key, customer_id) VALUES ($1, $2)
    ON CONFLICT (idempotency_key) DO NOTHING RETURNING id
"""
PLACED = "SELECT id, customer_id FROM orders WHERE idempotency_key = $1"
SUBMIT = "UPDATE orders SET items = $2, submitted_at = now() WHERE id = $1 AND submitted_at IS NULL RETURNING id"
KNOWN = "SELECT 1 FROM orders WHERE id = $1"
PUBLISH = "SELECT warren_outbox.publish($1, $2, $3, traceparent => $4)"


Name = Annotated[str, Field(max_length=256, pattern="^[^\\x00-\\x1f\\x7f]+$")]


class NewOrder(BaseModel):
    """What places an order."""

    customer_id: Name


class Item(BaseModel):
    """One thing to make."""

    item_id: Name
    quantity: int = Field(default=1, ge=1, le=1_000_000)


class Submission(BaseModel):
    """What submits it."""

    items: list[Item] = Field(min_length=1, max_length=1000)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Keep a pool of connections while the shop is open."""
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1) as app.state.pool:
        yield


app = FastAPI(title="Shop", lifespan=lifespan)


@asynccontextmanager
async def transaction(request: Request) -> AsyncIterator[asyncpg.Connection]:
    """A transaction: what it does happens as a whole, and is committed before the answer is given, or not at all."""
    async with request.app.state.pool.acquire() as connection, connection.transaction():
        yield connection


def trace_of(request: Request) -> str | None:
    """Return the caller's trace, which the order's events then belong to; None without a well formed one."""
    given = request.headers.get("traceparent", "")
    return given if re.fullmatch("[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", given) else None


@app.post("/orders", status_code=201)
async def place(
    order: NewOrder, request: Request, response: Response, idempotency_key: Annotated[str, Header(max_length=200)]
) -> dict[str, str]:
    """Place an order. Who did not hear the answer asks again with the same key, and gets the same order."""
    async with transaction(request) as database:
        order_id = await database.fetchval(PLACE, idempotency_key, order.customer_id)
        if order_id is not None:
            data = json.dumps({"customer_id": order.customer_id})
            await database.execute(PUBLISH, order_id, "order.initiated.v1", data, trace_of(request))
            return {"id": order_id}
        placed = await database.fetchrow(PLACED, idempotency_key)
    if placed["customer_id"] != order.customer_id:
        raise HTTPException(422, "this idempotency key was used for another order")
    response.status_code = 200
    return {"id": placed["id"]}


@app.post("/orders/{order_id}/submission")
async def submit(order_id: str, submission: Submission, request: Request) -> dict[str, str]:
    """Submit an order, once: further calls change nothing."""
    items = submission.model_dump()["items"]
    async with transaction(request) as database:
        if await database.fetchval(SUBMIT, order_id, json.dumps(items)):
            await database.execute(
                PUBLISH, order_id, "order.submitted.v1", json.dumps({"items": items}), trace_of(request)
            )
        elif not await database.fetchval(KNOWN, order_id):
            raise HTTPException(404, "there is no such order")
    return {"id": order_id}
