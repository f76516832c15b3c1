"""The original's three verbs, over its files: detect, extract, match."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cctview.cli.run import DetectorName, EmbedderName
from cctview.cli.screen import Json, answer, interruptible, progress

if TYPE_CHECKING:
    from cctview.original import OriginalReport

__all__ = ["register", "show", "summary"]

_ORIGINAL_SCORE = 0.4
_ORIGINAL_CAMERAS = ("733-681-N", "735-683-N", "732-680-N", "731-679-N")
Folder = Annotated[Path, typer.Argument(help="A folder with the original's files, nested or flat.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    for verb in (detect, extract, match, example):
        app.command()(verb)


def detect(
    images: Annotated[str, typer.Argument(help="A folder of stills, one still or a video file.")],
    out: Annotated[Path, typer.Option(help="Folder for the outputs.")],
    min_score: Annotated[float, typer.Option(min=0.0, max=1.0, help="Lowest score listed.")] = 0.4,
    json_only: Annotated[bool, typer.Option("--json-only", help="No drawn boxes, no crops.")] = False,
    detector: DetectorName = "cctview-det",
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


def extract(folder: Folder, embedder: EmbedderName = "cctview-reid", as_json: Json = False) -> None:
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
    from cctview.reid.distances import track_to_track

    with interruptible():
        (queries, images), (gallery, others) = (read_track_features(path) for path in features)
        distance = track_to_track(images, others, metric, aggregate, definition=definition, alpha=alpha)
        write_ranking(out, queries, gallery, distance, metric=metric, aggregation=aggregate)
    return {"written": str(out), "queries": len(queries), "gallery": len(gallery)}


def example(
    folder: Annotated[Path | None, typer.Argument(help="Folder of stills; simulated ones by default.")] = None,
    models: Annotated[str, typer.Option(help="cctview, or original (once imported).")] = "cctview",
    base: Annotated[str | None, typer.Option(help="Camera whose detections are looked for.")] = None,
    target: Annotated[list[str] | None, typer.Option(help="Camera to look in; repeatable.")] = None,
    out: Annotated[Path, typer.Option(help="Where simulated stills go.")] = Path("example"),
    as_json: Json = False,
) -> None:
    """Do what the original's example script did: detect, extract and match over a folder of stills."""
    from cctview import original
    from cctview.detect import DetectSettings, load_detector
    from cctview.embed import load_embedder
    from cctview.sources import open_source

    finder, embedder = _example_models(models)
    stills = folder or _simulated(out)
    cameras = _example_cameras(stills, base, target)
    with interruptible(), progress() as bars:
        detector = load_detector(finder, DetectSettings(min_score=_ORIGINAL_SCORE))
        reports = {
            "detect": original.detect(open_source(stills), stills, detector, bars, min_score=_ORIGINAL_SCORE),
            "extract": original.extract(stills, load_embedder(embedder), bars),
            "match": original.match(stills, cameras[0], cameras[1:], bars),
        }
    shown = {stage: summary(report) for stage, report in reports.items()}
    answer({"models": f"{finder}, {embedder}", **shown, "matches": f"{cameras[0]}--matches.json"}, as_json=as_json)


def _example_models(choice: str) -> tuple[str, str]:
    from cctview.errors import ModelNotFoundError, SettingsError, nearest
    from cctview.models import installed_models
    from cctview.models.importing import ORIGINAL_DETECTOR, ORIGINAL_EMBEDDER

    known = {"cctview": ("cctview-det", "cctview-reid"), "original": (ORIGINAL_DETECTOR, ORIGINAL_EMBEDDER)}
    if choice not in known:
        raise SettingsError(f"--models {choice!r} is neither; {nearest(choice, known)}")
    missing = set(known[choice]) - {record.name for record in installed_models()}
    if missing:
        raise ModelNotFoundError(
            f"the original's {' and '.join(sorted(missing))} are not in your library: `cctview models import FILE` "
            "takes resnet50_coco_best_v2.0.1.h5 and VeRI_densenet_ft50.pth, `cctview models pull NAME` fetches them"
        )
    return known[choice]


def _example_cameras(stills: Path, base: str | None, targets: list[str] | None) -> list[str]:
    """Return base and targets: as given, as the original's script had them, or all there are."""
    from cctview.errors import MissingError
    from cctview.naming import parse_still_name

    said = [parse_still_name(path.stem) for path in sorted(stills.rglob("*--original.*"))]
    there = list(dict.fromkeys(name.camera for name in said if name))
    if len(there) < 2:
        raise MissingError(f"{stills}: stills named <camera>--<date>--<time>--original.jpeg of two cameras are needed")
    usual = _ORIGINAL_CAMERAS if set(_ORIGINAL_CAMERAS) <= set(there) else there
    first = base or usual[0]
    return [first, *(targets or (camera for camera in usual if camera != first))]


def _simulated(folder: Path) -> Path:
    from cctview.sim import SimSettings, simulate, write_stills

    write_stills(simulate(SimSettings(minutes=0.2, cameras=3)), folder)
    return folder


def show(report: OriginalReport, *, as_json: bool) -> None:
    """Print what a module did."""
    answer(summary(report), as_json=as_json)


def summary(report: OriginalReport) -> dict[str, Any]:
    """Return counts and what could not be used."""
    skipped = [f"{item.where}: {item.reason}" for item in report.skipped]
    return {**report.counts, "skipped": len(skipped), "skipped files": skipped}
