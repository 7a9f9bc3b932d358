"""Events for property tests: good ones of every type, and what a careless producer makes of them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from schemas.lifecycle import STAGE_OF_EVENT
from tests.support.events import SOURCES, event

NAMES = sorted(SOURCES)

Fields = dict[str, Any]

prices = st.fixed_dictionaries(
    {
        "amount": st.sampled_from(["0", "12.50", "12.5", "999999999999999.999999"]),
        "currency": st.sampled_from(["EUR", "JPY", "KWD"]),
    }
)

_partners = st.sampled_from([None, "acme", "zeta"])


@st.composite
def good_events(draw: st.DrawFn, order_id: str = "acme:P1", names: list[str] = NAMES) -> Fields:
    """A good event: any type that is known, some that are not, with data that matters for stage, partner or price."""
    name = draw(st.sampled_from(names))
    fields = event(order_id, name, event_id=f"e{draw(st.integers(0, 10**6))}", hour=draw(st.integers(-5, 50)))
    if name == "price_calculated":
        fields["data"] = {"price": draw(prices)}
    if name in ("initiated", "submitted"):
        fields["source"] = draw(st.sampled_from(["/shop", "/partners/acme"]))
        fields["data"] = {"customer_id": draw(st.sampled_from([None, "c1"])), "partner": draw(_partners)}
    if draw(st.integers(0, 19)) == 0:
        fields["type"] = draw(st.sampled_from(["order.sneezed.v1", "shop.opened", f"order.{name}.v1x"]))
    return fields


VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 1.0, 2**63, -(2**63), 1e300,
    "", " ", "x", "x" * 257, "x" * 128, "x" * 129, "a\nb", "a\x00", "a\x7f",
    "é", "Ж" * 256, "a/b", "a#b", "a b", [], {}, [None], [{}], "1.0", "1", "01", "1.", ".5", "1e3", "1,5", "-1", "EUR",
    "eur", "XXX", "/shop", "/mes", "/partners/acme", "/partners/zeta", "/partners/", "/partners", "/nobody", "shop",
    "application/json", "application/json; charset=utf-8", "TEXT/JSON", "text/xml", "2026-03-01T12:00:00Z",
    "2026-03-01t12:00:00z", "2026-03-01T12:00:60Z", "2026-03-01T12:00:61Z", "2026-02-29T12:00:00Z",
    "2024-02-29T12:00:00Z", "2026-03-01T24:00:00Z", "2026-03-01 12:00:00Z", "2026-03-01T12:00:00", "2026-03-01",
    "2026-03-01T12:00:00.123456789Z", "2026-03-01T12:00:00.Z", "2026-03-01T12:00:00+23:59", "2026-03-01T12:00:00+24:00",
    "0001-01-01T00:00:00+00:01", "0001-01-01T00:00:00-00:01", "9999-12-31T23:59:59-00:01", "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00Z", "0001-01-01T00:59:59.9999999+01:00", "0001-01-01T00:00:00.000001Z",
    "9999-12-31T23:59:59.999999Z", "9999-12-31T22:59:60.9999999-01:00", "9999-12-31T23:59:59.999998Z",
    "2026-03-01T12:00:00.5-03:30", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-later",
    "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", f"00-{'0' * 32}-b7ad6b7169203331-01",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333-01",
    "2026-03-01T12:00:00Z\n", "٢٠٢٦-03-01T12:00:00Z", "order.initiated.v1", "order.initiated.v2", "order.initiated.v0",
    "order.initiated.v01", "order.closed.v7", "order.sneezed.v2", "order..v1", "order.released.v1",
    "ORDER.initiated.v1",
    {"amount": "1.00", "currency": "EUR"}, {"amount": 1, "currency": "EUR"}, {"amount": "1.0000000", "currency": "EUR"},
    {"amount": "1.00"}, {"source": "/shop", "id": "1"}, {"source": "", "id": "1"}, [{"item_id": "i"}],
    [{"item_id": "i", "quantity": 0}], [{"item_id": "i", "quantity": 1.0}], [{"item_id": "i", "quantity": None}],
    [{"item_id": "i", "quantity": 1_000_001}], [{"item_id": "i", "material": ""}], [{"item_id": "i"}] * 10_000,
    [{"item_id": "i"}] * 10_001, "y" * 4000, "y" * 4001, "-acme", "acme_1", "Acme", "a" * 64, "a" * 65,
]  # fmt: skip
"""What careless producers put into fields."""

_PLACES = [
    ("specversion",), ("id",), ("source",), ("type",), ("subject",), ("time",), ("datacontenttype",), ("dataschema",),
    ("traceparent",), ("tracestate",), ("data",), ("data_base64",), ("extra",), ("data", "customer_id"),
    ("data", "partner"), ("data", "items"), ("data", "file_name"), ("data", "size_bytes"), ("data", "price"),
    ("data", "price", "amount"), ("data", "price", "currency"), ("data", "reason"), ("data", "text"),
    ("data", "author"), ("data", "event"), ("data", "event", "source"), ("data", "event", "id"),
]  # fmt: skip


@st.composite
def careless_events(draw: st.DrawFn) -> Fields:
    """A good event with up to two of its fields removed or replaced."""
    fields = draw(good_events())
    for _ in range(draw(st.integers(0, 2))):
        *path, last = draw(st.sampled_from(_PLACES))
        inner = fields
        for step in path:
            below = inner.get(step)
            inner[step] = inner = dict(below) if isinstance(below, dict) else {}
        if draw(st.booleans()):
            inner[last] = draw(st.sampled_from(VALUES))
        else:
            inner.pop(last, None)
    return fields


assert set(NAMES) >= {stage.split(".")[1] for stage in STAGE_OF_EVENT}
