"""Verbs that exchange files with others: import, export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from cctview.cli.boxes import BOX_FORMATS, export_boxes
from cctview.cli.counting import counted_rows
from cctview.cli.original import show
from cctview.cli.run import writable
from cctview.cli.screen import Json, answer, interruptible, progress
from cctview.cli.training import TRAINING_FORMATS, export_training

if TYPE_CHECKING:
    from collections.abc import Callable

    from cctview.seams import Store
    from cctview.types import Lanes, Table

__all__ = ["register"]

T = TypeVar("T", bound="Table")
_WHAT = ("frames", "detections", "embeddings", "tracklets", "matches", "journeys", "counts", "travel-times", "lanes")


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command("import")(import_tree)
    app.command()(export)


def import_tree(
    folder: Annotated[Path, typer.Argument(help="A tree the original made: stills, detections, features.")],
    store: Annotated[Path, typer.Argument(help="The store to write; made when it is not there.")],
    as_json: Json = False,
) -> None:
    """Put the stills, detections and features the original made into a store."""
    from cctview import original
    from cctview.detect import load_detector

    with interruptible(), progress() as bars:
        report = original.import_tree(folder, writable(store), load_detector(), bars)
    show(report, as_json=as_json)


def export(
    store: Annotated[Path, typer.Argument(help="The store to read.")],
    out: Annotated[Path, typer.Option(help="File to write; a folder for the format 'original'.")],
    what: Annotated[str, typer.Option(help="One of " + ", ".join(_WHAT) + ".")] = "journeys",
    form: Annotated[
        str,
        typer.Option(
            "--format", help="csv, json, parquet, geojson, original, mot, coco, aicity, veri, yolo, fiftyone."
        ),
    ] = "csv",
    timezone: Annotated[
        str | None, typer.Option(help="Time zone of the times written; the network's, else UTC, without it.")
    ] = None,
    every: Annotated[
        str, typer.Option(help="Length of the bins of counts, such as 30s, 5m or 1h; the whole time without it.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Write a table of the store as a file, or its stills and detections as the original's files."""
    from cctview import original
    from cctview.errors import SettingsError, nearest
    from cctview.formats.tabular import write_rows
    from cctview.store import open_store

    opened = open_store(store)
    place = timezone or (opened.network.timezone if opened.network else None) or "UTC"
    if form == "original":
        with interruptible(), progress() as bars:
            show(original.export_tree(opened, out, bars), as_json=as_json)
        return
    if form in TRAINING_FORMATS:
        with interruptible():
            answer(export_training(opened, form, out), as_json=as_json)
        return
    if form in BOX_FORMATS:
        with interruptible():
            answer(export_boxes(opened, what, form, out), as_json=as_json)
        return
    if form == "geojson":
        with interruptible():
            answer(_lines(opened, what, out, place), as_json=as_json)
        return
    if what not in _WHAT:
        raise SettingsError(f"--what {what!r} is no table; {nearest(what, _WHAT)}")
    if every and what != "counts":
        raise SettingsError(f"--every has no meaning for --what {what}; it is the length of the bins of counts")
    rows, said = counted_rows(opened, every) if what == "counts" else (_rows(opened, what), {})
    write_rows(out, rows, form, timezone=place)
    answer({"written": str(out), "rows": len(next(iter(rows.values()))), **said}, as_json=as_json)


def _lines(store: Store, what: str, out: Path, timezone: str) -> dict[str, Any]:
    from cctview import types
    from cctview.cli.names import outward
    from cctview.errors import SettingsError
    from cctview.formats.geojson import write_journeys

    if what != "journeys":
        raise SettingsError(f"--what {what!r} has no lines to draw; --format geojson writes journeys")
    chains = outward(store, store.scan(types.Journeys))
    tracklets = outward(store, store.scan(types.Tracklets))
    return {"written": str(out), "journeys": write_journeys(out, chains, tracklets, timezone)}


def _rows(store: Store, what: str) -> dict[str, Any]:
    from cctview import types
    from cctview.cli.names import outward
    from cctview.formats import tabular

    def table(kind: type[T]) -> T:
        return outward(store, store.scan(kind))

    makers: dict[str, Callable[[], dict[str, Any]]] = {
        "frames": lambda: tabular.frame_rows(table(types.Frames)),
        "tracklets": lambda: tabular.tracklet_rows(table(types.Tracklets)),
        "matches": lambda: tabular.match_rows(table(types.Matches)),
        "journeys": lambda: tabular.journey_rows(table(types.Journeys), table(types.Tracklets)),
        "travel-times": lambda: tabular.travel_time_rows(store.scan(types.TravelTimes)),
        "lanes": lambda: tabular.lane_rows(_lanes(store)),
    }
    if what in makers:
        return makers[what]()
    frames, detections = store.scan(types.Frames), store.scan(types.Detections)
    if what == "embeddings":
        return tabular.embedding_rows(frames, detections, store.scan(types.Embeddings))
    return tabular.detection_rows(frames, detections, table(types.Tracklets))


def _lanes(store: Store) -> Lanes:
    """Return the lanes of all cameras; none that fewer vehicles took than the policy lets be counted."""
    from cctview.aggregates import lanes
    from cctview.types import Breaks, Detections, Lanes, Tracklets

    def of_camera(camera: str) -> Lanes:
        tracklets, detections = store.scan(Tracklets, camera=camera), store.scan(Detections, camera=camera)
        return lanes(tracklets, detections, store.scan(Breaks, camera=camera), least=store.policy.minimum_group)

    cameras = sorted(store.columns(Tracklets, ["camera"])["camera"].unique().to_pylist())
    return Lanes.concat([of_camera(camera) for camera in cameras])
