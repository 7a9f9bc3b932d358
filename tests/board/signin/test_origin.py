"""A change is made by our own pages only."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from dashboards.operator.signin.origin import is_own
from tests.board.signin.door import PASSWORD
from tests.board.support import Board

OURS = "https://orders.example"


@pytest.mark.parametrize(
    ("headers", "public", "own"),
    [
        ({"sec-fetch-site": "same-origin"}, None, True),
        ({"sec-fetch-site": "none"}, None, True),
        ({"sec-fetch-site": "same-site"}, None, False),
        ({"sec-fetch-site": "cross-site"}, None, False),
        ({"sec-fetch-site": "cross-site", "origin": OURS}, OURS, False),
        ({"origin": OURS, "host": "inner:8080"}, OURS, True),
        ({"origin": f"{OURS}.evil"}, OURS, False),
        ({"origin": "http://orders.example"}, OURS, False),
        ({"origin": "null"}, OURS, False),
        ({"origin": "http://inner:8080", "host": "inner:8080"}, None, True),
        ({"origin": "http://evil", "host": "inner:8080"}, None, False),
        ({"host": "inner:8080"}, None, False),
        ({"origin": ""}, None, False),
    ],
)
def test_where_a_change_comes_from(headers: dict[str, str], public: str | None, own: bool) -> None:
    assert is_own("POST", Headers(headers), public) is own
    assert is_own("GET", Headers(headers), public)


async def test_a_form_of_a_strange_page_does_nothing(board: Board) -> None:
    fields = {"name": "otto", "password": PASSWORD}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}):
        for path in ("/sign-in", "/sign-out"):
            answer = await board.client.post(path, data=fields, headers=headers)
            assert answer.status_code == 403
            assert "set-cookie" not in answer.headers
