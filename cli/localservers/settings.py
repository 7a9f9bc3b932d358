"""Settings of the local servers, all from WARREN_* environment variables."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from cli.localservers.errors import ServicesError
from schemas.worded import Worded


class Settings(BaseSettings):
    """What the environment says."""

    model_config = SettingsConfigDict(env_prefix="WARREN_", env_ignore_empty=True)

    stream_url: str | None = Field(None, description="Server named by the caller; default: none, so ours start.")
    amqp_url: str | None = Field(None, description="Default: the host of stream_url, port 5672.")
    management_url: str | None = Field(None, description="Default: the host of stream_url, port 15672.")
    postgres_dsn: str | None = Field(None, description="Server named by the caller; default: none.")
    postgres_read_dsn: str | None = Field(None, description="A replica of postgres_dsn; default: none.")
    redis_url: str | None = Field(None, description="Server named by the caller; default: none.")
    services_mode: Literal["auto", "compose", "debian"] = Field(
        "auto", description="Where ours come from; auto: Compose if an engine answers, else Debian."
    )
    debian_suite: Annotated[
        str, StringConstraints(pattern=r"^[a-z]+$"), Worded("the name of a suite, such as trixie or sid")
    ] = Field("trixie", description="Debian suite of the packages; sid has the newest.")
    state_dir: Path | None = Field(None, description="Our servers' files; default: .warren in the checkout.")
    chromium: Path | None = Field(None, description="Browser for tests; default: found on PATH, or built.")


def read_settings() -> Settings:
    """Read the settings anew, for the environment may have changed since.

    Raises ServicesError naming the variable that cannot be used.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = f"WARREN_{first['loc'][0]}".upper()
        raise ServicesError(f"{name}={first['input']} cannot be used: {first['msg']}") from error
