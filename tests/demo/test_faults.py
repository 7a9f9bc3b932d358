"""Faults are mixed in with known fates: a plain recount of the messages must agree, however orders interleave."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.demo.bad import bad, conflict, misrouted
from cli.demo.faults import OVERSIZED_EVERY, UNKNOWN_VERSION_EVERY, mix
from cli.demo.planned import Fate, Planned
from cli.demo.tally import Tally
from cli.demo.world import Kind, World
from schemas.errors import EventRejected, Reason, UnknownVersion
from schemas.identity import IDENTITY_BYTES
from schemas.lifecycle import source_kind
from schemas.orders import parse
from schemas.streams import partition_of

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PARTITIONS = 4

Outcome = tuple[Fate, Reason | None]


def planned(seed: int, number: int, kind: Kind = Kind.PAST, partitions: int = PARTITIONS) -> list[Planned]:
    world = World(seed)
    return mix(world.life(number, NOW, kind), world.chance(number, "faults"), partitions)


@dataclass
class Plain:
    """What a consumer does, with none of its cleverness: one message at a time, everything in sets."""

    contents: dict[tuple[str, bytes], int] = field(default_factory=dict)
    parked: set[str] = field(default_factory=set)

    def take(self, partition: int, body: bytes) -> Outcome:
        unreadable = False
        try:
            identified = parse(body)
        except EventRejected as rejection:
            return Fate.QUARANTINED, rejection.reason
        except UnknownVersion as unknown:
            identified, unreadable = unknown.identified, True
        order = identified.event.subject
        if partition_of(order, PARTITIONS) != partition:
            return Fate.QUARANTINED, Reason.MISROUTED
        assert len(identified.identity) == IDENTITY_BYTES
        key = order, identified.identity
        if key in self.contents:
            same = self.contents[key] == identified.content
            return (Fate.DUPLICATE, None) if same else (Fate.QUARANTINED, Reason.CONFLICT)
        self.contents[key] = identified.content
        if unreadable:
            self.parked.add(order)
        return (Fate.PARKED if order in self.parked else Fate.APPLIED), None


@given(
    seed=st.integers(0, 2**32),
    numbers=st.lists(
        st.integers(0, 200) | st.sampled_from([57, UNKNOWN_VERSION_EVERY + 57, 40]), min_size=1, max_size=8, unique=True
    ),
    kind=st.sampled_from(Kind),
    data=st.data(),
)
def test_a_plain_recount_agrees_on_every_message(
    seed: int, numbers: list[int], kind: Kind, data: st.DataObject
) -> None:
    waiting = [planned(seed, number, kind) for number in numbers]
    consumer, tally, opened = Plain(), Tally(), set()
    counted: Counter[Outcome] = Counter()
    while waiting:
        order = data.draw(st.sampled_from(waiting)) if len(waiting) > 1 else waiting[0]
        message = order.pop(0)
        if not order:
            waiting.remove(order)
        partition = (partition_of(message.order_id, PARTITIONS) + message.stray) % PARTITIONS
        outcome = consumer.take(partition, message.body)
        assert outcome == (message.fate, message.reason), message
        counted[outcome] += 1
        first = outcome[0] is Fate.APPLIED and message.order_id not in opened
        opened |= {message.order_id} if first else set()
        tally.confirmed(message, first_of_order=first)
    assert tally.published == counted.total()
    assert tally.distinct == len(consumer.contents) + sum(
        n for (fate, _), n in counted.items() if fate is Fate.QUARANTINED
    )
    assert tally.orders == len(numbers)


@given(seed=st.integers(0, 2**32), number=st.integers(0, 2000))
def test_messages_can_be_published(seed: int, number: int) -> None:
    for message in planned(seed, number):
        assert message.message.filter_value.isascii()
        assert 0 < len(message.message.message_id) <= 256
        assert message.order_id == message.message.subject


@given(seed=st.integers(0, 2**32), number=st.integers(0, 2000))
def test_one_partition_has_no_other_to_stray_to(seed: int, number: int) -> None:
    assert not any(message.stray for message in planned(seed, number, partitions=1))


BAD = [Reason.UNPARSABLE, Reason.INVALID, Reason.OVERSIZED, Reason.FORBIDDEN_SOURCE]


@pytest.mark.parametrize("reason", BAD)
@given(seed=st.integers(0, 2**32), number=st.integers(0, 10**6))
def test_each_bad_kind_is_refused_for_its_reason(reason: Reason, seed: int, number: int) -> None:
    world = World(seed)
    for happening in world.life(number, NOW, Kind.PAST).happenings:
        message = bad(reason, happening.event, world.chance(number, "bad"))
        assert message.reason is reason
        with pytest.raises(EventRejected) as refused:
            parse(message.body)
        assert refused.value.reason is reason


@given(seed=st.integers(0, 2**32), number=st.integers(0, 10**6))
def test_a_conflict_says_something_else_under_the_same_identity(seed: int, number: int) -> None:
    for happening in World(seed).life(number, NOW, Kind.PAST).happenings:
        original, other = parse(orjson.dumps(happening.event)), parse(conflict(happening.event).body)
        assert original.identity == other.identity
        assert original.content != other.content


@given(seed=st.integers(0, 2**32), partitions=st.integers(2, 64))
def test_a_misrouted_event_is_good_but_never_at_home(seed: int, partitions: int) -> None:
    world = World(seed)
    message = misrouted(world.life(1, NOW, Kind.PAST).happenings[0].event, world.chance(1, "bad"), partitions)
    assert parse(message.body).event.subject == message.order_id
    assert message.stray % partitions != 0


def test_a_crowd_has_every_fault() -> None:
    messages = [message for number in range(1500) for message in planned(9, number)]
    assert {message.fate for message in messages} == set(Fate)
    assert {message.reason for message in messages} == {*Reason, None}
    bodies = Counter((message.order_id, message.body) for message in messages)
    again = [message for message in messages if message.fate is Fate.DUPLICATE]
    exact = [message for message in again if bodies[message.order_id, message.body] > 1]
    assert exact, "no exact duplicates"
    assert len(exact) < len(again), "no honest retries"
    assert sum(message.reason is Reason.OVERSIZED for message in messages) == 1500 // OVERSIZED_EVERY
    assert (
        len({message.order_id for message in messages if message.fate is Fate.PARKED}) == 1500 // UNKNOWN_VERSION_EVERY
    )


def test_late_duplicates_wait_for_their_time_only_in_a_life_that_goes_on() -> None:
    past = [message for number in range(300) for message in planned(3, number, Kind.PAST)]
    live = [message for number in range(300) for message in planned(3, number, Kind.LIVE)]
    assert all(message.due is None for message in past)
    assert any(message.due is not None and message.fate is Fate.DUPLICATE for message in live)


def test_each_source_has_a_service_that_sends_it() -> None:
    for number in range(300):
        for message in planned(4, number):
            if message.fate is Fate.APPLIED:
                kind = source_kind(orjson.loads(message.body)["source"])
                expected = {"partners": "shop", "operators": "crm", "pricing": "mes"}.get(kind or "", kind)
                assert message.sender == expected
