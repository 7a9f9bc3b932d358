"""However large what a batch writes, each of its statements has room, and names each of its terms once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipelines.engine.stores.writes import STATEMENT_BYTES, Write, pieces, take_effect

UNIT = STATEMENT_BYTES // 16

_ROWS = {size: bytes(size * UNIT) for size in range(19)}


class _Noting:
    """A connection that notes statements."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.arguments: list[tuple[Any, ...]] = []
        self.transactions = 0

    async def execute(self, statement: str, *arguments: Any) -> None:
        self.statements.append(statement)
        self.arguments.append(arguments)

    def transaction(self) -> _Noting:
        self.transactions += 1
        return self

    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *_: object) -> None: ...


async def _effects(given: Sequence[Write]) -> _Noting:
    connection: Any = _Noting()
    await take_effect(connection, given, "SELECT 'answer'")
    noted: _Noting = connection
    return noted


@given(st.lists(st.lists(st.integers(1, 18), max_size=8), min_size=1, max_size=4))
async def test_statements_have_room_and_name_each_term_once(tables: list[list[int]]) -> None:
    given = [Write("first", "first $1", (5,))]
    for number, sizes in enumerate(tables):
        rows = [_ROWS[size] for size in sizes]
        given += [Write(f"table_{number}", f"add {number} $1", (piece,)) for piece in pieces(rows)]
    done = await _effects(given)
    assert [argument for arguments in done.arguments for argument in arguments] == [w.arguments[0] for w in given]
    for statement, arguments in zip(done.statements, done.arguments, strict=True):
        names = [line.split()[-3] for line in statement.splitlines() if line.endswith(" AS (")]
        assert len(names) == len(set(names)) == len(arguments)
        rows = [row for argument in arguments if isinstance(argument, list) for row in argument]
        assert len(rows) == 1 or sum(map(len, rows)) <= STATEMENT_BYTES
    assert ["'answer'" in statement for statement in done.statements] == [True] + [False] * (len(done.statements) - 1)
    assert done.transactions == int(len(done.statements) > 1)


async def test_each_term_keeps_its_own_arguments() -> None:
    done = await _effects(
        [Write("a", "$2 $1 $2", (1, 2)), Write("b", "none", ()), Write("c", "$1 $10", tuple(range(10)))]
    )
    assert done.statements == ["WITH a AS (\n$2 $1 $2\n), b AS (\nnone\n), c AS (\n$3 $12\n)\nSELECT 'answer'"]
    assert done.arguments == [(1, 2, *range(10))]


@given(st.integers(1, 18), st.integers(1, 18))
async def test_what_has_no_packed_rows_stays_with_what_is_before_it(before: int, after: int) -> None:
    given = [
        Write("large", "$1", ([_ROWS[before]],)),
        Write("small", "$1", ([7],)),
        Write("pair", "$1", ([8],)),
        Write("larger", "$1", ([_ROWS[after]],)),
    ]
    [first, *_] = (await _effects(given)).arguments
    assert first[1:3] == ([7], [8])
