"""`warren customer`: people who ask to be forgotten."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Annotated

import typer

from cli.environment import current_settings
from cli.exit_codes import FAILED
from cli.output import AsJson, cell, epilog, err, one_line_errors, out, printable, table, write_json
from cli.wording import moment

if TYPE_CHECKING:
    from pipelines.edges.erasure.report import Erasure

app = typer.Typer(help="Customers who ask to be forgotten.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Customers who ask to be forgotten."""


@app.command(
    "erase",
    epilog=epilog(
        "warren customer erase C-4711 --dry-run",
        "warren customer erase C-4711",
        done="nothing of the customer is left but in the log",
        failed="something waits; what to do is said, then run it again",
    ),
)
def erase_command(
    customer: Annotated[str, typer.Argument(metavar="ID", help="The customer's id, as the events have it.")],
    author: Annotated[str, typer.Option(envvar=["USER", "LOGNAME"], help="Who asks; kept beside the erasure.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what there is of the customer.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take a customer out of tables, archive and hot cache, for ever. It cannot be undone.

    The orders stay, with their stages, times and prices; the customer's id and the content of all their events go.
    Later events keep to it, and so does whatever is built from the log. The log itself stays as it is: docs/privacy.md.
    It may be killed at any moment and run again, while the pipeline goes on.
    """
    with one_line_errors():
        from pipelines.edges.erasure.erasing import erase

        with err.status("looking for the customer …") as status:

            def tell(what: str) -> None:
                status.update(f"erasing: {what} …" if not dry_run else f"looking: {what} …")

            found = asyncio.run(erase(current_settings(), customer, author, tell, dry_run=dry_run))
    if as_json:
        write_json({"dry_run": dry_run, **dataclasses.asdict(found), "finished": found.finished and not dry_run})
    else:
        for line in _lines(found, dry_run=dry_run):
            out.print(printable(line), markup=False, soft_wrap=True)
    if not dry_run and not found.finished:
        raise typer.Exit(FAILED)


@app.command("list", epilog=epilog("warren customer list --json", done="shown"))
def list_command(as_json: AsJson = False) -> None:
    """Show who asked when for erasures, and which are not finished. Customers are shown by their digests."""
    with one_line_errors():
        from pipelines.edges.erasure.erasing import erasures

        rows = [dict(row) | {"customer": row["customer"].hex()} for row in asyncio.run(erasures(current_settings()))]
    if as_json:
        write_json({"erasures": rows})
        return
    shown = table("Erasures", "Customer (digest)", "Requested", "By", "Finished")
    for row in rows:
        done = cell(moment(row["finished_at"])) if row["finished_at"] else cell("not yet: run it again", "yellow")
        shown.add_row(cell(row["customer"][:16]), cell(moment(row["requested_at"])), cell(row["requested_by"]), done)
    out.print(shown if rows else "Nobody has asked to be forgotten.")


def _lines(found: Erasure, *, dry_run: bool) -> list[str]:
    if dry_run:
        lines = [f"{found.orders:,} orders, and {found.messages:,} messages in quarantine, name the customer."]
    else:
        lines = [
            f"Erased from {found.orders:,} orders: the content of {found.events:,} events and of {found.messages:,} "
            f"messages in quarantine, and {len(found.months)} of the archive's months written anew."
        ]
    lines += [
        f"Order {order_id} has parked events, which keep their content: `warren parked release {order_id}`, then run "
        "it again."
        for order_id in found.parked
    ]
    lines += [
        f"The archive's folder {folder} belongs to no month that has left, and may name the customer: remove it, then "
        "run it again."
        for folder in found.leftover
    ]
    return lines
