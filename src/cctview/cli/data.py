"""Verbs about the original's published data: list, fetch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cctview.cli.original import summary
from cctview.cli.run import writable
from cctview.cli.screen import Json, answer, interruptible, progress

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    group = typer.Typer(help="What the original cctview published.", no_args_is_help=True)
    group.command("list")(list_all)
    group.command("fetch")(fetch)
    app.add_typer(group, name="data")


def list_all(as_json: Json = False) -> None:
    """List the published sets: what is in them, where they lie, size and checksum where known."""
    from cctview.datasets import datasets

    answer(
        {
            name: {
                "about": known.about,
                "address": known.what.address,
                "size": known.what.size or None,
                "sha256": known.what.sha256 or None,
            }
            for name, known in datasets().items()
        },
        as_json=as_json,
    )


def fetch(
    names: Annotated[list[str], typer.Argument(help="Sets of `cctview data list`.")],
    out: Annotated[Path, typer.Option(help="Folder to unpack into.")] = Path("data"),
    store: Annotated[Path | None, typer.Option(help="Store to import them into.")] = None,
    as_json: Json = False,
) -> None:
    """Fetch published sets, check and unpack them, and import them into a store if one is named."""
    from cctview import original
    from cctview.datasets import fetch as fetch_one
    from cctview.detect import load_detector

    with interruptible(), progress() as bars:
        there = {name: fetch_one(name, out, bars) for name in names}
        shown: dict[str, Any] = {name: f"{count:,} files in {path}" for name, (path, count) in there.items()}
        if store is not None:
            opened, detector = writable(store), load_detector()
            reports = {name: original.import_tree(path, opened, detector, bars) for name, (path, _) in there.items()}
            shown |= {f"{name} in {store}": summary(report) for name, report in reports.items()}
    answer(shown, as_json=as_json)
