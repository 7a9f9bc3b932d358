"""A server that does not become healthy says why, in one line."""

import socket
from pathlib import Path

import pytest

from cli.localservers import ServerName, ServicesError
from cli.localservers.debian import DebianBackend
from cli.localservers.health import wait_healthy
from cli.localservers.lifecycle import open_backend
from tests.local_servers.support import known_state, quiet
from tests.support.own_sets import OwnSet


@pytest.mark.long
@pytest.mark.parametrize(
    ("server", "reason"), [("redis", "Address already in use"), ("postgres", "Address already in use")]
)
def test_the_end_of_the_log_is_in_the_error(shared: OwnSet, server: ServerName, reason: str) -> None:
    port = known_state(shared.home).ports.model_dump()[server]
    shared.control.stop(server)
    try:
        with socket.socket() as intruder:
            intruder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            intruder.bind(("127.0.0.1", port))
            intruder.listen()
            with pytest.raises(ServicesError) as raised:
                shared.control.start(server)
    finally:
        shared.control.start(server)
    assert reason in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.long
def test_waiting_ends_with_the_reason_when_time_is_over(shared: OwnSet) -> None:
    backend = open_backend(shared.home, known_state(shared.home), quiet)
    shared.control.pause("redis")
    try:
        with pytest.raises(ServicesError, match="redis did not become healthy: Timeout"):
            wait_healthy("redis", shared.addresses, backend, timeout_s=1)
    finally:
        shared.control.resume("redis")


def test_a_server_that_cannot_start_at_all_says_why(shared: OwnSet, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = shared.home.root / "empty"
    for folder in ("usr", "etc"):
        (empty / folder).mkdir(parents=True, exist_ok=True)

    def no_packages(*_: object) -> Path:
        return empty

    shared.control.stop("redis")
    try:
        with monkeypatch.context() as patch:
            patch.setattr("cli.localservers.debian.ensure_rootfs", no_packages)
            backend = DebianBackend(shared.home, known_state(shared.home), quiet)
            with pytest.raises(ServicesError, match=r"ended at once: .*No such file"):
                backend.start("redis")
    finally:
        shared.control.start("redis")
