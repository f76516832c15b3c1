"""Verbs that score on data with truth; with a gate they exit 3 when a number fell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from cctview.cli.screen import Json, answer, interruptible, say

__all__ = ["register"]

Gate = Annotated[Path | None, typer.Option(help="Gate file: exit 3 when a number of it is missed.")]
Stored = Annotated[Path, typer.Option("--store", help="The store that `cctview run` wrote.")]
Diagram = Annotated[
    Path | None, typer.Option("--diagram", help="SVG file to draw: stated probabilities against what was so.")
]
Zone = Annotated[
    str | None,
    typer.Option(help="Time zone of the clock times in the file of links; the network's, else New York's, without it."),
]
_GATE_MISSED = 3
_NEW_YORK = "America/New_York"
_Evaluate = Callable[..., Any]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    group = typer.Typer(help="Score on data with truth.", no_args_is_help=True)
    group.callback()(_everywhere)
    for verb in (detection, crops, reid, tracking, journeys):
        group.command()(verb)
    app.add_typer(group, name="eval")


def _everywhere(context: typer.Context, gate: Gate = None) -> None:
    context.obj = gate


def detection(
    context: typer.Context,
    truth: Annotated[Path, typer.Option(help="Hand-labelled boxes, a COCO file.")],
    images: Annotated[Path, typer.Option(help="The folder its images lie in, at any depth.")],
    detector: str = "cctview-det",
    ignore_above: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the height, from the top, without labels.")
    ] = 0.0,
    gate: Gate = None,
    as_json: Json = False,
) -> None:
    """AP50, AP50:95, AP by size and recall at precision 0.97: of vehicles merged, and of each type."""
    from cctview.detect import DetectSettings, load_detector
    from cctview.evaluate.detection import evaluate_detection, read_coco

    with interruptible():
        table = read_coco(truth, images, ignore_above=ignore_above)
        scores = evaluate_detection(table, load_detector(detector, DetectSettings(min_score=0.01)))
    if table.other:
        left = ", ".join(f"{count} {name!r}" for name, count in table.other.items())
        say(f"left out, of no category that is known: {left}")
    _report(context, "detection", truth, scores, gate, as_json)


def crops(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="A VeRi folder: image_query/, image_test/ and lists of names.")],
    embedder: str = "cctview-reid",
    rerank: Annotated[bool, typer.Option("--rerank", help="Also after k-reciprocal re-ranking.")] = False,
    gate: Gate = None,
    as_json: Json = False,
) -> None:
    """Rank-1, rank-5, mAP and mINP of an embedder on crops in the layout of VeRi-776."""
    from cctview.embed import load_embedder
    from cctview.evaluate.crops import evaluate_crops

    with interruptible():
        scores = evaluate_crops(folder, load_embedder(embedder), rerank=rerank)
    _report(context, "crops", folder, scores, gate, as_json)


def reid(
    context: typer.Context,
    links: Annotated[Path, typer.Option(help="Vehicles linked by hand over cameras.")],
    store: Stored,
    threshold: Annotated[float, typer.Option(min=0, max=1, help="Probability from which an answer is given.")] = 0.9,
    strangers: Annotated[
        bool, typer.Option("--false-matches", help="Also match without the right answers, and count false matches.")
    ] = False,
    timezone: Zone = None,
    diagram: Diagram = None,
    gate: Gate = None,
    as_json: Json = False,
) -> None:
    """Rank-1, rank-5, mAP, mINP per camera pair; open-set rates, calibration, and search by looks alone."""
    from cctview.cli.network import known_network
    from cctview.evaluate.links import read_links
    from cctview.evaluate.reid import evaluate_reid, false_matches
    from cctview.store import open_store
    from cctview.types import Detections, Matches, Tracklets

    with interruptible():
        opened = open_store(store)
        labels = read_links(links, timezone=_place(timezone, opened))
        detections, tracklets = opened.scan(Detections), opened.scan(Tracklets)
        scored = evaluate_reid(labels, detections, tracklets, opened.scan(Matches))
        scores = scored.report(threshold)
        if strangers:
            roads = known_network(opened, store).among(tracklets.camera)
            scores["false matches"] = false_matches(labels, detections, tracklets, roads)
        _draw(diagram, scored)
    _report(context, "reid", links, scores, gate, as_json)


def tracking(
    context: typer.Context,
    store: Stored,
    truth: Annotated[
        Path,
        typer.Option(help="A MOT file or folder, a COCO file with identities, an AI City file, links, or a store."),
    ],
    timezone: Zone = None,
    gate: Gate = None,
    as_json: Json = False,
) -> None:
    """HOTA, DetA, AssA, IDF1 and CLEAR of the tracklets; on linked vehicles also how many are joined and mixed."""
    from cctview.evaluate.tracking import evaluate_linked_tracking, evaluate_tracking
    from cctview.store import open_store
    from cctview.types import Detections, Tracklets

    with interruptible():
        opened = open_store(store)
        tables = opened.scan(Detections), opened.scan(Tracklets)
        scores, told = _judged(truth, timezone, opened, tables, evaluate_tracking, evaluate_linked_tracking)
    _report(context, "tracking", truth, {**scores, **told}, gate, as_json)


def journeys(
    context: typer.Context,
    store: Stored,
    truth: Annotated[
        Path, typer.Option(help="The simulator's truth.json or another COCO file with identities, or links.")
    ],
    timezone: Zone = None,
    diagram: Diagram = None,
    gate: Gate = None,
    as_json: Json = False,
) -> None:
    """Precision, recall and calibration of journeys; with full truth also IDF1 over all cameras."""
    from cctview.evaluate.journeys import evaluate_journeys, evaluate_linked_journeys
    from cctview.store import open_store
    from cctview.types import Detections, Journeys, Tracklets

    with interruptible():
        opened = open_store(store)
        tables = opened.scan(Detections), opened.scan(Tracklets), opened.scan(Journeys)
        scored, told = _judged(truth, timezone, opened, tables, evaluate_journeys, evaluate_linked_journeys)
        _draw(diagram, scored)
    _report(context, "journeys", truth, {**scored.report(), **told}, gate, as_json)


def _judged(
    truth: Path, timezone: str | None, store: Any, tables: tuple[Any, ...], by_all: _Evaluate, by_links: _Evaluate
) -> tuple[Any, dict[str, list[str]]]:
    """Score tables of a store by what ``truth`` is, every vehicle of its stills or some that are linked.

    Return the scores, and what of a full truth could not be used.
    """
    from cctview.evaluate.links import read_links
    from cctview.evaluate.truth import read_track_truth
    from cctview.types import Frames

    if _is_links(truth):
        return by_links(read_links(truth, timezone=_place(timezone, store)), *tables), {}
    told = read_track_truth(truth, store.scan(Frames))
    return by_all(told, *tables), {"skipped": list(told.skipped)}


def _draw(file: Path | None, scored: Any) -> None:
    from cctview.formats.files import write_text

    if file:
        write_text(file, scored.diagram())
        say(f"drawn: {file}")


def _is_links(path: Path) -> bool:
    """Return whether this is a list of linked vehicles: a JSON file that begins as a list."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(1000).lstrip().startswith(b"[")


def _report(
    context: typer.Context, verb: str, truth: Path, scores: dict[str, Any], gate: Path | None, as_json: bool
) -> None:
    """Print the scores; say which numbers of the gate were missed, and exit 3 for them."""
    from cctview.evaluate.gate import missed_gates

    held, missed = missed_gates(gate or context.obj, verb, truth, scores) if gate or context.obj else (0, [])
    verdict = {"gate": {"numbers": held, "missed": missed}} if held else {}
    answer({**_rounded(scores), **verdict}, as_json=as_json)
    for sentence in missed:
        say(f"gate missed: {sentence}")
    if missed:
        raise typer.Exit(_GATE_MISSED)


def _place(given: str | None, store: Any) -> str:
    """Return the time zone of labels: the given one, that of the store's network, or the original's."""
    return given or (store.network.timezone if store.network else None) or _NEW_YORK


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _rounded(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_rounded(entry) for entry in value]
    return round(value, 4) if isinstance(value, float) else value
