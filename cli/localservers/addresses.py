"""Where the servers answer, and how that is told to other processes."""

from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from cli.localservers.errors import ServicesError
from cli.localservers.ports import Ports
from cli.localservers.settings import Settings
from cli.urls import SCHEMES, require_urls

HOST = "127.0.0.1"


class Addresses(BaseModel):
    """URLs of one set of servers."""

    model_config = ConfigDict(frozen=True)

    stream_url: str
    amqp_url: str
    management_url: str
    postgres_dsn: str
    postgres_read_dsn: str | None = None
    """A replica's, where there is one."""
    redis_url: str

    def as_environment(self) -> dict[str, str]:
        """Give the WARREN_* variables that name these servers to another process."""
        return {f"WARREN_{field.upper()}": value for field, value in self.model_dump().items() if value is not None}

    @classmethod
    def on_loopback(cls, ports: Ports, *, replica: bool = False) -> Self:
        """Name servers of our own on these ports."""
        return cls(
            stream_url=f"rabbitmq-stream://guest:guest@{HOST}:{ports.stream}/%2f",
            amqp_url=f"amqp://guest:guest@{HOST}:{ports.amqp}/%2f",
            management_url=f"http://guest:guest@{HOST}:{ports.management}",
            postgres_dsn=f"postgresql://warren@{HOST}:{ports.postgres}/postgres",
            postgres_read_dsn=f"postgresql://warren@{HOST}:{ports.replica}/postgres" if replica else None,
            redis_url=f"redis://{HOST}:{ports.redis}/0",
        )


class RunAddresses(Addresses):
    """URLs of one run's own virtual host, database and Redis keys on shared servers."""

    redis_prefix: str


def environment_addresses(settings: Settings) -> Addresses | None:
    """Read the servers named by the environment; None when it names none.

    Raises ServicesError when only some of the three are named: half a set would silently mix two systems; and
    SettingsError where a value is no address.
    """
    named = {
        "WARREN_STREAM_URL": settings.stream_url,
        "WARREN_POSTGRES_DSN": settings.postgres_dsn,
        "WARREN_REDIS_URL": settings.redis_url,
    }
    missing = [name for name, value in named.items() if value is None]
    if len(missing) == len(named):
        return None
    if settings.stream_url is None or settings.postgres_dsn is None or settings.redis_url is None:
        raise ServicesError(f"{', '.join(missing)} not set: name all of {', '.join(named)}, or none of them")
    require_urls({name: getattr(settings, name) for name in SCHEMES if name in Settings.model_fields})
    stream = urlsplit(settings.stream_url)
    login = f"{stream.username or 'guest'}:{stream.password or 'guest'}@{stream.hostname or HOST}"
    return Addresses(
        stream_url=settings.stream_url,
        amqp_url=settings.amqp_url or f"amqp://{login}:5672{stream.path or '/%2f'}",
        management_url=settings.management_url or f"http://{login}:15672",
        postgres_dsn=settings.postgres_dsn,
        postgres_read_dsn=settings.postgres_read_dsn,
        redis_url=settings.redis_url,
    )
