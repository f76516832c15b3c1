"""Verbs that take stills to journeys: run, track, journeys."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cctview.cli.screen import Json, answer, interruptible, progress, say

if TYPE_CHECKING:
    from cctview.network import CameraNetwork
    from cctview.pipeline import Run, RunReport
    from cctview.seams import Executor, Source, Store
    from cctview.types import Journeys, Tracklets

__all__ = ["PURPOSE", "DetectorName", "EmbedderName", "Means", "register", "run_into", "writable"]

PURPOSE = "watching traffic, not people"

Network = Annotated[
    Path | None,
    typer.Option(help="Camera network file, kept in the store; without one, links are found from the traffic."),
]
DetectorName = Annotated[
    str, typer.Option("--detector", help="Name of a detector, or the path of its record or ONNX file.")
]
EmbedderName = Annotated[
    str, typer.Option("--embedder", help="Name of an embedder, 'histogram', or the path of its record or ONNX file.")
]
Provider = Annotated[str, typer.Option(help="Where models run: cpu, cuda, openvino, coreml, directml.")]
TrackerName = Annotated[str, typer.Option("--tracker", help="How vehicles are followed: the name of a tracker.")]
MatcherName = Annotated[str, typer.Option("--matcher", help="How tracklets are matched: belief, nearest, or another.")]
Place = Annotated[str, typer.Option("--on", help="Where work runs: threads, serial, or an executor's address.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Workers; as many as processors by default.")]


@dataclass(frozen=True, kw_only=True)
class Means:
    """What a run works with, by name."""

    detector: str = "cctview-det"
    embedder: str = "cctview-reid"
    provider: str = "cpu"
    tracker: str = "road"
    matcher: str = "belief"
    on: str = "threads"
    workers: int | None = None


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
    tracker: TrackerName = "road",
    matcher: MatcherName = "belief",
    timezone: Annotated[str | None, typer.Option(help="Time zone of local times in file names.")] = None,
    camera: Annotated[str | None, typer.Option(help="Camera id, where the source does not name one.")] = None,
    start: Annotated[str | None, typer.Option(help="When a video begins, as 2020-05-05T13:34:29-04:00.")] = None,
    fps: Annotated[float | None, typer.Option(help="Frames a second of a video, in place of its own times.")] = None,
    on: Place = "threads",
    workers: Workers = None,
    provider: Provider = "cpu",
    as_json: Json = False,
) -> None:
    """Detect, embed, track, match and chain journeys over stills; what is stored is not done again.

    A source that never ends is linked as it goes. Ctrl-C links what is there; a second one stops at once.
    """
    from cctview.network import load_network
    from cctview.sources import open_source

    given = load_network(network) if network else None
    known = given or _network_of(store)
    usual = known.timezone if known else None
    stills = open_source(source, timezone=timezone, camera=camera, start=start, fps=fps, usual_timezone=usual)
    means = Means(
        detector=detector,
        embedder=embedder,
        provider=provider,
        tracker=tracker,
        matcher=matcher,
        on=on,
        workers=workers,
    )
    run_into(stills, store, given, means, as_json=as_json)


def track(
    store: Annotated[Path, typer.Argument(help="A store with detections.")],
    network: Network = None,
    tracker: TrackerName = "road",
    matcher: MatcherName = "belief",
    on: Place = "threads",
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Make tracklets, matches and journeys anew from the stored detections.

    Without a network, links are found from the traffic itself.
    """
    from cctview.network import load_network
    from cctview.pipeline import link
    from cctview.store import open_store

    given = load_network(network) if network else None
    opened, methods, executor = open_store(store, write=True), _methods(tracker, matcher), _executor(on, workers)
    if given is not None:
        opened.set_network(given)
    with interruptible(), progress() as show:
        report = link(opened, **methods, executor=executor, progress=show)
    answer({"tracklets": report.tracklets, "matches": report.matches, **_linked(report)}, as_json=as_json)


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
    """Open the store, or make it under the default policy when there is none, or one that was killed while made."""
    from cctview.errors import StoreNotFoundError
    from cctview.privacy import Policy
    from cctview.store import create_store, open_store

    try:
        return open_store(path, write=True)
    except StoreNotFoundError:
        return create_store(path, Policy.default(PURPOSE))


