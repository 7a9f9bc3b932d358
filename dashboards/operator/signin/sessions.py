"""Sessions: a signed cookie and nothing on the server, so that every instance with the same key knows everyone."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.responses import Response

from dashboards.operator.signin.people import Person, Role
from pipelines.engine.settings import Settings
from schemas.errors import SettingsError

log = logging.getLogger(__name__)

_SHORTEST_KEY = 32
_WAY_SECONDS = 600
"""How long somebody may take at the provider of identities."""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who signed in, until `until`."""

    person: Person
    until: datetime


class Sessions:
    """Makes and reads cookies.

    Raises:
        SettingsError: a key is too short.
    """

    def __init__(self, settings: Settings) -> None:
        self._length = timedelta(hours=settings.board_session_hours)
        self.secure = (settings.board_url or "").startswith("https://")
        prefix = "__Host-" if self.secure else ""
        self._session, self._way = f"{prefix}warren", f"{prefix}warren-way"
        keys = _keys(settings)
        options: dict[str, Any] = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}
        # The last key signs; all of them are believed.
        self._sealed = URLSafeTimedSerializer(keys, salt="session", signer_kwargs=options)
        self._ways = URLSafeTimedSerializer(keys, salt="way", signer_kwargs=options)

    def begin(self, response: Response, person: Person) -> None:
        """Let somebody be signed in from this answer on."""
        sealed = self._sealed.dumps([person.name, person.role, person.by, person.state])
        self._set(response, self._session, sealed, int(self._length.total_seconds()))

    def end(self, response: Response) -> None:
        """Let nobody be signed in from this answer on."""
        response.delete_cookie(self._session, secure=self.secure, httponly=True, samesite="lax")

    def read(self, cookies: Mapping[str, str]) -> Session | None:
        """Return the session a request comes with; None where it has none that holds."""
        try:
            (name, role, by, state), since = self._sealed.loads(
                cookies.get(self._session, ""), max_age=int(self._length.total_seconds()), return_timestamp=True
            )
            return Session(Person(name, Role(role), by, state), since + self._length)
        except (BadSignature, ValueError, TypeError):
            return None

    def leave(self, response: Response, way: Mapping[str, Any]) -> None:
        """Remember what has to be known when somebody comes back from the provider of identities."""
        self._set(response, self._way, self._ways.dumps(dict(way)), _WAY_SECONDS)

    def back(self, cookies: Mapping[str, str]) -> dict[str, Any]:
        """Return what was remembered; empty where that is too long ago, or is not ours."""
        try:
            way: dict[str, Any] = self._ways.loads(cookies.get(self._way, ""), max_age=_WAY_SECONDS)
        except BadSignature:
            return {}
        return way

    def forget_way(self, response: Response) -> None:
        """Remember it no more."""
        response.delete_cookie(self._way, secure=self.secure, httponly=True, samesite="lax")

    def _set(self, response: Response, name: str, value: str, seconds: int) -> None:
        response.set_cookie(name, value, max_age=seconds, secure=self.secure, httponly=True, samesite="lax")


def _keys(settings: Settings) -> list[str]:
    if settings.board_secret_key is None:
        if settings.board_sign_in != "off":
            log.warning("WARREN_BOARD_SECRET_KEY is not set: sessions end with this process and hold at no other")
        return [secrets.token_urlsafe(_SHORTEST_KEY)]
    keys = [key.strip() for key in settings.board_secret_key.get_secret_value().split(",")]
    if any(len(key) < _SHORTEST_KEY for key in keys):
        raise SettingsError(f"WARREN_BOARD_SECRET_KEY: a key has at least {_SHORTEST_KEY} characters")
    return keys[::-1]
