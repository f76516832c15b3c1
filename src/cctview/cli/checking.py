"""The verb that looks at all of a store: check."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cctview.cli.screen import Json, answer

if TYPE_CHECKING:
    from cctview.store import Checked

__all__ = ["register", "told"]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command()(check)


def check(
    store: Annotated[Path, typer.Argument(help="The store to look at.")],
    repair: Annotated[bool, typer.Option("--repair", help="Take out what cannot be read, and say what that was.")] = (
        False
    ),
    as_json: Json = False,
) -> None:
    """Look at every file, checksum, row, reference, still, key and log entry; exit 1 names what is damaged."""
    from cctview.store import check_store

    checked = check_store(str(store), repair=repair)
    said = told(checked)
    answer(said if as_json else {key: value for key, value in said.items() if key != "findings"}, as_json=as_json)
    if not checked.whole:
        raise typer.Exit(1)


def told(checked: Checked) -> dict[str, Any]:
    """Return what a check found, for people and as JSON."""
    findings = [
        {"kind": item.kind, "where": item.where, "problem": item.problem, "remedy": item.remedy}
        for item in checked.findings
    ]
    return {
        "whole": checked.whole,
        "looked at": checked.counts,
        "damaged": [f"{item}" for item in checked.findings],
        "findings": findings,
        "not looked at": list(checked.notes),
        "taken out": list(checked.lost),
    }
