"""One order's life as it would go in the real world: which events, from whom, saying what, how long after another."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cli.demo import catalogue
from cli.demo.goods import Basket

CANCELLED_SHARE = 0.07
PRICE_FAILED_SHARE = 0.08
REVISED_SHARE = 0.06
REPRICED_SHARE = 0.02
NOTE_SHARE = 0.15
UNKNOWN_TYPE_SHARE = 0.04

# Median hours from the event before, and the spread (sigma of the logarithm).
_GAPS = {
    "initiated": (0.0, 0.0),
    "file_uploaded": (0.3, 1.0),
    "submitted": (0.4, 0.9),
    "price_calculated": (0.12, 0.7),
    "price_failed": (0.3, 0.5),
    "price_retry_requested": (1.5, 0.8),
    "manufacturing_approved": (9.0, 0.7),
    "manufacturing_started": (5.0, 0.7),
    "manufacturing_completed": (36.0, 0.5),
    "packaging": (4.0, 0.7),
    "shipped": (5.0, 0.7),
    "closed": (90.0, 0.5),
    "cancelled": (8.0, 0.9),
}
_ASIDE = (0.2, 0.8)

_MADE = ("manufacturing_approved", "manufacturing_started", "manufacturing_completed", "packaging", "shipped", "closed")


@dataclass(frozen=True, slots=True)
class Step:
    """An event to come: its type, source and data, and how long after the step before it happens."""

    type: str
    source: str
    data: dict[str, Any]
    gap: timedelta


class Story:
    """Draws one order's life. `partner` is None for a customer of our own shop."""

    def __init__(self, chance: random.Random, partner: str | None) -> None:
        self._chance = chance
        self._front = "/shop" if partner is None else f"/partners/{partner}"
        self._customer = {
            "customer_id": f"c-{chance.randrange(10_000, 99_999)}",
            **({} if partner is None else {"partner": partner}),
        }
        self._basket = Basket(chance)

    def steps(self) -> list[Step]:
        """Return the whole life, from the first event to the last."""
        chance = self._chance
        steps = [*self._ordered(), *self._priced(), *self._made()]
        if chance.random() < CANCELLED_SHARE:
            # Not after packaging: what is shipped cannot be cancelled.
            shippable = [place for place, step in enumerate(steps) if step.type == "order.shipped.v1"]
            cut = chance.randint(1, shippable[0])
            source = chance.choice([self._front, "/crm", "/operators"])
            reason = {"reason": chance.choice(catalogue.CANCELLATIONS)}
            steps = [*steps[:cut], self._step("cancelled", source, reason)]
        for share, aside in ((NOTE_SHARE, self._note), (UNKNOWN_TYPE_SHARE, self._unknown)):
            if chance.random() < share:
                steps.insert(chance.randint(1, len(steps)), aside())
        return steps

    def _ordered(self) -> Iterator[Step]:
        chance, basket = self._chance, self._basket
        yield self._step("initiated", self._front, {**self._customer, "channel": chance.choice(["web", "app", "api"])})
        yield self._step("file_uploaded", self._front, basket.file())
        yield self._step("submitted", self._front, {**self._customer, "city": basket.city, "items": basket.items})
        if chance.random() < REVISED_SHARE:
            yield self._revised()

    def _priced(self) -> Iterator[Step]:
        chance = self._chance
        if chance.random() < PRICE_FAILED_SHARE:
            yield self._step("price_failed", "/mes", {"reason": chance.choice(catalogue.PRICE_FAILURES)})
            asks = chance.choice(["/operators", "/crm"])
            yield self._step("price_retry_requested", asks, {"author": chance.choice(catalogue.AUTHORS)})
        pricer = chance.choice(["/mes", "/mes", "/pricing"])
        yield self._step("price_calculated", pricer, self._basket.price())
        if chance.random() < REPRICED_SHARE:
            # The second price finds the order priced already: a real shop's anomaly.
            yield self._revised()
            yield self._step("price_calculated", pricer, self._basket.price())

    def _made(self) -> Iterator[Step]:
        chance, basket = self._chance, self._basket
        machine = chance.choice(catalogue.MACHINES)
        scrap = chance.choice([0] * 8 + [1])
        data: dict[str, dict[str, Any]] = {
            "manufacturing_approved": {"approved_by": chance.choice(catalogue.AUTHORS), "due_in_days": 7},
            "manufacturing_started": {"machine": machine, "job": f"J{chance.randrange(100_000, 999_999)}"},
            "manufacturing_completed": {"machine": machine, "good_parts": basket.quantity, "scrap": scrap},
            "packaging": {"boxes": 1 + basket.quantity // 40, "weight_kg": f"{chance.uniform(0.2, 18):.2f}"},
            "shipped": {"carrier": chance.choice(catalogue.CARRIERS), "tracking": f"{chance.getrandbits(48):014d}"},
            "closed": {"rating": chance.choice([None, 3, 4, 4, 5, 5, 5])},
        }  # fmt: skip
        for name in _MADE:
            source = "/crm" if name in ("manufacturing_approved", "closed") else "/mes"
            yield self._step(name, source, data[name])

    def _revised(self) -> Step:
        self._basket.change()
        reason = self._chance.choice(catalogue.REVISIONS)
        return self._step("revised", self._front, {"reason": reason, "items": self._basket.items})

    def _note(self) -> Step:
        chance = self._chance
        said = {"text": chance.choice(catalogue.NOTES), "author": chance.choice(catalogue.AUTHORS)}
        return self._step("note_added", chance.choice([self._front, "/crm", "/operators", "/mes"]), said)

    def _unknown(self) -> Step:
        chance = self._chance
        return Step(
            chance.choice(catalogue.UNKNOWN_TYPES), chance.choice(["/shop", "/crm"]), {"by": "demo"}, self._gap()
        )

    def _step(self, name: str, source: str, data: dict[str, Any]) -> Step:
        return Step(f"order.{name}.v1", source, data, self._gap(name))

    def _gap(self, name: str = "") -> timedelta:
        median, spread = _GAPS.get(name, _ASIDE)
        return timedelta(hours=median * self._chance.lognormvariate(0.0, spread)) if median else timedelta()
