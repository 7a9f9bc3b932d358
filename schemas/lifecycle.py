"""The life of an order: its stages, who holds it in each, how long that should take, and who may say what.

    initiated -> file_uploaded -> submitted -> price_calculated -> manufacturing_approved
      -> manufacturing_started -> manufacturing_completed -> packaging -> shipped -> closed

`cancelled` may follow any stage before `shipped`. Facts only: what happens when an event does not fit is decided
in `processors`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache


class Stage(StrEnum):
    """Where an order stands. `UNOPENED`: events came, but none yet that names a stage."""

    __hash__ = str.__hash__  # an enumeration's own is written in Python, and stages are looked up all the time

    UNOPENED = "unopened"
    INITIATED = "initiated"
    FILE_UPLOADED = "file_uploaded"
    SUBMITTED = "submitted"
    PRICE_CALCULATED = "price_calculated"
    MANUFACTURING_APPROVED = "manufacturing_approved"
    MANUFACTURING_STARTED = "manufacturing_started"
    MANUFACTURING_COMPLETED = "manufacturing_completed"
    PACKAGING = "packaging"
    SHIPPED = "shipped"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class Holder(StrEnum):
    """Who has to act next."""

    SHOP = "shop"
    PARTNER = "partner"
    PRICING = "pricing"
    CRM = "crm"
    MES = "mes"
    OPERATORS = "operators"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class StageFacts:
    """`rank` orders the stages; `target` is how long an order should stay (None: for ever)."""

    rank: int
    holder: Holder
    target: timedelta | None


_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)

STAGES: dict[Stage, StageFacts] = {
    Stage.UNOPENED: StageFacts(0, Holder.SHOP, _DAY),
    Stage.INITIATED: StageFacts(1, Holder.SHOP, _DAY),
    Stage.FILE_UPLOADED: StageFacts(2, Holder.SHOP, _DAY),
    Stage.SUBMITTED: StageFacts(3, Holder.PRICING, _HOUR),
    Stage.PRICE_CALCULATED: StageFacts(4, Holder.CRM, 2 * _DAY),
    Stage.MANUFACTURING_APPROVED: StageFacts(5, Holder.MES, _DAY),
    Stage.MANUFACTURING_STARTED: StageFacts(6, Holder.MES, 5 * _DAY),
    Stage.MANUFACTURING_COMPLETED: StageFacts(7, Holder.MES, _DAY),
    Stage.PACKAGING: StageFacts(8, Holder.MES, _DAY),
    Stage.SHIPPED: StageFacts(9, Holder.CRM, 14 * _DAY),
    Stage.CLOSED: StageFacts(10, Holder.NOBODY, None),
    Stage.CANCELLED: StageFacts(10, Holder.NOBODY, None),
}

FINAL = frozenset({Stage.CLOSED, Stage.CANCELLED})

GATES = (Stage.MANUFACTURING_APPROVED, Stage.SHIPPED)
"""Stages nobody may pass over: nothing is made or shipped unapproved, and nothing closes unshipped."""

STAGE_OF_EVENT: dict[str, Stage] = {f"order.{stage}.v1": stage for stage in Stage if stage is not Stage.UNOPENED}
"""Event type to the stage it puts an order into. The other types change no stage."""

NO_ORDER = "~"
"""What subjects begin with that name no order: operators use them to speak of messages that are of no known order."""

_STAGES_BY_SOURCE = {
    "shop": "initiated file_uploaded submitted revised cancelled note_added",
    "crm": "price_calculated manufacturing_approved closed cancelled revised price_retry_requested note_added",
    "mes": (
        "price_calculated price_failed manufacturing_started manufacturing_completed packaging shipped "
        "cancelled note_added"
    ),
    "pricing": "price_calculated price_failed",
    "operators": "cancelled price_retry_requested note_added correction dropped released",
    "partners": "initiated file_uploaded submitted revised cancelled note_added",
}

_MAY_SEND = {source: frozenset(names.split()) for source, names in _STAGES_BY_SOURCE.items()}

PARTNER_ID = r"[a-z0-9][a-z0-9_-]{0,63}"
"""What a partner's id looks like. No colon, or partner `a` could speak of the orders of partner `a:b`."""

_PARTNER_SOURCE = re.compile(f"/partners/{PARTNER_ID}").fullmatch


@lru_cache(maxsize=4096)
def source_kind(source: str) -> str | None:
    """Return `shop`, `crm`, `mes`, `pricing`, `operators` or `partners` for a known source, else None."""
    parts = source.split("/")
    if len(parts) == 2 and parts[0] == "" and parts[1] in _MAY_SEND and parts[1] != "partners":
        return parts[1]
    return "partners" if _PARTNER_SOURCE(source) else None


@lru_cache(maxsize=4096)
def partner_of(source: str) -> str | None:
    """Return the partner's id for `/partners/<id>`, else None."""
    return source.split("/")[2] if source_kind(source) == "partners" else None


def may_send(kind: str, event_name: str) -> bool:
    """Say whether a source of this kind may send `order.<event_name>`, whatever its version."""
    return event_name in _MAY_SEND[kind]
