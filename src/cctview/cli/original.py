"""The original's three verbs, over its files: detect, extract, match."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
    folder: Annotated[
        Path | None, typer.Argument(help="A folder with the original's files, nested or flat; not with --features.")
    ] = None,
    base: Annotated[str | None, typer.Option(help="Camera whose detections are looked for.")] = None,
    target: Annotated[
        list[str] | None, typer.Option(help="Camera to look in; repeatable, or several after one --target.")
    ] = None,
    more: Annotated[list[str] | None, typer.Argument(metavar="CAM...", help="More target cameras.")] = None,
    features: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="QUERY.json TEST.json", help="Rank whole tracks instead, {track: [[floats], ...]}."),
    ] = None,
    metric: Annotated[str, typer.Option(help="MED, MCD or RSCR; with --features.")] = "MCD",
    aggregate: Annotated[str, typer.Option(help="min, mean, med, mean50 or med50; with --features.")] = "mean50",
    definition: Annotated[
        str, typer.Option(help="paper, or reference-code as published with it; with --features.")
    ] = "paper",
    alpha: Annotated[float, typer.Option(help="Penalty of RSCR's sparse reconstruction; with --features.")] = 1.0,
    out: Annotated[Path, typer.Option(help="Ranking to write; with --features.")] = Path("ranking.json"),
    as_json: Json = False,
) -> None:
    """Write the distance of every detection of the base camera to those of the targets, or rank whole tracks."""
    from cctview import original

    if features:
        if folder or base or target:
            raise typer.BadParameter("--features ranks tracks of two files; leave out the folder, --base and --target")
        answer(_rank_tracks(features, metric, aggregate, definition, alpha, out), as_json=as_json)
        return
    if not (folder and base and target):
        raise typer.BadParameter("give a folder, --base and --target, or --features QUERY.json TEST.json")
    with interruptible(), progress() as bars:
        report = original.match(folder, base, [*target, *(more or [])], bars)
    show(report, as_json=as_json)


def _rank_tracks(
    features: tuple[Path, Path], metric: Any, aggregate: Any, definition: Any, alpha: float, out: Path
) -> dict[str, Any]:
    from cctview.formats.ranking import read_track_features, write_ranking
    from cctview.match.distances import track_to_track

    with interruptible():
        (queries, images), (gallery, others) = (read_track_features(path) for path in features)
        distance = track_to_track(images, others, metric, aggregate, definition=definition, alpha=alpha)
        write_ranking(out, queries, gallery, distance, metric=metric, aggregation=aggregate)
    return {"written": str(out), "queries": len(queries), "gallery": len(gallery)}


def show(report: OriginalReport, *, as_json: bool) -> None:
    """Print what a module did."""
    skipped = [f"{item.where}: {item.reason}" for item in report.skipped]
    answer({**report.counts, "skipped": len(skipped), "skipped files": skipped}, as_json=as_json)
