"""Who looks at the board, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from fastapi import Depends, HTTPException, Request

from dashboards.operator.signin.record import note


class Role(StrEnum):
    """What somebody may do; each also what those before it may. `VIEWER` looks, `OPERATOR` acts, `ADMIN` both."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def includes(self, other: Role) -> bool:
        """Whether who has this role may do what the other may."""
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(other)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in, `by` an `account` of ours or `oidc`; or nobody known, who may look only.

    `state` is that of the account then: no clocks need agree to tell that it has changed.
    """

    name: str
    role: Role
    by: str
    state: str = ""


NOBODY = Person("", Role.VIEWER, "")
"""Whoever reaches a board at which nobody signs in."""


def person_of(request: Request) -> Person:
    """Return who asks."""
    return getattr(request.state, "person", NOBODY)


def may_act(person: Person) -> bool:
    """Whether somebody may act: they have a name, and a role that says so."""
    return bool(person.name) and person.role.includes(Role.OPERATOR)


def operator_of(request: Request) -> Person:
    """Return who asks, somebody with a name who may act. Raises HTTPException for everybody else."""
    person = person_of(request)
    if not may_act(person):
        note("refused", who=person.name, path=request.url.path, why="it takes the role operator")
        raise HTTPException(403, "this takes the role operator")
    return person


OperatorOf = Annotated[Person, Depends(operator_of)]
