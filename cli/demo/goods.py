"""What is ordered: a model file, items of some material, and a price in the customer's currency."""

from __future__ import annotations

import random
from typing import Any

from cli.demo import catalogue


class Basket:
    """The items of one order. Money is computed in whole smallest units and written as a decimal string."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._currency, self._per_cm3, self._decimals, cities = chance.choices(
            catalogue.MARKETS, weights=[6, 4, 5, 2, 2, 1]
        )[0]
        self.city = chance.choice(cities)
        self._part = chance.choice(catalogue.PARTS)
        self.items = [self._item(number) for number in range(1, chance.choice([1, 1, 2, 2, 3, 5]) + 1)]

    @property
    def quantity(self) -> int:
        """How many pieces in all."""
        return sum(item["quantity"] for item in self.items)

    def file(self) -> dict[str, Any]:
        """The data of the upload."""
        chance = self._chance
        name = f"{self._part}-{chance.randrange(1, 40)}.{chance.choice(catalogue.FORMATS)}"
        return {
            "file_name": name,
            "size_bytes": int(chance.lognormvariate(14.5, 1.1)),
            "sha256": f"{chance.getrandbits(256):064x}",
        }

    def change(self) -> None:
        """The customer wants something else."""
        place = self._chance.randrange(len(self.items))
        self.items = [*self.items[:place], self._item(place + 1), *self.items[place + 1 :]]

    def price(self) -> dict[str, Any]:
        """The data of a price: the sum and what each item adds to it."""
        factor = dict(catalogue.MATERIALS)
        unit = 10**self._decimals
        lines = [
            max(1, round(item["quantity"] * item["volume_cm3"] * factor[item["material"]] * self._per_cm3 * unit))
            for item in self.items
        ]
        parts = [
            {"item_id": item["item_id"], "amount": self._money(n)} for item, n in zip(self.items, lines, strict=True)
        ]
        return {
            "price": {"amount": self._money(sum(lines)), "currency": self._currency},
            "lines": parts,
            "valid_days": 14,
            "seconds_computed": self._chance.randrange(110, 1800),
        }

    def _money(self, smallest: int) -> str:
        if not self._decimals:
            return str(smallest)
        whole, rest = divmod(smallest, 10**self._decimals)
        return f"{whole}.{rest:0{self._decimals}d}"

    def _item(self, number: int) -> dict[str, Any]:
        chance = self._chance
        return {
            "item_id": f"{self._part}-{number}",
            "quantity": chance.choice([1, 1, 1, 2, 2, 4, 5, 10, 25, 50]),
            "material": chance.choice(catalogue.MATERIALS)[0],
            "finish": chance.choice(catalogue.FINISHES),
            "volume_cm3": round(chance.lognormvariate(3.0, 0.8), 1),
        }
