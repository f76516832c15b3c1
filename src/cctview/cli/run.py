"""Verbs that take stills to journeys: run, track, journeys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cctview.cli.screen import Json, answer, interruptible, progress

if TYPE_CHECKING:
    from cctview.network import CameraNetwork
    from cctview.pipeline import RunReport
    from cctview.seams import Source, Store
    from cctview.types import Journeys, Tracklets

__all__ = ["PURPOSE", "DetectorName", "EmbedderName", "register", "run_into", "writable"]

PURPOSE = "watching traffic, not people"

Network = Annotated[Path | None, typer.Option(help="Camera network file: cameras and the links between them.")]
DetectorName = Annotated[
    str, typer.Option("--detector", help="Name of a detector, or the path of its record or ONNX file.")
]
EmbedderName = Annotated[
    str, typer.Option("--embedder", help="Name of an embedder, 'histogram', or the path of its record or ONNX file.")
]
Provider = Annotated[str, typer.Option(help="Where models run: cpu, cuda, openvino, coreml, directml.")]
_SHOWN = 10


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    for verb in (run, track, journeys):
        app.command()(verb)


def run(
    source: Annotated[str, typer.Argument(help="A folder of stills, a video file, one still, or sim://.")],
    store: Annotated[Path, typer.Argument(help="The store to write; made when it is not there.")],
    network: Network = None,
    detector: DetectorName = "cctview-det",
    embedder: EmbedderName = "cctview-reid",
    timezone: Annotated[str | None, typer.Option(help="Time zone of local times in file names.")] = None,
    camera: Annotated[str | None, typer.Option(help="Camera id, where the source does not name one.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Threads; as many as processors by default.")] = None,
    provider: Provider = "cpu",
    as_json: Json = False,
) -> None:
    """Detect, embed, track, match and chain journeys over stills; what is stored is not done again."""
    from cctview.network import CameraNetwork, load_network
    from cctview.sources import open_source

    given = load_network(network) if network else CameraNetwork()
    stills = open_source(source, timezone=timezone, camera=camera, usual_timezone=given.timezone)
    roads: CameraNetwork = given if network else stills.network or given
    run_into(stills, store, roads, detector, embedder, provider, workers, as_json)


def track(
    store: Annotated[Path, typer.Argument(help="A store with detections.")],
    network: Network = None,
    as_json: Json = False,
) -> None:
    """Make tracklets, matches and journeys anew from the stored detections."""
    from cctview.network import CameraNetwork, load_network
    from cctview.pipeline import RunReport, RunSettings, link
    from cctview.store import open_store

    roads = load_network(network) if network else CameraNetwork()
    report = RunReport()
    with interruptible(), progress() as show:
        link(open_store(store, write=True), roads, RunSettings(), report, show)
    answer({"tracklets": report.tracklets, "matches": report.matches, "journeys": report.journeys}, as_json=as_json)


def journeys(
    store: Annotated[Path, typer.Argument(help="A store with journeys.")], top: int = 10, as_json: Json = False
) -> None:
    """List the most probable journeys of a store."""
    from cctview import types
    from cctview.store import open_store

    opened = open_store(store)
    chains = opened.scan(types.Journeys)
    best = chains[(-chains.probability).argsort(kind="stable")[:top]]
    lines = _lines(best, opened.scan(types.Tracklets)) if len(best) else []
    answer({"journeys": len(chains), "best (UTC)": lines}, as_json=as_json)


def writable(path: Path) -> Store:
    """Open the store, or make it under the default policy when there is none."""
    from cctview.privacy import Policy
    from cctview.store import create_store, open_store

    if path.exists() and any(path.iterdir() if path.is_dir() else [path]):
        return open_store(path, write=True)
    return create_store(path, Policy.default(PURPOSE))


def run_into(
    source: Source,
    store: Path,
    network: CameraNetwork,
    detector: str,
    embedder: str,
    provider: str,
    workers: int | None,
    as_json: bool,
) -> RunReport:
    """Run the pipeline over a source into a store at a path, answer with the summary, and return the report."""
    from cctview.detect import load_detector
    from cctview.embed import load_embedder
    from cctview.models import RuntimeSettings
    from cctview.pipeline import RunReport, RunSettings
    from cctview.pipeline import run as run_pipeline

    runtime = RuntimeSettings(provider=provider)
    models = load_detector(detector, runtime=runtime), load_embedder(embedder, runtime)
    settings = RunSettings(workers=workers) if workers else RunSettings()
    report = RunReport()
    opened = writable(store)
    try:
        with interruptible(), progress() as show:
            run_pipeline(source, opened, network, *models, settings=settings, progress=show, report=report)
    except SystemExit:
        answer(_summary(report, network), as_json=as_json)
        raise
    answer(_summary(report, network), as_json=as_json)
    return report


def _summary(report: RunReport, network: CameraNetwork) -> dict[str, Any]:
    skipped = [f"{item.where}: {item.reason}" for item in report.skipped]
    rate = report.stills / report.seconds if report.seconds else 0.0
    return {
        "stills": report.stills,
        "stored before": report.known,
        "skipped": len(skipped),
        "skipped stills": skipped,
        "detections": report.detections,
        "people blacked out": report.people,
        "tracklets": report.tracklets,
        "matches": report.matches,
        "journeys": report.journeys if network.links else "none: no camera network with links was given (--network)",
        "policy": dict(report.stored),
        "seconds": round(report.seconds, 2),
        "stills per second": round(rate, 1),
    }


def _lines(chains: Journeys, tracklets: Tracklets) -> list[str]:
    """Return one line per journey: its probability, then camera and time of each step."""
    import numpy as np

    from cctview.types import rows_of

    rows = rows_of(tracklets.id, chains.members.values)
    clock = np.datetime_as_string(tracklets.first_time[rows], "s")
    steps = np.strings.add(np.strings.add(tracklets.camera[rows], " "), clock)
    cuts = np.split(steps, chains.members.offsets[1:-1])
    return [f"{share:.2f}  " + "  ->  ".join(cut) for share, cut in zip(chains.probability.tolist(), cuts, strict=True)]
