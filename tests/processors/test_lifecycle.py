"""Every stage an order may be in, by every stage it may be told to enter: where it goes, and what did not fit."""

from __future__ import annotations

import pytest

from processors.orders.lifecycle import Anomaly, next_stage
from schemas.lifecycle import Stage

# Columns: the stage the event names, by its letter. Rows: the stage the order is in.
#   >  goes there           =  repeated: it is there already    !  not allowed: a cancellation after shipping
#   s  goes there, skipped  <  out of step: it has been past    e  after the end
TABLE = """
                               i  f  s  p  a  m  c  k  h  x  z
    unopened                   >  >  >  >  >  s  s  s  s  s  >
    initiated                  =  >  >  >  >  s  s  s  s  s  >
    file_uploaded              <  =  >  >  >  s  s  s  s  s  >
    submitted                  <  <  =  >  >  s  s  s  s  s  >
    price_calculated           <  <  <  =  >  s  s  s  s  s  >
    manufacturing_approved     <  <  <  <  =  >  >  >  >  s  >
    manufacturing_started      <  <  <  <  <  =  >  >  >  s  >
    manufacturing_completed    <  <  <  <  <  <  =  >  >  s  >
    packaging                  <  <  <  <  <  <  <  =  >  s  >
    shipped                    <  <  <  <  <  <  <  <  =  >  !
    closed                     e  e  e  e  e  e  e  e  e  =  e
    cancelled                  e  e  e  e  e  e  e  e  e  e  =
"""

LETTERS = dict(
    zip(
        "ifspamckhxz",
        [
            Stage.INITIATED, Stage.FILE_UPLOADED, Stage.SUBMITTED, Stage.PRICE_CALCULATED,
            Stage.MANUFACTURING_APPROVED, Stage.MANUFACTURING_STARTED, Stage.MANUFACTURING_COMPLETED,
            Stage.PACKAGING, Stage.SHIPPED, Stage.CLOSED, Stage.CANCELLED,
        ],
        strict=True,
    )
)  # fmt: skip

ANOMALY = {
    "s": Anomaly.SKIPPED, "=": Anomaly.REPEATED, "<": Anomaly.OUT_OF_STEP, "!": Anomaly.NOT_ALLOWED,
    "e": Anomaly.AFTER_END,
}  # fmt: skip

_HEAD, *_ROWS = [line.split() for line in TABLE.strip().splitlines()]
CASES = [
    (Stage(current), LETTERS[letter], mark)
    for current, *marks in _ROWS
    for letter, mark in zip(_HEAD, marks, strict=True)
]


def test_the_table_is_whole() -> None:
    assert [current for current, _, _ in CASES[:: len(LETTERS)]] == list(Stage)
    assert set(LETTERS.values()) == set(Stage) - {Stage.UNOPENED}


@pytest.mark.parametrize(("current", "wanted", "mark"), CASES)
def test_every_stage_by_every_event(current: Stage, wanted: Stage, mark: str) -> None:
    expected = wanted if mark in (">", "s") else current
    anomalies = (ANOMALY[mark],) if mark in ANOMALY else ()
    assert next_stage(current, wanted) == (expected, anomalies)
