"""Ports are kept, and never given to two sets."""

import socket
from pathlib import Path

import pytest

from cli.localservers.ports import is_free, reserve_ports


@pytest.fixture(autouse=True)
def private_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_ports_are_the_same_next_time(tmp_path: Path) -> None:
    assert reserve_ports(tmp_path) == reserve_ports(tmp_path)


def test_a_port_taken_meanwhile_is_replaced_and_the_others_kept(tmp_path: Path) -> None:
    before = reserve_ports(tmp_path)
    with socket.create_server(("127.0.0.1", before.redis)):
        assert not is_free(before.redis)
        after = reserve_ports(tmp_path)
    assert after.redis != before.redis
    assert after == before.model_copy(update={"redis": after.redis})


def test_sets_never_share_a_port_even_before_they_start(tmp_path: Path) -> None:
    homes = [tmp_path / str(number) for number in range(50)]
    for home in homes:
        home.mkdir()
    given = [port for home in homes for port in reserve_ports(home).model_dump().values()]
    assert len(given) == len(set(given))


def test_ports_of_a_deleted_checkout_are_free_again(tmp_path: Path) -> None:
    home = tmp_path / "gone"
    home.mkdir()
    reserve_ports(home)
    home.rmdir()
    reserve_ports(tmp_path)
    assert "gone" not in (tmp_path / "cache" / "warren" / "ports.json").read_text()
