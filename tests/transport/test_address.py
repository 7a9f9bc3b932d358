"""Addresses: one node or several, plain or TLS; each attempt's reason is told."""

from __future__ import annotations

import asyncio

import pytest

from pipelines.engine.transport import Message, SuperStreamPublisher, body_of, read_stream
from pipelines.engine.transport.address import Address
from pipelines.engine.transport.connection import Connection
from schemas.errors import AddressError, BrokerAway, BrokerRefused
from tests.support.runs import Run


def test_an_address_is_read_with_its_defaults() -> None:
    assert Address.parse("rabbitmq-stream://broker") == Address("broker", 5552, "guest", "guest", "/")
    assert Address.parse("rabbitmq-stream://u%40x:p%3Aq@broker:1/a%2Fb") == Address("broker", 1, "u@x", "p:q", "a/b")
    assert Address.parse("rabbitmq-stream+tls://broker") == Address("broker", 5551, "guest", "guest", "/", tls=True)
    assert Address.parse("rabbitmq-stream+tls://b/%2f?cacert=/etc/ca%20.pem").cacert == "/etc/ca .pem"
    assert Address.parse("rabbitmq-stream://[::1]:7/%2f").nodes == (("::1", 7),)


def test_several_nodes_share_one_login_and_one_scheme() -> None:
    address = Address.parse("rabbitmq-stream://u:p@a:1,b,c:3/v")
    assert address.nodes == (("a", 1), ("b", 5552), ("c", 3))
    assert address.at("b", 5552).nodes == (("b", 5552),)
    assert str(address) == "a:1, b:5552, c:3, virtual host v"


@pytest.mark.parametrize(
    "url",
    [
        "amqp://localhost",
        "localhost:5552",
        "rabbitmq-stream://",
        "rabbitmq-stream://a,,b",
        "rabbitmq-stream://a:1,b:x",
        "rabbitmq-stream://a:99999",
        "rabbitmq-stream://[::1",
        "rabbitmq-stream://user:pa[ss@a",
        "rabbitmq-stream://a/%2f?cacert=/ca.pem",
        "rabbitmq-stream+tls://a/%2f?cacert=",
        "rabbitmq-stream+tls://a/%2f?verify=none",
        "rabbitmq-stream+tls://a/%2f?cacert=a&cacert=b",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(AddressError):
        Address.parse(url)


def test_a_password_that_should_have_been_escaped_is_not_shown() -> None:
    with pytest.raises(AddressError) as refusal:
        Address.parse("rabbitmq-stream://user:secret/word@broker:5552/%2f")
    assert "secret" not in str(refusal.value)
    assert refusal.value.__cause__ is None


async def test_nodes_that_are_away_are_passed_over(run: Run) -> None:
    url = run.settings.stream_url.replace("@", "@127.0.0.1:1,127.0.0.1:2,")
    async with SuperStreamPublisher(url, "orders") as publisher:
        await publisher.publish_to(0, [Message("x", b"1", "1", "t")])
    assert [body_of(r) async for chunk in read_stream(url, "orders-0", 0, 1) for r in chunk.records] == [b"1"]


async def test_where_all_are_away_each_ones_reason_is_told() -> None:
    address = Address.parse("rabbitmq-stream://guest:secret@127.0.0.1:1,127.0.0.1:2/%2f")
    with pytest.raises(BrokerAway) as failure:
        await Connection.open(address, "test")
    for node in ("127.0.0.1:1", "127.0.0.1:2"):
        assert f"no broker at {node}" in str(failure.value)
    assert "secret" not in str(failure.value)


async def test_a_node_that_refuses_says_more_than_those_that_are_away(run: Run) -> None:
    url = run.settings.stream_url.rpartition("@")[2]
    address = Address.parse(f"rabbitmq-stream://nobody:secret@127.0.0.1:1,{url}")
    # Nodes are asked in any order, and the broker takes its time to refuse.
    opened = await asyncio.gather(*(Connection.open(address, "test") for _ in range(8)), return_exceptions=True)
    for failure in opened:
        assert isinstance(failure, BrokerRefused)
        assert "no broker at" in str(failure)
        assert "user 'nobody' with this password" in str(failure)
