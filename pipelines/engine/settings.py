"""All settings, from `WARREN_*` environment variables or a `.env` file in the working directory.

Every field says its effect, unit, special values and default.
"""

from __future__ import annotations

from functools import lru_cache

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.errors import SettingsError
from schemas.streams import DEFAULT_PARTITIONS, ORDERS


class Settings(BaseSettings):
    """Where the servers are and how this process behaves."""

    model_config = SettingsConfigDict(env_prefix="WARREN_", env_file=".env", extra="ignore", frozen=True)

    stream_url: str = Field(
        "rabbitmq-stream://guest:guest@localhost:5552/%2f",
        description=(
            "RabbitMQ's stream listeners: rabbitmq-stream://USER:PASSWORD@HOST:PORT/VHOST, percent-encoded; several "
            "nodes as HOST:PORT,HOST:PORT; TLS as rabbitmq-stream+tls://, with ?cacert=FILE for your own authority."
        ),
    )
    amqp_url: str = Field(
        "amqp://guest:guest@localhost:5672/%2f",
        description="The same broker's AMQP 0.9.1 listener, for the job queue.",
    )
    management_url: str = Field(
        "http://guest:guest@localhost:15672",
        description="The broker's management API. Only local runs need it, to make a virtual host.",
    )
    postgres_dsn: str = Field(
        "postgresql://warren@localhost:5432/warren",
        description="The write database: ledger, checkpoints, views.",
    )
    postgres_read_dsn: str | None = Field(
        None,
        description="A replica for the board's reads. None: the write database serves them.",
    )
    redis_url: str = Field("redis://localhost:6379/0", description="The hot cache. It may vanish at any moment (I6).")
    redis_prefix: str = Field("warren:", description="What every key begins with; two runs may share a server.")
    super_stream: str = Field(ORDERS, description="The super stream the events are in.")
    partitions: int = Field(
        DEFAULT_PARTITIONS,
        ge=1,
        le=1024,
        description="How many partitions `topology apply` makes. Never changed in place: producers route by it.",
    )
    batch_events: int = Field(
        2500,
        ge=1,
        le=100_000,
        description="At most so many events, or 4 MiB, are committed at once. More is faster under backlog.",
    )
    metrics_port: int | None = Field(
        None, description="Port on loopback for a processor's /metrics, /healthz and /readyz. None: not served."
    )
    board_host: str = Field("127.0.0.1", description="Address the board listens on.")
    board_port: int = Field(8080, ge=0, le=65535, description="Port of the board. 0: any free one.")
    board_url: str | None = Field(
        None,
        pattern=r"^https?://[^/\s]+/?$",
        description="Where people find the board, such as https://orders.example. With https its cookies are secure.",
    )
    board_proxies: str | None = Field(
        None, description="Addresses of proxies that are believed when they say for whom they ask. None: no proxy is."
    )
    board_sign_in: str = Field(
        "accounts",
        description=(
            "How people sign in at the board: accounts (`warren account`), oidc, both (accounts,oidc); or off: whoever "
            "reaches it may look, and nobody may act."
        ),
    )
    board_session_hours: int = Field(12, ge=1, le=24 * 31, description="How long somebody stays signed in.")
    board_secret_key: SecretStr | None = Field(
        None,
        description=(
            "What signs sessions, the same for all instances: 32 characters or more. Of several, with commas between "
            "them, the first signs and all are believed. None: a new one for each process."
        ),
    )
    board_oidc_issuer: str | None = Field(
        None, description="The OpenID provider, such as https://id.example/realms/shop."
    )
    board_oidc_client_id: str | None = Field(None, description="What the board is called there.")
    board_oidc_client_secret: SecretStr | None = Field(None, description="And its secret there.")
    board_oidc_scope: str = Field("openid profile email", description="What the provider is asked for.")
    board_oidc_roles_claim: str = Field("roles", description="The claim of the ID token that says somebody's roles.")
    board_oidc_roles: str = Field(
        "warren-viewer=viewer,warren-operator=operator,warren-admin=admin",
        description="What their roles are here, as THEIRS=viewer, operator or admin, with commas between them.",
    )
    archive_url: str | None = Field(
        None,
        description=(
            "Where months that leave the database go: a folder, or s3://BUCKET/PREFIX with the usual AWS_* variables. "
            "One database's own. None: nothing is archived, and what was cannot be read."
        ),
    )
    archive_after_months: int = Field(
        3, ge=1, description="So many whole months stay in the database, besides the current one."
    )


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return the process's settings.

    Raises:
        SettingsError: a value makes no sense; the message names the variable.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise SettingsError(f"WARREN_{str(first['loc'][0]).upper()}: {first['msg']}") from error
