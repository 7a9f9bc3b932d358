"""Servers named by the environment are used as they are, and only by the set that may."""

import pytest

from cli.localservers import ServicesError, StateDir, running_servers, up
from tests.local_servers.support import quiet
from tests.support.own_sets import OwnSet


def test_named_servers_are_used_and_nothing_is_started(
    shared: OwnSet, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("untouched")
    monkeypatch.setenv("WARREN_STATE_DIR", str(folder))
    for name, value in shared.addresses.as_environment().items():
        monkeypatch.setenv(name, value)
    with running_servers("tests", say=quiet) as addresses:
        assert addresses == shared.addresses
    assert up(say=quiet).mode == "environment"
    assert list(folder.iterdir()) == []
    assert not StateDir.of_checkout("faults").takes_environment


def test_addresses_that_are_not_named_follow_the_stream_url(own_servers: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARREN_STREAM_URL", "rabbitmq-stream://u:p@broker.example:5552/shop")
    monkeypatch.setenv("WARREN_POSTGRES_DSN", "postgresql://db.example/shop")
    monkeypatch.setenv("WARREN_REDIS_URL", "redis://cache.example/0")
    addresses = up(say=quiet).addresses
    assert addresses.amqp_url == "amqp://u:p@broker.example:5672/shop"
    assert addresses.management_url == "http://u:p@broker.example:15672"


def test_half_a_set_is_refused(own_servers: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARREN_REDIS_URL", "redis://cache.example/0")
    with pytest.raises(ServicesError, match="WARREN_STREAM_URL, WARREN_POSTGRES_DSN not set"):
        up(say=quiet)


def test_a_setting_that_cannot_be_used_is_named(own_servers: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARREN_DEBIAN_SUITE", "no/such suite")
    with pytest.raises(ServicesError, match="WARREN_DEBIAN_SUITE"):
        up(say=quiet)
