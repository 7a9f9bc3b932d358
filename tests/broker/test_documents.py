"""What the AsyncAPI document and the refusals say, without any server."""

from __future__ import annotations

import pytest
from faststream.exceptions import FeatureNotSupportedException
from faststream.specification import AsyncAPI
from pydantic import BaseModel

from pipelines.engine.broker import MemoryPositions, Offset, StreamBroker, StreamRouter


class Price(BaseModel):
    amount: str


def test_the_asyncapi_document_says_what_there_is() -> None:
    broker = StreamBroker("rabbitmq-stream://guest:secret@example:5552/%2f")
    router = StreamRouter("shop-")

    @router.publisher("prices", description="Prices found.")
    @router.subscriber("orders", group="views@1", positions=MemoryPositions(), batch=True, title="views")
    async def handle(batch: list[dict[str, int]]) -> list[Price]:
        """Read views."""
        return []

    @broker.subscriber("log", offset=Offset.first())
    async def follow(line: str) -> None: ...

    broker.include_router(router)
    document = AsyncAPI(broker, title="Warren").to_specification().to_json()
    assert "RabbitMQ stream `shop-orders`, consumer group `views@1`, in batches." in document
    assert "RabbitMQ stream `log`, read from the oldest record." in document
    assert "RabbitMQ stream `shop-prices`, confirmed batches." in document
    for words in ("Read views.", "Prices found.", "rabbitmq-stream", "Price", "amount"):
        assert words in document
    assert "secret" not in document


def test_the_document_names_every_node_of_a_cluster() -> None:
    broker = StreamBroker("rabbitmq-stream+tls://u:secret@one:5551,two:5551/shop")
    document = AsyncAPI(broker).to_specification().to_jsonable()
    hosts = {server["host"] for server in document["servers"].values()}
    assert hosts == {"one:5551", "two:5551"}
    assert {server["protocol"] for server in document["servers"].values()} == {"rabbitmq-stream+tls"}


async def test_what_a_stream_cannot_do_is_refused_in_words() -> None:
    broker = StreamBroker()
    subscriber = broker.subscriber("orders")
    with pytest.raises(FeatureNotSupportedException, match="nothing to answer"):
        await broker.request({"a": 1})
    with pytest.raises(FeatureNotSupportedException, match="nothing to answer"):
        await broker.publisher("orders").request({"a": 1})
    with pytest.raises(FeatureNotSupportedException, match="read by handlers"):
        await subscriber.get_one()
    with pytest.raises(FeatureNotSupportedException, match="read by handlers"):
        aiter(subscriber)