def run_into(source: Source, store: Path, network: CameraNetwork | None, means: Means, *, as_json: bool) -> RunReport:
    """Run the pipeline over a source into a store at a path, answer with the summary, and return the report."""
    from cctview.detect import load_detector
    from cctview.embed import load_embedder
    from cctview.models import RuntimeSettings
    from cctview.pipeline import Run

    runtime = RuntimeSettings(provider=means.provider)
    models = load_detector(means.detector, runtime=runtime), load_embedder(means.embedder, runtime)
    methods, executor = _methods(means.tracker, means.matcher), _executor(means.on, means.workers)
    with progress() as show:
        going = Run(source, writable(store), network, *models, **methods, executor=executor, progress=show)
        try:
            with interruptible():
                going.driven(broken=lambda error: _said(error, going))
        except SystemExit:
            answer(_summary(going.report), as_json=as_json)
            raise
    answer(_summary(going.report), as_json=as_json)
    return going.report


def _said(error: BaseException, going: Run) -> None:
    if isinstance(error, KeyboardInterrupt) and going.report.stills:
        say("interrupted; linking what is there (Ctrl-C again stops at once)")


def _network_of(store: Path) -> CameraNetwork | None:
    from cctview.errors import StoreNotFoundError
    from cctview.store import open_store

    try:
        return open_store(store).network
    except StoreNotFoundError:
        return None


def _methods(tracker: str, matcher: str) -> dict[str, Any]:
    from cctview.plugins import load_plugin

    return {"tracker": load_plugin("trackers", tracker)(), "matcher": load_plugin("matchers", matcher)()}


def _executor(place: str, workers: int | None) -> Executor:
    """Return the executor of this name, or the one that an address ``name://...`` is for."""
    from cctview.plugins import load_plugin

    name, is_address, _ = place.partition("://")
    make = load_plugin("executors", name)
    made: Executor = make(workers=workers, address=place) if is_address else make(workers=workers)
    return made


def _summary(report: RunReport) -> dict[str, Any]:
    skipped = [f"{item.where}: {item.reason}" for item in report.skipped]
    rate = report.stills / report.seconds if report.seconds else 0.0
    return {
        "stills": report.stills,
        "stored before": report.known,
        "skipped": len(skipped),
        "skipped stills": skipped,
        "noticed": {told.what: told.count for told in report.noticed},
        "noticed first at": {told.what: told.where for told in report.noticed if told.where},
        "detections": report.detections,
        "people blacked out": report.people,
        "tracklets": report.tracklets,
        "matches": report.matches,
        **_linked(report),
        "policy": dict(report.stored),
        "seconds": round(report.seconds, 2),
        "stills per second": round(rate, 1),
    }


def _linked(report: RunReport) -> dict[str, Any]:
    """Return what a summary says of linking: the journeys, why there are none, and which cameras took no part."""
    if report.linking is None:
        return {"journeys": 0, "why no journeys": "nothing was linked"}
    told = report.linking
    why = f"{told.reason} (--network)" if "network" in told.reason else told.reason
    names = {
        "why no journeys": why,
        "links learnt": told.learnt,
        "what traffic says against the network": list(told.wrong),
        "links the network lacks": list(told.lacks),
        "cameras the network does not know": [_unknown(camera, told.unseen) for camera in told.unknown],
        "cameras of the network without stills": list(told.unseen),
        "stills too late until `track` runs": told.late,
        "linked anew": dict(told.anew),
        "tracklets in no passage": dict(told.uncounted),
    }
    return {"journeys": told.journeys, **{name: value for name, value in names.items() if value}}


def _unknown(camera: str, unseen: tuple[str, ...]) -> str:
    """Return a camera's name, with the one of the network that differs from it in upper and lower case alone."""
    meant = next((other for other in unseen if other.casefold() == camera.casefold()), None)
    return f"{camera} (the network has {meant!r}: write it alike)" if meant else camera


def _lines(chains: Journeys, tracklets: Tracklets) -> list[str]:
    """Return one line per journey: its probability, then camera and time of each step."""
    import numpy as np

    from cctview.types import rows_of

    rows = rows_of(tracklets.id, chains.members.values)
    clock = np.datetime_as_string(tracklets.first_time[rows], "s")
    steps = np.strings.add(np.strings.add(tracklets.camera[rows], " "), clock)
    cuts = np.split(steps, chains.members.offsets[1:-1])
    return [f"{share:.2f}  " + "  ->  ".join(cut) for share, cut in zip(chains.probability.tolist(), cuts, strict=True)]
