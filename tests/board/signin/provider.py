"""A provider of identities for tests: OpenID Connect on loopback, with the faults a test asks for."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import uvicorn
from fastapi import FastAPI, Form, HTTPException
from fastapi.responses import RedirectResponse
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.support.waiting import until

CLIENT, SECRET = "board", "a client's secret"


@dataclass
class Provider:
    """Who is at its keyboard (`claims`), and what is wrong with its answers.

    `forge` signs by another key under the same name; `claims` override what would be right.
    """

    issuer: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    forge: bool = False
    down: bool = False
    seen: list[dict[str, str]] = field(default_factory=list)


@asynccontextmanager
async def running_provider() -> AsyncIterator[Provider]:
    """Run a provider."""
    provider = Provider()
    key, other = RSAKey.generate_key(2048, {"kid": "one"}), RSAKey.generate_key(2048, {"kid": "one"})
    codes: dict[str, dict[str, str]] = {}
    app = FastAPI()

    @app.get("/.well-known/openid-configuration")
    async def discovery() -> dict[str, Any]:
        if provider.down:
            raise HTTPException(503)
        return {
            "issuer": provider.issuer,
            "authorization_endpoint": f"{provider.issuer}/authorize",
            "token_endpoint": f"{provider.issuer}/token",
            "jwks_uri": f"{provider.issuer}/keys",
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    @app.get("/keys")
    async def keys() -> dict[str, Any]:
        return {"keys": [key.as_dict(private=False)]}

    @app.get("/authorize")
    async def authorize(
        redirect_uri: str, state: str, nonce: str, code_challenge: str, client_id: str, scope: str
    ) -> RedirectResponse:
        assert client_id == CLIENT
        assert "openid" in scope
        code = f"code-{len(codes)}"
        codes[code] = {"nonce": nonce, "challenge": code_challenge, "redirect_uri": redirect_uri}
        provider.seen.append({"state": state, "redirect_uri": redirect_uri})
        return RedirectResponse(f"{redirect_uri}?{urlencode({'code': code, 'state': state})}", 302)

    @app.post("/token")
    async def token(code: str = Form(), code_verifier: str = Form(), redirect_uri: str = Form()) -> dict[str, Any]:
        asked = codes.pop(code, None)
        digest = base64.urlsafe_b64encode(hashlib.sha256(code_verifier.encode()).digest()).rstrip(b"=").decode()
        if asked is None or asked["challenge"] != digest or asked["redirect_uri"] != redirect_uri:
            raise HTTPException(400, "invalid_grant")
        now = int(time.time())
        claims = {
            "iss": provider.issuer, "aud": CLIENT, "sub": "1", "iat": now, "exp": now + 300, "nonce": asked["nonce"],
        } | provider.claims  # fmt: skip
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, claims, other if provider.forge else key)
        return {"access_token": "a", "token_type": "Bearer", "id_token": signed, "expires_in": 300}

    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    task = asyncio.create_task(server.serve())

    async def started() -> bool:
        return server.started

    await until(started, "the provider to start")
    provider.issuer = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield provider
    finally:
        server.should_exit = True
        await task
