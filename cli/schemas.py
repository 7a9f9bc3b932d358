"""`warren schemas`: what flows, as JSON Schemas for services in any language."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel

from cli.output import AsJson, epilog, one_line_errors, out, write_json
from schemas.envelope import Envelope
from schemas.money import Money
from schemas.orders import EVENTS

app = typer.Typer(help="Export what flows as JSON Schemas.", no_args_is_help=True)

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

MODELS: dict[str, type[BaseModel]] = {"envelope": Envelope, "money": Money, **EVENTS}
"""File name, without `.json`, to the model it describes."""


@app.callback()
def _group() -> None:
    """Export what flows as JSON Schemas."""


@app.command("export", epilog=epilog("warren schemas export schemas/json", done="written", away=False))
def export_command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Made if it is not there; files of ours are replaced.")],
    as_json: AsJson = False,
) -> None:
    """Write the JSON Schema (2020-12) of the envelope, of every order event and of money into a folder.

    Which source may send which event is not in them: the pipeline checks that too.
    """
    with one_line_errors():
        folder.mkdir(parents=True, exist_ok=True)
        texts = schema_texts()
        for name, text in texts.items():
            (folder / name).write_text(text)
    if as_json:
        write_json({"folder": str(folder), "files": list(texts)})
    else:
        out.print(f"{len(texts)} schemas in {folder}.", markup=False, soft_wrap=True)


def schema_texts() -> dict[str, str]:
    """Return each schema file's name and text."""
    return {f"{name}.json": json.dumps(_schema(model), indent=2) + "\n" for name, model in sorted(MODELS.items())}


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return {"$schema": _DIALECT, **model.model_json_schema()}
