"""All verbs in one application; each imports what it needs when it is called."""

from __future__ import annotations

import typer

from cctview.cli import (
    checking,
    data,
    exchange,
    machine,
    models,
    network,
    original,
    policy,
    run,
    scoring,
    search,
    serve,
    simulated,
)

__all__ = ["app"]

app = typer.Typer(
    name="cctview",
    help="Vehicle journeys across public traffic cameras: offline, on a laptop, with privacy built in.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for group in (
    run,
    network,
    simulated,
    original,
    exchange,
    policy,
    checking,
    search,
    serve,
    scoring,
    models,
    data,
    machine,
):
    group.register(app)
