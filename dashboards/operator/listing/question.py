"""What is asked of the table of orders: which ones, in which sequence, from where on. It is all in the address."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from schemas.lifecycle import FINAL, Holder, Stage

Word = Annotated[str, StringConstraints(max_length=256, pattern=r"^[^\x00]*$", strip_whitespace=True)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class Sort(StrEnum):
    """In which sequence orders come.

    `NEWEST`: opened last. `LATEST`: came last into the stage asked for. `LONGEST`: open ones, the longest in their
    stage first. `PRICE`: of one currency, the dearest first. `ITEM`: of one item, seen last.
    """

    NEWEST = "newest"
    LATEST = "latest"
    LONGEST = "longest"
    PRICE = "price"
    ITEM = "item"


class SourceKind(StrEnum):
    """Who opened an order."""

    SHOP = "shop"
    CRM = "crm"
    MES = "mes"
    PARTNERS = "partners"


class Question(BaseModel):
    """A question for orders. `after` and `before` are cursors of a page that was answered before.

    Not every sequence goes with everything: `sort` is what is wished for, `sequence` what is given.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    stage: Stage | None = None
    holder: Holder | None = None
    partner: Word = ""
    source: SourceKind | None = None
    customer: Word = ""
    item: Word = ""
    stuck: bool = False
    odd: bool = False
    sort: Sort = Sort.NEWEST
    currency: Currency = "EUR"
    after: Annotated[str, Field(max_length=128)] = ""
    before: Annotated[str, Field(max_length=128)] = ""

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, fields: dict[str, object]) -> dict[str, object]:
        """A form sends the fields that nobody has filled in, too."""
        return {name: value for name, value in fields.items() if value != ""}

    @property
    def narrows(self) -> bool:
        """Whether a board of these orders is one of some orders only; which stage is asked for does not matter."""
        return bool(self.partner or self.source or self.stuck or self.odd)

    @property
    def sequence(self) -> Sort:
        """The sequence that answers it by walking an index."""
        if self.item:
            return Sort.ITEM
        if self.stuck or (self.sort is Sort.LONGEST and self.stage not in FINAL):
            return Sort.LONGEST
        if self.sort is Sort.PRICE:
            return Sort.PRICE
        return Sort.LATEST if self.stage is not None else Sort.NEWEST

    def address(self, path: str, **changes: object) -> str:
        """The address of the same question with some fields changed, from its first page on unless a cursor is given.

        Fields that are as they would be anyhow are left out.
        """
        fields = self.model_dump(exclude={"after", "before"}) | changes
        kept = {
            name: "1" if value is True else str(value)
            for name, value in fields.items()
            if value not in (None, False, "") and value != type(self).model_fields[name].default
        }
        if fields["sort"] is not Sort.PRICE:
            kept.pop("currency", None)
        return f"{path}?{urlencode(kept)}" if kept else path


QuestionOf = Annotated[Question, Query()]
"""A route's question, from its address."""
