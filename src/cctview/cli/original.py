"""The original's three verbs, over its files: detect, extract, match."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cctview.cli.screen import Json, answer, interruptible, progress

if TYPE_CHECKING:
    from cctview.original import OriginalReport

__all__ = ["register", "show"]

Folder = Annotated[Path, typer.Argument(help="A folder with the original's files, nested or flat.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    for verb in (detect, extract, match):
        app.command()(verb)


def detect(
    images: Annotated[str, typer.Argument(help="A folder of stills, one still or a video file.")],
    out: Annotated[Path, typer.Option(help="Folder for the outputs.")],
    min_score: Annotated[float, typer.Option(min=0.0, max=1.0, help="Lowest score listed.")] = 0.4,
    json_only: Annotated[bool, typer.Option("--json-only", help="No drawn boxes, no crops.")] = False,
    detector: str = "cctview-det",
    timezone: Annotated[str | None, typer.Option(help="Time zone of local times in file names.")] = None,
    as_json: Json = False,
) -> None:
    """Write what is in each still: a JSON file, the boxes drawn, and a crop per detection."""
    from cctview import original
    from cctview.detect import DetectSettings, load_detector
    from cctview.sources import open_source

    source = open_source(images, timezone=timezone)
    with interruptible(), progress() as bars:
        finder = load_detector(detector, DetectSettings(min_score=min_score))
        report = original.detect(source, out, finder, bars, min_score=min_score, json_only=json_only)
    show(report, as_json=as_json)


def extract(folder: Folder, embedder: str = "cctview-reid", as_json: Json = False) -> None:
    """Write the appearance vector of every detection listed in the folder."""
    from cctview import original
    from cctview.embed import load_embedder

    with interruptible(), progress() as bars:
        report = original.extract(folder, load_embedder(embedder), bars)
    show(report, as_json=as_json)


def match(
    folder: Folder,
    base: Annotated[str, typer.Option(help="Camera whose detections are looked for.")],
    target: Annotated[list[str], typer.Option(help="Camera to look in; repeatable, or several after one --target.")],
    more: Annotated[list[str] | None, typer.Argument(metavar="CAM...", help="More target cameras.")] = None,
    as_json: Json = False,
) -> None:
    """Write the distance of every detection of the base camera to every one of the target cameras."""
    from cctview import original

    with interruptible(), progress() as bars:
        report = original.match(folder, base, [*target, *(more or [])], bars)
    show(report, as_json=as_json)


def show(report: OriginalReport, *, as_json: bool) -> None:
    """Print what a module did."""
    skipped = [f"{item.where}: {item.reason}" for item in report.skipped]
    answer({**report.counts, "skipped": len(skipped), "skipped files": skipped}, as_json=as_json)
