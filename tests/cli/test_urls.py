"""An address that is none is one line and exit code 2, in every command that reads settings."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from cli.urls import SCHEMES, require_urls
from schemas.errors import SettingsError
from tests.cli.support import AWAY, Warren
from tests.support.events import event

NAMES_NO_SERVER = {
    "WARREN_STREAM_URL": "rabbitmq-stream://guest:secret@x:notaport/",
    "WARREN_AMQP_URL": "amqp://guest:secret@x:notaport/",
    "WARREN_MANAGEMENT_URL": "http://guest:secret@x:notaport/",
    "WARREN_POSTGRES_DSN": "postgresql://secret@x:notaport/",
    "WARREN_POSTGRES_READ_DSN": "postgresql://secret@x:notaport/",
    "WARREN_REDIS_URL": "redis://:secret@x:notaport/0",
}

COMMANDS = (
    "audit", "board --port 0", "lag", "migrate", "order show A1", "parked list", "parked release A1", "publish FILE",
    "quarantine list", "quarantine show 0:1", "run views@1", "tail", "topology apply", "topology show",
    "import --mapping MAPPING CSV",
)  # fmt: skip

MAPPING = """
name = "shop"
zone = "UTC"
[main]
table = "orders"
order_id = "id"
[events.initiated]
type = "order.initiated.v1"
source = "/shop"
time = "at"
"""


def _words(command: str, folder: Path) -> list[str]:
    files = {"FILE": folder / "events.jsonl", "MAPPING": folder / "mapping.toml", "CSV": folder / "orders.csv"}
    files["FILE"].write_bytes(orjson.dumps(event("A1", "initiated")))
    files["MAPPING"].write_text(MAPPING)
    files["CSV"].write_text("id,at\nA1,2026-03-01T12:00:00Z\n")
    return [str(files.get(word, word)) for word in command.split()]


@pytest.mark.parametrize("setting", NAMES_NO_SERVER)
@pytest.mark.parametrize("command", COMMANDS)
async def test_a_bad_port_is_one_line_that_names_the_setting(
    lost_warren: Warren, tmp_path: Path, command: str, setting: str
) -> None:
    lost_warren.environment[setting] = NAMES_NO_SERVER[setting]
    answer = await lost_warren(*_words(command, tmp_path))
    answer.failed(2, f"{setting}: its port is no number")
    assert "secret" not in answer.stderr


@pytest.mark.parametrize("setting", NAMES_NO_SERVER)
async def test_doctor_finds_it_and_ends_with_2(lost_warren: Warren, setting: str) -> None:
    lost_warren.environment[setting] = NAMES_NO_SERVER[setting]
    answer = await lost_warren("doctor")
    assert (answer.code, answer.stderr) == (2, "")
    assert answer.stdout.startswith(f"✗ settings: {setting}: its port is no number")


@pytest.mark.parametrize("setting", [name for name in NAMES_NO_SERVER if name != "WARREN_POSTGRES_READ_DSN"])
@pytest.mark.parametrize("command", ["services up", "services status", "demo"])
async def test_the_local_servers_know_it_too(lost_warren: Warren, command: str, setting: str) -> None:
    lost_warren.environment[setting] = NAMES_NO_SERVER[setting]
    # The demo takes the signals over, which only a process's main thread may.
    answer = await (lost_warren.ends if command == "demo" else lost_warren)(*command.split())
    answer.failed(2, f"{setting}: its port is no number")


@pytest.mark.parametrize("setting", NAMES_NO_SERVER)
async def test_another_kind_of_address_is_refused(lost_warren: Warren, setting: str) -> None:
    lost_warren.environment[setting] = "gopher://localhost"
    (await lost_warren("lag")).failed(2, f"{setting}: an address begins with ")


@pytest.mark.parametrize(
    ("setting", "url"),
    [
        *((name.removeprefix("WARREN_").lower(), url) for name, url in AWAY.items()),
        ("stream_url", "rabbitmq-stream+tls://me:p%2Fw@one:5551,two/orders?cacert=/etc/ca.pem"),
        ("postgres_dsn", "postgres://one:5432,two:5433/warren?target_session_attrs=primary"),
        ("postgres_dsn", "postgresql:///warren?host=/var/run/postgresql"),
        ("postgres_read_dsn", None),
        ("redis_url", "unix:///run/redis.sock?db=1"),
        ("stream_url", "rabbitmq-stream://[::1]:5552/%2f"),
    ],
)
def test_what_the_clients_take_is_taken(setting: str, url: str | None) -> None:
    require_urls({setting: url})


@pytest.mark.parametrize("setting", SCHEMES)
@pytest.mark.parametrize("rest", ["", "//one:1,two:x/", "//one:65536/", "//[::1/", "//me:half/of@a:1/"])
def test_what_they_do_not_take_is_refused(setting: str, rest: str) -> None:
    with pytest.raises(SettingsError, match=f"^WARREN_{setting.upper()}: "):
        require_urls({setting: rest and f"{SCHEMES[setting][0]}:{rest}"})
