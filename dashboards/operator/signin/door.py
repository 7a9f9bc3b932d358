"""All that signing in takes, made once per app."""

from __future__ import annotations

from dataclasses import dataclass

from dashboards.operator.database import Database
from dashboards.operator.signin.accounts import Accounts
from dashboards.operator.signin.attempts import Attempts
from dashboards.operator.signin.oidc import Provider
from dashboards.operator.signin.sessions import Sessions
from pipelines.engine.settings import Settings
from schemas.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Door:
    """The parts. `ways` are those by which people may come in; empty: nobody signs in."""

    ways: frozenset[str]
    sessions: Sessions
    accounts: Accounts
    attempts: Attempts
    provider: Provider | None

    @classmethod
    def of(cls, settings: Settings, database: Database) -> Door:
        """Return the door that the settings describe. Raises SettingsError."""
        ways = frozenset(settings.board_sign_in.replace(" ", "").split(","))
        if not ways <= {"accounts", "oidc"} and ways != {"off"}:
            raise SettingsError("WARREN_BOARD_SIGN_IN: accounts, oidc, both (accounts,oidc), or off")
        return cls(
            ways - {"off"},
            Sessions(settings),
            Accounts(database),
            Attempts(settings),
            Provider(settings) if "oidc" in ways else None,
        )
