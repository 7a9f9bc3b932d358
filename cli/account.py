"""`warren account`: who may sign in at the board with a password."""

from __future__ import annotations

import asyncio
import re
import sys
from enum import StrEnum
from typing import Annotated, Any

import asyncpg
import typer

from cli.environment import current_settings
from cli.output import AsJson, cell, epilog, fail, one_line_errors, out, table, write_json
from cli.wording import moment
from pipelines.engine.stores.named_sql import named_sql
from pipelines.engine.stores.postgres import connect
from schemas.errors import SettingsError

app = typer.Typer(help="Say who may sign in at the board with a password.", no_args_is_help=True)

SHORTEST_PASSWORD = 12

_ADD = named_sql(__package__, "account_add")
_LIST = named_sql(__package__, "account_list")
_CHANGE = named_sql(__package__, "account_change")

_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,127}").fullmatch


class Role(StrEnum):
    """What somebody may do at the board."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="What they sign in with; capitals do not count.")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from the first line of stdin.")]


@app.command(
    "add", epilog=epilog("warren account add anna --role operator", done="added", failed="there is one of that name")
)
def add_command(
    name: NameArgument,
    role: Annotated[Role, typer.Option(help="viewer looks, operator acts, admin both.")] = Role.VIEWER,
    password_stdin: FromStdin = False,
    as_json: AsJson = False,
) -> None:
    """Add an account. The password is asked for, twice, and never an argument."""
    with one_line_errors():
        folded = _folded(name)
        hashed = _hashed(_password(from_stdin=password_stdin))
        if not asyncio.run(_fetch(_ADD, folded, hashed, role.value)):
            fail(
                f"there is an account {folded!r} already; `warren account password {folded}` gives it another password"
            )
    _say("Added", folded, as_json=as_json)


@app.command("list", epilog=epilog("warren account list --json", done="shown, also if none"))
def list_command(as_json: AsJson = False) -> None:
    """List the accounts, without their passwords."""
    with one_line_errors():
        rows = asyncio.run(_fetch(_LIST))
    if as_json:
        write_json({"accounts": [dict(row) for row in rows]})
        return
    if not rows:
        out.print("There are no accounts. Next: `warren account add NAME --role admin`.")
        return
    shown = table("Accounts", "Name", "Role", "", "Changed (UTC)")
    for row in rows:
        state = "disabled" if row["disabled"] else ""
        shown.add_row(cell(row["name"]), cell(row["role"]), cell(state), cell(moment(row["changed_at"])))
    out.print(shown)


@app.command("password", epilog=epilog("warren account password anna", done="changed", failed="no such account"))
def password_command(name: NameArgument, password_stdin: FromStdin = False, as_json: AsJson = False) -> None:
    """Give an account another password. Whoever is signed in with it is signed out."""
    with one_line_errors():
        _change(name, as_json=as_json, password=_hashed(_password(from_stdin=password_stdin)))


@app.command("role", epilog=epilog("warren account role anna admin", done="changed", failed="no such account"))
def role_command(
    name: NameArgument, role: Annotated[Role, typer.Argument(help="The new role.")], as_json: AsJson = False
) -> None:
    """Give an account another role. Whoever is signed in with it has to sign in again."""
    with one_line_errors():
        _change(name, as_json=as_json, role=role.value)


@app.command("disable", epilog=epilog("warren account disable anna", done="disabled", failed="no such account"))
def disable_command(name: NameArgument, as_json: AsJson = False) -> None:
    """Let nobody sign in with an account any more. Whoever is signed in with it is signed out."""
    with one_line_errors():
        _change(name, as_json=as_json, disabled=True)


@app.command("enable", epilog=epilog("warren account enable anna", done="enabled", failed="no such account"))
def enable_command(name: NameArgument, as_json: AsJson = False) -> None:
    """Let people sign in with a disabled account again."""
    with one_line_errors():
        _change(name, as_json=as_json, disabled=False)


def _change(
    name: str, *, as_json: bool, password: str | None = None, role: str | None = None, disabled: bool | None = None
) -> None:
    folded = _folded(name)
    if not asyncio.run(_fetch(_CHANGE, folded, password, role, disabled)):
        fail(f"there is no account {folded!r}; `warren account list` shows those there are")
    _say("Changed", folded, as_json=as_json)


def _say(what: str, name: str, *, as_json: bool) -> None:
    if as_json:
        write_json({"name": name, "done": what.lower()})
    else:
        out.print(f"{what} {name}.", markup=False)


def _folded(name: str) -> str:
    folded = name.strip().lower()
    if not _NAME(folded):
        raise SettingsError(f"{name!r} is no name: a to z, 0 to 9, and . _ @ - behind the first")
    return folded


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    if len(password) < SHORTEST_PASSWORD:
        raise SettingsError(f"a password has at least {SHORTEST_PASSWORD} characters")
    return password


def _hashed(password: str) -> str:
    from argon2 import PasswordHasher

    return PasswordHasher().hash(password)


async def _fetch(query: str, *values: Any) -> list[asyncpg.Record]:
    connection = await connect(current_settings().postgres_dsn, "warren", application="warren account")
    try:
        rows: list[asyncpg.Record] = await connection.fetch(query, *values)
        return rows
    finally:
        await connection.close(timeout=2)
