"""Signing in by OpenID Connect: code flow with PKCE, state and nonce (https://openid.net/specs/openid-connect-core-1_0.html)."""

from __future__ import annotations

from typing import Any

import httpx2
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.starlette_client import OAuth
from fastapi import Request
from joserfc.errors import JoseError
from starlette.responses import Response

from dashboards.operator.signin.people import Person, Role
from pipelines.engine.settings import Settings
from schemas.errors import SettingsError

BY = "oidc"
TIMEOUT_SECONDS = 5.0


class NotSignedIn(Exception):
    """The provider said no, or what it said cannot be believed; the text says why."""


class NoRole(Exception):
    """The provider knows them, and none of their roles is one of ours. The text is their name."""


class Provider:
    """A provider of identities.

    Raises:
        SettingsError: what it needs is not set.
    """

    def __init__(self, settings: Settings) -> None:
        secret = settings.board_oidc_client_secret
        if not (settings.board_oidc_issuer and settings.board_oidc_client_id and secret and settings.board_url):
            raise SettingsError(
                "WARREN_BOARD_SIGN_IN: oidc needs WARREN_BOARD_URL, and WARREN_BOARD_OIDC_ISSUER, _CLIENT_ID and "
                "_CLIENT_SECRET"
            )
        self._return_to = f"{settings.board_url.rstrip('/')}/sign-in/back"
        self._claim = settings.board_oidc_roles_claim
        self._roles = _roles(settings.board_oidc_roles)
        self._client: Any = OAuth().register(
            name="provider",
            server_metadata_url=f"{settings.board_oidc_issuer.rstrip('/')}/.well-known/openid-configuration",
            client_id=settings.board_oidc_client_id,
            client_secret=secret.get_secret_value(),
            client_kwargs={
                "scope": settings.board_oidc_scope,
                "code_challenge_method": "S256",
                "timeout": TIMEOUT_SECONDS,
            },
        )

    async def go(self, request: Request) -> tuple[Response, dict[str, Any]]:
        """Return the way to the provider, and what has to be remembered for the way back. Raises NotSignedIn."""
        request.scope["session"] = way = dict[str, Any]()
        try:
            response: Response = await self._client.authorize_redirect(request, self._return_to)
        except (httpx2.HTTPError, OAuthError, ValueError, KeyError, RuntimeError) as error:
            raise NotSignedIn(f"the provider does not answer: {error}") from error
        return response, way

    async def back(self, request: Request, way: dict[str, Any]) -> Person:
        """Return who came back. Raises NotSignedIn or NoRole."""
        request.scope["session"] = way
        try:
            token = await self._client.authorize_access_token(request)
            claims: dict[str, Any] = token["userinfo"]
        except (OAuthError, JoseError, httpx2.HTTPError, ValueError, KeyError, RuntimeError) as error:
            raise NotSignedIn(str(error) or type(error).__name__) from error
        email = claims.get("email") if claims.get("email_verified", True) is True else None
        name = str(claims.get("preferred_username") or email or claims["sub"])[:128]
        if not name.isprintable():
            raise NotSignedIn("the name has characters that cannot be shown")
        said = claims.get(self._claim)
        theirs = [said] if isinstance(said, str) else said if isinstance(said, list) else []
        ours = [role for role in Role if any(isinstance(one, str) and self._roles.get(one) is role for one in theirs)]
        if not ours:
            raise NoRole(name)
        return Person(name, ours[-1], BY)


def _roles(text: str) -> dict[str, Role]:
    try:
        pairs = [pair.rsplit("=", 1) for pair in text.split(",") if pair.strip()]
        return {theirs.strip(): Role(ours.strip()) for theirs, ours in pairs}
    except ValueError as error:
        raise SettingsError(f"WARREN_BOARD_OIDC_ROLES: {error}; write it like staff=viewer,shift=operator") from error
