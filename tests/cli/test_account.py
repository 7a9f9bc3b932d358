"""`warren account`."""

from __future__ import annotations

import pytest

from tests.cli.support import Warren

PASSWORD = b"correct horse battery\n"


async def test_accounts_are_added_listed_and_changed(warren: Warren) -> None:
    assert "There are no accounts" in (await warren("account", "list")).words
    await warren("account", "add", "Anna", "--role", "operator", "--password-stdin", stdin=PASSWORD)
    (await warren.ends("account", "add", "anna", "--password-stdin", stdin=PASSWORD)).failed(1, "already")
    await warren("account", "role", "anna", "admin")
    await warren("account", "disable", "anna")
    (account,) = (await warren("account", "list", "--json")).json["accounts"]
    assert (account["name"], account["role"], account["disabled"]) == ("anna", "admin", True)
    assert "password" not in account
    await warren("account", "enable", "anna")
    await warren("account", "password", "anna", "--password-stdin", stdin=PASSWORD)
    assert "disabled" not in (await warren("account", "list")).words


@pytest.mark.parametrize(
    ("arguments", "stdin", "why"),
    [
        (("add", "anna", "--password-stdin"), b"short\n", "at least 12 characters"),
        (("add", "an na", "--password-stdin"), PASSWORD, "is no name"),
        (("add", "anna", "--role", "king", "--password-stdin"), PASSWORD, "king"),
    ],
)
async def test_what_makes_no_account_is_refused(
    warren: Warren, arguments: tuple[str, ...], stdin: bytes, why: str
) -> None:
    (await warren.ends("account", *arguments, stdin=stdin)).failed(2, why)


async def test_nobodys_account_is_not_changed(warren: Warren) -> None:
    (await warren.ends("account", "disable", "nobody")).failed(1, "there is no account")
