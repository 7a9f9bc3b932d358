"""What Compose is told. A stand-in for `docker` records it: no engine is needed, and none is proved to work."""

from pathlib import Path

import pytest

from cli.localservers import Addresses, ServicesError, StateDir
from cli.localservers.compose import ComposeBackend, engine_answers
from cli.localservers.places import checkout
from cli.localservers.ports import Ports
from cli.localservers.state import State
from tests.local_servers.support import quiet

PORTS = Ports(stream=1, amqp=2, management=3, prometheus=4, distribution=5, epmd=6, postgres=7, replica=9, redis=8)


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a `docker` on PATH that records its words and ports, answers `ps` and fails on `kill`."""
    recorded = tmp_path / "calls"
    program = tmp_path / "docker"
    program.write_text(
        "#!/bin/sh\n"
        f'echo "$WARREN_PORT_STREAM $WARREN_PORT_REDIS $*" >> {recorded}\n'
        'case "$*" in\n'
        '  *" ps "*) echo 0123abcd;;\n'
        '  *" logs --follow"*) echo "rabbitmq-1  | started | really";;\n'
        '  *" logs "*) echo one; echo two;;\n'
        '  *" kill "*) echo "no such service" >&2; exit 1;;\n'
        "esac\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return recorded


@pytest.fixture
def backend(tmp_path: Path) -> ComposeBackend:
    state = State(mode="compose", suite="trixie", ports=PORTS, addresses=Addresses.on_loopback(PORTS))
    return ComposeBackend(StateDir(tmp_path / "home"), state, quiet)


def words(calls: Path) -> list[str]:
    """Give what followed the project's name in each call."""
    return [line.partition(" --project-name ")[2].partition(" ")[2] for line in calls.read_text().splitlines()]


def test_control_maps_to_compose(calls: Path, backend: ComposeBackend) -> None:
    backend.start("redis")
    backend.pause("redis")
    backend.resume("redis")
    backend.stop("redis")
    assert words(calls) == [
        "up --detach --no-deps redis",
        "pause redis",
        "unpause redis",
        "unpause redis",
        "stop redis",
    ]
    assert backend.running("redis")
    assert backend.last_lines("redis", 2) == ["one", "two"]
    assert list(backend.follow(["rabbitmq"])) == [("rabbitmq", "started | really")]


def test_ports_and_the_compose_file_are_passed(calls: Path, backend: ComposeBackend) -> None:
    backend.start("rabbitmq")
    call = calls.read_text()
    assert call.startswith("1 8 compose --file ")
    assert str(checkout() / "deploy" / "local" / "compose.yaml") in call


def test_each_set_is_a_project_of_its_own(calls: Path, tmp_path: Path) -> None:
    state = State(mode="compose", suite="trixie", ports=PORTS, addresses=Addresses.on_loopback(PORTS))
    for name in ("one", "two"):
        ComposeBackend(StateDir(tmp_path / name), state, quiet).stop("redis")
    projects = {line.split("--project-name ")[1].split()[0] for line in calls.read_text().splitlines()}
    assert len(projects) == 2


def test_the_broker_advertises_the_port_outside_its_container(
    calls: Path, backend: ComposeBackend, tmp_path: Path
) -> None:
    backend.start("rabbitmq")
    conf = (tmp_path / "home" / "conf" / "rabbitmq" / "rabbitmq.conf").read_text()
    assert "stream.listeners.tcp.1 = 0.0.0.0:5552\n" in conf
    assert "stream.advertised_port = 1\n" in conf


def test_a_failure_gives_composes_own_reason(calls: Path, backend: ComposeBackend) -> None:
    with pytest.raises(ServicesError, match="docker compose kill failed: no such service"):
        backend.kill("redis")


def test_the_file_publishes_every_port_on_loopback_only() -> None:
    text = (checkout() / "deploy" / "local" / "compose.yaml").read_text()
    published = [line.strip() for line in text.splitlines() if "WARREN_PORT_" in line]
    assert len(published) == 7
    assert all(line.startswith('- "127.0.0.1:${WARREN_PORT_') for line in published)
    used = {line.partition("WARREN_PORT_")[2].partition("}")[0].partition(":")[0].lower() for line in published}
    assert used <= set(Ports.model_fields)


def test_an_engine_that_does_not_answer_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not engine_answers()
    program = tmp_path / "docker"
    for code in (1, 0):
        program.write_text(f"#!/bin/sh\nexit {code}\n")
        program.chmod(0o755)
        assert engine_answers() is (code == 0)
