"""`warren demo`: a whole shop on this machine."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Annotated

import typer

from cli.exit_codes import INTERRUPTED
from cli.output import AsJson, cell, epilog, err, fail, one_line_errors, out, table, write_json

if TYPE_CHECKING:
    from cli.demo.proof import Proof

app = typer.Typer()

DEFAULT_ORDERS = 300

_LABELS = {"quarantined": "quarantined events", "parked": "parked events"}
"""Figures that could be taken for orders."""


@app.command(
    "demo",
    epilog=epilog(
        "warren demo",
        "warren demo --orders 5000 --once --json --seed 7",
        done="stopped by Ctrl-C or SIGTERM; with --once: all is proven",
        failed="the audit or the simulator found a fault, or it could not go on",
    )
    + f" {INTERRUPTED} --once was stopped before its end.",
)
def demo_command(
    orders: Annotated[
        int, typer.Option(min=1, help="How many orders fill the board at the start; with --once: how many in all.")
    ] = DEFAULT_ORDERS,
    once: Annotated[
        bool, typer.Option("--once", help="Publish so many orders, wait until all is applied, audit, and end.")
    ] = False,
    seed: Annotated[int | None, typer.Option(help="The same seed plays the same orders. Default: a new one.")] = None,
    rate: Annotated[
        float | None,
        typer.Option(min=0.1, help="Messages a second. Default: 50; with --once: as fast as possible."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Bring up real servers, run the pipeline and the board, and let a simulated Shop, CRM and MES play orders' lives.

    Real faults are mixed in: duplicates, retries, late and contradicting events, bad messages. It goes on until
    Ctrl-C, which stops all of it and leaves nothing behind; a second Ctrl-C hurries. Figures are shown on stderr.
    """
    if as_json and not once:
        raise typer.BadParameter("it prints one object at the end, so it needs --once", param_hint="--json")
    # Alembic, the audit and the transport take half a second to load, which no other verb should pay.
    from cli.demo.browser import somebody_watches
    from cli.demo.interrupts import Interrupts
    from cli.demo.play import Options, play
    from cli.localservers import running_servers

    watched = not once and somebody_watches()
    options = Options(orders, once, secrets.randbelow(1_000_000) if seed is None else seed, rate, watched)
    interrupts = Interrupts()
    proof = None
    try:
        with one_line_errors(), running_servers("demo") as addresses:
            try:
                proof = interrupts.run(play(addresses, options, interrupts.hurry, err))
            finally:
                interrupts.finish()
    except KeyboardInterrupt:
        pass
    if proof is None:
        err.print("Stopped; nothing is left behind.")
        raise typer.Exit(INTERRUPTED if once else 0)
    tell(proof, as_json=as_json)


def tell(proof: Proof, *, as_json: bool) -> None:
    """Print the figures on stdout, and on stderr what is wrong with them.

    Raises:
        typer.Exit: something is.
    """
    if as_json:
        write_json(proof.figures)
    else:
        shown = table("The demo", "Figure", "Value")
        for name, value in proof.figures.items():
            shown.add_row(cell(_LABELS.get(name, name.replace("_", " "))), cell(_told(value)))
        out.print(shown)
    for line in proof.wrong[1:]:
        err.print(line, markup=False, soft_wrap=True)
    if proof.wrong:
        fail(proof.wrong[0])


def _told(value: object) -> object:
    if isinstance(value, dict):
        return ", ".join(f"{number} {name}" for name, number in value.items())
    return len(value) if isinstance(value, list) else value
